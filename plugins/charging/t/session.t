# A whole charge: the API starts it, the charger says what happens, the cost
# follows.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start;

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $api      = '/api/v1';

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1, 2 ] })->{json};
my ($one, $two) = sort { $a->{connectorNumber} <=> $b->{connectorNumber} } @{ $station->{connectors} };
$vg->patch("$api/charge-points/CP1", { password => $password });
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR',
    last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [
        { type => 'ENERGY', price => 0.5, vat => 19, step_size => 1 } ] } ] } });
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 2
        && $vg->sql('select count(*) from charging.tariff') == 1 }, 10), 'copies have arrived';

my %driver = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-1'));
my %other  = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-2'));

my $id = sub { $one->{connectorId} // $one->{id} }->();

sub clock {
    my ($s) = @_;
    my @t = gmtime(time + ($s // 0));
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

sub status { return $vg->get("$api/charging/sessions/$_[0]", \%driver)->{json}{status} }

subtest 'a charger that is away fails the session' => sub {
    my $r = $vg->post("$api/charging/sessions/start", { connectorId => $id }, \%driver);
    is $r->{status}, 202;
    ok $vg->wait_for(sub { status($r->{json}{id}) eq 'FAILED' }, 10);
};

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
my @asked;
$cp->answer(sub { push @asked, [ @_[0, 1] ]; return { status => 'Accepted' } });
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });

my $session;

subtest 'the API starts, the charger is asked' => sub {
    my $r = $vg->post("$api/charging/sessions/start", { connectorId => $id }, \%driver);
    is $r->{status}, 202;
    $session = $r->{json};
    is $session->{status}, 'STARTING';
    $cp->serve(5);
    is $asked[-1][0], 'RemoteStartTransaction';
    is $asked[-1][1]{idTag}, $session->{idTag};
    is $vg->post("$api/charging/sessions/start", { connectorId => $id }, \%driver)->{status}, 409,
        'the connector is busy';
    is $cp->call(Authorize => { idTag => $session->{idTag} })->[2]{idTagInfo}{status}, 'Accepted';
    is $cp->call(Authorize => { idTag => 'nobody' })->[2]{idTagInfo}{status}, 'Invalid';
};

my $transaction;

subtest 'the Start that carries its tag is that session' => sub {
    my $start = { connectorId => 1, idTag => $session->{idTag}, meterStart => 1000, timestamp => clock() };
    my $r = $cp->call(StartTransaction => $start)->[2];
    is $r->{idTagInfo}{status}, 'Accepted';
    cmp_ok $transaction = $r->{transactionId}, '>', 0;
    is $cp->call(StartTransaction => $start)->[2]{transactionId}, $transaction, 'again: the same';
    is status($session->{id}), 'ACTIVE';
    is $vg->get("$api/charging/sessions/$session->{id}", \%other)->{status}, 404, 'not yours';
};

subtest 'cost so far' => sub {
    my $r = $cp->call(MeterValues => { connectorId => 1, transactionId => $transaction, meterValue => [
        { timestamp => clock(1), sampledValue => [ { value => '3000' } ] } ] });
    is $r->[0], 3;
    ok $vg->wait_for(sub {
        $vg->get("$api/charging/sessions/$session->{id}", \%driver)->{json}{energyKwh} == 2 }, 5);
    my $got = $vg->get("$api/charging/sessions/$session->{id}", \%driver)->{json};
    is $got->{currency}, 'EUR';
    cmp_ok $got->{cost}, '==', 1;
};

subtest 'the end, once' => sub {
    my $r = $vg->post("$api/charging/sessions/$session->{id}/end", undef, \%driver);
    is $r->{status}, 202;
    $cp->serve(5);
    is_deeply $asked[-1], [ 'RemoteStopTransaction', { transactionId => $transaction } ];
    my $stop = { transactionId => $transaction, meterStop => 11000, timestamp => clock(2), reason => 'Remote' };
    is $cp->call(StopTransaction => $stop)->[0], 3;
    is $cp->call(StopTransaction => $stop)->[0], 3, 'again';
    is $cp->call(StopTransaction => { %$stop, meterStop => 12000 })->[0], 3, 'otherwise';
    ok $vg->wait_for(sub { status($session->{id}) eq 'COMPLETED' }, 10);
    my $got = $vg->get("$api/charging/sessions/$session->{id}", \%driver)->{json};
    cmp_ok $got->{energyKwh}, '==', 10;
    cmp_ok $got->{cost}, '==', 5;
    cmp_ok $got->{costInclVat}, '==', 5.95;
    my $kept = $vg->get("$api/charging/quarantine")->{json}{items};
    is scalar @$kept, 1, 'the other Stop is kept';
    is $kept->[0]{reason}, 'stopped_otherwise';
    is $vg->post("$api/charging/quarantine/$kept->[0]{id}/resolve", { note => 'seen' })->{status}, 200;
    is $vg->post("$api/charging/sessions/$session->{id}/end", undef, \%driver)->{status}, 200, 'over already';
};

subtest 'nonsense is answered with success' => sub {
    my $r = $cp->call(StartTransaction => { connectorId => 'one', idTag => 'x' })->[2];
    cmp_ok $r->{transactionId}, '>', 0;
    is $r->{idTagInfo}{status}, 'Invalid';
    is $cp->call(StopTransaction => { transactionId => -1, meterStop => 0, timestamp => '1970-01-01T00:00:00Z' })->[0], 3;
    is $cp->call(StopTransaction => {})->[0], 3;
    is $cp->call(MeterValues => { connectorId => 1 })->[0], 3;
    my $unknown = $cp->call(StartTransaction => { connectorId => 9, idTag => 'x', meterStart => 0,
        timestamp => '1970-01-01T00:00:00Z' })->[2];
    cmp_ok $unknown->{transactionId}, '>', $transaction, 'an unknown connector';
};

done_testing;

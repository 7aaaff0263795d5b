# How a session ends, or does not: asked twice, refused, never answered; and
# what is priced only afterwards.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(extra => { http => "voltgate_setting charging.start_deadline 3;\n"
    . "voltgate_setting charging.stop_deadline 3;\n" });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $api      = '/api/v1';
my %operator = (Authorization => 'Bearer '
    . $vg->token(role => 'operator', subject => 'o', company => $company));
my %foreign = (Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'p',
    company => '019393c0-0000-7000-8000-000000000002'));

sub connectors {
    return [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } @_ ];
}

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company, connectors => connectors(1) })->{json};
my $connector = $station->{connectors}[0]{connectorId};
$vg->patch("$api/charge-points/CP1", { password => $password });
my $tariff = { country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR',
    last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'ENERGY', price => 0.5, vat => 19, step_size => 1 } ] } ] };
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => $tariff });
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 1
        && $vg->sql('select count(*) from charging.tariff') == 1 }, 10), 'copies have arrived';

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
my (@asked, %says);
$cp->answer(sub { push @asked, $_[0]; return { status => $says{ $_[0] } // 'Accepted' } });
is $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' })->[2]{status}, 'Accepted';

sub clock {
    my @t = gmtime(time + ($_[0] // 0));
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

sub session { return $vg->get("$api/charging/sessions/$_[0]")->{json} }

sub becomes {
    my ($id, $status) = @_;
    return $vg->wait_for(sub { session($id)->{status} eq $status }, 15);
}

# a session that the API asked for and the charger was told of
sub wanted {
    my $r = $vg->post("$api/charging/sessions/start", { connectorId => $connector });
    is $r->{status}, 202;
    $cp->serve(5);
    return $r->{json};
}

sub running {
    my $session = wanted();
    $session->{transactionId} = $cp->call(StartTransaction => { connectorId => 1, idTag => $session->{idTag},
        meterStart => 1_000, timestamp => clock() })->[2]{transactionId};
    return $session;
}

sub stop {
    my ($transaction, $meter) = @_;
    return $cp->call(StopTransaction => { transactionId => $transaction, meterStop => $meter,
        timestamp => clock(1) })->[0];
}

sub end { return $vg->post("$api/charging/sessions/$_[0]/end")->{status} }

subtest 'a start that the charger rejects' => sub {
    local $says{RemoteStartTransaction} = 'Rejected';
    my $session = wanted();
    ok becomes($session->{id}, 'FAILED');
    is session($session->{id})->{failure}, 'rejected';
};

subtest 'a start that never comes' => sub {
    my $session = wanted();
    ok becomes($session->{id}, 'FAILED');
    is session($session->{id})->{failure}, 'start_timeout';
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'charging.session.failed.v1'
        and aggregate_id = $1}, $session->{id}) == 1 }, 5), 'is told once';
};

subtest 'one that is cancelled before' => sub {
    my $session = wanted();
    my $asked = @asked;
    is end($session->{id}), 202;
    is session($session->{id})->{failure}, 'cancelled';
    is end($session->{id}), 200, 'over already';
    is $cp->call(Heartbeat => {})->[0], 3;
    is @asked, $asked, 'the charger is not asked to stop what it has not begun';
};

subtest 'a stop that the charger refuses leaves the session running' => sub {
    my $session = running();
    local $says{RemoteStopTransaction} = 'Rejected';
    is $vg->post("$api/charging/sessions/$session->{id}/end", undef, { 'Idempotency-Key' => 'refused' })->{status}, 202,
        'under a key, whose answer is stored before the charger speaks';
    $cp->serve(5);
    ok becomes($session->{id}, 'ACTIVE');
    is session($session->{id})->{failure}, 'stop_rejected';
    is stop($session->{transactionId}, 2_000), 3;
    ok becomes($session->{id}, 'COMPLETED');
    is session($session->{id})->{failure}, undef, 'what was complete in the end has not failed';
};

subtest 'asking twice is asking once' => sub {
    my $session = running();
    is end($session->{id}), 202;
    $cp->serve(5);
    my $asked = @asked;
    local $says{RemoteStopTransaction} = 'Rejected';
    is end($session->{id}), 202, 'again';
    is $cp->call(Heartbeat => {})->[0], 3;
    is @asked, $asked, 'the charger is not';
    ok becomes($session->{id}, 'ACTIVE'), 'a stop that never comes';
    is session($session->{id})->{failure}, 'stop_timeout';
    is stop($session->{transactionId}, 2_000), 3;
    ok becomes($session->{id}, 'COMPLETED');
};

subtest 'a connector that no station has is priced when one has it' => sub {
    my $start = $cp->call(StartTransaction => { connectorId => 9, idTag => 'nobody', meterStart => 0,
        timestamp => clock() })->[2];
    is $start->{idTagInfo}{status}, 'Invalid', 'answered';
    is stop($start->{transactionId}, 4_000), 3;
    my $id = $vg->sql('select id from charging.session where transaction_id = $1', $start->{transactionId});
    ok becomes($id, 'COMPLETED');
    my $session = session($id);
    is_deeply [ sort @{ $session->{flags} } ], [qw(tag_refused unknown_connector unpriced)];
    is $session->{cost}, undef;
    is $vg->post("$api/charging/sessions/$id/price", undef, \%foreign)->{status}, 404, 'not yours';
    is $vg->post("$api/charging/sessions/$id/price", undef, \%operator)->{status}, 422, 'not yet';
    my $listed = sub { [ map { $_->{id} } @{ $vg->get("$api/charging/sessions?unpriced=true", @_)->{json}{items} } ] };
    is_deeply $listed->(\%operator), [$id], 'listed for whose charge point it is';
    is_deeply $listed->(\%foreign), [];
    $vg->sql(q{update charging.session set flags = flags || '{erased}' where id = $1}, $id);
    is_deeply $listed->(\%operator), [], 'but not when its customer was erased';
    is $vg->post("$api/charging/sessions/$id/price", undef, \%operator)->{status}, 404, 'then it has no price';
    $vg->sql(q{update charging.session set flags = array_remove(flags, 'erased') where id = $1}, $id);
    is $vg->post("$api/pricing", { operatorId => $company, tariff => { %$tariff, id => 'T2' } })->{status}, 201;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.tariff') == 2 }, 10);
    $vg->sql(q{update charging.tariff set valid_from = '2020-01-01' where operator_id is not null});
    is $vg->post("$api/charging/sessions/$id/price", undef, \%operator)->{status}, 422,
        'by no tariff at all while nobody knows the place';

    is $vg->patch("$api/stations/$station->{id}", { connectors => connectors(1, 9) })->{status}, 200;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 2 }, 10);
    my $r = $vg->post("$api/charging/sessions/$id/price", undef, \%operator);
    is $r->{status}, 200;
    is $r->{json}{stationId}, $station->{id};
    is $r->{json}{operatorId}, $company;
    cmp_ok $r->{json}{cost}, '==', 2;
    is_deeply [ sort @{ $r->{json}{flags} } ], [qw(tag_refused unknown_connector)];
    is $vg->post("$api/charging/sessions/$id/price", undef, \%operator)->{status}, 404, 'once';
    ok $vg->wait_for(sub { $vg->sql('select count(*) from billing.invoice where subject_id = $1', $id) == 1 }, 10),
        'and gets its invoice';
    is $vg->sql(q{select string_agg(type, ' ' order by pos) from vg.event where source = 'charging'
        and aggregate_id = $1 and type like 'charging.session.%'}, $id),
        'charging.session.started.v1 charging.session.completed.v1 charging.session.priced.v1',
        'told as completed once';
};

done_testing;

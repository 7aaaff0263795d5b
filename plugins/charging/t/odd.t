# Chargers that are wrong: clocks, meters and transactions that make no sense
# are answered with success, kept, and never billed below zero.

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
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 4 ] })->{json};
$vg->patch("$api/charge-points/CP1", { password => $password });
$vg->post("$api/pricing", { stationId => $station->{id}, validFrom => undef, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'ENERGY', price => 0.5, vat => 19, step_size => 1 } ] } ] } });
$vg->post("$api/id-tags", { idTag => "CARD-$_", customerId => 'driver-1' }) for 1 .. 4;
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 4
        && $vg->sql('select count(*) from charging.tariff') == 1 }, 10), 'copies have arrived';

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
is $cp->call(BootNotification => { chargePointVendor => 'Acme', chargePointModel => 'M1' })->[2]{status}, 'Accepted';

sub clock {
    my @t = gmtime(time + $_[0]);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

sub start {
    my ($connector, $meter, $when, %more) = @_;
    return $cp->call(StartTransaction => { connectorId => $connector, idTag => "CARD-$connector",
        meterStart => $meter, timestamp => $when, %more })->[2]{transactionId};
}

sub stop {
    my ($transaction, $meter, $when) = @_;
    return $cp->call(StopTransaction => { transactionId => $transaction, meterStop => $meter, timestamp => $when })->[0];
}

# the session of a transaction, when it is over
sub over {
    my ($transaction) = @_;

    my $session;
    $vg->wait_for(sub {
        ($session) = grep { ($_->{transactionId} // 0) == $transaction }
            @{ $vg->get("$api/charging/sessions?stationId=$station->{id}")->{json}{items} };
        return $session && $session->{status} eq 'COMPLETED';
    }, 15);
    return $session;
}

subtest 'a meter that runs backwards bills nothing, and says so' => sub {
    my $transaction = start(1, 5_000, clock(0));
    is stop($transaction, 4_000, clock(5)), 3;
    my $session = over($transaction);
    is $session->{status}, 'COMPLETED';
    ok grep({ $_ eq 'meter_backwards' } @{ $session->{flags} }), 'it is marked';
    cmp_ok $session->{energyKwh}, '>=', 0, 'no energy below zero';
    cmp_ok $session->{cost} // 0, '>=', 0, 'nor money';
    is $vg->sql('select count(*) from billing.invoice where session_id = $1', $session->{id}), 0;
};

subtest 'a negative meter is answered' => sub {
    my $transaction = start(2, -5, clock(0));
    cmp_ok $transaction, '>', 0;
    is stop($transaction, -1, clock(2)), 3;
};

subtest 'clocks in 1970 and 9999 are answered, and billed by receipt' => sub {
    for my $when ('1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z') {
        my $transaction = start(3, 1_000, $when);
        cmp_ok $transaction, '>', 0, $when;
        is stop($transaction, 2_000, $when), 3;
        my $session = over($transaction);
        ok grep({ $_ eq 'clock' } @{ $session->{flags} }), 'the clock is marked';
        like $session->{startTime}, qr/^20[2-9]\d-/, 'the time is ours';
        cmp_ok $session->{durationSeconds}, '<', 60;
        cmp_ok $session->{energyKwh}, '==', 1;
    }
};

subtest 'the same Start is the same transaction' => sub {
    my $when = clock(0);
    my $transaction = start(4, 100, $when);
    is start(4, 100, $when), $transaction;
    is $vg->sql('select count(*) from charging.session where transaction_id = $1', $transaction), 1;
    is stop($transaction, 1_100, clock(3)), 3;
    is stop($transaction, 1_100, clock(3)), 3, 'a Stop twice';
    is stop($transaction, 9_999, clock(3)), 3, 'and another one';
    cmp_ok over($transaction)->{energyKwh}, '==', 1, 'the first holds';
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from billing.invoice v join charging.session s
        on s.id = v.session_id where s.transaction_id = $1}, $transaction) == 1 }, 10), 'one invoice';
};

subtest 'a Stop for nobody is kept' => sub {
    my $before = $vg->sql('select count(*) from charging.quarantine');
    is stop($_, 1_000_000, clock(0)), 3, "transaction $_" for -1, 0, 2_000_000_000;
    is $vg->sql('select count(*) from charging.quarantine'), $before + 3;
};

done_testing;

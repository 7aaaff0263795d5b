# Sessions whose Stop never comes: ended as of the last that was measured, and
# what becomes of a Stop that comes after all.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $silence = 4;
my $vg = Voltgate->start(extra => { http => "voltgate_setting charging.silence_deadline $silence;\n" });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $api      = '/api/v1';

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 6 ] })->{json};
$vg->patch("$api/charge-points/CP1", { password => $password });
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR',
    last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [
        { type => 'ENERGY', price => 0.5, vat => 19, step_size => 1 },
        { type => 'TIME', price => 3600, vat => 19, step_size => 1 } ] } ] } });
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 6
        && $vg->sql('select count(*) from charging.tariff') == 1 }, 10), 'copies have arrived';

$vg->sql(q{update charging.tariff set valid_from = '2020-01-01'});

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });
$vg->party("driver-$_") for 1 .. 6;
is $vg->post("$api/id-tags", { idTag => "TAG$_", customerId => "driver-$_" })->{status}, 201 for 1 .. 6;

sub clock {
    my @t = gmtime($_[0]);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

my $begin = time - 100;
my %transaction;

sub begin {
    my ($connector, $meter) = @_;
    my $start = $cp->call(StartTransaction => { connectorId => $connector, idTag => "TAG$connector",
        meterStart => $meter // 1_000, timestamp => clock($begin) })->[2];
    $transaction{$connector} = $start->{transactionId};
    return $vg->sql('select id from charging.session where transaction_id = $1', $start->{transactionId});
}

sub measured {
    my ($connector, $s, $value, $unit) = @_;
    return $cp->call(MeterValues => { connectorId => $connector, transactionId => $transaction{$connector},
        meterValue => [ { timestamp => clock($begin + $s), sampledValue => [ { value => $value, unit => $unit // 'Wh' } ] } ]
    })->[0];
}

sub stop {
    my ($connector, $meter) = @_;
    return $cp->call(StopTransaction => { transactionId => $transaction{$connector}, meterStop => $meter,
        timestamp => clock($begin + 90) })->[0];
}

sub session { return $vg->get("$api/charging/sessions/$_[0]")->{json} }

my ($measured, $mute, $backwards, $alive, $absurd, $paused) = map { begin($_) } 1 .. 6;
measured(1, 30, '3000');
measured(1, 60, '3.4567', 'kWh');    # 3456.7 Wh: what is not whole was not delivered whole
measured(3, 60, '900');
measured(5, 50, '2000');
measured(5, 60, '9e30');
is $cp->call(StatusNotification => { connectorId => 6, status => 'SuspendedEV', errorCode => 'NoError',
    timestamp => clock($begin + 20) })->[0], 3;

# one connector goes on speaking, until the others are given up
my $value = 1_000;
ok $vg->wait_for(sub {
    $value += 10;
    measured(4, ($value - 1_000) / 10, $value);
    select undef, undef, undef, 0.5;
    return $vg->sql(q{select count(*) from charging.session where status = 'COMPLETED'}) == 5;
}, 50), 'silent sessions are completed';

subtest 'who speaks goes on' => sub {
    my $got = session($alive);
    is $got->{status}, 'ACTIVE';
    is_deeply $got->{flags}, [];
    is stop(4, 9_000), 3;
    ok $vg->wait_for(sub { session($alive)->{status} eq 'COMPLETED' }, 10);
    is_deeply session($alive)->{flags}, [], 'its own Stop counts';
};

subtest 'as of the last that was measured' => sub {
    my $got = session($measured);
    is $got->{status}, 'COMPLETED';
    is_deeply $got->{flags}, ['stop_derived'], 'and say so';
    is $got->{meterStopWh}, 3_456, 'never more than was metered';
    is $got->{energyKwh}, 2.456;
    is $got->{durationSeconds}, 60, 'nor longer';
    cmp_ok $got->{cost}, '==', 1.228 + 60, 'and priced by that';
    ok $vg->wait_for(sub { $vg->sql('select count(*) from billing.invoice where subject_id = $1', $measured) == 1 }, 10),
        'and billed, once';
    is $vg->sql(q{select count(*) from vg.event where type = 'charging.session.completed.v1'
        and aggregate_id = $1}, $measured), 1;
};

subtest 'what was never measured costs nothing' => sub {
    my $got = session($mute);
    is $got->{meterStopWh}, 1_000;
    cmp_ok $got->{energyKwh}, '==', 0;
    is $got->{cost}, 0;
    is session($paused)->{status}, 'COMPLETED', 'one that was suspended too';
};

subtest 'a register that makes no sense' => sub {
    my $got = session($backwards);
    is_deeply [ sort @{ $got->{flags} } ], [qw(meter_backwards stop_derived)];
    cmp_ok $got->{energyKwh}, '==', 0, 'ran backwards and delivered nothing';
    is session($absurd)->{meterStopWh}, 2_000, 'showed more than any can: the reading before counts';
};

subtest 'a Stop that comes after all' => sub {
    my $before = session($measured);
    is stop(1, 3_900), 3, 'is answered with success';
    is stop(1, 3_900), 3, 'as often as it comes';
    my @kept = grep { ($_->{sessionId} // '') eq $measured } @{ $vg->get("$api/charging/quarantine")->{json}{items} };
    is scalar @kept, 1, 'and kept, once, for an operator';
    is $kept[0]{reason}, 'stop_late';
    is $kept[0]{payload}{meterStop}, 3_900;
    my $after = session($measured);
    is_deeply [ sort @{ $after->{flags} } ], [qw(stop_derived stop_late)];
    is_deeply [ @$after{qw(cost costInclVat meterStopWh energyKwh invoiceId)} ],
        [ @$before{qw(cost costInclVat meterStopWh energyKwh)}, $after->{invoiceId} ], 'what was billed stays';
    is $vg->sql('select count(*) from billing.invoice where subject_id = $1', $measured), 1;
    is $vg->post("$api/charging/quarantine/$kept[0]{id}/resolve", { note => '0.444 kWh were a gift' })->{status}, 200;
};

subtest 'one that says what was derived' => sub {
    is stop(5, 2_000), 3;
    is_deeply [ grep { ($_->{sessionId} // '') eq $absurd } @{ $vg->get("$api/charging/quarantine")->{json}{items} } ],
        [], 'leaves nothing to settle';
    my ($kept) = grep { ($_->{sessionId} // '') eq $absurd }
        @{ $vg->get("$api/charging/quarantine?resolved=true")->{json}{items} };
    is $kept->{note}, 'says what was derived without it';
};

subtest 'silence while nobody listened is none' => sub {
    my $id = begin(2, 5_000);
    $vg->sql(q{update charging.session set start_received_at = now() - interval '1 hour' where id = $1}, $id);
    $vg->sql(q{update charging.watch set seen_at = now() - interval '61 seconds', since = now() - interval '1 day'});
    ok $vg->wait_for(sub { $vg->sql(q{select since > now() - interval '30 seconds' from charging.watch}) }, 25),
        'a gap is seen';
    is session($id)->{status}, 'ACTIVE', 'and the silence begins behind it';
    ok $vg->wait_for(sub { session($id)->{status} eq 'COMPLETED' }, 25), 'until it is long enough';
};

done_testing;

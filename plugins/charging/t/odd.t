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
$vg->party('driver-1');
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

# whether a plugin is past what was told of a session's end
sub heard {
    my ($consumer, $session) = @_;
    return $vg->wait_for(sub { $vg->sql(q{select c.pos >= e.pos from vg.cursor c, vg.event e
        where c.consumer = $1 and e.type = 'charging.session.completed.v1' and e.aggregate_id = $2},
        $consumer, $session) }, 10);
}

subtest 'a meter that runs backwards bills nothing, and says so' => sub {
    my $transaction = start(1, 5_000, clock(0));
    is stop($transaction, 4_000, clock(5)), 3;
    my $session = over($transaction);
    is $session->{status}, 'COMPLETED';
    ok grep({ $_ eq 'meter_backwards' } @{ $session->{flags} }), 'it is marked';
    cmp_ok $session->{energyKwh}, '==', 0, 'no energy below zero';
    cmp_ok $session->{cost}, '==', 0, 'nor money';
    ok heard('billing', $session->{id}), 'billing has heard of it';
    is $vg->sql('select count(*) from billing.invoice where subject_id = $1', $session->{id}), 0, 'and wrote nothing';
};

subtest 'a negative meter is answered, and what it moved is billed' => sub {
    my $transaction = start(2, -5_000, clock(0));
    cmp_ok $transaction, '>', 0;
    is stop($transaction, -1_000, clock(2)), 3;
    my $session = over($transaction);
    ok grep({ $_ eq 'meter_negative' } @{ $session->{flags} }), 'it is marked';
    cmp_ok $session->{energyKwh}, '==', 4;
    cmp_ok $session->{cost}, '==', 2;
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
        on s.id = v.subject_id where s.transaction_id = $1}, $transaction) == 1 }, 10), 'one invoice';
};

subtest 'a phase counts once, whatever told it' => sub {
    my $when  = clock(1);
    my $start = clock(0);
    my $transaction = start(1, 1_000, $start);
    my @samples = map {
        my $context = $_;
        map { { context => $context, measurand => 'Power.Active.Import', unit => 'kW', phase => "L$_-N", value => "$_" },
            { context => $context, measurand => 'Current.Import', unit => 'A', phase => "L$_", value => "1$_" } } 1 .. 3
    } 'Sample.Periodic', 'Sample.Clock';
    is $cp->call(MeterValues => { connectorId => 1, transactionId => $transaction, meterValue => [ { timestamp => $when,
        sampledValue => [ @samples, { measurand => 'Current.Import', phase => 'N', value => '5' } ] } ] })->[0], 3;
    my ($row) = $vg->rows(q{select c.body -> 'samples' -> 0 ->> 'powerKw' as kw, c.body -> 'samples' -> 0 ->> 'currentA' as a
        from charging.costing_json c join charging.session s on s.id = c.session_id where s.transaction_id = $1},
        $transaction);
    cmp_ok $row->{kw}, '==', 6;
    cmp_ok $row->{a}, '==', 36, 'and the neutral not at all';
    is stop($transaction, 2_000, clock(2)), 3;
    over($transaction);
};

subtest 'a register that shows more than any can is no reading' => sub {
    my $transaction = start(4, 1_000, clock(0));
    my $read = sub { return $cp->call(MeterValues => { connectorId => 4, transactionId => $transaction, meterValue => [
        { timestamp => clock($_[0]), sampledValue => [ { value => $_[1], unit => $_[2] // 'Wh' } ] } ] })->[0] };
    is $read->(1, '3000'), 3;
    is $read->(2, '9e30'), 3, 'it is answered';
    is $read->(3, '1000000000', 'kWh'), 3;
    my $list = $vg->get("$api/charging/sessions?stationId=$station->{id}");
    is $list->{status}, 200, 'and the sessions are there' or diag $list->{body};
    my ($session) = grep { ($_->{transactionId} // 0) == $transaction } @{ $list->{json}{items} // [] };
    cmp_ok $session->{energyKwh} // -1, '==', 2;
    my $one = $vg->get("$api/charging/sessions/" . ($session->{id} // ''));
    cmp_ok $one->{json}{cost} // -1, '==', 1, 'as if it had not been said';
    is stop($transaction, 4_000, clock(4)), 3;
    cmp_ok over($transaction)->{energyKwh}, '==', 3;
};

subtest 'meter values that name no transaction are the open session\'s' => sub {
    my $start = clock(0);
    my $transaction = start(1, 10_000, $start);
    my $read = sub { $cp->call(MeterValues => { connectorId => $_[0], meterValue => [
        { timestamp => clock(1), sampledValue => [ { value => $_[1] } ] } ] })->[0] };
    is $read->(2, '77000'), 3, 'an idle connector';
    is $read->(1, '12500'), 3;
    my ($energy, $idle) = map { $vg->sql('select energy_wh from charging.meter_value v left join charging.session s
        on s.id = v.session_id where v.connector_number = $1 and s.transaction_id is not distinct from $2
        and v.energy_wh > 10000', $_ ? 2 : 1, $_ ? undef : $transaction) } 0, 1;
    cmp_ok $energy, '==', 12_500;
    cmp_ok $idle, '==', 77_000, 'is kept, for nobody';
    is stop($transaction, 13_000, clock(2)), 3;
    over($transaction);
};

subtest 'a Stop whose Start was never answered ends the one session that it fits' => sub {
    my $transaction = start(1, 20_000, clock(0));
    my $guess = { transactionId => -1, meterStop => 21_000, timestamp => clock(3), idTag => 'CARD-1' };
    is $cp->call(StopTransaction => { %$guess, meterStop => 19_000 })->[0], 3, 'a register that it cannot have shown';
    is $cp->call(StopTransaction => { %$guess, idTag => 'CARD-2' })->[0], 3, 'the tag of another';
    is $vg->sql('select status from charging.session where transaction_id = $1', $transaction), 'ACTIVE';
    is $cp->call(StopTransaction => $guess)->[0], 3;
    my $session = over($transaction);
    ok grep({ $_ eq 'reconciled' } @{ $session->{flags} }), 'it is marked';
    cmp_ok $session->{energyKwh}, '==', 1;
};

subtest 'a Start without the Stop before it' => sub {
    my $lost = start(1, 30_000, clock(-60));
    is $cp->call(StartTransaction => { connectorId => 2, idTag => 'CARD-1', meterStart => 1, timestamp => clock(0) })
        ->[2]{idTagInfo}{status}, 'ConcurrentTx', 'its tag is in use';
    my $next = start(1, 31_000, clock(0));
    my ($flags) = $vg->sql('select flags from charging.session where transaction_id = $1', $lost);
    is_deeply $flags, ['superseded'];
    is $cp->call(Authorize => { idTag => 'card-1' })->[2]{idTagInfo}{status}, 'Accepted';
    is stop($next, 32_000, clock(2)), 3;
    is stop($lost, 31_000, clock(-1)), 3, 'and late as it is, its own Stop';
    cmp_ok over($lost)->{energyKwh}, '==', 1;
    cmp_ok over($next)->{energyKwh}, '==', 1;
};

subtest 'a tariff that the engine refuses takes no session away' => sub {
    my $transaction = start(3, 40_000, clock(0));
    $vg->sql(q{update charging.tariff set tariff = tariff || '{"currency": "euros"}'});
    my $find = sub { (grep { ($_->{transactionId} // 0) == $transaction }
        @{ $vg->get("$api/charging/sessions?stationId=$station->{id}")->{json}{items} })[0] };
    $vg->expect(qr/pricing\.rate refused/);
    my $r = $vg->get("$api/charging/sessions/" . $find->()->{id});
    is $r->{status}, 200, 'while it runs' or diag $r->{body};
    is $r->{json}{cost}, undef, 'nobody knows what it costs so far';
    is stop($transaction, 41_000, clock(2)), 3;
    my $session = over($transaction);
    ok heard('charging', $session->{id}), 'it is over';
    is $vg->sql('select count(*) from vg.parked'), 0, 'and no event of it is parked';
    $vg->sql(q{update charging.tariff set tariff = tariff || '{"currency": "EUR"}'});
    is $vg->post("$api/charging/sessions/$session->{id}/price")->{status}, 200, 'priced when it can be';
    cmp_ok $vg->get("$api/charging/sessions/$session->{id}")->{json}{cost}, '==', 0.5;
};

subtest 'what no text can hold is answered with success, too, and kept' => sub {
    my $kept = sub { $vg->sql('select count(*) from charging.quarantine') };
    my $before = $kept->();
    my $n = 0;
    for my $odd ('"a\\u0000b"', '{"\\u0000": 1}') {
        my $id = 'odd-' . ++$n;
        $cp->send_raw(qq([2,"$id","StartTransaction",{"connectorId":1,"idTag":$odd,"meterStart":0,"timestamp":"2026-01-01T00:00:00Z"}]));
        my $answer = $cp->wait_answer($id, 10);
        is $answer->[0], 3, $odd;
        cmp_ok $answer->[2]{transactionId} // 0, '>', 0;
    }
    is $kept->(), $before + $n;
};

subtest 'a Stop for nobody is kept' => sub {
    my $before = $vg->sql('select count(*) from charging.quarantine');
    is stop($_, 1_000_000, clock(0)), 3, "transaction $_" for -1, 0, 2_000_000_000;
    is $vg->sql('select count(*) from charging.quarantine'), $before + 3;
};

done_testing;

# Chargers that are wrong are billed right: from StartTransaction to the invoice,
# with the quirks that their vendor, model and firmware have. One that says Wh
# and means kWh is in t/journeys/charge.t.

use strict;
use warnings;

use Math::BigFloat;
use POSIX qw(strftime);
use Test::More;

use Voltgate;
use Voltgate::Charger;

# the price of a kWh, and its tax in per cent: what the invoice says is reckoned here once more
my ($PRICE, $VAT) = ('0.50', 19);

my $password = 'sixteen letters!';
my $api      = '/api/v1';
my %kind = (
    ALFEN    => { chargePointVendor => 'Alfen BV', chargePointModel => 'Eve Single Pro', firmwareVersion => '5.8' },
    GROWATT  => { chargePointVendor => 'Growatt', chargePointModel => 'THOR_11AS', firmwareVersion => 'THOR_11AS-V5.2.4-20230307-NOVO' },
    HUAWEI   => { chargePointVendor => '', chargePointModel => 'ACChargePoint' },
    ACME     => { chargePointVendor => 'Acme', chargePointModel => 'M1', firmwareVersion => '2.0' },
    SOUND    => { chargePointVendor => 'Sound', chargePointModel => 'S' },
);

my $vg = Voltgate->start(extra => { http => 'voltgate_setting quirks.also "nothing=Acme; register_resets=acme/m1/2.*";' });
my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => $_, connectorNumber => 1, type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } sort keys %kind ] })->{json};
$vg->patch("$api/charge-points/$_", { password => $password }) for keys %kind;
$vg->post("$api/pricing", { stationId => $station->{id}, validFrom => undef, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'ENERGY', price => $PRICE + 0, vat => $VAT, step_size => 1 } ] } ] } });
for my $name (keys %kind) {
    $vg->party("driver-$name");
    $vg->post("$api/id-tags", { idTag => "CARD-$name", customerId => "driver-$name" });
}
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == keys %kind && $vg->sql('select count(*) from charging.tariff') == 1 }, 10), 'copies have arrived';

my %cp = map { $_ => Voltgate::Charger->connect($vg, $_, $password) } keys %kind;
sub boot { my ($name) = @_; return is $cp{$name}->call(BootNotification => $kind{$name})->[2]{status}, 'Accepted', "$name boots" }
boot($_) for sort keys %kind;

# seconds from here on, the same moment each time
my $now = time;
sub clock { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($now + $_[0])) }

sub start {
    my ($name, $meter, $when) = @_;
    return $cp{$name}->call(StartTransaction => { connectorId => 1, idTag => "CARD-$name", meterStart => $meter, timestamp => $when })->[2]{transactionId};
}

sub stop {
    my ($name, $transaction, $meter, $when) = @_;
    return is $cp{$name}->call(StopTransaction => { transactionId => $transaction, meterStop => $meter, timestamp => $when })->[0], 3, "$name stops";
}

sub shows {
    my ($name, $when, $sample, %more) = @_;
    return is $cp{$name}->call(MeterValues => { connectorId => 1, %more, meterValue => [ { timestamp => $when, sampledValue => [$sample] } ] })->[0], 3;
}

# its session is over, and costs what so many Wh cost
sub billed {
    my ($name, $transaction, $wh, @flags) = @_;

    my $session;
    $vg->wait_for(sub {
        ($session) = grep { ($_->{transactionId} // 0) == $transaction } @{ $vg->get("$api/charging/sessions?stationId=$station->{id}")->{json}{items} };
        return $session && $session->{status} eq 'COMPLETED' && $session->{invoiceId};
    }, 15);
    is_deeply $session->{flags}, \@flags, "$name: what is odd";
    cmp_ok $session->{energyKwh}, '==', $wh / 1000, "$name: its energy";
    my $net   = Math::BigFloat->new($PRICE)->bmul($wh)->bdiv(1000)->bfround(-2);
    my $total = $net + ($net * $VAT / 100)->bfround(-2);
    my ($invoice) = $vg->rows('select net, total from billing.invoice where subject_id = $1', $session->{id});
    cmp_ok $invoice->{net}, '==', $net, "$name: its invoice";
    cmp_ok $invoice->{total}, '==', $total;
    return $session;
}

subtest 'a register that begins at 0 again while it charges' => sub {
    my $transaction = start('ACME', 41_250, clock(0));
    shows('ACME', clock(120), { value => '42000.4' }, transactionId => $transaction);
    boot('ACME');
    shows('ACME', clock(240), { value => '500' }, transactionId => $transaction);
    shows('ACME', clock(120), { value => '42000.4' }, transactionId => $transaction);
    is_deeply [ map { $_->{energy_wh} } $vg->rows(q{select energy_wh from charging.meter_value where charge_point_id = 'ACME' order by at}) ], [ '42000.4', '42500.4' ],
        'what it shows is added to what it showed';
    stop('ACME', $transaction, 1_200, clock(360)) for 1, 2;
    billed('ACME', $transaction, 1_950);
    is_deeply [ $vg->rows('select before_wh, shown_wh, offset_wh from quirks.reset') ], [ { before_wh => '42000.4', shown_wh => '500', offset_wh => '42000.4' } ],
        'that it did is written down, once';
    is start('ACME', 1_200, clock(361)) > $transaction, 1;
    is $vg->sql(q{select meter_start_wh from charging.session where charge_point_id = 'ACME' order by id desc limit 1}), 1_200, 'the next begins with what it shows';
};

subtest 'a transaction that no number names' => sub {
    my $transaction = start('ALFEN', 1_000, clock(0));
    my $none = Math::BigInt->new('9223372036854775807');
    is $cp{ALFEN}->call(MeterValues => qq({"connectorId":1,"transactionId":$none,"meterValue":[{"timestamp":"@{[ clock(60) ]}","sampledValue":[{"value":"1500"}]}]}))->[0], 3;
    ok $vg->sql(q{select session_id from charging.meter_value where charge_point_id = 'ALFEN'}), 'its meter is the open session\'s';
    is $cp{ALFEN}->call(StopTransaction => qq({"transactionId":$none,"meterStop":3000,"timestamp":"@{[ clock(120) ]}"}))->[0], 3;
    billed('ALFEN', $transaction, 2_000, 'reconciled');
};

subtest 'a wall clock' => sub {
    my $begin = time;
    my $wall = sub { local $ENV{TZ} = 'Europe/Berlin'; POSIX::tzset(); my $text = strftime('%Y-%m-%dT%H:%M:%S', localtime($begin + $_[0])); $ENV{TZ} = 'UTC'; POSIX::tzset(); return $text };
    my $transaction = start('GROWATT', 0, $wall->(0));
    stop('GROWATT', $transaction, 4_000, $wall->(300));
    my $session = billed('GROWATT', $transaction, 4_000);
    is $session->{startTime}, strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $begin), 'it began when it did';
    is $session->{durationSeconds}, 300;
};

subtest 'one object where a list belongs' => sub {
    my $transaction = start('HUAWEI', 0, clock(0));
    is $cp{HUAWEI}->call(MeterValues => { connectorId => 1, transactionId => $transaction,
        meterValue => { timestamp => clock(60), sampledValue => [ { value => '1.50', unit => 'kWh' } ] } })->[0], 3;
    cmp_ok $vg->sql(q{select energy_wh from charging.meter_value where charge_point_id = 'HUAWEI'}), '==', 1_500;
    stop('HUAWEI', $transaction, 2_500, clock(120));
    billed('HUAWEI', $transaction, 2_500);
};
is $vg->sql(q{select count(*) from charging.quarantine where resolved_at is null}), 0, 'nobody has to look at anything';

subtest 'who has none of them is let be, to the byte' => sub {
    my $transaction = start('SOUND', 500, clock(0));
    is $cp{SOUND}->call(MeterValues => qq({"connectorId":1,"transactionId":$transaction,"meterValue":[{"timestamp":"@{[ clock(60) ]}",
        "sampledValue":[{"value":700.500,"unit":"Wh"},{"value":"","measurand":"SoC"}]}]}))->[0], 3;
    is_deeply [ $vg->rows(q{select raw from charging.meter_value where charge_point_id = 'SOUND' order by measurand}) ], [ { raw => '700.500' }, { raw => '' } ];
    stop('SOUND', $transaction, 1_500, clock(120));
    billed('SOUND', $transaction, 1_000);
};

like $vg->log, qr/quirks: quirks\.also: nothing=Acme is no name=vendor/, 'a setting that is not understood is logged, the rest of it holds';
like $vg->log, qr/quirks: growatt_local_time: StartTransaction of GROWATT is put right/, 'so is what is put right';
unlike $vg->log, qr/goes on without it/, 'and no quirk failed';

done_testing;

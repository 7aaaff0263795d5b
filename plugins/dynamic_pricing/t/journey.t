# A whole charge while prices surge: the next quote is dearer, a session that
# runs keeps its tariff, and invoices say so.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg       = Voltgate->start;
my $api      = '/api/v1';
my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company, connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1, 2 ] })->{json};
my %connector = map { $_->{connectorNumber} => $_->{connectorId} } @{ $station->{connectors} };
$vg->patch("$api/charge-points/CP1", { password => $password });
$vg->post("$api/pricing", { operatorId => $company, tariff => { country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR',
    last_updated => '2026-01-01T00:00:00Z', elements => [ { price_components => [ { type => 'ENERGY', price => 0.5, vat => 19, step_size => 1 } ] } ] } });
is $vg->post("$api/customers", { id => 'driver-1', name => 'Dana', email => 'dana@example.com' })->{status}, 201;
is $vg->post("$api/id-tags", { idTag => "CARD-$_", customerId => 'driver-1' })->{status}, 201 for 1, 2;
ok $vg->wait_for(sub { $vg->sql(q{select (select count(*) from charging.connector) + (select count(*) from charging.tariff)
    + (select count(*) from dynamic_pricing.place) + (select count(*) from pricing.connector)}) == 7 }, 15), 'they have heard of each other';
is $vg->post("$api/pricing/rules", { stationId => $station->{id}, minMultiplier => 1, maxMultiplier => 2, holdSeconds => 0,
    occupancy => [ { enterPercent => 100, leavePercent => 50, multiplier => 1.5 } ] })->{status}, 201;

sub clock {
    my @t = gmtime(time + ($_[0] // 0));
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}
# from the next full second on, since what was just set is not in force in the last one
sub quote {
    my $from = clock(1);
    my $r = $vg->post("$api/pricing/quote", { connectorId => $connector{1}, start_date_time => $from, end_date_time => clock(600),
        charging_periods => [ { start_date_time => $from, dimensions => [ { type => 'ENERGY', volume => 10 } ] } ] });
    return $r->{json}{total_cost}{excl_vat};
}

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });
sub status { return $cp->call(StatusNotification => { connectorId => $_[0], errorCode => 'NoError', status => $_[1], timestamp => clock() }) }
sub begin {
    my ($n) = @_;
    my $said = $cp->call(StartTransaction => { connectorId => $n, idTag => "CARD-$n", meterStart => 1000, timestamp => clock() })->[2];
    is $said->{idTagInfo}{status}, 'Accepted';
    status($n, 'Charging');
    return $said->{transactionId};
}
sub invoice {
    my ($transaction, $wh) = @_;
    $cp->call(StopTransaction => { transactionId => $transaction, meterStop => 1000 + $wh, timestamp => clock(1), reason => 'Local' });
    my $id = $vg->sql('select id from charging.session where transaction_id = $1', $transaction);
    my @found;
    $vg->wait_for(sub { @found = @{ $vg->get("$api/billing/invoices?sessionId=$id")->{json}{items} }; @found }, 15);
    return $found[0];
}
sub surges { my ($price) = @_; return $vg->wait_for(sub { quote() == $price }, 20) }

status($_, 'Available') for 1, 2;
cmp_ok quote(), '==', 5, 'a quote';
my $first  = begin(1);
my $second = begin(2);
ok surges(7.5), 'all is taken: the next quote is dearer';
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.tariff') == 2 }, 15), 'charging has heard of it';

my $invoice = invoice($first, 10_000);
cmp_ok $invoice->{net}, '==', 5, 'who began before pays what was said then';
cmp_ok $invoice->{total}, '==', 5.95;

my $third = begin(1);
$invoice = invoice($third, 8_000);
cmp_ok $invoice->{net}, '==', 6, 'who begins now pays the surge';
cmp_ok $invoice->{total}, '==', 7.14;

my $fourth = begin(1);
status(1, 'Finishing');
is $vg->delete("$api/pricing/rules/" . $vg->get("$api/pricing/rules")->{json}{items}[0]{id})->{status}, 204;
ok surges(5), 'without the rule: as it was set';
$invoice = invoice($fourth, 8_000);
cmp_ok $invoice->{net}, '==', 6, 'a session keeps a surge, too';
$invoice = invoice($second, 2_000);
cmp_ok $invoice->{net}, '==', 1;
is $vg->sql('select count(*) from billing.fault'), 0, 'the books are right';
unlike $vg->log, qr/\.lua:\d+/, 'no fault';

done_testing;

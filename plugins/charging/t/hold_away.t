# Billing stands in a database of its own, and that is away: charging goes on.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg  = Voltgate->start(hold => 1, own_cluster => 1, elsewhere => { away => ['billing'] });
my $far = $vg->elsewhere('away');

my $api      = '/api/v1';
my $password = 'sixteen letters!';
my $station  = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 3 ] })->{json};
$vg->patch("$api/charge-points/CP1", { password => $password });
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'ENERGY', price => 0.5, step_size => 1 } ] } ] } });
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 3 && $vg->sql('select count(*) from charging.tariff') == 1 }, 10),
    'copies have arrived';

my @asked;
my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->answer(sub { push @asked, [ @_[0, 1] ]; return { status => 'Accepted' } });
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });

my %driver = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'away-1'));

sub clock {
    my @t = gmtime;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}
sub session { return ($vg->rows('select * from charging.session where id = $1', $_[0]))[0] }
sub served  { my ($sub, $s) = @_; return $vg->wait_for(sub { $cp->serve(0.05); $sub->() }, $s // 20) }
sub credit  { return $far->sql(q{select billing.move('TOP_UP', gen_random_uuid(), '', 'PROVIDER', 'sandbox', 'CREDIT', 'away-1', $1,
    'EUR', now(), 'test')}, $_[0]) }
sub start   { return $vg->post("$api/charging/sessions/start", { stationId => $station->{id} }, \%driver) }

is start()->{status}, 402, 'while it is there it says that nobody pays';
credit(20);
my $first = start();
is $first->{status}, 202;
ok served(sub { (session($first->{json}{id})->{hold_status} // '') eq 'HELD' }), 'and holds what is paid';

$far->pg_stop;
my $r = start();
is $r->{status}, 202, 'while it is away nobody is refused' or diag $r->{body};
my $id = $r->{json}{id};
ok served(sub { grep { $_->[0] eq 'RemoteStartTransaction' && $_->[1]{idTag} eq session($id)->{id_tag} } @asked }),
    'the charger is asked' or diag explain session($id);
is_deeply session($id)->{flags}, ['unheld'], 'and why nothing is held is marked';
is session($id)->{hold_status}, 'AWAY';
my $begun = $cp->call(StartTransaction => { connectorId => session($id)->{connector_number}, idTag => session($id)->{id_tag},
    meterStart => 0, timestamp => clock() });
$cp->call(StopTransaction => { transactionId => $begun->[2]{transactionId}, meterStop => 1000, timestamp => clock() });
ok served(sub { session($id)->{status} eq 'COMPLETED' });
ok((grep { $_ eq 'unheld' } @{ session($id)->{flags} }), 'it stays marked');

$far->pg_start;
ok served(sub { $far->sql(q{select coalesce(max(status), '') from billing.invoice where subject_id = $1}, $id) eq 'PAID' }, 40),
    'when billing is back it is invoiced, and credit pays';
is_deeply [ $far->rows('select * from billing.fault') ], [], 'the books balance';

done_testing;

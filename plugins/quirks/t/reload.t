# Quirks are edited and reloaded while chargers stay connected: the next message
# goes by the new ones, on both workers; what is not understood is refused by file
# and name; and what a charge point is is asked anew after a reload, a boot and a
# while.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Cli;
use Voltgate::Variant;

my $vg = Voltgate->start(extra => { http => 'voltgate_setting quirks.known 1;' });

my $password = 'sixteen letters!';
my $station  = $vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1 .. 6 ] })->{json}{id}
    or die "no station\n";
my %cp;
for my $id (map { "CP$_" } 1 .. 6) {
    $vg->patch("/api/v1/charge-points/$id", { password => $password });
    $cp{$id} = Voltgate::Charger->connect($vg, $id, $password);
}
sub boot { my ($id, $model) = @_; return $cp{$id}->call(BootNotification => { chargePointVendor => 'Acme', chargePointModel => $model })->[2]{status} }
is_deeply [ map { boot($_, 'M1') } sort keys %cp ], [ ('Accepted') x 6 ], 'six charge points, on two workers';

# the status that a charge point's word comes to
sub status {
    my ($id, $word) = @_;
    my $answer = $cp{$id}->call(StatusNotification => { connectorId => 1, errorCode => 'NoError', status => $word });
    return $answer->[0] == 4 ? 'refused'
        : $vg->sql('select status from stations.connector_status where charge_point_id = $1', $id);
}
sub all { my ($word) = @_; my %seen; $seen{ status($_, $word) }++ for sort keys %cp; return join ' ', sort keys %seen }
is all('Lading'), 'refused', 'a word that is none';

# what an operator writes: a file, and a line
my $acme = sub { my ($to) = @_; return qq(return { { name = "acme_lading", vendor = "acme", model = "M1", about = "Dutch", source = "a test",\n    )
    . qq(cures = { { "words", action = "StatusNotification", member = "status", words = { Lading = "$to" } } } } }\n) };
my $house = Voltgate::Variant->new($vg, 'quirks', 'vendor_acme.lua' => sub { $_ = $acme->('Charging') },
    'rules.lua' => sub { s/"vendor_alfen",/"vendor_acme",\n    "vendor_alfen",/ });
sub reload { return cli($vg, plugin => 'reload', 'quirks', $house->options) }

my ($status, $out) = reload();
is $status, 0, $out;
is all('Lading'), 'Charging', 'the next message goes by the new quirk, without a boot';

$house->edit('vendor_acme.lua' => sub { s/Charging/Finishing/ });
is +(reload())[0], 0;
is all('Lading'), 'Finishing', '... and by the one after that';

my %wrong = (
    'a cure that there is not' => [ sub { s/"words"/"wurds"/ },          qr/vendor_acme\.lua: acme_lading: there is no cure wurds/ ],
    'a cure without its words' => [ sub { s/, words = \{.*?\}//s },      qr/acme_lading: words has no words/ ],
    'a member that is not known' => [ sub { s/model = /modell = / },     qr/acme_lading: modell is not known/ ],
    'nobody who saw it'        => [ sub { s/source = "a test",// },      qr/acme_lading has no vendor, or nobody who saw it/ ],
    'a syntax error'           => [ sub { s/return/return return/ },     qr/vendor_acme\.lua:1: / ],
);
for my $name (sort keys %wrong) {
    my ($edit, $why) = @{ $wrong{$name} };
    $house->edit('vendor_acme.lua' => $edit);
    my ($refused, $said) = reload();
    is $refused, 1, "$name is refused";
    like $said, $why, '... and named';
    $house->edit('vendor_acme.lua' => sub { $_ = $acme->('Finishing') });
}
is all('Lading'), 'Finishing', 'the old quirks hold';

is boot('CP1', 'M2'), 'Accepted';
is status('CP1', 'Lading'), 'refused', 'another model does not have it';
is boot('CP1', 'M1'), 'Accepted';
is status('CP1', 'Lading'), 'Finishing', 'and this one again';

# whatever worker: it booted elsewhere, as another one
$vg->sql(q{update stations.link set model = 'M3' where charge_point_id = 'CP2'});
ok $vg->wait_for(sub { status('CP2', 'Lading') eq 'refused' }, 10), 'what a charge point is is asked again after a while';

is scalar(grep { $_->closed } values %cp), 0, 'no socket closed';
unlike $vg->log, qr/goes on without it/;

done_testing;

# Vehicles and customers are accounts' to know: what names others', or none at
# all, is refused; and while accounts' database is away, its last word holds.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg  = Voltgate->start(own_cluster => 1, elsewhere => { away => ['accounts'] });
my $far = $vg->elsewhere('away');
my $api = '/api/v1';

my ($north, $south) = map { $vg->post("$api/companies", { kind => 'OPERATOR', name => $_ })->{json}{id} } qw(North South);
my %as = map { my ($name, %claims) = @$_; $name => { Authorization => 'Bearer ' . $vg->token(subject => $name, %claims) } } (
    [ 'dana', role => 'driver' ], [ 'eve', role => 'driver' ], [ 'north', role => 'operator', company => $north ],
    [ 'south', role => 'operator', company => $south ], [ 'fleet', role => 'fleet_manager', company => $north ]);

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $north, connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 6 ] })->{json};
my @connectors = map { $_->{connectorId} } @{ $station->{connectors} };
$vg->patch("$api/charge-points/CP1", { password => 'sixteen letters!' });
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 6 }, 10), 'charging has its copy';

my $plate = 0;
sub vehicle {
    my ($who, $customer, %more) = @_;
    my $r = $vg->post("$api/customers/$customer/vehicles", { plate => 'KI ' . ++$plate, %more }, $as{$who});
    $r->{status} == 201 or die $r->{body};
    return $r->{json}{id};
}

# nothing is left of it: the next one finds the connector free
sub start {
    my ($who, $vehicle, %headers) = @_;
    my $r = $vg->post("$api/charging/sessions/start", { connectorId => $connectors[0], (vehicleId => $vehicle) x defined $vehicle },
        { %{ $as{$who} }, %headers });
    $vg->sql(q{update charging.session set status = 'FAILED', failure = 'test' where status = 'STARTING'});
    return $r;
}

sub refused {
    my ($r, $name, $title) = @_;
    is $r->{status}, $name eq 'unavailable' ? 503 : 422, $title or diag $r->{body};
    like $r->{json}{type}, qr{/\Q$name\E$}, 'in these words';
    return;
}

sub known { return $vg->sql('select count(*) from charging.party where id = $1 and not gone', $_[0]) }

my $none = '019393c0-0000-7000-8000-0000000000ff';
my $car  = vehicle(dana => 'dana');
my $eves = vehicle(eve => 'eve');
my $kim  = $vg->post("$api/customers", { name => 'Kim' }, $as{north})->{json}{id};
my $van  = vehicle(fleet => $kim);

subtest 'a start is for a vehicle of one\'s own' => sub {
    my $r = start(dana => $car);
    is $r->{status}, 202 or diag $r->{body};
    is $r->{json}{vehicleId}, $car;
    is start('dana')->{status}, 202, 'or for none that is named';
    refused(start(dana => $none), 'vehicle_unknown', 'not for one that there is not');
    my $foreign = start(dana => $eves);
    refused($foreign, 'vehicle_unknown', 'nor another\'s');
    is $foreign->{json}{title}, start(dana => $none)->{json}{title}, 'of which it is not told that there is one';
    is start($_->[0] => $_->[1])->{status}, 202, "$_->[0]: its own" for [north => $van], [fleet => $van];
    refused(start(north => $car), 'vehicle_unknown', 'an operator: of its customers alone');
    refused(start(fleet => $eves), 'vehicle_unknown', 'a fleet: its own alone');
    $r = $vg->post("$api/sessions", { connectorId => $connectors[1], vehicleId => $none }, $as{dana});
    refused($r, 'vehicle_unknown', 'so it is under other names');
};

subtest 'a tag is for whom there is' => sub {
    my $tag = sub { my ($who, %body) = @_; return $vg->post("$api/id-tags", { idTag => 'TAG-' . ++$plate, %body }, $as{$who}) };
    refused($tag->(north => customerId => 'nobody'), 'customer_unknown', 'not for nobody');
    refused($tag->(north => customerId => 'dana'), 'customer_unknown', 'nor another\'s customer');
    refused($tag->(south => customerId => $kim), 'customer_unknown', 'from either side');
    refused($tag->(north => customerId => $kim, vehicleId => $none), 'vehicle_unknown', 'nor for no vehicle');
    is $tag->(dana => customerId => 'nobody')->{status}, 403, 'who may make none learns nothing';
    my $r = $tag->(north => customerId => $kim, vehicleId => $van);
    is $r->{status}, 201 or diag $r->{body};
    my $url = "$api/id-tags/$r->{json}{idTag}";
    refused($vg->patch($url, { customerId => 'dana' }, $as{north}), 'customer_unknown', 'nor by a change');
    refused($vg->patch($url, { vehicleId => $eves }, $as{north}), 'vehicle_unknown', '...');
    is $vg->patch($url, { customerId => 'dana' }, $as{south})->{status}, 404, 'another\'s tag is 404 before all';
    is $vg->patch($url, { customerId => 'dana' }, { %{ $as{north} }, 'If-Match' => '"9"' })->{status}, 412;
    is $vg->patch($url, { customerId => undef, vehicleId => undef }, $as{north})->{status}, 200, 'nobody is no question';
    is $vg->patch($url, { customerId => $kim, vehicleId => $van }, $as{north})->{status}, 200;
    is $vg->patch($url, { status => 'Blocked' }, $as{north})->{json}{customerId}, $kim, 'what is not named is as it was';
};

subtest 'who is gone is unknown' => sub {
    my $old = vehicle(dana => 'dana');
    is start(dana => $old)->{status}, 202;
    is $vg->delete("$api/vehicles/$old", $as{dana})->{status}, 204;
    refused(start(dana => $old), 'vehicle_unknown', 'at once');
    my $leaving = $vg->post("$api/customers", {}, $as{north})->{json}{id};
    my $theirs  = vehicle(north => $leaving);
    is start(north => $theirs)->{status}, 202;
    $vg->delete("$api/customers/$leaving", $as{north});
    refused(start(north => $theirs), 'vehicle_unknown', 'and with its customer');
    refused($vg->post("$api/id-tags", { idTag => 'LEAVING', customerId => $leaving }, $as{north}), 'customer_unknown', 'who is to be erased');
};

# told, not asked: nobody has named these in a call
my $told    = vehicle(dana => 'dana');
my $removed = vehicle(dana => 'dana');
my $ends    = $vg->post("$api/customers", {}, $as{north})->{json}{id};
my $ended   = vehicle(north => $ends);
my $moved   = vehicle(fleet => $kim);
ok $vg->wait_for(sub { known($told) && known($removed) && known($ended) && known($ends) && known($moved) }, 10), 'events say who there is';
$vg->delete("$api/vehicles/$removed", $as{dana});
$vg->delete("$api/customers/$ends", $as{north});
$vg->patch("$api/vehicles/$moved", { companyId => undef }, $as{fleet});
ok $vg->wait_for(sub { !known($removed) && !known($ended) && !known($ends)
    && !defined $vg->sql('select company_id from charging.party where id = $1', $moved) }, 10), 'and who no more';

$vg->sql(q{update charging.party set gone = true where id = $1}, $eves);
refused(start(eve => $eves), 'vehicle_unknown', 'gone is final, though a word that was under way says otherwise');
$vg->sql(q{update charging.party set gone = false, version = 0, customer_id = 'dana' where id = $1}, $eves);
is start(eve => $eves)->{status}, 202, 'else what it says is more than what is remembered';
is $vg->sql('select customer_id from charging.party where id = $1', $eves), 'eve', 'which follows';

subtest 'a driver of another issuer, once erased, begins nothing more' => sub {
    $as{gus} = { Authorization => 'Bearer ' . $vg->token(subject => 'gus', role => 'driver') };
    is start('gus')->{status}, 202, 'though nobody had to make it known';
    is $vg->delete("$api/customers/gus", $as{gus})->{status}, 202;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from charging.party where id = 'gus' and gone}) == 1 }, 10);
    my $r;
    ok $vg->wait_for(sub {
        $as{gus} = { Authorization => 'Bearer ' . $vg->token(subject => 'gus', role => 'driver') };
        $r = start('gus');
        $r->{status} != 401;
    }, 10), 'a token of after it is taken';
    refused($r, 'customer_unknown', 'but nothing begins by it');
    is $vg->sql(q{select charging.party_known('customer', 'gus', 'null', 'gus', 'driver', '')}), 0, 'nor has it a tag';
};

my $late;
subtest 'while accounts is away, its last word holds' => sub {
    $late = vehicle(dana => 'dana');
    ok $vg->wait_for(sub { known($late) }, 10);
    $vg->sql('delete from charging.party where id = $1', $late);    # as if never heard of
    $far->pg_stop;
    is start(dana => $car)->{status}, 202, 'a vehicle that was asked for';
    is start(dana => $told)->{status}, 202, 'one that was told of';
    is start('dana')->{status}, 202, 'none at all';
    refused(start(dana => $eves), 'vehicle_unknown', 'another\'s is another\'s');
    refused(start(dana => $removed), 'vehicle_unknown', 'what is gone is gone');
    refused(start(north => $ended), 'vehicle_unknown', '... with its customer');
    refused(start(fleet => $moved), 'vehicle_unknown', '... from the fleet');
    is start(north => $moved)->{status}, 202, 'which its customer\'s company has, still';
    my $r = start(dana => $late, 'Idempotency-Key' => 'late');
    refused($r, 'unavailable', 'nobody can say of what was never heard of');
    ok $r->{headers}{'retry-after'}, 'now';
    $r = $vg->post("$api/id-tags", { idTag => 'AWAY', customerId => $kim, vehicleId => $van }, $as{north});
    is $r->{status}, 201, 'a tag for whom it knew' or diag $r->{body};
    refused($vg->post("$api/id-tags", { idTag => 'AWAY-2', customerId => $ends }, $as{north}), 'customer_unknown',
        'not for whom it gave up');
    is $vg->sql(q{select charging.party_known('customer', 'frank', 'null', 'frank', 'driver', '')}), 1, 'a driver is its own customer';

    my $cp = Voltgate::Charger->connect($vg, 'CP1', 'sixteen letters!');
    $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });
    is $cp->call(Authorize => { idTag => 'AWAY' })->[2]{idTagInfo}{status}, 'Accepted', 'a charger does not ask';
    my $began = $cp->call(StartTransaction => { connectorId => 2, idTag => 'AWAY', meterStart => 0, timestamp => '2026-11-21T10:00:00Z' });
    is $began->[2]{idTagInfo}{status}, 'Accepted';
};

subtest 'when it is back, it is asked again' => sub {
    $far->pg_start;
    my $r;
    ok $vg->wait_for(sub { $r = start(dana => $late, 'Idempotency-Key' => 'late'); $r->{status} == 202 }, 20), 'nothing was decided meanwhile'
        or diag $r->{body};
    $vg->delete("$api/vehicles/$told", $as{dana});
    refused(start(dana => $told), 'vehicle_unknown', 'and what it says holds');
};

done_testing;

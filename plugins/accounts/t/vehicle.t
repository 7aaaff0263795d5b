# Vehicles: registered with a customer, seen by who has to do with them.

use strict;
use warnings;
use utf8;

use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $api = '/api/v1';

sub as { my (%claims) = @_; return { Authorization => 'Bearer ' . $vg->token(%claims) } }
sub told { return $vg->sql(q{select count(*) from vg.event where type = $1 and aggregate_id = $2}, @_) }
sub ids { return [map { $_->{id} } @{ $_[0]{json}{items} }] }

my ($north, $south) = map { $vg->post("$api/companies", { kind => 'FLEET', name => $_ })->{json}{id} } qw(North South);
my %as = (
    operator => as(role => 'operator', subject => 'o', company => $north),
    fleet    => as(role => 'fleet_manager', subject => 'f', company => $north),
    partner  => as(role => 'partner', subject => 'p', company => $north),
    others   => as(role => 'fleet_manager', subject => 's', company => $south),
    dana     => as(role => 'driver', subject => 'dana'),
    eve      => as(role => 'driver', subject => 'eve'),
);
my $kim   = $vg->post("$api/customers", { name => 'Kim' }, $as{fleet})->{json}{id};
my $count = 0;
sub vehicle { my ($who, $customer, %more) = @_; return $vg->post("$api/customers/$customer/vehicles", { plate => 'KI ' . ++$count, %more }, $as{$who}) }

my $car = vehicle(dana => 'dana', plate => 'КИ-Ä 京 1', vin => 'wvwzzz1jzxw000001', make => 'Škoda', model => 'Enyaq', color => 'grün',
    odometerKm => 12000.5, batteryKwh => 77, connectorTypes => ['IEC_62196_T2', 'IEC_62196_T2_COMBO'], kind => 'CAR', fuel => 'EV');
my $van = vehicle(fleet => $kim);
my ($car_url, $van_url) = map { "$api/vehicles/$_->{json}{id}" } $car, $van;

subtest 'a driver registers its own' => sub {
    is $car->{status}, 201 or diag $car->{body};
    my %got = %{ $car->{json} };
    delete @got{qw(id createdAt updatedAt)};
    is_deeply \%got, { customerId => 'dana', companyId => undef, plate => 'КИ-Ä 京 1', vin => 'WVWZZZ1JZXW000001', make => 'Škoda',
        model => 'Enyaq', color => 'grün', odometerKm => 12000.5, batteryKwh => 77, connectorTypes => ['IEC_62196_T2', 'IEC_62196_T2_COMBO'],
        kind => 'CAR', fuel => 'EV', version => 1 }, 'in any script';
    ok $vg->wait_for(sub { told('vehicle.created.v1', $car->{json}{id}) }), 'it is told';
    is $vg->sql(q{select count(*) from vg.event where payload::text ~ 'WVW|КИ'}), 0, 'without plate or VIN';
    is $vg->get("$api/customers/dana", $as{dana})->{json}{version}, 1, 'which makes it a customer with a row';
    my $bare = vehicle(eve => 'eve')->{json};
    is_deeply [@$bare{qw(kind fuel connectorTypes vin batteryKwh)}], ['CAR', 'EV', [], undef, undef], 'a plate is enough';
    is vehicle(eve => 'dana')->{status}, 404, 'none for another';
    my $twin = vehicle(dana => 'dana', plate => 'HH x 1');
    my $r = vehicle(dana => 'dana', plate => 'hh-X1');
    is $r->{status}, 409, 'one plate, once';
    like $r->{json}{type}, qr{/plate_taken$};
    is $vg->patch($car_url, { plate => 'HHX1' }, $as{dana})->{status}, 409, 'nor by a change';
    is vehicle(eve => 'eve', plate => 'HH X 1')->{status}, 201, 'which is no secret to others: they see no conflict';
    is $vg->delete("$api/vehicles/$twin->{json}{id}", $as{dana})->{status}, 204;
};

subtest 'what makes no sense is refused' => sub {
    my %bad = (
        vin => ['WVWZZZ1JZXW00000', 'IVWZZZ1JZXW000001', 'WOWZZZ1JZXW000001', 'WVWZZZ1JZXW00000Q', 'WVWZZZ1JZXW0000Ä1', 17, ''],
        plate => ['', ' KI', "KI\n1", "KI\x{202e}1", 'x' x 21, undef, 7], odometerKm => [-1, '12', 1e8], batteryKwh => [-1, 10_001],
        connectorTypes => ['DC', ['DC'], [7], [('CHADEMO') x 11]], kind => ['BOAT'], fuel => ['COAL'], make => ['x' x 101, "a\tb"],
    );
    for my $name (sort keys %bad) {
        for my $value (@{ $bad{$name} }) {
            my $r = vehicle(dana => 'dana', $name => $value);
            is $r->{status}, 400, $name or diag $r->{body};
            is $vg->patch($car_url, { $name => $value }, $as{dana})->{status}, 400, '... nor patched';
        }
    }
    is $vg->get("$api/vehicles/none")->{status}, 400;
    is vehicle(fleet => 'nobody')->{status}, 404, 'nor a customer that there is not';
};

subtest 'a fleet has its own, whoever drives it' => sub {
    is $van->{status}, 201 or diag $van->{body};
    is $van->{json}{companyId}, $north, 'by default';
    is vehicle(operator => $kim)->{json}{companyId}, undef, 'an operator\'s customer runs in none';
    is vehicle(fleet => $kim, companyId => $south)->{status}, 403, 'nobody gives to another';
    is vehicle(dana => 'dana', companyId => $north)->{status}, 403;
    is $vg->post("$api/customers/$kim/vehicles", { plate => 'A', companyId => 'nobody' })->{status}, 422, 'an admin gives to whom there is';
    is $vg->patch($car_url, { companyId => 'nobody' })->{status}, 422;

    is $vg->patch($car_url, { companyId => $north })->{json}{companyId}, $north;
    is $vg->get($car_url, $as{fleet})->{status}, 200, 'then the fleet sees it';
    is $vg->get($car_url, $as{dana})->{status}, 200, 'and its driver, still';
    is $vg->patch($car_url, { companyId => undef }, $as{dana})->{status}, 403, 'who does not take it away';
    is $vg->delete($car_url, $as{dana})->{status}, 403;
    is $vg->patch($car_url, { companyId => $south }, $as{fleet})->{status}, 403, 'nor does the fleet give it to another';
    is $vg->patch($car_url, { companyId => undef }, $as{fleet})->{json}{companyId}, undef, 'but lets it go';
    is $vg->get($car_url, $as{fleet})->{status}, 404;
};

subtest 'who sees it' => sub {
    is $vg->get($van_url, $as{$_})->{status}, 200, "$_ sees it" for qw(fleet operator partner);
    for my $who (qw(others dana)) {
        is $vg->get($van_url, $as{$who})->{status}, 404, "$who does not";
        is $vg->patch($van_url, { color => 'red' }, $as{$who})->{status}, 404, 'nor changes it';
        is $vg->delete($van_url, $as{$who})->{status}, 404, 'nor takes it away';
        is $vg->get("$api/customers/$kim/vehicles", $as{$who})->{status}, 404, 'nor its customer\'s';
    }
    is_deeply ids($vg->get("$api/vehicles", $as{fleet})), [$van->{json}{id}], 'a fleet its own';
    is scalar @{ ids($vg->get("$api/vehicles", $as{operator})) }, 2, 'an operator those of its customers';
    is_deeply ids($vg->get("$api/customers/$kim/vehicles", $as{fleet})), [$van->{json}{id}];
    is_deeply ids($vg->get("$api/customers/frank/vehicles", as(role => 'driver', subject => 'frank'))), [], 'a driver with none';
    is_deeply ids($vg->get("$api/vehicles", $as{others})), [];
};

subtest 'it changes and goes' => sub {
    my $r = $vg->patch($van_url, { color => 'red', odometerKm => 5, kind => 'VAN', vin => undef }, { %{ $as{fleet} }, 'If-Match' => $van->{headers}{etag} });
    is $r->{status}, 200 or diag $r->{body};
    is_deeply [@{ $r->{json} }{qw(color odometerKm kind version plate)}], ['red', 5, 'VAN', 2, $van->{json}{plate}];
    is $vg->patch($van_url, { color => 'blue' }, { %{ $as{fleet} }, 'If-Match' => '"1"' })->{status}, 412;
    is $vg->delete($van_url, { %{ $as{fleet} }, 'If-Match' => '"1"' })->{status}, 412;
    is $vg->delete($van_url, $as{fleet})->{status}, 204;
    is $vg->delete($van_url, $as{fleet})->{status}, 404;
    is $vg->get($van_url, $as{fleet})->{status}, 404;
    ok $vg->wait_for(sub { told('vehicle.removed.v1', $van->{json}{id}) }) && told('vehicle.updated.v1', $van->{json}{id}), 'told';
};

done_testing;

# A reservation is for a vehicle that there is, and that the caller may name;
# while accounts' database is away, its last word holds.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;

use Voltgate;

my $vg  = Voltgate->start(own_cluster => 1, elsewhere => { away => ['accounts'] });
my $far = $vg->elsewhere('away');
my $api = '/api/v1';

my ($north, $south) = map { $vg->post("$api/companies", { kind => 'OPERATOR', name => $_ })->{json}{id} } qw(North South);
my %as = map { my ($name, %claims) = @$_; $name => { Authorization => 'Bearer ' . $vg->token(subject => $name, %claims) } } (
    [ 'dana', role => 'driver' ], [ 'eve', role => 'driver' ], [ 'north', role => 'operator', company => $north ],
    [ 'fleet', role => 'fleet_manager', company => $south ]);

my $connector = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $north, connectors => [ { chargePointId => 'CP1', connectorNumber => 1,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } ] })->{json}{connectors}[0]{connectorId};
ok $vg->wait_for(sub { $vg->sql('select count(*) from reservations.connector') == 1 }, 10), 'reservations has its copy';

my ($plate, $hour) = (0, 24);
sub vehicle {
    my ($who, $customer, %more) = @_;
    my $r = $vg->post("$api/customers/$customer/vehicles", { plate => 'KI ' . ++$plate, %more }, $as{$who});
    $r->{status} == 201 or die $r->{body};
    return $r->{json}{id};
}

# an hour that nobody has
sub reserve {
    my ($who, $vehicle, %more) = @_;
    my ($start, $end) = map { strftime '%Y-%m-%dT%H:%M:%SZ', gmtime time + 3600 * ($hour + $_) } 0, 1;
    $hour++;
    return $vg->post("$api/reservations", { connectorId => $connector, startTime => $start, endTime => $end,
        (vehicleId => $vehicle) x defined $vehicle, %more }, $as{$who});
}

sub refused {
    my ($r, $name, $title) = @_;
    is $r->{status}, $name eq 'unavailable' ? 503 : 422, $title or diag $r->{body};
    like $r->{json}{type}, qr{/\Q$name\E$}, 'in these words';
    return;
}

sub known { return $vg->sql('select count(*) from reservations.vehicle where vehicle_id = $1 and not gone', $_[0]) }

my $car  = vehicle(dana => 'dana');
my $eves = vehicle(eve => 'eve');
my $kim  = $vg->post("$api/customers", {}, $as{fleet})->{json}{id};
my $van  = vehicle(fleet => $kim);
my $gone = vehicle(dana => 'dana');

subtest 'it is for a vehicle of one\'s own' => sub {
    my $r = reserve(dana => $car);
    is $r->{status}, 201 or diag $r->{body};
    is $r->{json}{vehicleId}, $car;
    is reserve('dana')->{status}, 201, 'or for none that is named';
    is reserve(fleet => $van)->{status}, 201, 'or of one\'s fleet';
    refused(reserve(dana => '019393c0-0000-7000-8000-0000000000ff'), 'vehicle_unknown', 'not for one that there is not');
    refused(reserve(dana => $eves), 'vehicle_unknown', 'nor another\'s');
    refused(reserve(north => $van), 'vehicle_unknown', 'nor of another company');
    refused(reserve(dana => $eves, waitlist => JSON::PP::true), 'vehicle_unknown', 'nor in the queue');
    is reserve(dana => $gone)->{status}, 201;
    $vg->delete("$api/vehicles/$gone", $as{dana});
    refused(reserve(dana => $gone), 'vehicle_unknown', 'nor for what is gone');
    $vg->sql(q{select reservations.vehicle_note($1, '{"customerId": "dana", "version": 99}')}, $gone);
    ok !known($gone), 'which no word that was under way brings back';
};

subtest 'a driver of another issuer, once erased, reserves nothing more' => sub {
    $as{gus} = { Authorization => 'Bearer ' . $vg->token(subject => 'gus', role => 'driver') };
    is $vg->delete("$api/customers/gus", $as{gus})->{status}, 202;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from reservations.erased where customer_id = 'gus'}) == 1 }, 10);
    my $r;
    ok $vg->wait_for(sub {
        $as{gus} = { Authorization => 'Bearer ' . $vg->token(subject => 'gus', role => 'driver') };
        $r = reserve('gus');
        $r->{status} != 401;
    }, 10), 'a token of after it is taken';
    refused($r, 'customer_unknown', 'but nobody reserves by it');
};

subtest 'while accounts is away, its last word holds' => sub {
    my ($told, $late) = map { vehicle(dana => 'dana') } 1, 2;
    ok $vg->wait_for(sub { known($told) && known($late) && !known($gone) }, 10), 'told, not asked';
    $vg->delete("$api/customers/$kim", $as{fleet});
    ok $vg->wait_for(sub { !known($van) }, 10), 'who is to be erased has none';
    $vg->sql('delete from reservations.vehicle where vehicle_id = $1', $late);    # as if never heard of
    $far->pg_stop;
    is reserve(dana => $_)->{status}, 201, 'one that was asked or told of' for $car, $told;
    is reserve('dana')->{status}, 201, 'none at all';
    refused(reserve(dana => $eves), 'vehicle_unknown', 'another\'s is another\'s');
    refused(reserve(dana => $gone), 'vehicle_unknown', 'what is gone is gone');
    refused(reserve(fleet => $van), 'vehicle_unknown', '... with its customer');
    refused(reserve(dana => $late), 'unavailable', 'nobody can say of what was never heard of');
    $far->pg_start;
    ok $vg->wait_for(sub { reserve(dana => $late)->{status} == 201 }, 20), 'then it is asked again';
};

done_testing;

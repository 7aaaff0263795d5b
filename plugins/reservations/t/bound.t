# How many reservations one may have that are not over, and how many may wait
# at a station, are settings.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg = Voltgate->start(extra => { http => <<'END' });
    voltgate_setting reservations.per_customer 3;
    voltgate_setting reservations.per_company 2;
    voltgate_setting reservations.waiting 2;
END
my $api = '/api/v1';
my ($fleet, $other) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;

my @connectors = map { $_->{connectorId} } @{ $vg->post("$api/stations", {
    name => 'B', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $other,
    connectors => [ map { { chargePointId => "CPB$_", connectorNumber => 1, type => 'IEC_62196_T2',
        powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1, 2 ] })->{json}{connectors} };
ok $vg->wait_for(sub { $vg->sql('select count(*) from reservations.connector') == 2 }, 10), 'copies have arrived';

sub as { return { Authorization => 'Bearer ' . $vg->token(@_) } }

sub hour {
    my ($n) = @_;
    my @t = gmtime(int(time / 3600) * 3600 + 86400 + 3600 * $n);
    return sprintf '%04d-%02d-%02dT%02d:00:00Z', $t[5] + 1900, $t[4] + 1, @t[3, 2];
}

sub reserve {
    my ($who, $connector, $n, %more) = @_;
    return $vg->post("$api/reservations", { connectorId => $connectors[$connector], startTime => hour($n),
        endTime => hour($n + 1), %more }, $who);
}

sub refused {
    my ($r, $name, $what) = @_;
    is $r->{status}, 409, $what or diag $r->{body};
    like $r->{json}{type}, qr{/\Q$name\E$};
    return;
}

subtest 'a driver has so many at a time' => sub {
    my ($one, $two) = map { as(role => 'driver', subject => "driver-$_") } 1, 2;
    my @mine = map { reserve($one, 0, $_) } 0, 1;
    push @mine, reserve($one, 0, 0, waitlist => JSON::PP::true);
    is_deeply [ map { $_->{status} } @mine ], [ 201, 201, 202 ], 'what waits is one of them';
    refused(reserve($one, 1, 5), 'reservations_too_many', 'no fourth, though it is free');
    refused(reserve($one, 0, 0, waitlist => JSON::PP::true), 'reservations_too_many', 'nor one that waits');
    my $theirs = reserve($two, 1, 5);
    is $theirs->{status}, 201, "another driver's are its own";
    is $vg->delete("$api/reservations/$mine[1]{json}{id}", $one)->{status}, 200;
    is reserve($one, 1, 6)->{status}, 201, 'what is over does not count';
    refused(reserve($one, 1, 7), 'reservations_too_many', 'again no fourth');
    is $vg->sql(q{select count(*) from reservations.reservation where customer_id = 'driver-1'
        and status in ('WAITLISTED', 'CONFIRMED')}), 3;
};

subtest 'a company has so many, whoever asks for it' => sub {
    my ($one, $two) = map { as(role => 'fleet_manager', subject => "manager-$_", company => $fleet) } 1, 2;
    is reserve($one, 1, 10)->{status}, 201;
    is reserve($two, 1, 11)->{status}, 201;
    refused(reserve($one, 1, 12), 'reservations_too_many', 'no third');
    is reserve(as(role => 'fleet_manager', subject => 'm', company => $other), 1, 12)->{status}, 201, 'another company';
};

subtest 'so many wait at a station' => sub {
    my @who = map { as(role => 'driver', subject => "waiter-$_") } 1 .. 3;
    is reserve($who[0], 0, 0, waitlist => JSON::PP::true)->{status}, 202;
    refused(reserve($who[1], 1, 10, waitlist => JSON::PP::true), 'waitlist_full', 'whichever connector it is');
    is reserve($who[1], 1, 20, waitlist => JSON::PP::true)->{status}, 201, 'what is free is given';
    refused(reserve($who[1], 1, 20), 'reservation_conflict', 'who does not wait is told what is in the way');
};

subtest 'operators and admins reserve at their own place: no bound' => sub {
    my $operator = as(role => 'operator', subject => 'o', company => $other);
    is_deeply [ map { reserve($operator, 0, $_)->{status} } 30 .. 34 ], [ (201) x 5 ];
    is_deeply [ map { reserve(undef, 0, $_)->{status} } 40 .. 44 ], [ (201) x 5 ];
};

done_testing;

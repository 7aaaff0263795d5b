# A reservation from its making to its end, as its clients see it.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg = Voltgate->start(extra => { http => 'voltgate_setting reservations.free_cancellation 600;' });

my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';
my $other   = '019393c0-0000-7000-8000-000000000002';

sub identity {
    my (%claims) = @_;
    return { Authorization => 'Bearer ' . $vg->token(%claims) };
}
my $driver   = identity(role => 'driver', subject => 'driver-1');
my $stranger = identity(role => 'driver', subject => 'driver-2');
my $operator = identity(role => 'operator', subject => 'op', company => $company);
my $rival    = identity(role => 'operator', subject => 'ri', company => $other);
my $fleet    = identity(role => 'fleet_manager', subject => 'fl', company => $other);

sub station {
    my ($name, $count, $type) = @_;
    return $vg->post("$api/stations", {
        name => $name, location => { lat => 1, lon => 2 },
        address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => $company,
        connectors => [ map { { chargePointId => "CP$name", connectorNumber => $_,
            type => $type // 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. $count ] })->{json};
}
my $one  = station('ONE', 1);
my $pair = station('PAIR', 2, 'CHADEMO');
my $at   = $one->{connectors}[0]{connectorId};

# 5 EUR an hour while it is kept, 2 EUR for the booking; 4 EUR when it expires
$vg->post("$api/pricing", { stationId => $one->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR',
    last_updated => '2026-01-01T00:00:00Z', min_price => { excl_vat => 9 },
    elements => [
        { price_components => [ { type => 'FLAT', price => 4, vat => 20, step_size => 1 } ],
            restrictions => { reservation => 'RESERVATION_EXPIRES' } },
        { price_components => [ { type => 'FLAT', price => 2, vat => 20, step_size => 1 },
            { type => 'TIME', price => 5, vat => 20, step_size => 300 } ],
            restrictions => { reservation => 'RESERVATION' } },
        { price_components => [ { type => 'FLAT', price => 0.5, vat => 20, step_size => 1 },
            { type => 'ENERGY', price => 0.5, vat => 19, step_size => 1 } ] } ] } });
$vg->party("driver-$_") for 1, 2;
$vg->party('driver-9', company => $other, vehicles => ['019393c0-0000-7000-8000-0000000000aa']);
$vg->post("$api/id-tags", { idTag => 'Card-1', customerId => 'driver-1' });
$vg->post("$api/id-tags", { idTag => 'Card-2', customerId => 'driver-2' });
$vg->post("$api/id-tags", { idTag => 'Van-1', vehicleId => '019393c0-0000-7000-8000-0000000000aa' }, $fleet);
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from reservations.connector') == 3
        && $vg->sql('select count(*) from reservations.tariff') == 1
        && $vg->sql('select count(*) from reservations.id_tag') == 3 }, 10), 'copies have arrived';

# so many minutes from now, whole seconds
my $now = int time;
sub clock {
    my ($minutes) = @_;
    my @t = gmtime($now + 60 * $minutes);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}
sub reserve {
    my ($from, $to, $who, %more) = @_;
    my %where = $more{stationId} || $more{connectorId} ? () : (connectorId => $at);
    return $vg->post("$api/reservations", { %where, startTime => clock($from), endTime => clock($to), %more }, $who // $driver);
}
sub seen { my ($id, $who) = @_; return $vg->get("$api/reservations/$id", $who // $driver)->{json} }
sub told {
    my ($id) = @_;
    return map { $_->{type} } $vg->rows(
        q{select type from vg.event where aggregate_id = $1 union all select type from vg.outbox where aggregate_id = $1}, $id);
}

my $first;

subtest 'a reservation is made' => sub {
    my $r = reserve(600, 660);
    is $r->{status}, 201 or diag $r->{body};
    $first = $r->{json};
    is $first->{status}, 'CONFIRMED', 'it lies ahead: it is held at once';
    like $first->{ocppReservationId}, qr/^\d+$/;
    is $first->{idTag}, 'Card-1', 'the driver\'s tag';
    is $first->{customerId}, 'driver-1';
    is $first->{startTime}, clock(600);
    is $first->{expiresAt}, clock(615), 'fifteen minutes of grace';
    is_deeply seen($first->{id}), $first;
    ok $vg->wait_for(sub { 2 <= told($first->{id}) });
    is_deeply [ told($first->{id}) ], [ 'reservation.created.v1', 'reservation.confirmed.v1' ];
};

subtest 'overlap names what is in the way and what is free next' => sub {
    is reserve(660, 690)->{status}, 201, 'one that begins where the other ends is none';
    my $r = reserve(630, 660, $stranger);
    is $r->{status}, 409;
    like $r->{json}{type}, qr/reservation_conflict$/;
    is_deeply $r->{json}{conflict}, { connectorId => $at, startTime => clock(600), endTime => clock(660) };
    is_deeply $r->{json}{nextFree}, { connectorId => $at, startTime => clock(690), endTime => clock(720) };
    unlike $r->{body}, qr/driver-1|Card-1/, 'but not whose it is';
};

subtest 'any free connector of a station' => sub {
    my @got = map { reserve(600, 660, undef, stationId => $pair->{id}) } 1 .. 3;
    is_deeply [ map { $_->{status} } @got ], [ 201, 201, 409 ];
    isnt $got[0]{json}{connectorId}, $got[1]{json}{connectorId}, 'one after the other';
    is reserve(700, 710, undef, stationId => $pair->{id}, connectorType => 'CHADEMO')->{status}, 201;
    is reserve(700, 710, undef, stationId => $pair->{id}, connectorType => 'TESLA_S')->{status}, 404, 'of a type';
};

subtest 'what is asked for must make sense' => sub {
    for ([ -10, 60, 'startTime', qr/past/ ], [ 60, 60, 'endTime', qr/after startTime/ ],
        [ 60, 30, 'endTime', qr/after startTime/ ], [ 0, 1441, 'endTime', qr/too long/ ],
        [ 200_000, 200_010, 'startTime', qr/too far/ ]) {
        my ($from, $to, $field, $why) = @$_;
        my $r = reserve($from, $to);
        is $r->{status}, 400;
        like $r->{json}{errors}{$field}, $why, "$from to $to";
    }
    is reserve(60, 70, undef, connectorId => $at, stationId => $one->{id})->{status}, 400, 'both places';
    is reserve(60, 70, undef, connectorId => $company)->{status}, 404, 'no such connector';
    is reserve(60, 70, $rival)->{status}, 404, 'another operator\'s connector';
    is reserve(60, 70, undef, idTag => 'nobody')->{status}, 422, 'an unknown tag';
    is reserve(60, 70, undef, idTag => 'Card-2')->{status}, 422, 'somebody else\'s tag';
    is reserve(60, 70, identity(role => 'planner', subject => 'p'))->{status}, 403, 'no scope';
};

subtest 'whose tag' => sub {
    my $r = reserve(720, 730, $fleet, vehicleId => '019393c0-0000-7000-8000-0000000000aa')->{json};
    is $r->{idTag}, 'Van-1', 'the vehicle\'s';
    is $r->{companyId}, $other;
    like reserve(730, 740, identity(role => 'driver', subject => 'driver-3'))->{json}{idTag}, qr/^[0-9A-F]{20}$/,
        'one of its own where there is none';
    is reserve(740, 750, $operator, idTag => 'card-1')->{status}, 422, 'an operator does not lend cards of others';
};

subtest 'whose reservation' => sub {
    is $vg->get("$api/reservations/$first->{id}", $stranger)->{status}, 404;
    is $vg->get("$api/reservations/$first->{id}", $rival)->{status}, 404;
    is $vg->get("$api/reservations/$first->{id}", $fleet)->{status}, 404;
    is $vg->get("$api/reservations/$first->{id}", $operator)->{status}, 200;
    is $vg->patch("$api/reservations/$first->{id}", { endTime => clock(655) }, $stranger)->{status}, 404;
    is $vg->delete("$api/reservations/$first->{id}", $stranger)->{status}, 404;
    is seen($first->{id})->{version}, 1, 'nobody changed it';
    my $list = $vg->get("$api/reservations?connectorId=$at&status=CONFIRMED", $driver)->{json}{items};
    is_deeply [ sort map { $_->{startTime} } @$list ], [ clock(600), clock(660) ], 'a driver\'s own';
    is scalar @{ $vg->get("$api/reservations?to=" . clock(600), $driver)->{json}{items} }, 0, 'before it starts';
};

subtest 'a move' => sub {
    my $path = "$api/reservations/$first->{id}";
    my $r = $vg->patch($path, { startTime => clock(640), endTime => clock(670) }, $driver);
    is $r->{status}, 409, 'into another';
    is_deeply $r->{json}{conflict}, { connectorId => $at, startTime => clock(660), endTime => clock(690) };
    is_deeply $r->{json}{nextFree}{startTime}, clock(690);
    is $vg->patch($path, { endTime => clock(500) }, $driver)->{status}, 400, 'before its start';
    $r = $vg->patch($path, { startTime => clock(610) }, $driver);
    is $r->{status}, 200, 'over itself';
    is $r->{json}{expiresAt}, clock(625);
    is $r->{json}{version}, 2;
    is reserve(600, 610, $stranger)->{status}, 201, 'what it left is free';
    ok $vg->wait_for(sub { grep { $_ eq 'reservation.moved.v1' } told($first->{id}) });
};

subtest 'cancelling' => sub {
    my $r = $vg->delete("$api/reservations/$first->{id}", $driver);
    is $r->{status}, 200;
    is $r->{json}{status}, 'CANCELLED';
    is $r->{json}{fee}, undef, 'long before it: for nothing';
    is $vg->delete("$api/reservations/$first->{id}", $driver)->{status}, 200, 'twice is once';
    is $vg->patch("$api/reservations/$first->{id}", { endTime => clock(655) }, $driver)->{status}, 409, 'over';
    is reserve(610, 660)->{status}, 201, 'its slot is free';
    is scalar(grep { $_ eq 'reservation.cancelled.v1' } told($first->{id})), 1;
};

subtest 'cancelling late costs what the tariff says' => sub {
    my $late = reserve(8, 30)->{json};
    my $r = $vg->delete("$api/reservations/$late->{id}", $driver)->{json};
    cmp_ok $r->{fee}, '==', 2, 'the booking alone: it had not begun';
    cmp_ok $r->{feeInclVat}, '==', 2.4;
    is $r->{currency}, 'EUR';
    my $begun = reserve(0, 30)->{json};
    $vg->sql(q{update reservations.reservation set start_time = start_time - interval '11 minutes' where id = $1}, $begun->{id});
    $r = $vg->delete("$api/reservations/$begun->{id}", $driver)->{json};
    cmp_ok $r->{fee}, '==', 3.25, 'and eleven minutes, in steps of five, of an hour for 5';
    cmp_ok $r->{feeInclVat}, '==', 3.9;
    ok $vg->wait_for(sub { 3.25 == ($vg->sql(q{select payload ->> 'fee' from vg.event
        where type = 'reservation.cancelled.v1' and aggregate_id = $1}, $begun->{id}) // 0) }), 'its event says so';
};

subtest 'a move gives no free cancellation back' => sub {
    my $late = reserve(8, 30)->{json};
    my $r = $vg->patch("$api/reservations/$late->{id}", { startTime => clock(2000), endTime => clock(2030) }, $driver);
    is $r->{status}, 200 or diag $r->{body};
    is $r->{json}{freeCancellationUntil}, $late->{freeCancellationUntil}, 'what was over is over';
    cmp_ok $vg->delete("$api/reservations/$late->{id}", $driver)->{json}{fee} // 0, '==', 2, 'the booking';
    my $far = reserve(1100, 1130)->{json};
    $r = $vg->patch("$api/reservations/$far->{id}", { startTime => clock(1110) }, $driver)->{json};
    is $r->{freeCancellationUntil}, clock(1100), 'what was not moves with its start';
    is $vg->delete("$api/reservations/$far->{id}", $driver)->{json}{fee}, undef;
};

subtest 'an Idempotency-Key makes one' => sub {
    my @call = ("$api/reservations", { connectorId => $at, startTime => clock(900), endTime => clock(910) },
        { %$driver, 'Idempotency-Key' => 'r-1' });
    my $r = $vg->post(@call);
    is $r->{status}, 201;
    my $again = $vg->post(@call);
    is $again->{body}, $r->{body}, 'again: the same';
    is $again->{headers}{'idempotent-replayed'}, 'true';
};

subtest 'a station that goes takes its reservations along' => sub {
    my $r = reserve(1000, 1010, undef, stationId => $pair->{id})->{json};
    is $vg->delete("$api/stations/$pair->{id}")->{status}, 204;
    ok $vg->wait_for(sub { seen($r->{id})->{status} eq 'CANCELLED' }, 10);
    is seen($r->{id})->{reason}, 'connector_removed';
    is reserve(1010, 1020, undef, stationId => $pair->{id})->{status}, 404;
};

done_testing;

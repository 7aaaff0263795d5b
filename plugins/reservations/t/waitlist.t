# Who waits is served in order, as soon as it fits: after a cancellation, a
# move, an expiry, the early end of a session.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(extra => { http => 'voltgate_setting reservations.ahead 1;' });

my $api      = '/api/v1';
my $password = 'sixteen letters!';

my $station = $vg->post("$api/stations", {
    name => 'W', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [
        { chargePointId => 'CPW', connectorNumber => 1, type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 },
        { chargePointId => 'CPW', connectorNumber => 2, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] })->{json};
my ($ac, $dc) = map { $_->{connectorId} } sort { $a->{connectorNumber} <=> $b->{connectorNumber} } @{ $station->{connectors} };
$vg->patch("$api/charge-points/CPW", { password => $password });
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'FLAT', price => 2, step_size => 1 } ],
        restrictions => { reservation => 'RESERVATION' } } ] } });
$vg->party("driver-$_") for 1 .. 4;
$vg->post("$api/id-tags", { idTag => "Card-$_", customerId => "driver-$_" }) for 1 .. 4;
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from reservations.connector') == 2
        && $vg->sql('select count(*) from reservations.id_tag') == 4
        && $vg->sql('select count(*) from reservations.tariff') == 1
        && $vg->sql('select count(*) from charging.connector') == 2 }, 10), 'copies have arrived';

my @who = map { { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => "driver-$_") } } 0 .. 4;

sub clock {
    my ($minutes) = @_;
    my @t = gmtime(int(time) + 60 * $minutes);
    return sprintf '%04d-%02d-%02dT%02d:%02d:00Z', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1];
}
sub soon {
    my ($seconds) = @_;
    my @t = gmtime(time + $seconds);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

# driver n wants a connector from one hour of tomorrow to another; by minutes
sub reserve {
    my ($n, $from, $to, %more) = @_;
    my %where = $more{stationId} || $more{connectorId} ? () : (connectorId => $ac);
    return $vg->post("$api/reservations", { %where, startTime => clock(1440 + $from), endTime => clock(1440 + $to), %more },
        $who[$n]);
}
sub seen   { my ($id) = @_; return $vg->get("$api/reservations/$id")->{json} }
sub status { return seen($_[0])->{status} }
sub cancel { my ($id) = @_; return $vg->delete("$api/reservations/$id")->{status} }

subtest 'a cancellation serves the first that fits' => sub {
    my $held   = reserve(1, 0, 60)->{json};
    my $beyond = reserve(1, 60, 90)->{json};
    my @wait   = map { reserve(@$_, waitlist => JSON::PP::true) } [ 2, 30, 70 ], [ 3, 10, 50 ], [ 4, 0, 60 ], [ 2, 50, 60 ];
    is_deeply [ map { $_->{status} } @wait ], [ (202) x 4 ], 'who waits is told so';
    is_deeply [ map { $_->{json}{status} } @wait ], [ ('WAITLISTED') x 4 ];
    my @id = map { $_->{json}{id} } @wait;
    is cancel($held->{id}), 200;
    is_deeply [ map { status($_) } @id ], [ qw(WAITLISTED CONFIRMED WAITLISTED CONFIRMED) ],
        'the first does not fit, the second does, the third no more, the last beside it';
    ok $vg->wait_for(sub { 1 == $vg->sql(
        q{select count(*) from vg.event where type = 'reservation.promoted.v1' and aggregate_id = $1}, $id[1]) }), 'its event is told';
    is cancel($_), 200 for $id[0], $id[1], $id[3], $beyond->{id};
    is status($id[2]), 'CONFIRMED', 'the one that still waits is next';
    is cancel($id[2]), 200;
};

subtest 'a free slot is not waited for' => sub {
    my $r = reserve(1, 100, 110, waitlist => JSON::PP::true);
    is $r->{status}, 201;
    is $r->{json}{status}, 'CONFIRMED';
};

subtest 'for any connector of a kind' => sub {
    my $one = reserve(1, 200, 230)->{json};
    my $two = reserve(1, 200, 230, connectorId => $dc)->{json};
    my $any  = reserve(2, 200, 230, stationId => $station->{id}, connectorType => 'CHADEMO', waitlist => JSON::PP::true)->{json};
    my $both = reserve(3, 200, 230, stationId => $station->{id}, waitlist => JSON::PP::true)->{json};
    is $any->{connectorId}, undef;
    cancel($one->{id});
    is status($any->{id}), 'WAITLISTED', 'not of its kind';
    is seen($both->{id})->{connectorId}, $ac, 'the next takes it';
    cancel($two->{id});
    is seen($any->{id})->{connectorId}, $dc;
    is seen($any->{id})->{connectorNumber}, 2;
    is status($any->{id}), 'CONFIRMED';
};

subtest 'a move' => sub {
    my $held = reserve(1, 300, 330)->{json};
    my $wait = reserve(2, 300, 330, waitlist => JSON::PP::true)->{json};
    is $vg->patch("$api/reservations/$held->{id}", { startTime => clock(1770), endTime => clock(1800) }, $who[1])->{status}, 200;
    is status($wait->{id}), 'CONFIRMED', 'what it left is given on';
    my $late = reserve(3, 300, 330, waitlist => JSON::PP::true)->{json};
    my $r = $vg->patch("$api/reservations/$late->{id}", { startTime => clock(1810), endTime => clock(1820) }, $who[3]);
    is $r->{status}, 200;
    is $r->{json}{status}, 'CONFIRMED', 'who waits may move to where it is free';
    is $r->{json}{connectorId}, $ac;
};

subtest 'an expiry' => sub {
    my $held = $vg->post("$api/reservations", { connectorId => $ac, startTime => soon(0), endTime => soon(600) }, $who[1])->{json};
    my $wait = $vg->post("$api/reservations", { connectorId => $ac, startTime => soon(60), endTime => soon(400),
        waitlist => JSON::PP::true }, $who[2])->{json};
    my $vain = $vg->post("$api/reservations", { connectorId => $ac, startTime => soon(70), endTime => soon(100),
        waitlist => JSON::PP::true }, $who[3])->{json};
    is $wait->{status}, 'WAITLISTED';
    $vg->sql('update reservations.reservation set expires_at = now() where id = $1', $held->{id});
    ok $vg->wait_for(sub { status($wait->{id}) eq 'CONFIRMED' }, 15), 'not used in time: the next is served';
    is status($held->{id}), 'EXPIRED';
    is seen($held->{id})->{reason}, 'not_used';
    $vg->sql('update reservations.reservation set holds_from = now(), expires_at = now() where id = $1', $vain->{id});
    ok $vg->wait_for(sub { status($vain->{id}) eq 'EXPIRED' }, 15);
    is seen($vain->{id})->{reason}, 'never_free';
    is seen($vain->{id})->{fee}, undef;
    cancel($wait->{id});
    is seen($wait->{id})->{fee}, undef, 'who was served late may say no for as long as the grace is, for nothing';
    is seen($held->{id})->{fee}, 2, 'who was not there pays';
};

subtest 'the early end of a session' => sub {
    my $cp = Voltgate::Charger->connect($vg, 'CPW', $password);
    $cp->answer(sub { return { status => 'Accepted' } });
    $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });
    my $held = $vg->post("$api/reservations", { connectorId => $dc, startTime => soon(0), endTime => soon(3000) }, $who[1])->{json};
    my $wait = $vg->post("$api/reservations", { connectorId => $dc, startTime => soon(600), endTime => soon(900),
        waitlist => JSON::PP::true }, $who[2])->{json};
    my $start = $cp->call(StartTransaction => { connectorId => 2, idTag => 'CARD-1', meterStart => 0, timestamp => soon(0) })->[2];
    ok $vg->wait_for(sub { status($held->{id}) eq 'ACTIVE' }), 'in use, by the card that it is for';
    is status($wait->{id}), 'WAITLISTED';
    is cancel($held->{id}), 409, 'what is in use is ended, not cancelled';
    $cp->call(StopTransaction => { transactionId => $start->{transactionId}, meterStop => 10, timestamp => soon(1) });
    ok $vg->wait_for(sub { status($held->{id}) eq 'COMPLETED' });
    is status($wait->{id}), 'CONFIRMED', 'the rest of its time is given on';
};

done_testing;

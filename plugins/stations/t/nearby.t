# Stations around a place: which, in which order, how far; and the state of
# each connector, with the session and the reservation that others told of.

use strict;
use warnings;

use POSIX qw(strftime);
use Math::Trig qw(great_circle_distance deg2rad);
use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg       = Voltgate->start;
my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my (%id, %at);

sub station {
    my ($name, $lat, $lon, @connectors) = @_;
    my $r = $vg->post('/api/v1/stations', {
        name => $name, location => { lat => $lat, lon => $lon }, address => { country => 'DE' }, timeZone => 'UTC',
        operatorId => $company, connectors => \@connectors });
    is $r->{status}, 201 or diag $r->{body};
    $id{$name} = $r->{json}{id};
    $at{$name} = [ $lat, $lon ];
    return $r->{json};
}

sub connector {
    my ($point, $type, $kw, $number) = @_;
    return { chargePointId => $point, connectorNumber => $number // 1, type => $type, powerType => 'DC', maxPowerKw => $kw };
}

sub nearby {
    my ($lat, $lon, $more) = @_;
    return $vg->get("/api/v1/stations/nearby?lat=$lat&lon=$lon" . ($more // ''));
}
sub names { return join ' ', map { $_->{name} } @{ $_[0]{json}{items} } }

# by another hand than PostgreSQL's
sub km {
    my ($from, $to) = @_;
    return great_circle_distance((map { deg2rad($_->[1]), deg2rad(90 - $_->[0]) } $from, $to), 6371.0088);
}

my $made = station('Kiel', 54.32, 10.14, connector('K1', 'CHADEMO', 50), connector('K2', 'IEC_62196_T2', 22));
station('Laboe', 54.40, 10.22, connector('L1', 'IEC_62196_T2', 22));
station('Hamburg', 53.55, 9.99, connector('H1', 'IEC_62196_T2_COMBO', 300));
station('Hafen', 53.55, 9.99);
station('Fiji', -17.0, 179.95);
station('Fiji-East', -17.0, -179.95);
station('Pole', 89.99, 0);
station('Across', 89.99, 180);

subtest 'nearest first, with the distance' => sub {
    my $r = nearby(54.3, 10.1, '&radius=200');
    is $r->{status}, 200;
    is names($r), 'Kiel Laboe Hamburg Hafen', 'of two at one place, the older first';
    for my $item (@{ $r->{json}{items} }) {
        cmp_ok abs($item->{distanceKm} - km([ 54.3, 10.1 ], $at{ $item->{name} })), '<', 0.001, $item->{name};
    }
    is_deeply { %{ $r->{json}{items}[0] }, distanceKm => undef },
        { %{ $vg->get("/api/v1/stations/$id{Kiel}")->{json} }, distanceKm => undef }, 'each is the station as it is';
    is names(nearby(54.3, 10.1)), 'Kiel', 'within 10 km, unless it says otherwise';
    my $edge = km([ 54.3, 10.1 ], $at{Laboe});
    is names(nearby(54.3, 10.1, sprintf '&radius=%.3f', $edge + 0.001)), 'Kiel Laboe', 'to the edge';
    is names(nearby(54.3, 10.1, sprintf '&radius=%.3f', $edge - 0.001)), 'Kiel', 'and not beyond';
    is names(nearby(0, 0, '&radius=200')), '';
    is names(nearby(54.32, 10.14, '&radius=0')), 'Kiel', 'at the place itself';
};

subtest 'over the date line and the pole' => sub {
    is names(nearby(-17, 179.99, '&radius=50')), 'Fiji Fiji-East';
    is names(nearby(-17, -179.99, '&radius=50')), 'Fiji-East Fiji';
    is names(nearby(-17, 180, '&radius=50')), 'Fiji Fiji-East';
    is names(nearby(-17, -180, '&radius=50')), 'Fiji Fiji-East';
    is names(nearby(89.995, 0, '&radius=50')), 'Pole Across';
    is names(nearby(90, 77, '&radius=50')), 'Pole Across', 'where all longitudes meet';
    is names(nearby(89.99, 90, '&radius=50&limit=1')), 'Pole';
    is names(nearby(-90, 0, '&radius=200')), '';
};

subtest 'a box of degrees loses none' => sub {
    srand 4;
    $vg->sql(q{insert into stations.station (id, operator_id, name, lat, lon, country, time_zone, created_at, updated_at)
        select vg.uuid7(), 'x', 'R' || n, round((-89 + 178 * random())::numeric, 6), round((-180 + 360 * random())::numeric, 6),
            'XX', 'UTC', now(), now() from generate_series(1, 3000) as n});
    my @all = $vg->rows(q{select name, lat, lon from stations.station where operator_id = 'x'});
    for (1 .. 40) {
        my @from = (sprintf('%.4f', -89.9 + rand 179.8), sprintf('%.4f', -180 + rand 360));
        my $want = join ' ', sort map { $_->{name} } grep { km(\@from, [ @$_{qw(lat lon)} ]) <= 200 } @all;
        my $r    = nearby(@from, '&radius=200&limit=200');
        is join(' ', sort grep { /^R/ } map { $_->{name} } @{ $r->{json}{items} }), $want, "@from";
    }
    $vg->sql(q{delete from stations.station where operator_id = 'x'});
};

subtest 'page by page' => sub {
    my (@seen, $cursor);
    for (1 .. 4) {
        my $r = nearby(54.3, 10.1, '&radius=200&limit=1' . ($cursor ? "&cursor=$cursor" : ''));
        push @seen, names($r);
        $cursor = $r->{json}{nextCursor};
    }
    is "@seen", 'Kiel Laboe Hamburg Hafen';
    is $cursor, undef;
    is names(nearby(54.3, 10.1, '&radius=200&cursor=nonsense')), '', 'what is no cursor is no page';
};

subtest 'what a connector must be' => sub {
    is names(nearby(54.3, 10.1, '&radius=200&connectorType=IEC_62196_T2')), 'Kiel Laboe';
    is names(nearby(54.3, 10.1, '&radius=200&minPowerKw=50')), 'Kiel Hamburg';
    is names(nearby(54.3, 10.1, '&radius=200&connectorType=IEC_62196_T2&minPowerKw=50')), '', 'one and the same';
    is names(nearby(54.3, 10.1, '&radius=200&available=true')), '', 'none was heard of';
    is names(nearby(54.3, 10.1, '&radius=200&available=false')), 'Kiel Laboe Hamburg Hafen', 'false asks for nothing';
};

subtest 'what is asked wrongly' => sub {
    my $r = $vg->get('/api/v1/stations/nearby?radius=201&lat=91&connectorType=PLUG&available=maybe');
    is $r->{status}, 400;
    is join(' ', sort keys %{ $r->{json}{errors} }), 'available connectorType lat lon radius';
    is $vg->get('/api/v1/stations/nearby?lat=1&lon=1&radius=-1')->{status}, 400;
    is nearby(1, 1, '')->{status}, 200;
    is $vg->get('/api/v1/stations/nearby?lat=1&lon=1', { 'X-API-Key' => '' })->{status}, 401;
    is $vg->get('/api/v1/stations/nearby?lat=1&lon=1', { Authorization => 'Bearer '
        . $vg->token(role => 'driver', subject => 'd') })->{status}, 200, 'a driver may look';
};

my ($one, $two) = map { $_->{connectorId} } @{ $made->{connectors} };
sub state_of { return $vg->get("/api/v1/chargers/$_[0]")->{json} }

subtest 'a connector that is free' => sub {
    is state_of($two)->{status}, 'Unavailable', 'never heard of';
    $vg->patch('/api/v1/charge-points/K2', { password => $password });
    my $cp = Voltgate::Charger->connect($vg, 'K2', $password);
    $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' });
    $cp->call('StatusNotification', { connectorId => 1, errorCode => 'NoError', status => 'Available', info => 'ready' });
    my $state = state_of($two);
    is_deeply [ @$state{qw(connectorId stationId chargePointId connectorNumber type maxPowerKw status errorCode info connected)} ],
        [ $two, $id{Kiel}, 'K2', 1, 'IEC_62196_T2', 22, 'Available', 'NoError', 'ready', JSON::PP::true ];
    like $state->{since}, qr/^\d{4}-\d\d-\d\dT.*Z$/;
    is_deeply [ @$state{qw(currentSession nextReservation)} ], [ undef, undef ];
    is_deeply $vg->get("/api/v1/stations/$id{Kiel}/status")->{json}{connectors}[1], state_of($two), 'as its station says';
    is $vg->get("/api/v1/stations/$id{Kiel}/status")->{json}{status}, 'Available';
    is names(nearby(54.3, 10.1, '&radius=200&available=true')), 'Kiel';
    is names(nearby(54.3, 10.1, '&radius=200&available=true&connectorType=CHADEMO')), '', 'the other one is not';
    is $vg->get("/api/v1/chargers/$company")->{status}, 404;
    is $vg->get('/api/v1/chargers/nothing')->{status}, 400;
};

subtest 'a session is seen while it lasts' => sub {
    is $vg->post('/api/v1/id-tags', { idTag => 'CARD' })->{status}, 201;
    my $cp = Voltgate::Charger->connect($vg, 'K2', $password);
    $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' });
    ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector where connector_id = $1', $two) }, 15);
    my $now   = sub { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime) };
    my $begun = $cp->call('StartTransaction', { connectorId => 1, idTag => 'CARD', meterStart => 0, timestamp => $now->() });
    ok $vg->wait_for(sub { state_of($two)->{currentSession} }, 15), 'it runs';
    my $session = $vg->sql('select id from charging.session');
    is state_of($two)->{currentSession}{sessionId}, $session;
    like state_of($two)->{currentSession}{startTime}, qr/Z$/;
    is state_of($one)->{currentSession}, undef, 'not at the other one';
    $cp->call('StopTransaction', { transactionId => $begun->[2]{transactionId}, meterStop => 10, timestamp => $now->(),
        idTag => 'CARD' });
    ok $vg->wait_for(sub { !state_of($two)->{currentSession} }, 15), 'and is over';
};

subtest 'the next reservation' => sub {
    my $at = sub { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_[0])) };
    my ($early, $late) = map { "019393c0-0000-7000-8000-00000000010$_" } 1, 2;
    my $tell = sub {
        my ($what, $id, $status, $from, $to, $connector) = @_;
        $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
            values ('reservations', 'reservation.' || $1 || '.v1', $2, $3::jsonb, 'test', 'a')}, $what, $id, JSON::PP::encode_json({
            reservationId => $id, status => $status, connectorId => $connector, startTime => $at->($from), endTime => $at->($to),
            idTag => 'CARD' }));
    };
    my $next = sub { my $r = state_of($two)->{nextReservation}; return $r ? "$r->{reservationId} $r->{status}" : '' };
    my $is   = sub { my ($want, $title) = @_; ok $vg->wait_for(sub { $next->() eq $want }, 15), $title or diag $next->() };
    $tell->('created', $late, 'CONFIRMED', 7200, 10800, $two);
    $is->("$late CONFIRMED", 'the only one');
    $tell->('created', $early, 'PENDING', 3600, 7200, $two);
    $is->("$early PENDING", 'an earlier one');
    $tell->('confirmed', $early, 'CONFIRMED', 3600, 7200, $two);
    $is->("$early CONFIRMED", 'confirmed');
    $tell->('moved', $early, 'CONFIRMED', 14400, 18000, $two);
    $is->("$late CONFIRMED", 'moved behind the other');
    $tell->('used', $late, 'ACTIVE', 7200, 10800, $two);
    $is->("$early CONFIRMED", 'one in use is not next');
    $tell->('cancelled', $early, 'CANCELLED', 14400, 18000, $two);
    $is->('', 'cancelled');
    $tell->('completed', $late, 'COMPLETED', 7200, 10800, $two);
    $tell->('created', $early, 'WAITLISTED', 3600, 7200, undef);
    $tell->('promoted', $early, 'CONFIRMED', 3600, 7200, $two);
    $is->("$early CONFIRMED", 'promoted from the waitlist');
    ok !exists state_of($two)->{nextReservation}{idTag}, 'whose it is stays with reservations';
    $tell->('expired', $early, 'EXPIRED', 3600, 7200, $two);
    $is->('', 'expired');
    is $vg->sql('select count(*) from stations.booking'), 0, 'nothing is left of them';
};

done_testing;

# What a charge point tells over OCPP 1.6, and what the API then knows.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(extra => { http => 'voltgate_setting stations.heartbeat_interval 77;' });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $station  = $vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company,
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ],
})->{json};
$vg->post('/api/v1/charge-points', { id => $_, operatorId => $company,
    password => $password }) for qw(CP1 CP2);

my $cp   = Voltgate::Charger->connect($vg, 'CP1', $password);
my $boot = { chargePointVendor => 'Acme', chargePointModel => 'M1',
    firmwareVersion => '1.0', chargePointSerialNumber => 'S1' };
my $iso  = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

sub iso { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime shift) }
sub point { return $vg->get('/api/v1/charge-points/' . shift)->{json} }
sub state_of { return $vg->get("/api/v1/stations/$station->{id}/status")->{json} }

sub events {
    return $vg->rows(q{select payload ->> 'status' as status,
        payload ->> 'connectorId' as connector, payload ->> 'since' as since
        from vg.event where type = 'connector.status_changed.v1' order by pos});
}

subtest 'one with a station is accepted' => sub {
    is $cp->status, 101;
    my $answer = $cp->call('BootNotification', $boot);
    is $answer->[0], 3;
    is $answer->[2]{status}, 'Accepted';
    is $answer->[2]{interval}, 77, 'by the setting';
    like $answer->[2]{currentTime}, $iso;
    my $point = point('CP1');
    ok $point->{connected};
    is $point->{vendor}, 'Acme';
    is $point->{model}, 'M1';
    is $point->{serialNumber}, 'S1';
    is $point->{ocppVersion}, 'ocpp1.6';
};

subtest 'one without a station is pending' => sub {
    my $pending = Voltgate::Charger->connect($vg, 'CP2', $password);
    is $pending->call('BootNotification', $boot)->[2]{status}, 'Pending';
    $pending->close;
    ok $vg->wait_for(sub { !point('CP2')->{connected} }), 'and gone';
};

subtest 'a heartbeat gets the time' => sub {
    like $cp->call('Heartbeat', {})->[2]{currentTime}, $iso;
};

subtest 'a status is seen and told once' => sub {
    my %status = (connectorId => 1, errorCode => 'NoError', status => 'Available');
    is_deeply $cp->call('StatusNotification', \%status)->[2], {};
    is state_of()->{connectors}[0]{status}, 'Available';
    is state_of()->{status}, 'Available', 'and makes the station available';
    is_deeply $cp->call('StatusNotification', \%status)->[2], {};
    $cp->call('StatusNotification', { %status, status => 'suspendedevse',
        timestamp => '1970-01-01T00:00:00Z' });
    is state_of()->{connectors}[0]{status}, 'SuspendedEVSE',
        'in the spelling of OCPP';
    unlike state_of()->{connectors}[0]{since}, qr/^1970/,
        'a clock that was never set is not believed';
    is_deeply $cp->call('StatusNotification', { %status, connectorId => 0,
        status => 'Unavailable' })->[2], {};
    ok $vg->wait_for(sub { events() == 3 }), 'three changes, three events';
    is_deeply [ map { $_->{status} } events() ],
        [ qw(Available SuspendedEVSE Unavailable) ];
    is((events())[0]{connector}, $station->{connectors}[0]{connectorId});
    is((events())[2]{connector}, undef, 'number 0 is no connector');
};

subtest 'since when: the charger\'s word where it can be believed' => sub {
    my $now = int time;
    my $is  = sub {
        my ($status, $seconds) = @_;
        my $at = iso($now + $seconds);
        $cp->call('StatusNotification', { connectorId => 1, errorCode => 'NoError',
            status => $status, timestamp => $at });
        my $got = state_of()->{connectors}[0];
        is $got->{status}, $status;
        return 'theirs' if $got->{since} eq $at;
        my $second = substr($got->{since}, 0, 19) . 'Z';
        return $second ge iso($now) && $second le iso(time) ? 'ours' : $got->{since};
    };
    is $is->(Available => 3600), 'ours', 'an hour ahead';
    is $is->(Preparing => 300), 'theirs', 'five minutes ahead';
    is $is->(Charging => 299), 'ours', 'before what it said last';
    is $is->(Finishing => 400), 'theirs';
    $cp->call('StatusNotification', { connectorId => 1, errorCode => 'HighTemperature',
        status => 'Finishing', timestamp => iso($now + 500) });
    is state_of()->{connectors}[0]{errorCode}, 'HighTemperature';
    is state_of()->{connectors}[0]{since}, iso($now + 400), 'another error is no other status';
};

subtest 'what stands at no station is kept until it does' => sub {
    $cp->call('StatusNotification', { connectorId => 7, errorCode => 'NoError', status => 'Reserved' });
    ok $vg->wait_for(sub {
        my @told = $vg->rows(q{select aggregate_id, payload -> 'stationId' as station from vg.event
            where type = 'connector.status_changed.v1' and payload ->> 'connectorNumber' = '7'});
        return @told == 1 && $told[0]{aggregate_id} eq 'CP1' && $told[0]{station} eq 'null';
    });
    my @connectors = map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1, 7;
    my $got = $vg->patch("/api/v1/stations/$station->{id}", { connectors => \@connectors })->{json};
    is $got->{connectors}[1]{status}, 'Reserved';
    is $got->{status}, 'Charging', 'Finishing is charging, and better than Reserved';
};

subtest 'what cannot be meant is a CALLERROR' => sub {
    my $wrong = $cp->call('StatusNotification', { connectorId => 1,
        errorCode => 'NoError', status => 'Sleepy' });
    is $wrong->[0], 4;
    is $wrong->[2], 'PropertyConstraintViolation';
    is $cp->call('StatusNotification', { connectorId => '1',
        errorCode => 'NoError', status => 'Available' })->[2],
        'TypeConstraintViolation';
    is $cp->call('BootNotification', { chargePointModel => 'M' })->[0], 4;
    is $cp->call('BootNotification', { %$boot, chargePointVendor => 'x' x 21 })->[2],
        'PropertyConstraintViolation';
    is $cp->call('Heartbeat', {})->[0], 3, 'and the connection goes on';
};

subtest 'the rest of what it may say' => sub {
    is $cp->call('DataTransfer', { vendorId => 'acme', data => { a => 1 } })
        ->[2]{status}, 'UnknownVendorId';
    is_deeply $cp->call('FirmwareStatusNotification',
        { status => 'Downloaded' })->[2], {};
    is_deeply $cp->call('DiagnosticsStatusNotification',
        { status => 'Uploaded' })->[2], {};
    is point('CP1')->{firmwareStatus}, 'Downloaded';
    is point('CP1')->{diagnosticsStatus}, 'Uploaded';
};

subtest 'the newest connection counts' => sub {
    my $again = Voltgate::Charger->connect($vg, 'CP1', $password);
    is $again->status, 101;
    ok $vg->wait_for(sub { $cp->recv(0.1); $cp->closed }), 'the older one is closed';
    is $again->call('Heartbeat', {})->[0], 3, 'and needs no second boot';
    ok point('CP1')->{connected}, 'whose end changed nothing';
    $again->drop;
    ok $vg->wait_for(sub { !point('CP1')->{connected} }), 'the newer one\'s does';
};

subtest 'one that was removed hears so' => sub {
    my $gone = Voltgate::Charger->connect($vg, 'CP2', $password);
    is $vg->delete('/api/v1/charge-points/CP2')->{status}, 204;
    is $gone->call('BootNotification', $boot)->[2]{status}, 'Rejected';
    $gone->close;
    is(Voltgate::Charger->connect($vg, 'CP2', $password)->status, 404);
};

done_testing;

# The names that other systems use (conf/aliases.conf and the routes of
# plugins): each leads where the same call leads under its own name.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg      = Voltgate->start;
my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';
my $vehicle = '019393c0-0000-7000-8000-000000000002';

my $station = $vg->post("$api/stations", {
    name => 'Pier', operatorId => $company, timeZone => 'Europe/Berlin',
    location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' },
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1, type => 'IEC_62196_T2',
        powerType => 'AC_3_PHASE', maxPowerKw => 22 } ],
})->{json};
my $connector = $station->{connectors}[0]{connectorId};
$vg->patch("$api/charge-points/CP1", { password => 'sixteen letters!' });
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector')
    && $vg->sql('select count(*) from pricing.station') }, 10), 'copies have arrived';

# ------------------------------------------------------------------- GETs

my %same = (
    '/health/live'               => '/healthz',
    '/health/ready'              => '/ready',
    '/actuator/health'           => '/ready',
    '/actuator/health/liveness'  => '/healthz',
    '/actuator/health/readiness' => '/ready',
    '/actuator/info'             => '/info',
    '/v3/api-docs'               => '/openapi.json',
    '/api/v1/charging/stations'  => "$api/stations",
    '/charging/stations'         => "$api/stations",
    "/charging/status/$vehicle"  => "$api/charging/status/$vehicle",
    "/charging/history/$vehicle?limit=2" => "$api/charging/history/$vehicle?limit=2",
    '/charging/rates'            => "$api/charging/rates",
    '/sessions'                  => "$api/charging/sessions",
    '/api/v1/sessions?limit=1'   => "$api/charging/sessions?limit=1",
    '/invoices'                  => "$api/billing/invoices",
    '/billing/invoices'          => "$api/billing/invoices",
    '/stations?city=Kiel'        => "$api/stations?city=Kiel",
    "/stations/$station->{id}"   => "$api/stations/$station->{id}",
    "/stations/$station->{id}/status" => "$api/stations/$station->{id}/status",
    '/auth/me'                   => "$api/auth/me",
    '/customers'                 => "$api/customers",
    '/notifications'             => "$api/notifications",
    '/notifications/rules?limit=1' => "$api/notifications/rules?limit=1",
);

for my $alias (sort keys %same) {
    subtest "GET $alias" => sub {
        my $r = $vg->get($alias);
        is $r->{status}, 200;
        is $r->{body}, $vg->get($same{$alias})->{body}, "as $same{$alias}";
    };
}

subtest 'those whose answer moves' => sub {
    like $vg->get($_)->{body}, qr/^voltgate_requests_total\{/m, $_ for '/actuator/prometheus', '/actuator/metrics';
    my $rates = $vg->get("/pricing/$station->{id}");
    is $rates->{status}, 200, '/pricing';
    is $rates->{json}{stationId}, $station->{id};
    is $vg->get('/metrics')->{headers}{'content-type'} =~ /^text/, 1, '/metrics is no alias';
};

# Each path of section 6 that leads to nothing today is 404 as its own is, and
# a problem; what is no alias is not rewritten.
subtest 'what is not there is not found under either name' => sub {
    for ('/parking/status', '/customers/nobody', '/lots', '/lots/1/park', '/metrics/health',
        '/telemetry/x', '/search/stations', '/analytics/usage', '/reports', '/config',
        '/stationsx', '/sessionsx', '/api/v2/stations', '/invoicesx')
    {
        my $r = $vg->get($_);
        is $r->{status}, 404, $_;
        is $r->{headers}{'content-type'}, 'application/problem+json';
    }
};

subtest 'an alias is not a way round identity' => sub {
    is $vg->get($_, { 'X-API-Key' => '' })->{status}, 401, $_
        for '/stations', '/sessions', "/pricing/$station->{id}", '/invoices', '/auth/me';
    is $vg->request($_->[0], $_->[1], {}, { 'X-API-Key' => '' })->{status}, 401, "@$_"
        for [ POST => '/sessions' ], [ PATCH => "/sessions/$vehicle/stop" ], [ POST => '/charging/stop' ],
        [ POST => '/charging/start' ];
};

subtest 'the log has the route, not the alias' => sub {
    $vg->get('/stations', { 'X-Correlation-ID' => 'alias-1' });
    my @lines;
    $vg->wait_for(sub { @lines = grep { $_->{correlationId} eq 'alias-1' } $vg->access_log });
    is $lines[0]{route}, 'GET /stations';
};

# --------------------------------------------------------------- sessions

my $cp = Voltgate::Charger->connect($vg, 'CP1', 'sixteen letters!');
my @asked;
$cp->answer(sub { push @asked, $_[0]; return { status => 'Accepted' } });
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });

my %driver = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-1'));
my %other  = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-2'));

sub clock {
    my @t = gmtime(time + $_[0]);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

$vg->party('driver-1', vehicles => [$vehicle]);

# A session that runs: [its id, its transaction], begun under that name.
my $round = 0;

sub running {
    my ($path) = @_;
    my %key = (%driver, 'Idempotency-Key' => 'round ' . ++$round);
    my $body = { connectorId => $connector, vehicleId => $vehicle };
    my $r = $vg->post($path, $body, \%key);
    is $r->{status}, 202, $path;
    my $again = $vg->post($path, $body, \%key);
    is $again->{body}, $r->{body}, 'the same key: the same answer, byte for byte';
    $cp->serve(5);
    is $asked[-1], 'RemoteStartTransaction';
    my $start = $cp->call(StartTransaction => { connectorId => 1, idTag => $r->{json}{idTag}, meterStart => 1000,
        timestamp => clock(-60 + $round) })->[2];
    is $start->{idTagInfo}{status}, 'Accepted';
    $cp->call(MeterValues => { connectorId => 1, transactionId => $start->{transactionId}, meterValue => [
        { timestamp => clock($round), sampledValue => [ { value => '3500' } ] } ] });
    return ($r, $start->{transactionId});
}

sub stopped {
    my ($id, $transaction) = @_;
    $cp->serve(5);
    is $asked[-1], 'RemoteStopTransaction', 'the charger is asked';
    $cp->call(StopTransaction => { transactionId => $transaction, meterStop => 4000, timestamp => clock($round + 1) });
    ok $vg->wait_for(sub { $vg->get("$api/charging/sessions/$id", \%driver)->{json}{status} eq 'COMPLETED' }, 10);
    return;
}

subtest 'POST /sessions, PATCH /sessions/{id}/stop' => sub {
    my ($r, $transaction) = running('/sessions');
    my $id = $r->{json}{session_id};
    is $id, $r->{json}{id}, 'session_id';
    is $vg->get("/sessions/$id", \%driver)->{json}{id}, $id, 'GET /sessions/{id}';
    is $vg->patch("/sessions/$id/stop", {}, \%other)->{status}, 404, 'not yours';
    my $stop = $vg->patch("/sessions/$id/stop", {}, \%driver);
    is $stop->{status}, 202;
    cmp_ok $stop->{json}{kwh}, '==', 2.5, 'kwh so far';
    cmp_ok $stop->{json}{duration}, '>=', 50, 'seconds so far';
    cmp_ok $stop->{json}{duration}, '<=', 120;
    stopped($id, $transaction);
    my $over = $vg->patch("/sessions/$id/stop", {}, \%driver);
    is $over->{status}, 200, 'it is over';
    cmp_ok $over->{json}{kwh}, '==', 3;
    my ($seconds) = map { $_->{json}{durationSeconds} } $vg->get("$api/charging/sessions/$id", \%driver);
    is $over->{json}{duration}, $seconds, 'as the session has it';
    is $vg->patch("/sessions/$vehicle/stop", {}, \%driver)->{status}, 404;
};

subtest 'POST /charging/start, POST /charging/stop by vehicle' => sub {
    my ($r, $transaction) = running('/charging/start');
    my $id = $r->{json}{id};
    is $vg->post('/charging/stop', $_, \%driver)->{status}, 400, 'one of the two'
        for {}, { sessionId => $id, vehicleId => $vehicle };
    is $vg->post('/charging/stop', { vehicleId => $vehicle }, \%other)->{status}, 404, 'not yours';
    my $stop = $vg->post('/charging/stop', { vehicleId => $vehicle }, \%driver);
    is $stop->{status}, 202;
    is $stop->{json}{session_id}, $id;
    cmp_ok $stop->{json}{kwh}, '==', 2.5;
    stopped($id, $transaction);
    is $vg->post('/charging/stop', { vehicleId => $vehicle }, \%driver)->{status}, 404, 'none is open';
};

subtest 'POST /charging/stop by session' => sub {
    my ($r, $transaction) = running('/api/v1/sessions');
    my $id = $r->{json}{session_id};
    is $vg->post('/api/v1/charging/stop', { sessionId => $id }, \%driver)->{status}, 202;
    stopped($id, $transaction);
    is $vg->post('/charging/stop', { sessionId => $id }, \%driver)->{status}, 200, 'again';
};

done_testing;

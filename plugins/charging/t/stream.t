# A session as it runs: frames over Server-Sent Events and WebSocket, to its
# last one; and who sees them.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Stream;

my $vg = Voltgate->start;

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $api      = '/api/v1';

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } ] })->{json};
$vg->patch("$api/charge-points/CP1", { password => $password });
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR',
    last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'ENERGY', price => 0.5, vat => 19, step_size => 1 } ] } ] } });
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 1
        && $vg->sql('select count(*) from charging.tariff') == 1 }, 10), 'copies have arrived';

my %driver = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-1'));
my %other  = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-2'));
my %operator = (Authorization => 'Bearer '
    . $vg->token(role => 'operator', subject => 'o', company => $company));

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->answer(sub { return { status => 'Accepted' } });
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });

sub clock {
    my @t = gmtime(time + ($_[0] // 0));
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

my $session = $vg->post("$api/charging/sessions/start",
    { connectorId => $station->{connectors}[0]{connectorId} }, \%driver)->{json};
$cp->serve(5);
my $path = "$api/charging/sessions/$session->{id}/stream";

sub measured {
    my ($transaction, $s, %values) = @_;
    my %unit = ('Power.Active.Import' => 'W', SoC => 'Percent');
    return $cp->call(MeterValues => { connectorId => 1, transactionId => $transaction, meterValue => [
        { timestamp => clock($s), sampledValue => [ map { {
            measurand => $_, value => "$values{$_}", unit => $unit{$_} // 'Wh',
            location => $_ eq 'SoC' ? 'EV' : 'Outlet' } } sort keys %values ] } ] })->[0];
}

# frames until one is as it should be
sub until_frame {
    my ($next, $good) = @_;
    for (1 .. 50) {
        my $frame = $next->() // return;
        return $frame if $good->($frame);
    }
    return;
}

subtest 'who may not see the session does not see its stream' => sub {
    my $once = $vg->get($path, \%driver);
    is $once->{status}, 200, 'who asks for neither SSE nor WebSocket';
    is $once->{json}{sessionId}, $session->{id}, 'gets the present state, once';
    my %sse = (Accept => 'text/event-stream');
    is $vg->get($path, { %sse, 'X-API-Key' => '' })->{status}, 401;
    is $vg->get($path, { %sse, %other })->{status}, 404, 'not yours';
    is $vg->get("$api/charging/sessions/019393c0-0000-7000-8000-0000000000ff/stream", { %sse, %driver })->{status},
        404, 'there is none';
    is $vg->get("$api/charging/sessions/mine/stream", { %sse, %driver })->{status}, 400;
    my $narrow = $vg->token(role => 'driver', subject => 'driver-1', scopes => 'stations:read');
    is $vg->get($path, { %sse, Authorization => "Bearer $narrow" })->{status}, 403;
    my $ws = Voltgate::Charger->connect($vg, '', undef, path => $path, subprotocols => [], headers => \%other);
    is $ws->status, 404, 'over WebSocket neither';
    is $ws->json->{status}, 404, 'told as any error is';
    $ws = Voltgate::Charger->connect($vg, '', undef, path => $path, subprotocols => [],
        headers => { %driver, 'Sec-WebSocket-Version' => '12' });
    is $ws->status, 426;
    is $ws->headers->{'sec-websocket-version'}, 13;
};

# one stream of each kind, and more than one so that both workers have some
my @sse = map { Voltgate::Stream->open($vg, $path, \%driver) } 1 .. 3;
my @ws  = map { Voltgate::Charger->connect($vg, '', undef, path => $path, subprotocols => [], headers => \%operator) } 1 .. 3;
my @next = ((map { my $s = $_; sub { my $e = $s->event(20); $e && $e->{data} } } @sse),
    map { my $s = $_; sub { $s->recv(20) } } @ws);

sub all_see {
    my ($title, $good) = @_;
    my @frames = map { until_frame($_, $good) } @next;
    is scalar(grep { defined } @frames), @next, $title;
    return @frames;
}

subtest 'the first frame is the present state' => sub {
    is_deeply [ map { $_->status } @sse ], [ (200) x 3 ];
    is_deeply [ map { $_->status } @ws ], [ (101) x 3 ];
    is $sse[0]->headers->{'content-type'}, 'text/event-stream';
    is $sse[0]->headers->{'cache-control'}, 'no-store';
    ok $sse[0]->headers->{'x-correlation-id'} && $ws[0]->headers->{'x-correlation-id'};
    all_see('all have it', sub { $_[0]{status} eq 'STARTING' && $_[0]{sessionId} eq $session->{id} });
};

my $transaction;

subtest 'what the charger says is seen as it comes' => sub {
    $transaction = $cp->call(StartTransaction => { connectorId => 1, idTag => $session->{idTag},
        meterStart => 1_000, timestamp => clock() })->[2]{transactionId};
    all_see('the start', sub { $_[0]{status} eq 'ACTIVE' });
    is measured($transaction, 1, 'Energy.Active.Import.Register' => 3_000,
        'Power.Active.Import' => 11_040, SoC => 41.5), 3;
    my @frames = all_see('a meter value', sub { $_[0]{energyKwh} == 2 });
    for my $frame (@frames) {
        cmp_ok $frame->{powerKw}, '==', 11.04, 'power in kW';
        cmp_ok $frame->{socPercent}, '==', 41.5;
        is $frame->{currency}, 'EUR';
        cmp_ok $frame->{cost}, '==', 1, 'the cost so far';
        cmp_ok $frame->{costInclVat}, '==', 1.19;
    }
    my $got = $vg->get("$api/charging/sessions/$session->{id}", \%driver)->{json};
    is_deeply [ @{ $frames[0] }{qw(energyKwh cost costInclVat)} ], [ @$got{qw(energyKwh cost costInclVat)} ],
        'as the session itself says';
    is $cp->call(StatusNotification => { connectorId => 1, status => 'SuspendedEV', errorCode => 'NoError',
        timestamp => clock(2) })->[0], 3;
    all_see('a change of state', sub { $_[0]{status} eq 'SUSPENDED' });
};

subtest 'nonsense from the charger is shown to nobody' => sub {
    measured($transaction, 3, SoC => 180);
    measured($transaction, 4, SoC => 'full', 'Energy.Active.Import.Register' => 4_000);
    my ($frame) = all_see('what made sense', sub { $_[0]{energyKwh} == 3 });
    cmp_ok $frame->{socPercent}, '==', 41.5, 'the last that was a percentage';
};

subtest 'who comes again goes on from the last frame' => sub {
    my $before = Voltgate::Stream->open($vg, $path, \%driver);
    my $last = $before->event(20);
    ok $last->{id}, 'frames have an id';
    $before->close;
    my $again = Voltgate::Stream->open($vg, $path, { %driver, 'Last-Event-ID' => $last->{id} });
    is $again->status, 200;
    measured($transaction, 5, 'Energy.Active.Import.Register' => 5_000);
    my $event = $again->event(20);
    cmp_ok $event->{data}{energyKwh}, '==', 4, 'and is not told again what it knows';
    $again->close;
    all_see('the others too', sub { $_[0]{energyKwh} == 4 });
};

subtest 'the last frame, and the end' => sub {
    is $cp->call(StopTransaction => { transactionId => $transaction, meterStop => 6_000,
        timestamp => clock(6) })->[0], 3;
    my @frames = all_see('what it came to', sub { $_[0]{status} eq 'COMPLETED' });
    cmp_ok $_->{cost}, '==', 2.5 for @frames;
    is $frames[0]{powerKw}, undef, 'nothing flows any more';
    is_deeply [ map { $_->ended(20) } @sse ], [ (1) x 3 ], 'events end';
    for my $ws (@ws) {
        is $ws->recv(20), undef;
        is $ws->close_code, 1000, 'sockets close';
        $ws->drop;
    }
};

subtest 'a stream of what is over' => sub {
    my $stream = Voltgate::Stream->open($vg, $path, \%driver);
    my $event = $stream->event(20);
    is $event->{data}{status}, 'COMPLETED', 'is its last frame';
    ok $stream->ended(20);
    is $vg->get($path, { %driver, Accept => 'text/event-stream', 'Last-Event-ID' => $event->{id} })->{status},
        204, 'who has that need not come again';
    my $ws = Voltgate::Charger->connect($vg, '', undef, path => $path, subprotocols => [], headers => \%driver);
    is $ws->recv(20)->{status}, 'COMPLETED';
    is $ws->recv(20), undef;
    is $ws->close_code, 1000;
};

done_testing;

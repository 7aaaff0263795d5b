# Streams as the kit keeps them: signs of life, limits, the end of a token, of
# a worker and of a plugin's version, readers that are slow or gone.
# Long: heartbeats and ends of tokens are waited for.

use strict;
use warnings;

use IPC::Open3 qw(open3);
use JSON::PP ();
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Charger;
use Voltgate::Cli;
use Voltgate::Stream;
use Voltgate::Variant;
use Voltgate::Worker;

my $pace   = 0.02;
my $narrow = Voltgate::free_port();
my $vg = Voltgate->start(extra => { http => <<'CONF', server => "listen 127.0.0.1:$narrow ssl sndbuf=4k;\n" });
voltgate_streams          20;
voltgate_streams_caller   6;
voltgate_stream_heartbeat 5s;
voltgate_stream_pace      20ms;
CONF
my $api     = '/api/v1';
my $company = '019393c0-0000-7000-8000-000000000001';

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] })->{json};
my $password = 'sixteen letters!';
$vg->patch("$api/charge-points/CP1", { password => $password });
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 1 }, 10), 'a connector';

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });
my $second = 0;
my $transaction = $cp->call(StartTransaction => { connectorId => 1, idTag => 'nobody', meterStart => 0,
    timestamp => '2026-01-01T00:00:00Z' })->[2]{transactionId};
my $session = $vg->sql('select id from charging.session where transaction_id = $1', $transaction);
my $path = "$api/charging/sessions/$session/stream";

sub measured {
    my ($wh) = @_;
    return $cp->call(MeterValues => { connectorId => 1, transactionId => $transaction, meterValue => [
        { timestamp => sprintf('2026-01-01T%02d:%02d:%02dZ', int(++$second / 3600), $second / 60 % 60, $second % 60),
          sampledValue => [ { value => "$wh" } ] } ] });
}

sub bearer { return (Authorization => 'Bearer ' . $vg->token(role => 'admin', subject => @_)) }
sub sse { my (%headers) = @_; return Voltgate::Stream->open($vg, $path, \%headers) }

sub ws {
    my (%headers) = @_;
    return Voltgate::Charger->connect($vg, '', undef, path => $path, subprotocols => [], headers => \%headers);
}

# reads until the energy is so much; what it took
sub reaches {
    my ($next, $kwh) = @_;
    my $n = 0;
    while (my $frame = $next->()) {
        $n++;
        return $n if $frame->{energyKwh} == $kwh;
    }
    return 0;
}

sub events { my ($s) = @_; return sub { my $e = $s->event(20); $e && $e->{data} } }

subtest 'clients of other makers' => sub {
    my $token = $vg->admin;
    my $pid = open3(my $in, my $out, '>&STDERR', 'curl', '-sSN', '--max-time', 20, '--cacert', $vg->ca,
        '-H', "Authorization: Bearer $token", '-H', 'Accept: text/event-stream', $vg->url($path));
    local $ENV{TOKEN} = $token;
    (my $url = $vg->url($path)) =~ s/^https/wss/;
    my $watcher = open my $node, '-|', 'node', "$Voltgate::ROOT/t/journeys/watch.js", $url, $vg->ca;
    die "node: $!" if !$watcher;
    like readline($out), qr/^id:\S+$/, 'curl has an id';
    like readline($out), qr/^data:\{.*"energyKwh" ?: ?0\b/, 'and the present state';
    is readline($out), "\n";
    is_deeply JSON::PP::decode_json(scalar readline($node)), { open => JSON::PP::true }, 'npm ws is open';
    my $first = JSON::PP::decode_json(scalar readline($node));
    is $first->{frame}{sessionId}, $session;
    ok !$first->{binary}, 'frames are text';
    measured(1_000);
    my $line = '';
    $line = readline($out) // '' while $line !~ /"energyKwh" ?: ?1\b/ && !eof $out;
    like $line, qr/^data:/, 'curl sees what moves';
    my $frame = {};
    $frame = JSON::PP::decode_json(scalar readline($node)) while !($frame->{frame} && $frame->{frame}{energyKwh} == 1);
    pass 'ws sees it';
    $frame = JSON::PP::decode_json(scalar readline($node)) while !$frame->{ping};
    pass 'a silent socket is pinged';
    $line = readline($out) while $line ne ":\n";
    pass 'a silent stream gets a comment';
    kill 'TERM', $pid, $watcher;
    waitpid $pid, 0;
    close $node;
};

subtest 'many moves are few frames, and none is the last but the last' => sub {
    my @next = (events(sse(bearer('a'))), (map { my $w = ws(bearer('a')); sub { $w->recv(20) } } 1 .. 2));
    reaches($_, 1) or fail 'the present state' for @next;
    my ($begin, $wh) = (time, 1_000);
    measured(++$wh) while time - $begin < 2;    # for less than it takes to miss a ping
    measured(20_000);
    my $most = (time - $begin) / $pace + 4;
    for my $next (@next) {
        my $n = reaches($next, 20);
        cmp_ok $n, '>', 0, 'the last move is seen';
        cmp_ok $n, '<=', $most, 'and no more frames than the pace has room for';
    }
};

subtest 'how many there may be' => sub {
    my %mine = bearer('greedy');
    my (@open, %status);
    # both workers have their six
    ok $vg->wait_for(sub {
        my $s = sse(%mine);
        push @open, $s if $s->status == 200;
        return ++$status{ $s->status } && ($status{429} // 0) >= 8;
    }, 60), 'one caller is limited';
    cmp_ok scalar @open, '<=', 12, 'to so many in each worker';
    cmp_ok scalar @open, '>=', 6;
    my $refused = $vg->wait_for(sub { my $s = sse(%mine); $s->status == 429 && $s }, 5);
    is $refused->headers->{'content-type'}, 'application/problem+json';
    ok $refused->headers->{'retry-after'};
    ok ws(%mine)->status =~ /^(?:429|101)$/, 'WebSockets count as well';
    is sse(bearer('modest'))->status, 200, 'others are not';
    my $n = 0;
    my @more;
    ok $vg->wait_for(sub {
        my $s = sse(bearer('m' . $n++));
        push @more, $s;
        return $s->status == 503;
    }, 90), 'all together are';
    $_->close for @open, @more;
    ok $vg->wait_for(sub { my $s = sse(%mine); $s->status == 200 }, 10), 'who leaves makes room';
};

subtest 'a stream ends with its token' => sub {
    my %short = bearer('brief', ttl => '3s');
    my ($sse, $ws) = (sse(%short), ws(%short));
    is $sse->status, 200;
    is $ws->status, 101;
    1 while $ws->recv(10);
    is $ws->close_code, 1008, 'WebSocket';
    ok $sse->ended(10), 'SSE';
    my $r = Voltgate::Stream->open($vg, $path, { %short });
    is $r->status, 401, 'a token that calls may still use for a moment opens none';
};

subtest 'an API key is trusted for as long as it is one' => sub {
    my %operator = (Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'o', company => $company));
    my $made = $vg->post("$api/api-keys", { name => 'wall display' }, \%operator)->{json};
    my %key  = ('X-API-Key' => $made->{key});
    my ($sse, $ws) = (sse(%key), ws(%key));
    ok $sse->event(5) && $ws->recv(5), 'they begin';
    my $end = time + 12;    # VG_KEY_TRUSTED is 10 s
    $ws->recv(0.5) while time < $end;
    ok !$sse->ended(0.1), 'SSE outlives the time that a key is trusted unasked';
    measured(20_500);
    ok reaches(events($sse), 20.5), 'and goes on';
    ok reaches(sub { $ws->recv(20) }, 20.5), 'so does WebSocket';
    is $vg->delete("$api/api-keys/$made->{id}", \%operator)->{status}, 204, 'it is revoked';
    1 while $ws->recv(6);
    is $ws->close_code, 1008, 'WebSocket ends at once';
    ok $sse->ended(6), 'SSE too';
};

subtest 'HTTP/2 without a window: what waits is not written over' => sub {
    local $ENV{TOKEN} = $vg->admin;
    open my $node, '-|', 'node', '-e', <<'JS', $vg->url(''), $vg->ca, $path or die "node: $!";
const [origin, ca, path] = process.argv.slice(1);
const session = require('http2').connect(origin, { ca: require('fs').readFileSync(ca), settings: { initialWindowSize: 0 } });
const stream = session.request({ ':path': path, accept: 'text/event-stream', 'last-event-id': 'another',
    authorization: 'Bearer ' + process.env.TOKEN });
let text = '';
stream.setEncoding('utf8');
setTimeout(() => session.settings({ initialWindowSize: 65535 }), 1500);
stream.on('data', (data) => { text += data; });
setTimeout(() => { process.stdout.write(text); process.exit(0); }, 3500);
JS
    my $text = do { local $/; readline $node };
    close $node;
    like $text, qr/\A:\n\n/, 'a sign of life';
    like $text, qr/\A:\n\n(?:id:\S+\ndata:\{[^\n]*\}\n\n)+\z/, 'then whole frames';
};

subtest 'what is over, or not to be seen, is no reason for the others' => sub {
    my $gone = sse(bearer('x'));
    ok $gone->event(5);
    $vg->sql(q{update charging.session set operator_id = '019393c0-0000-7000-8000-0000000000aa' where id = $1}, $session);
    my %owner = (Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'o',
        company => '019393c0-0000-7000-8000-0000000000aa'));
    my ($sse, $ws) = (sse(%owner), ws(%owner));
    ok $sse->event(5) && $ws->recv(5), 'who may see it';
    $vg->sql('update charging.session set operator_id = $2 where id = $1', $session, $company);
    1 while $ws->recv(10);
    is $ws->close_code, 1008, 'and may not any more';
    ok $sse->ended(10);
    measured(21_000);
    ok reaches(events($gone), 21), 'does not disturb who may';
};

subtest 'a reader that is slow gets the newest, not a queue' => sub {
    # a port with small buffers, so that some dozen frames fill the way
    my $sse = Voltgate::Stream->open($vg, $path, { bearer('slow') }, port => $narrow, rcvbuf => 2_048);
    my $ws = Voltgate::Charger->connect($vg, '', undef, path => $path, subprotocols => [],
        headers => { bearer('slow') }, port => $narrow, sockopts => [ [ SOL_SOCKET, SO_RCVBUF, 2_048 ] ]);
    ok $sse->event(5) && $ws->recv(5);
    my ($begin, $moves) = (time, 0);
    measured(22_000 + $moves++ / 10) while time - $begin < 4;
    measured(30_000);
    my $possible = 4 / $pace;
    for my $n (reaches(events($sse), 30), reaches(sub { $ws->recv(20) }, 30)) {
        cmp_ok $n, '>', 0, 'it has the newest';
        cmp_ok $n, '<', $possible * 0.75, "and few of what came between ($moves moves)";
    }
};

subtest 'a version of the plugin comes, streams stay' => sub {
    my $variant = Voltgate::Variant->new($vg, 'charging',
        'plugin.c' => sub { s/(\.version = ")[^"]+/${1}9.9.9/ });
    my ($sse, $ws) = (sse(bearer('y')), ws(bearer('y')));
    ok $sse->event(5) && $ws->recv(5);
    my ($status, $said) = cli($vg, plugin => 'reload', 'charging', $variant->options);
    is $status, 0, 'another version runs' or diag $said;
    measured(40_000);
    ok reaches(events($sse), 40), 'SSE goes on';
    ok reaches(sub { $ws->recv(20) }, 40), 'WebSocket goes on';
    is $vg->post("$api/plugins/charging/pause")->{status}, 200;
    measured(45_000);
    is $vg->post("$api/plugins/charging/resume")->{status}, 200;
    ok reaches(events($sse), 45), 'and through a pause';
};

subtest 'a worker that dies takes its streams, and no other' => sub {
    my @open = map { my $s = sse(bearer("k$_")); $s->event(5); $s } 1 .. 8;
    my $victim = Voltgate::Worker->of($vg, $open[0]->socket);
    my ($dead, $alive) = ([], []);
    push @{ Voltgate::Worker->of($vg, $_->socket) == $victim ? $dead : $alive }, $_ for @open;
    $cp->drop if my $was = Voltgate::Worker->of($vg, $cp->{socket}) == $victim;
    $vg->kill_worker($victim);
    ok $vg->wait_for(sub { (my @w = $vg->workers) == 2 && !grep { $_ == $victim } $vg->workers }, 10);
    $cp = Voltgate::Charger->connect($vg, 'CP1', $password) if $was;
    $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' }) if $was;
    measured(50_000);
    is scalar(grep { reaches(events($_), 50) } @$alive), @$alive, 'the others go on';
    my @again = map { sse(bearer("k$_")) } 1 .. @$dead;
    is scalar(grep { reaches(events($_), 50) } @again), @again, 'who comes again is served';
    measured(55_000);
    is scalar(grep { reaches(events($_), 55) } @again), @again, 'and woken';
};

subtest 'a reload sends them away gently' => sub {
    my @sse = map { sse(bearer("r$_")) } 1 .. 4;
    my @ws  = map { ws(bearer("r$_")) } 1 .. 4;
    $vg->reload;
    for my $ws (@ws) {
        1 while $ws->recv(15);
        is $ws->close_code, 1012, 'sockets close for a restart';
    }
    is scalar(grep { $_->ended(15) } @sse), @sse, 'events end';
    is scalar(grep { $_->retry } @sse), @sse, 'and say when to come again';
    is sse(bearer('r'))->status, 200, 'whoever comes again is served';
};

done_testing;

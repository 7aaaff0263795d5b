# The life of connections: which of two wins, who is taken for gone, and what
# becomes of them when workers come and go.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Charger;
use Voltgate::Wire;
use Voltgate::Worker;

# whoever looks elsewhere for as long answers no ping, and is given up
my $ping = $ENV{SANITIZE} ? 4 : 1;
my $vg = Voltgate->start(extra => { http => "voltgate_ocpp_ping ${ping}s; voltgate_ocpp_reconnects off;" });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $boot = { chargePointVendor => 'Acme', chargePointModel => 'M1' };
$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1 .. 4 ],
});
$vg->post('/api/v1/charge-points', { id => "CP$_", operatorId => $company,
    password => $password }) for 1 .. 4;

sub connected {
    my ($identity) = @_;
    my $cp = Voltgate::Charger->connect($vg, $identity, $password);
    is $cp->status, 101;
    return $cp;
}

sub known { return $vg->get("/api/v1/charge-points/$_[0]")->{json}{connected} }

# how often the stations were told that a connection is over
sub farewells {
    return $vg->get('/metrics')->{body} =~ /^voltgate_requests_total\{route="[^"]*charge_point\.disconnected",[^}]*status="2xx"\} (\d+)$/m ? $1 : 0;
}

sub worker_of { return Voltgate::Worker->of($vg, $_[0]{socket}) }

# by that worker
sub connected_to {
    my ($worker, $identity) = @_;
    my $cp;
    Voltgate::Worker->only($vg, $worker, sub { $cp = connected($identity) });
    return $cp;
}

subtest 'the newest connection wins, on whichever worker' => sub {
    my (%met, $old);
    my $closed = farewells();
    for my $n (0, 0, 1, 1, 0) {
        my $new = connected_to(($vg->workers)[$n], 'CP1');
        is $new->call('BootNotification', $boot)->[2]{status}, 'Accepted';
        if ($old) {
            $old->recv(5);
            ok $old->closed, 'the old one is closed';
            is $old->close_code, 1008;
            $met{ worker_of($new) == $old->{worker} ? 'same' : 'other' }++;
            $old->drop;
            $closed++;
        }
        $new->{worker} = worker_of($new);
        $old = $new;
    }
    is keys %met, 2, 'both were met: ' . join ' ', %met;
    ok $vg->wait_for(sub { farewells() >= $closed }, 10), 'each that was closed has been told of';
    ok known('CP1'), 'and its late close changed nothing';
    ok $old->call('Heartbeat', {});
    $old->close;
    ok $vg->wait_for(sub { !known('CP1') }), 'until the last one goes';
};

subtest 'one that says nothing is asked, and stays' => sub {
    my $cp = connected('CP2');
    $cp->recv(3.5 * $ping);
    cmp_ok $cp->pings, '>=', 2, $cp->pings . ' pings';
    ok !$cp->closed;
    $cp->close;
};

subtest 'one that is half open is found' => sub {
    my $cp = connected('CP2');
    $cp->mute;
    my $start = time;
    $cp->recv(5 * $ping);
    ok $cp->closed, sprintf 'after %.1f s', time - $start;
    ok $vg->wait_for(sub { !known('CP2') }), 'and told';
    $cp->drop;
};

subtest 'one that vanishes is told' => sub {
    my $cp = connected('CP2');
    ok known('CP2');
    $cp->drop;
    ok $vg->wait_for(sub { !known('CP2') });
};

# asks, and leaves so much later
sub asks_and_leaves {
    my ($wire, $seconds) = @_;
    $wire->send("GET /ocpp/CP2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        . "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        . "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
        . 'Authorization: Basic ' . encode_base64("CP2:$password", '') . "\r\n\r\n");
    sleep $seconds;
    my $port = $wire->{socket}->sockport;
    $wire->drop;
    return $port;
}

sub done_with { my (@ports) = @_; return $vg->wait_for(sub { !grep { Voltgate::Worker->holds($vg, $_) } @ports }, 10) }

subtest 'a client that leaves during its handshake' => sub {
    ok done_with(map { asks_and_leaves(Voltgate::Wire->connect($vg), $_ / 4000) } 0 .. 20), 'is done with';
    ok $vg->wait_for(sub { !known('CP2') }), 'and not connected';
};

subtest 'a newer one that leaves during its handshake' => sub {
    my ($one, $other) = $vg->workers;
    my ($late, $cp, $port);
    Voltgate::Worker->only($vg, $other, sub { $late = Voltgate::Wire->connect($vg) });
    Voltgate::Worker->only($vg, $one, sub {
        $port = asks_and_leaves($late, 0);
        $cp   = connected('CP2');
    });
    ok done_with($port), 'it is done with';
    # it has the last number, or came too late for one: who is connected is known, or told to come again
    $cp->recv(2);
    ok $vg->wait_for(sub { $cp->recv(0.1); $cp->closed || known('CP2') }, 10), 'nobody is connected and not known'
        or diag explain [ $vg->get('/api/v1/charge-points/CP2'), $vg->rows(q{select * from stations.link where charge_point_id = 'CP2'}) ], $vg->log;
    is $cp->close_code, 1008 if $cp->closed;
    $cp->drop;
    ok $vg->wait_for(sub { !known('CP2') });
};

subtest 'a worker that dies takes its chargers along, and no others' => sub {
    my ($one, $other) = $vg->workers;
    my $stays = connected_to($one, 'CP3');
    my $goes  = connected_to($other, 'CP4');
    $vg->kill_worker(worker_of($goes));
    $goes->recv(5);
    ok $goes->closed, 'its charger notices';
    ok $vg->wait_for(sub { $vg->workers == 2 }), 'a worker comes after it';
    ok $vg->wait_for(sub { !known('CP4') }), 'and tells what was lost';
    ok known('CP3'), 'the other one stays';
    ok $stays->call('BootNotification', $boot);
    my $again = connected('CP4');
    ok $again->call('BootNotification', $boot), 'and the first comes back';
    $_->close for $again, $stays;
    $_->drop for $goes;
};

subtest 'a worker that is told to go at once' => sub {
    my $cp = connected('CP4');
    my $worker = worker_of($cp);
    kill TERM => $worker;
    $cp->recv(5);
    is $cp->close_code, 1012, 'says so to its charger';
    ok $vg->wait_for(sub { my @now = $vg->workers; @now == 2 && !grep { $_ == $worker } @now }), 'a worker comes after it';
    delete $vg->{client};
    ok $vg->wait_for(sub { $vg->get('/ready')->{status} == 200 && !known('CP4') }, 10), 'and tells who did not come back';
    $cp->drop;
};

subtest 'a reload hands them over' => sub {
    my @cps = map { connected("CP$_") } 1 .. 4;
    $vg->reload;
    for (@cps) {
        $_->recv(10);
        ok $_->closed;
        is $_->close_code, 1012;
        $_->drop;
    }
    my $again = connected('CP1');
    ok $again->call('BootNotification', $boot), 'the new workers take them';
    $again->close;
};

subtest 'a worker that dies while it leaves has none after it' => sub {
    my $cp = connected('CP1');
    ok $cp->call('BootNotification', $boot);
    my $worker = worker_of($cp);
    my $asker = Voltgate::Wire->post($vg, '/api/v1/charge-points/CP1/commands', { action => 'ClearCache', payload => {} });
    is $cp->recv(5)->[2], 'ClearCache', 'its charger has a command to answer';
    $vg->reload;
    ok !$cp->closed && Voltgate::alive($worker), 'for which it stays';
    $vg->kill_worker($worker);
    ok $vg->wait_for(sub { !-e "/proc/$worker" }), 'until it is killed';
    is $vg->post('/api/v1/charge-points/CP1/commands', { action => 'ClearCache', payload => {} })->{status},
        409, 'who asks next finds nobody';
    ok $vg->wait_for(sub { !known('CP1') }), 'and tells it';
    $_->drop for $cp, $asker;
};

subtest 'a lock whose owner died keeps nobody out' => sub {
    my ($node) = glob "$vg->{run}/*/node $vg->{run}/node";
    for my $owner ($$, $vg->workers) {    # whose number it was is another's by now
        open my $file, '+<', $node or die "node: $!";
        sysseek $file, 16, 0;
        is syswrite($file, pack 'Q', $owner), 8;
        close $file;
        my $cp = connected('CP3');
        ok $cp->call('BootNotification', $boot), 'who comes is let in';
        $cp->close;
    }
};

subtest 'a node that is killed as a whole tells it when it starts again' => sub {
    my @cps = map { connected("CP$_") } 1, 2;
    ok known('CP1');
    my @all = ($vg->master, $vg->workers);
    kill KILL => @all;
    ok $vg->wait_for(sub { !Voltgate::alive(@all) }), 'all of it is gone';
    delete $vg->{client};
    $vg->start_gateway;
    my $back = connected('CP1');
    ok $vg->wait_for(sub { !known('CP2') }), 'who did not come back is not connected';
    ok known('CP1'), 'who did is';
    $_->drop for @cps, $back;
};

done_testing;

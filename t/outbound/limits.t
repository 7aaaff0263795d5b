# What spares a target: breaker, rate, permits and the budget of retries, each
# shared by both workers and seen in /metrics.

use strict;
use warnings;

use List::Util qw(max);
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Caller;
use Voltgate::World;

my $world = Voltgate::World->start;
my $url   = $world->url;
my $vg = Voltgate->start(extra => { http => <<"END" });
    voltgate_target frail  url=$url tries=1 rate=1000 open=3s;
    voltgate_target slow   url=$url tries=1 rate=1000 concurrent=3 wait=5s;
    voltgate_target full   url=$url tries=1 rate=1000 concurrent=3 wait=200ms;
    voltgate_target often  url=$url tries=1 rate=5 wait=0;
    voltgate_target steady url=$url tries=1 rate=5 wait=3s;
    voltgate_target spent  url=$url tries=3 rate=1000 backoff=10ms window=20;
END
caller_of($vg);

sub call { my ($target, $path) = @_; return said($vg->post('/api/v1/call', { target => $target, path => $path, method => 'PUT' })) }

# by connections of their own, so that both workers are asked
sub calls {
    my ($target, $path, $count) = @_;
    return map { delete $vg->{client}; call($target, $path) } 1 .. $count;
}

sub breaker { return metric($vg, 'voltgate_outbound_breaker_state', target => 'frail') }

subtest 'the breaker opens for both workers' => sub {
    is_deeply [ calls('frail', '/status/404', 20) ], [ ('rejected') x 20 ], 'what is the call\'s fault';
    is breaker(), 0, 'is not the target\'s';
    is_deeply [ calls('frail', '/status/500', 5) ], [ ('upstream') x 5 ], 'half of the window';
    my $opened = time;
    is breaker(), 1, 'opens it';
    $world->forget;
    is_deeply [ calls('frail', '/ok', 12) ], [ ('breaker_open') x 12 ], 'nobody is let through';
    cmp_ok time - $opened, '<', 3, 'and nobody waits';
    is scalar $world->requests(qr/./), 0, 'nobody came';
    is metric($vg, 'voltgate_outbound_calls_total', target => 'frail', outcome => 'breaker_open'), 12, 'counted';

    ok $vg->wait_for(sub { breaker() == 2 }, 10), 'it is half-open after its time';
    is call('frail', '/status/500'), 'upstream', 'a trial that fails';
    is breaker(), 1, 'opens it again';
    ok $vg->wait_for(sub { breaker() == 2 }, 10);
    is_deeply [ calls('frail', '/ok', 2) ], [ 200, 200 ], 'trials';
    is breaker(), 2, 'two are not enough';
    is call('frail', '/ok'), 200;
    is breaker(), 0, 'three close it';
};

subtest 'half-open it lets three through at once' => sub {
    is_deeply [ calls('frail', '/status/500', 5) ], [ ('upstream') x 5 ];
    ok $vg->wait_for(sub { breaker() == 2 }, 10);
    my @said = at_once($vg, map { { target => 'frail', path => '/slow/700', method => 'PUT' } } 1 .. 8);
    is scalar(grep { $_ eq '200' } @said), 3, 'three';
    is scalar(grep { $_ eq 'breaker_open' } @said), 5, 'and no more' or diag "@said";
};

# how many the target had at a time
sub most {
    my @ends = map { [ $_->{at}, 1 ], [ $_->{at} + 0.5, -1 ] } @_;
    my ($now, $most) = (0, 0);
    for (sort { $a->[0] <=> $b->[0] } @ends) {
        $now += $_->[1];
        $most = max $most, $now;
    }
    return $most;
}

subtest 'so many at once, and others wait' => sub {
    $world->forget;
    my @said = at_once($vg, map { { target => 'slow', path => '/slow/600' } } 1 .. 9);
    is_deeply \@said, [ (200) x 9 ], 'all in the end';
    is most($world->requests(qr/./)), 3, 'three at a time, of both workers';
    $world->forget;
    @said = at_once($vg, map { { target => 'full', path => '/slow/900' } } 1 .. 7);
    is scalar(grep { $_ eq '200' } @said), 3, 'who may not wait as long';
    is scalar(grep { $_ eq 'busy' } @said), 4, 'is refused' or diag "@said";
    is scalar $world->requests(qr/./), 3;
    is metric($vg, 'voltgate_outbound_running', target => 'full'), 0, 'none is left behind';
};

subtest 'a worker that dies leaves no place taken' => sub {
    $world->forget;
    my @pids = map {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            $vg->{client} = undef;
            eval { call('full', '/slow/20000') };
            POSIX::_exit(0);
        }
        $pid;
    } 1 .. 3;
    ok $vg->wait_for(sub { 3 == $world->requests(qr/20000/) });
    is metric($vg, 'voltgate_outbound_running', target => 'full'), 3;
    my @before = $vg->workers;
    $vg->kill_worker($_) for @before;
    waitpid $_, 0 for @pids;
    ok $vg->wait_for(sub { my %now = map { $_ => 1 } $vg->workers; keys %now == 2 && !grep { $now{$_} } @before }, 10);
    delete $vg->{client};
    is_deeply [ at_once($vg, map { { target => 'full', path => '/ok' } } 1 .. 3) ], [ (200) x 3 ], 'all three are free';
};

subtest 'so often' => sub {
    my $began = time;
    my @said = calls('often', '/ok', 5);
    is_deeply \@said, [ (200) x 5 ], 'five at once';
    @said = at_once($vg, map { { target => 'often', path => '/ok' } } 1 .. 8);
    cmp_ok scalar(grep { $_ eq '200' } @said), '<=', 5 * (time - $began), 'then as many as time has room for' or diag "@said";
    is scalar(grep { $_ ne 'rate' && $_ ne '200' } @said), 0;
    $began = time;
    @said = at_once($vg, map { { target => 'steady', path => '/ok' } } 1 .. 12);
    is_deeply \@said, [ (200) x 12 ], 'who may wait does';
    cmp_ok time - $began, '>', 1.2, 'seven of twelve, at five a second';
    is metric($vg, 'voltgate_outbound_calls_total', target => 'steady', outcome => 'ok'), 12;
};

subtest 'retries are a tenth of all calls' => sub {
    my ($calls, $again) = (0, 0);
    for my $n (1 .. 60) {
        call('spent', '/ok') for 1 .. 3;
        $again++ if call('spent', "/fail/1/budget$n") eq '200';
        $calls += 4;
    }
    my $retries = metric($vg, 'voltgate_outbound_retries_total', target => 'spent');
    is $retries, $again, 'what was tried again went well';
    cmp_ok $retries, '<=', 4 + 0.1 * $calls + 1, 'a tenth, and a few';
    cmp_ok $retries, '>=', 5, 'but that';
    is metric($vg, 'voltgate_outbound_retries_spared_total', target => 'spent'), 60 - $again, 'the others were spared';
    is metric($vg, 'voltgate_outbound_tries_total', target => 'spent'), $calls + $retries;
};

done_testing;

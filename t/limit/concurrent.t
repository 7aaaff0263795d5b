# How many at once: over both workers, streams for as long as they are open,
# and no call counts for longer than its worker lives.

use strict;
use warnings;

use Test::More;

use Voltgate::Stream;
use Voltgate::Till qw(somebody nobody from ask left figure);
use Voltgate::Wire;
use Voltgate::Worker;

my $vg = Voltgate::Till->start(http => <<'END');
voltgate_plan narrow rate=1000r/s burst=1000 concurrent=3;
voltgate_limit role=default plan=narrow;
voltgate_plan single rate=10r/h burst=6 concurrent=1;
voltgate_limit role=planner plan=single;
END

# A call whose body does not come, and which is let in: it is told to go on. One
# that was asked meanwhile may have had its place.
sub slow {
    my ($headers, $path) = @_;

    my %all = ('Content-Type' => 'application/json', 'Content-Length' => 12, 'Expect' => '100-continue', %$headers);
    my $head = join "\r\n", 'POST ' . ($path // '/api/v1/till/slow') . ' HTTP/1.1', 'Host: localhost',
        (map { "$_: $all{$_}" } sort keys %all), '', '';
    return $vg->wait_for(sub {
        my $wire = Voltgate::Wire->connect($vg)->send($head);
        $wire->{worker} = Voltgate::Worker->of($vg, $wire->{socket});
        return $wire if $wire->answer(5)->{status} == 100;
        $wire->drop;
        return 0;
    }, 10) || die "no call is let in\n";
}

# who is told that the connection closes closes it: nginx waits for that
sub ends {
    my ($wire) = @_;

    my $r = $wire->send('{"text":"x"}')->answer(5);
    $wire->drop if ($r->{headers}{connection} // '') eq 'close';
    return $r->{status};
}

# one of each worker at least
sub slow_on_both {
    my ($headers) = @_;

    my (%met, @wires);
    $vg->wait_for(sub {
        my $wire = slow($headers);
        if (keys %met == 1 && $met{ $wire->{worker} }) {
            $wire->drop;
            return 0;
        }
        $met{ $wire->{worker} } = 1;
        push @wires, $wire;
        return keys %met == 2;
    }, 10) or die "one worker takes them all\n";
    return @wires;
}

sub status_of { my ($headers, $status) = @_; return $vg->wait_for(sub { ask($vg, '/mine', $headers)->{status} == $status }, 5) }

subtest 'three at once' => sub {
    my $ann   = somebody($vg, 'ann');
    my @wires = (slow_on_both($ann), slow($ann));
    ok status_of($ann, 429), 'the fourth is refused';
    my $r = ask($vg, '/mine', $ann);
    is $r->{headers}{'retry-after'}, 1, 'for a second';
    like $r->{json}{type}, qr{/limited$}, 'and it says why';
    is ask($vg, '/mine', somebody($vg, 'ben'))->{status}, 200, 'another one may call';
    is ends($_), 200, 'what is under way goes on' for @wires;
    ok status_of($ann, 200), 'and then there is room';
    cmp_ok figure($vg, 'voltgate_limited_total{plan="narrow",reason="concurrent"}'), '>', 0, 'it is seen';
};

subtest 'what was refused' => sub {
    my $may  = somebody($vg, 'may', role => 'planner');
    my $wire = slow($may);
    ok status_of($may, 429), 'one is under way';
    my $left = sub { return (split m{/}, left($_[0]))[1] };
    my $had  = $left->(ask($vg, '/mine', $may));
    is_deeply [ map { $left->(ask($vg, '/mine', $may)) } 1 .. 3 ], [ ($had) x 3 ], 'is counted nowhere else';
    is ends($wire), 200, 'it ends';
    my $r;
    ok $vg->wait_for(sub { ($r = ask($vg, '/mine', $may))->{status} == 200 }, 5), 'there is room';
    is $left->($r), $had - 1, 'for all that were left';
};

subtest 'a client that goes' => sub {
    my $cat   = somebody($vg, 'cat');
    my @wires = map { slow($cat) } 1 .. 3;
    ok status_of($cat, 429), 'three are waited for';
    $_->drop for @wires;
    ok status_of($cat, 200), 'gone, they count no more';
};

subtest 'nobody, from one address' => sub {
    my @wires = map { slow({ 'X-Real-IP' => '192.0.2.1' }, '/api/v1/till/login') } 1 .. 3;
    ok $vg->wait_for(sub { ask($vg, '/open', from(nobody, '192.0.2.1'))->{status} == 429 }), 'is held to it as well';
    is ask($vg, '/open', from(nobody, '192.0.2.2'))->{status}, 200, 'and from no other';
    is ends($_), 200, 'they end' for @wires;
};

subtest 'a stream' => sub {
    my $dan     = somebody($vg, 'dan', role => 'admin');
    my @streams = map { Voltgate::Stream->open($vg, '/api/v1/events/stream', $dan) } 1 .. 3;
    is_deeply [ map { $_->status } @streams ], [ 200, 200, 200 ], 'three are open';
    is ask($vg, '/mine', $dan)->{status}, 429, 'each counts for as long as it is';
    $streams[0]{socket}->close(SSL_no_shutdown => 1);
    ok status_of($dan, 200), 'and no longer';
    is ask($vg, '/mine', $dan)->{headers}{'ratelimit-limit'}, 1000, 'it was one call';
};

subtest 'a worker that is killed with calls under way' => sub {
    my $eva   = somebody($vg, 'eva');
    my @wires = (slow_on_both($eva), slow($eva));
    ok status_of($eva, 429), 'three are under way';
    my $killed = $wires[0]{worker};
    my @on     = grep { $_->{worker} == $killed } @wires;
    $vg->kill_worker($killed);
    delete $vg->{client};
    ok $vg->wait_for(sub { ask($vg, '/mine', $eva)->{status} == 200 }, 10), 'what it had counts no more';
    my @more = map { slow($eva) } @on;
    ok status_of($eva, 429), 'so many may come again, and not one more';
    is ends($_), 200, 'the other one lost none' for grep { $_->{worker} != $killed } @wires;
    is ends($_), 200, 'and those that came end' for @more;
};

subtest 'a reload with calls under way' => sub {
    my $fay   = somebody($vg, 'fay');
    my @wires = map { slow($fay) } 1 .. 3;
    ok status_of($fay, 429), 'three are under way';
    $vg->reload;
    ok $vg->wait_for(sub { $vg->get('/ready')->{status} == 200 }, 20), 'other workers are there';
    is ask($vg, '/mine', $fay)->{status}, 429, 'they count those of the ones before';
    is ends($_), 200, 'which end them' for @wires;
    ok status_of($fay, 200), 'and then there is room';
};

done_testing;

# Several nodes count together, in a real Redis; without it each counts alone,
# no call fails for it, and it is found again.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate::Load;
use Voltgate::Redis;
use Voltgate::Till qw(somebody nobody from ask left figure);

my $folder = ($ENV{VG_TEST} || "$Voltgate::ROOT/build/test") . "/redis.$$";
make_path($folder);
my $redis = Voltgate::Redis->start($folder, password => 'first secret');

# a worker is no root
sub secret {
    my ($text) = @_;
    my $file = "/run/voltgate-redis-$$";
    open my $out, '>', $file or die "$file: $!";
    print {$out} "$text\n";
    close $out or die $!;
    chmod 0640, $file;
    my $user = (getpwnam 'www-data')[3];
    chown 0, $user, $file;
    return $file;
}
my $secret = secret('first secret');
END { unlink "/run/voltgate-redis-$$" }

my $conf = <<"END";
voltgate_plan few rate=20r/h burst=20;
voltgate_plan few "route=GET /till/rare" rate=10r/h burst=3;
voltgate_plan brisk rate=100000r/s burst=100000;
voltgate_limit role=driver plan=few;
voltgate_limit role=admin plan=brisk;
voltgate_limit_redis 127.0.0.1:@{[ $redis->port ]} "password_file=$secret" timeout=500ms;
END
my $a = Voltgate::Till->start(http => $conf);
my $b = Voltgate::Till->start(beside => $a, http => $conf);

# each of the four workers
sub met {
    my ($count, @nodes) = @_;
    return $a->wait_for(sub { (() = join('', map { $_->log } @nodes) =~ /limits are counted in Redis/g) >= $count }, 10);
}

subtest 'two nodes' => sub {
    ok met(4, $a, $b), 'all their workers are connected';
    my $ann = somebody($a, 'ann');
    my %seen;
    for (1 .. 15) {
        $seen{ ask($_, '/mine', $ann)->{status} }++ for $a, $b;
    }
    is_deeply \%seen, { 200 => 20, 429 => 10 }, 'share a limit, exactly';
    my $ben = somebody($a, 'ben');
    is left(ask($a, '/rare', $ben)), '3/2/360', 'a call is asked about with all its keys';
    is left(ask($b, '/rare', $ben)), '3/1/720', 'the other node knows';
    is left(ask($b, '/mine', $ben)), '20/17/540', 'of both';
    is join(' ', map { ask($_, '/rare', $ben)->{status} } $a, $b, $a), '200 429 429', 'and both refuse';
    is left(ask($b, '/mine', $ben)), '20/15/900', 'what was refused is counted nowhere';
    is $redis->cli('exists', 'voltgate:i:ann'), 1, 'it stands in Redis';
    cmp_ok $redis->cli('pttl', 'voltgate:i:ann'), '>', 0, 'for as long as it says something';
};

subtest 'many at once' => sub {
    my $cat  = somebody($a, 'cat');
    my @pids;
    my @load = map { my $node = $_; map { pipe my $from, my $to or die; [ $node, $from, $to ] } 1 .. 3 } $a, $b;
    for my $one (@load) {
        my $pid = fork // die;
        push @pids, $pid if $pid;
        next if $pid;
        delete $one->[0]{client};
        my %seen;
        $seen{ ask($one->[0], '/mine', $cat)->{status} }++ for 1 .. 10;
        syswrite $one->[2], ($seen{200} // 0) . ' ' . ($seen{429} // 0) . "\n";
        POSIX::_exit(0);
    }
    my ($in, $out) = (0, 0);
    for my $one (@load) {
        close $one->[2];
        my ($some, $more) = split ' ', readline $one->[1];
        $in  += $some;
        $out += $more;
    }
    waitpid $_, 0 for @pids;
    is "$in $out", '20 40', 'six clients of two nodes have what one would have had';
};

subtest 'Redis is killed in mid-load' => sub {
    my $load = Voltgate::Load->start($a, 4, sub { return (GET => '/api/v1/till/mine') });
    ok $load->wait_calls(200, 200), 'calls go';
    $redis->kill;
    ok $load->wait_calls(600, 200), 'and go on';
    my @outcomes = $load->stop;
    is scalar(grep { $_->{status} != 200 } @outcomes), 0, 'none of ' . @outcomes . ' failed';
    ok $a->wait_for(sub { $a->log =~ /this node counts alone/ }), 'the log says so, once a worker';
    cmp_ok scalar(() = $a->log =~ /counts alone/g), '<=', 2, 'and no more often';
    my $dan = somebody($a, 'dan');
    my %seen;
    $seen{ ask($a, '/mine', $dan)->{status} }++ for 1 .. 25;
    is_deeply \%seen, { 200 => 20, 429 => 5 }, 'alone it counts as well';
    cmp_ok figure($a, 'voltgate_limit_redis_total{result="local"}'), '>', 0, 'which is seen';
};

subtest 'it is back' => sub {
    $redis->{password} = 'second secret';
    $redis->again;
    secret('second secret');
    ok met(8, $a, $b), 'with another password, which is read anew';
    my $eva = somebody($a, 'eva');
    my %seen;
    for (1 .. 15) {
        $seen{ ask($_, '/mine', $eva)->{status} }++ for $a, $b;
    }
    is_deeply \%seen, { 200 => 20, 429 => 10 }, 'they share again';
};

subtest 'it does not answer' => sub {
    my $fay = somebody($a, 'fay', role => 'admin');
    $redis->stop;
    my ($began, @took) = (time);
    for (1 .. 30) {
        my $at = time;
        is ask($a, '/mine', $fay)->{status}, 200, 'a call goes' if $_ == 1;
        ask($a, '/mine', $fay) if $_ > 1;
        push @took, time - $at;
    }
    my @late = grep { $_ > 0.4 } @took;
    ok @late >= 1 && @late <= 2, 'the first one of a worker waits for it, and no other' or diag "@took";
    $redis->go;
    ok met(8 + @late, $a, $b), 'it is asked again when it answers';
};

subtest 'what it forgot' => sub {
    $redis->cli('script', 'flush');
    my $gus = somebody($a, 'gus');
    is ask($a, '/mine', $gus)->{status}, 200, 'is no reason to refuse';
    ok $a->wait_for(sub { ask($a, '/mine', somebody($a, 'hal'))->{status} == 200 && figure($a, 'voltgate_limit_redis_up') == 1 }, 10),
        'the script is told again';
};

# in front of Redis: what it says is passed on, and after the greeting more
sub between {
    my ($more) = @_;
    my $listen = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1') or die "listen: $!";
    my $child  = fork // die "fork: $!";
    return ($listen->sockport, $child) if $child;
    my %other;
    my $select = IO::Select->new($listen);
    while (getppid != 1) {
        for my $from ($select->can_read(1)) {
            if ($from == $listen) {
                my $near = $listen->accept or next;
                my $far  = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $redis->port) or next;
                $select->add($near, $far);
                $other{$near} = [ $far, '' ];
                $other{$far}  = [ $near, $more ];
                next;
            }
            my ($to, $then) = @{ $other{$from} };
            my $bytes;
            if (!$from->sysread($bytes, 65536)) {
                $select->remove($from, $to);
                $_->close for $from, $to;
                next;
            }
            $to->syswrite($bytes);
            # the greeting's last word; then it is believed
            if ($then && $bytes =~ /\+PONG\r\n\z/) {
                Time::HiRes::sleep(0.2);
                $to->syswrite($then);
            }
        }
    }
    POSIX::_exit(0);
}

subtest 'one that says too much' => sub {
    local $SIG{PIPE} = 'IGNORE';
    my ($port, $child) = between("\$500000000\r\nx");
    my $c = Voltgate::Till->start(beside => $a, http => $conf =~ s/127\.0\.0\.1:\d+/127.0.0.1:$port/r);
    ok $c->wait_for(sub { $c->log =~ /it said something unasked/ }, 10), 'is left at once';
    is ask($c, '/mine', somebody($c, 'ida'))->{status}, 200, 'and the node counts alone';
    kill TERM => $child;
    waitpid $child, 0;
};

$redis->kill;
remove_tree($folder);
done_testing;

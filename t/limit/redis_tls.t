# Redis over TLS: its certificate has to be of whom the conf trusts and for the
# name that it has; else nothing is said to it, and the node counts alone.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;

use Voltgate::Redis;
use Voltgate::Till qw(somebody ask);

my $folder = ($ENV{VG_TEST} || "$Voltgate::ROOT/build/test") . "/redis.$$";
make_path($folder);

sub certificate {
    my ($name, @names) = @_;
    system('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2,
        '-subj', "/CN=$name", '-addext', 'subjectAltName=' . join(',', @names),
        '-keyout', "$folder/$name.key", '-out', "$folder/$name.pem", '-batch') == 0 or die 'openssl';
    return { cert => "$folder/$name.pem", key => "$folder/$name.key" };
}

open my $quiet, '>&', \*STDERR or die $!;
open STDERR, '>', '/dev/null' or die $!;
my $right = certificate('right', 'DNS:localhost', 'IP:127.0.0.1');
my $wrong = certificate('wrong', 'DNS:elsewhere.example');
open STDERR, '>&', $quiet or die $!;

sub gateway {
    my ($redis, $host, $ca) = @_;
    return Voltgate::Till->start(http => <<"END");
voltgate_plan few rate=10r/h burst=3;
voltgate_limit role=driver plan=few;
voltgate_limit_redis $host:@{[ $redis->port ]} tls ca=$ca->{cert} timeout=1s;
END
}

sub counted { my ($redis) = @_; return $redis->cli('dbsize') =~ /(\d+)/ ? $1 : -1 }

my $redis = Voltgate::Redis->start($folder, tls => $right);
for my $host (qw(localhost 127.0.0.1)) {
    subtest "by $host" => sub {
        my $vg = gateway($redis, $host, $right);
        ok $vg->wait_for(sub { 2 == (() = $vg->log =~ /counted in Redis/g) }, 10), 'both workers trust it';
        my $before = counted($redis);
        is join(' ', map { ask($vg, '/mine', somebody($vg, "ann-$host"))->{status} } 1 .. 4), '200 200 200 429', 'it counts';
        is counted($redis), $before + 1, 'there';
    };
}

subtest 'who is not trusted' => sub {
    my $vg = gateway($redis, 'localhost', $wrong);
    ok $vg->wait_for(sub { $vg->log =~ /its certificate is not trusted: this node counts alone/ }, 10), 'is told of';
    my $before = counted($redis);
    is join(' ', map { ask($vg, '/mine', somebody($vg, 'ben'))->{status} } 1 .. 4), '200 200 200 429', 'the node counts alone';
    is counted($redis), $before, 'and nothing there';
};
$redis->kill;

subtest 'another name' => sub {
    my $other = Voltgate::Redis->start($folder, tls => $wrong);
    my $vg = gateway($other, 'localhost', $wrong);
    ok $vg->wait_for(sub { $vg->log =~ /its certificate is not trusted/ }, 10), 'is not trusted, though who signed it is';
    is ask($vg, '/mine', somebody($vg, 'cat'))->{status}, 200, 'calls go';
    is counted($other), 0, 'it heard of none';
    $other->kill;
};

remove_tree($folder);
done_testing;

# voltgate_access: files and proxies of nginx's own behind identity, scope and
# limits of ours; all of it once more where Redis is asked, which is waited for.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;

use Voltgate::Redis;
use Voltgate::Till qw(somebody key nobody from left);

my $folder = ($ENV{VG_TEST} || "$Voltgate::ROOT/build/test") . "/redis.$$";
make_path($folder);
my $redis = Voltgate::Redis->start($folder);
my $vg;

sub gateway {
    my ($more) = @_;
    my $port = Voltgate::free_port();
    return Voltgate::Till->start(http => <<"END", server => <<"PLACES");
$more
voltgate_plan few rate=10r/h burst=6;
voltgate_plan few "route=/rare" rate=10r/h burst=2;
voltgate_limit role=driver plan=few;
voltgate_plan anonymous rate=10r/h burst=3;
server {
    listen 127.0.0.1:$port;
    location / { return 200 "behind it: \$request_method \$http_x_word"; }
}
END
    location /files { voltgate_access; default_type text/plain; alias /etc/hostname; }
    location /rare { voltgate_access; alias /etc/hostname; }
    location /partners { voltgate_access pricing:write; proxy_pass http://127.0.0.1:$port; }
    location /inside { voltgate_access; location /inside/more { proxy_pass http://127.0.0.1:$port; } }
PLACES
}

my $hostname = `cat /etc/hostname`;
sub place { my ($path, $who) = @_; return $vg->get($path, $who) }

sub with {
    subtest 'who may' => sub {
        my $ann = somebody($vg, 'ann');
        my $r = place('/files', $ann);
        is $r->{status}, 200, 'has the file';
        is $r->{body}, $hostname, 'as it is';
        is left($r), '6/5/360', 'and is told how often';
        is place('/files', key('a'))->{status}, 200, 'a key that has to be looked up first';
        is place('/inside/more', $ann)->{body}, 'behind it: GET ', 'a place inside of one';
        $r = $vg->post('/partners', 'x' x 100_000, { %{ somebody($vg, 'olga', role => 'operator', company => 'c') }, 'X-Word' => 'yes' });
        is $r->{body}, 'behind it: POST yes', 'a proxy, with a body';
    };

    subtest 'who may not' => sub {
        my $r = place('/files', from(nobody, '192.0.2.1'));
        is $r->{status}, 401, 'nobody';
        is $r->{headers}{'content-type'}, 'application/problem+json', 'as any problem';
        ok $r->{headers}{'www-authenticate'}, 'with what is wanted';
        is place('/files', { 'X-API-Key' => '', Authorization => 'Bearer x' })->{status}, 401, 'no token';
        my $ben = somebody($vg, 'ben');
        $r = $vg->post('/partners', 'x' x 100_000, $ben);
        is $r->{status}, 403, 'no scope';
        like $r->{body}, qr/pricing:write/, 'and which';
        is place('/inside/more', from(nobody, '192.0.2.2'))->{status}, 401, 'a place inside is guarded as well';
        is join(' ', map { place('/rare', $ben)->{status} } 1 .. 3), '200 200 429', 'a place has a limit of its own, by its name';
        is join(' ', map { place('/files', $ben)->{status} } 1 .. 4), '200 200 200 429', 'all count together';
        is join(' ', map { place('/files', from(nobody, '192.0.2.3'))->{status} } 1 .. 4), '401 401 401 429', 'and guesses';
    };

    subtest 'over HTTP/2' => sub {
        my $token = somebody($vg, 'cat')->{Authorization};
        my $url   = $vg->url('/files');
        my $ca    = $vg->ca;
        my $out   = `curl -s --http2 --cacert $ca -H 'Authorization: $token' -w ' %{http_version} %{http_code}' $url $url`;
        is $out, "$hostname 2 200$hostname 2 200", 'the same';
        $out = `curl -s --http2 --cacert $ca -o /dev/null -w '%{http_code}' -X POST -d x $url`;
        is $out, 401, 'both ways';
    };

    ok scalar(grep { ($_->{route} // "") eq "/files" && $_->{userId} eq "ann" } $vg->access_log), 'the log has the place, and who was there';
    return;
}

for my $more ('', "voltgate_limit_redis 127.0.0.1:@{[ $redis->port ]} timeout=500ms;") {
    $vg = gateway($more);
    ok $vg->wait_for(sub { 2 == (() = $vg->log =~ /counted in Redis/g) }, 10), 'Redis is asked' if $more;
    with();
}
$redis->kill;
remove_tree($folder);

done_testing;

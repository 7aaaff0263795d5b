# What the conf says wrong of limits is told by directive and line, before
# anything runs by it.

use strict;
use warnings;

use Test::More;

use Voltgate::Till qw(somebody key nobody from ask left figure);

my $vg = Voltgate::Till->start(http => 'voltgate_limit_zone 64k; voltgate_plan anonymous rate=10r/h burst=5; voltgate_plan gold rate=10r/h burst=7;');
my $dir = $vg->{state};

# what nginx says of a conf with these lines, the first of them on line 2
sub says {
    my ($lines) = @_;
    open my $in, '<', "$dir/conf/nginx.conf" or die $!;
    my $conf = do { local $/ = undef; <$in> };
    $conf =~ s/\A.*?^(http \{\n)//ms or die 'no http';
    my $before = $&;
    $conf =~ s/^voltgate_(?:plan|limit).*$//mg;
    open my $file, '>', "$dir/try.conf" or die $!;
    print {$file} "$before$lines\n$conf";
    close $file;
    my ($binary) = map { readlink "/proc/$_/exe" } $vg->master;
    my $preload = $ENV{VG_PRELOAD} ? "LD_PRELOAD=$ENV{VG_PRELOAD}" : '';
    my $out = `$preload $binary -t -c $dir/try.conf 2>&1`;
    return ($?, $out);
}

sub good { my ($lines) = @_; my ($status, $out) = says($lines); is $status, 0, $lines or diag $out; return }

sub bad {
    my ($lines, $pattern) = @_;
    my ($status, $out) = says($lines);
    isnt $status, 0, $lines;
    like $out, $pattern;
    return;
}

subtest 'what is right' => sub {
    good('voltgate_plan a rate=100r/s burst=200 concurrent=20 quota=1000000/month;');
    good('voltgate_plan a rate=30r/m burst=5; voltgate_plan a "route=POST /auth/token" rate=10r/h burst=10;');
    good('voltgate_plan driver rate=1r/s burst=1; voltgate_limit role=partner plan=driver; voltgate_limit role=anonymous plan=driver;');
    good('voltgate_limit off;');
    good('voltgate_limit role=default plan=admin; voltgate_limit_zone 1m;');
    good('voltgate_limit_redis 127.0.0.1:6379 user=voltgate prefix=vg: timeout=1s;');
    good("voltgate_limit_redis [::1] tls ca=$dir/tls/cert.pem;");
};

subtest 'a slip in a route is told' => sub {
    my $slip = qr/no route is "POST \/plugins\/\{name\}\/relaod": what the plan "a" says of it limits nothing/;
    my ($status, $out) = says('voltgate_plan a rate=30r/m burst=5; voltgate_plan a "route=POST /plugins/{name}/relaod" rate=10r/h burst=10;');
    is $status, 0, 'its plugin may be off';
    like $out, $slip;
    ($status, $out) = says('voltgate_plan a rate=30r/m burst=5; voltgate_plan a "route=POST /plugins/{name}/reload" rate=10r/h burst=10;');
    unlike $out, qr/no route is/;
};

subtest 'what is not' => sub {
    bad('voltgate_plan A rate=1r/s burst=1;', qr/has a name that is not/);
    bad('voltgate_plan a rate=1r/s;', qr/"a" wants rate= and burst=/);
    bad('voltgate_plan a burst=1;', qr/"a" wants rate= and burst=/);
    bad("voltgate_plan a rate=$_ burst=1;", qr/"rate=\Q$_\E" is out of its range/) for '0r/s', '1r/d', '1/s', 'r/s', '-1r/s', '1r/s1', '1000000r/s';
    bad('voltgate_plan a rate=1r/s burst=0;', qr/"burst=0" is out of its range/);
    bad('voltgate_plan a rate=1r/h burst=2;', qr/lets more come at once than its rate gives in an hour/);
    bad('voltgate_plan a rate=1r/s burst=1 concurrent=10001;', qr/"concurrent=10001"/);
    bad("voltgate_plan a rate=1r/s burst=1 quota=$_;", qr/"quota=\Q$_\E"/) for '1000', '/month', '5/year';
    bad('voltgate_plan a rate=1r/s burst=1 colour=red;', qr/"colour=red" is none of/);
    bad('voltgate_plan a "route=GET /x" rate=1r/s burst=1 quota=1/month;', qr/is no word of a route/);
    bad('voltgate_plan a "route=GET /x" rate=1r/s burst=1;', qr/"a" wants rate= and burst=/);
    bad('voltgate_limit role=king plan=driver;', qr/names a role that is not known/);
    bad('voltgate_limit role=driver plan=none;', qr/"none" is no plan/);
    bad('voltgate_limit on;', qr/wants role=ROLE plan=NAME, or off/);
    bad('voltgate_limit driver none;', qr/wants role=ROLE plan=NAME/);
    bad('voltgate_limit_zone 1k;', qr/less than 64k/);
    bad('voltgate_limit_redis 127.0.0.1:1 timeout=2s;', qr/"timeout=2s" is not within 1 and 1000 ms/);
    bad("voltgate_limit_redis 127.0.0.1:1 ca=$dir/tls/cert.pem;", qr/has a ca= without tls/);
    bad("voltgate_limit_redis 127.0.0.1:1 tls ca=$dir/none;", qr/none/);
    bad('voltgate_limit_redis 127.0.0.1:1 fast;', qr/"fast" is neither tls nor key=value/);
    bad('voltgate_limit_redis 127.0.0.1:1; voltgate_limit_redis 127.0.0.1:2;', qr/is there twice/);
    bad(join(' ', map { "voltgate_plan p$_ rate=1r/s burst=1;" } 1 .. 58), qr/is one too many/);
};

subtest 'without a line' => sub {
    my %limit = (driver => 60, operator => 200, fleet_manager => 200, planner => 60, partner => 100, admin => 400);
    is +(split m{/}, left(ask($vg, '/mine', somebody($vg, "a-$_", role => $_))))[0], $limit{$_}, "$_ has a plan" for sort keys %limit;
};

subtest 'plans of keys' => sub {
    is left(ask($vg, '/mine', key('a-gold'))), '7/6/360', 'a key has the plan that it names';
    is left(ask($vg, '/mine', key('b-driver'))), '60/59/10', 'also that of a role';
    is +(split m{/}, left(ask($vg, '/mine', key('c-lead'))))[0], 100, 'a plan that there is not is its role\'s';
    ask($vg, '/mine', key('d-lead'));
    ok $vg->wait_for(sub { $vg->log =~ /the plan "lead", which the conf does not know/ }), 'which is told';
    cmp_ok scalar(() = $vg->log =~ /the plan "lead"/g), '<=', 2, 'once a worker';
};

subtest 'a zone that is full' => sub {
    my $script = "$dir/many.lua";
    open my $out, '>', $script or die $!;
    print {$out} <<'LUA';
local n
function init(args) n = tonumber(args[1]) end
function request()
    n = n + 1
    return wrk.format("GET", "/api/v1/till/open", { ["X-Real-IP"] = string.format("10.%d.%d.%d", n % 251, n / 251 % 251, n / 63001) })
end
LUA
    close $out;
    my ($text, $from) = ('', -100_000);
    $vg->wait_for(sub {
        $from += 100_000;    # none comes twice
        $text .= `wrk -t1 -c8 -d2s -s $script @{[ $vg->url('') ]} -- $from 2>&1`;
        return figure($vg, 'voltgate_limit_displaced_total') > 0;
    }, 40);
    cmp_ok figure($vg, 'voltgate_limit_displaced_total'), '>', 0, 'more addresses than words: some give way';
    unlike $text, qr/Non-2xx|Socket errors/, 'and nobody is refused for it' or diag $text;
    unlike $vg->log, qr/no memory/, 'nothing runs out';
};

done_testing;

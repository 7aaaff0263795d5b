# What the conf says about plugins in Lua: how much memory a machine may have,
# how long a call may take, and whose code is compiled.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Conf;

sub plugin {
    my ($name) = @_;
    return { 'plugin.lua' => <<"END" };
local number = { { "query", "n", "int", required = true, min = 0, max = 1000000000, about = "how many" } }
return {
    abi = 9, name = "$name", version = "1", about = "a test",
    routes = {
        { "GET", "/$name/kept", about = "Hold some pieces of 100 kB", fields = number, check = function(call)
            local t = {}
            for i = 1, call.values.n do t[i] = ("x"):rep(100000) .. i end
            return { n = #t }
        end },
        { "GET", "/$name/sum", about = "Add up", fields = number, check = function(call)
            local function add(a, b) return a + b end
            local s = 0
            for i = 1, call.values.n do s = add(add(s, i), 1) end
            return { sum = s }
        end },
    },
}
END
}

my $vg = Voltgate->start(own_cluster => 1, authored => { map { $_ => plugin($_) } qw(some trusted) },
    extra => { http => '    voltgate_lua_memory 1m; voltgate_lua_time 200ms; voltgate_lua_trust trusted;' });

sub get  { my ($path, $n) = @_; return $vg->get("/api/v1/$path?n=$n") }
sub type { return ($_[0]{json}{type} // '') =~ s{.*/}{}r }

is_deeply get('some/kept', 4)->{json}, { n => 4 }, 'what fits is held' or diag $vg->log;
is type(get('some/kept', 20)), 'plugin_limit', '2 MB do not fit in 1m';
like $vg->log, qr/it takes too much memory/;
is_deeply get('some/kept', 4)->{json}, { n => 4 }, 'and then it serves on';
is type(get('trusted/kept', 20)), 'plugin_limit', 'who is trusted has the same memory';

# some ten times as fast where it is compiled: 200 ms are between both
my $many = 40_000_000;
is_deeply get('some/sum', 1_000_000)->{json}, { sum => 500001500000 }, 'what is short comes to its end';
is type(get('some/sum', $many)), 'plugin_limit', 'what is long does not';
# a sanitizer's memory leaves no room for compiled code near its own
is_deeply get('trusted/sum', $many)->{json}, { sum => 800000060000000 }, 'unless it is compiled' or diag $vg->log if !$ENV{SANITIZE};

is +(says($vg, ''))[0], 0, 'the conf as it is';
for my $bad ([ 'voltgate_lua_memory 255k;', qr/voltgate_lua_memory is at least 256k, voltgate_lua_time 20ms/ ],
    [ 'voltgate_lua_time 19ms;', qr/voltgate_lua_memory is at least 256k, voltgate_lua_time 20ms/ ],
    [ 'voltgate_lua_memory much;', qr/"voltgate_lua_memory" directive invalid value/ ],
    [ 'voltgate_lua_time long;', qr/"voltgate_lua_time" directive invalid value/ ],
    [ 'voltgate_lua_trust;', qr/invalid number of arguments in "voltgate_lua_trust"/ ])
{
    my ($line, $why) = @$bad;
    my ($directive) = $line =~ /^(\w+)/;
    my ($status, $out) = instead($directive, $line);
    isnt $status, 0, "$line is refused";
    like $out, $why, '... and why';
}

# says() of the conf in which the directive's own place says this
sub instead {
    my ($directive, $line) = @_;
    my $path = "$vg->{state}/conf/nginx.conf";
    open my $in, '<', $path or die $!;
    my $was = do { local $/ = undef; <$in> };
    close $in or die $!;
    (my $is = $was) =~ s/\b$directive [^;]*;/$line/ or die "no $directive";
    put($vg, 'conf/nginx.conf', $is);
    my @said = says($vg, '');
    put($vg, 'conf/nginx.conf', $was);
    return @said;
}

done_testing;

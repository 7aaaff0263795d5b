# What a plugin in Lua does wrong is its own call's fault: a loop, a bomb, a
# trick ends that call with an error that names the place in the log and shows
# nothing, and the plugin beside it serves on, meanwhile and after.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Cli;

my $head = 'return { abi = 9, name = "NAME", version = "1", about = "a test", ';
my %bad = (
    loop      => 'while true do end',
    swallowed => 'while true do pcall(function() while true do end end) end',
    handled   => 'xpcall(function() while true do end end, function() while true do end end)',
    recursion => 'local function f() return 1 + f() end f()',
    deep      => 'local function f() pcall(f) end f() while true do f() end',
    coroutine => 'local co = coroutine.wrap(function() while true do end end) co()',
    within    => 'local function f() return coroutine.wrap(f)() end f()',
    swallows  => 'while true do coroutine.resume(coroutine.create(function() while true do end end)) end',
    pattern   => 'return { n = #((("a"):rep(60)):match(("a-"):rep(12) .. "b") or "") }',
    gsub      => 'local s = ("a"):rep(100000) for i = 1, 1e9 do s:gsub("a*b", "") end',
    sort      => 'local t = {} for i = 1, 1000 do t[i] = i end while true do table.sort(t, function(a, b) return a < b end) end',
    bomb      => 'local t = {} for i = 1, 1e9 do t[i] = { i } end',
    string    => 'local s = "x" while true do s = s .. s end',
    ten       => 'return { s = ("x"):rep(10 * 1024 * 1024) }',
    join      => 'local s = ("x"):rep(1000000) return { s = s .. s .. s .. s .. s .. s .. s .. s .. s .. s }',
    table     => 'error({ code = 1 })',
    none      => 'error()',
    number    => 'error(42)',
    noplace   => 'error("without a place", 0)',
    nilled    => 'local t = nil; return t.x',
    itself    => 'local t = {} t.t = t return t',
    nan       => 'return { n = 0/0 }',
    func      => 'return { f = function() end }',
    bytes     => 'return { s = "\255" }',
    tostring  => 'local t = setmetatable({}, { __tostring = function() while true do end end }) return { s = tostring(t) }',
    index     => 'local t = setmetatable({}, { __index = function(t, k) return t[k] end }) return { s = t.x }',
    yields    => 'coroutine.yield(1)',
    across    => '("a"):gsub("a", function() db.query("nothing") end)',
    unknown   => 'return db.query("nothing")',
);
my %good = (
    pattern   => 'return { s = ("k = v"):match("^(%w+) = (%w+)$"), n = select(2, ("aXbX"):gsub("X", "-")) }',
    gone      => 'local gone = {} for _, n in ipairs { "io", "debug", "package", "jit", "ffi", "load", "loadstring", "dofile", "loadfile", "getfenv", "setfenv", '
        . '"newproxy", "collectgarbage", "module" } do if _G[n] ~= nil then gone[#gone + 1] = n end end '
        . 'return { left = #gone, dump = string.dump == nil, os = os.execute == nil and os.getenv == nil and os.exit == nil and os.time() > 0, meta = getmetatable("") }',
    metatable => 'local ok = pcall(setmetatable, "", {}) local t = setmetatable({}, { __gc = function() while true do end end }) t = nil '
        . 'return { ok = ok, call = getmetatable(call) }',
    required  => 'local out = {} for i, n in ipairs { "ffi", "../x", "jit.opt", "bit", "voltgate.none", "/etc/passwd" } do out[i] = pcall(require, n) end return { out = out }',
    kept      => 'if not KEPT then KEPT = call return { first = true } end local ok, why = pcall(function() return KEPT.values end) return { ok = ok, why = why }',
    caught    => 'local ok, e = pcall(error, { a = 1 }) local o, f = pcall(error, "x", 0) return { ok = ok, a = e.a, f = f }',
    ten       => 'return { n = #("x"):rep(1024 * 1024) }',
);

sub plugin {
    my ($name, %routes) = @_;
    my $text = "local routes = {}\n";
    for my $path (sort keys %routes) {
        $text .= qq(routes[#routes + 1] = { "GET", "/$name/$path", about = "a test", check = function(call) $routes{$path} end }\n);
    }
    return "$text$head routes = routes }\n" =~ s/NAME/$name/r;
}

my %handlers = map { my $k = $_; ("h_$k" => $bad{$k}) } qw(loop bomb coroutine yields across unknown swallowed);
my $bad = plugin('bad', %bad, fine => 'return { n = 1 }') =~ s/return \{ abi/@{[ map { qq(routes[#routes + 1] = { "GET", "\/bad\/$_", about = "a test", handler = function(call) $handlers{$_} end }\n) } sort keys %handlers ]}return { abi/r;

my $vg = Voltgate->start(own_cluster => 1, authored => {
    bad  => { 'plugin.lua' => $bad },
    good => { 'plugin.lua' => plugin('good', %good) },
});
my $api = '/api/v1';

sub get {
    my ($path) = @_;
    my $begun = time;
    my $r = $vg->get("$api/$path");
    $r->{took} = time - $begun;
    return $r;
}

# what ends in an error of the fence's; all else is a fault
my %limit = map { $_ => 1 } qw(loop swallowed handled deep coroutine swallows gsub sort bomb string tostring pattern join);
for my $path (sort(keys %bad), sort keys %handlers) {
    my $before = length $vg->log;
    my $r = get("bad/$path");
    my $name = $path =~ s/^h_//r;
    is $r->{status}, $limit{$name} ? 503 : 500, $path or diag $vg->log =~ s/.*(\n.*\n.*)\z/$1/sr;
    is $r->{json}{type} =~ s{.*/}{}r, $limit{$name} ? 'plugin_limit' : 'internal';
    unlike JSON::PP::encode_json($r->{json} // {}), qr/lua:|plugin\.lua/, 'its answer shows nothing';
    cmp_ok $r->{took}, '<', 10, 'and it ends in time';
    like substr($vg->log, $before), qr/voltgate bad: plugin\.lua:\d+: .*correlation/, 'the log has the place';
    is get('good/pattern')->{status}, 200, 'who stands beside serves on';
    get('bad/fine') for 1 .. 2; # a third of its calls fail: the breaker lets it
}

is_deeply get('good/pattern')->{json}, { s => 'k', n => 2 };
is_deeply get('good/gone')->{json}, { left => 0, dump => JSON::PP::true, os => JSON::PP::true, meta => JSON::PP::false }, 'what is not there';
is_deeply get('good/metatable')->{json}, { ok => JSON::PP::false, call => JSON::PP::false }, 'metatables are closed';
is_deeply get('good/required')->{json}{out}, [ (JSON::PP::false) x 6 ], 'nothing else is required';
is_deeply get('good/caught')->{json}, { ok => JSON::PP::false, a => 1, f => 'x' }, 'what a plugin raises it may catch';
is_deeply get('good/ten')->{json}, { n => 1048576 };
ok $vg->wait_for(sub { my $r = get('good/kept'); $r->{json}{why} && $r->{json}{why} =~ /this call is over/ }), 'a call that is over is nobody\'s';

# half of its calls fail: none is tried for a while, and then it is again
my $out = 0;
for (1 .. 40) { $out ||= get('bad/table')->{json}{type} =~ /plugin_out/ }
ok $out, 'a plugin that keeps failing is taken out';
my $r = get('bad/fine');
is $r->{status}, 503, 'with all of it';
ok $r->{headers}{'retry-after'}, 'for a while';
my ($shown) = grep { $_->{name} eq 'bad' } @{ $vg->get("$api/plugins")->{json}{items} };
is $shown->{breaker}, 'open', 'GET /plugins says so';
like $vg->get('/metrics')->{body}, qr/^voltgate_lua_out\{plugin="bad"\} 1$/m, '/metrics too';
is get('good/pattern')->{status}, 200, 'alone';
ok $vg->wait_for(sub { get('bad/fine')->{status} == 200 }, 10), 'it is tried again';
ok $vg->wait_for(sub { get('bad/fine'); my ($p) = grep { $_->{name} eq 'bad' } @{ $vg->get("$api/plugins")->{json}{items} }; $p->{breaker} eq 'closed' }, 10), 'and is well';

done_testing;

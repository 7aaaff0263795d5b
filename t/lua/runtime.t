# Beside Debian's ngx_lua, which needs the other LuaJIT: its packages are
# unpacked into a folder, not installed, and one nginx serves by both.

use strict;
use warnings;

use Cwd        qw(getcwd);
use File::Path qw(make_path remove_tree);
use Test::More;

use Voltgate;

my $scratch = ($ENV{VG_TEST} || getcwd . '/build/test') . "/ngx_lua.$$";
my @needed  = qw(libnginx-mod-http-ndk libnginx-mod-http-lua lua-resty-core lua-resty-lrucache);

# the one that is not installed
my $there = `dpkg-query -W -f '\${db:Status-Status}' libluajit2-5.1-2 2>/dev/null` eq 'installed';
my $other = $there ? 'libluajit-5.1-2' : 'libluajit2-5.1-2';
my $before = `dpkg-query -W`;

make_path("$scratch/debs", "$scratch/root");
END { remove_tree($scratch) if $scratch }
chmod 0777, "$scratch/debs";
my $got = `cd '$scratch/debs' && apt-get -q -o APT::Sandbox::User=root download $other @needed 2>&1`;
is $?, 0, 'Debian has them' or BAIL_OUT($got);
system('dpkg-deb', '-x', $_, "$scratch/root") == 0 or die "$_: $?\n" for glob "$scratch/debs/*.deb";

my ($lib) = glob "$scratch/root/usr/lib/*/libluajit-5.1.so.2";
ok $lib, "$other is unpacked" or BAIL_OUT("no library in $scratch");
my $modules = "$scratch/root/usr/lib/nginx/modules";
my $path    = join ';', map { "$scratch/root/usr/share/lua/5.1/$_" } '?.lua', '?/init.lua';

my $lua = <<'END';
return { abi = 9, name = "beside", version = "1", about = "a test", routes = {
    { "GET", "/beside", queries = { "row" }, about = "Add", handler = function()
        local sum = 0
        for i = 1, 1000 do sum = sum + i end
        return { sum = sum, also = #db.query("row", {}) }
    end },
}, queries = { row = {} } }
END
my $row = "-- in: nothing\n-- out: a row\nselect json_build_object('who', :callerId::text) as body;\n";

my $vg = Voltgate->start(
    authored => { beside => { 'plugin.lua' => $lua, 'sql/queries/row.sql' => $row } },
    # that runtime tells the unwinder of its frames, which slow unwinding within malloc() waits for without end
    env      => { LD_LIBRARY_PATH => $lib =~ s{/[^/]+\z}{}r, ASAN_OPTIONS => 'fast_unwind_on_malloc=1' },
    extra    => {
        main   => "load_module $modules/ndk_http_module.so;\nload_module $modules/ngx_http_lua_module.so;",
        http   => "lua_package_path \"$path;;\";",
        server => 'location = /lua { content_by_lua_block { local t = {} for i = 1, 10 do t[i] = i end ngx.say(#t .. " by ngx_lua") } }',
    },
);

for my $pid ($vg->workers) {
    open my $maps, '<', "/proc/$pid/maps" or die "worker $pid: $!";
    my %runtimes = map { $_ => 1 } grep { /libluajit/ } map { m{(/\S+)$} } <$maps>;
    is_deeply [ map { index($_, $scratch) == 0 ? 'the other' : $_ } keys %runtimes ], ['the other'], 'one runtime, which is the other one';
}
for (1 .. 8) {
    my $said = $vg->client(fresh => 1)->get($vg->url('/lua'))->{content};
    is $said, "10 by ngx_lua\n", 'ngx_lua serves' or last;
    is_deeply $vg->get('/api/v1/beside')->{json}, { sum => 500_500, also => 1 }, '... and so does a plugin in Lua' or last;
}
is `dpkg-query -W`, $before, 'no package came or went';

done_testing;

# voltgate_watch on: what is saved is in use soon after, in Lua and in C; what
# cannot be used is told with file and line, and the old version serves on.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Author;
use Voltgate::Cli;

my $lua = 'return { abi = 9, name = "saved", version = "1", about = "a test", routes = {
    { "GET", "/saved", check = function() return { said = "one" } end, about = "Which" } } }
';
my $c = '#include "vg.h"
static vg_rc_t check(vg_call_t *call) { return vg_reply(call, VG_STR("{\"said\":\"one\"}")); }
static const vg_route_t routes[] = { { VG_GET, "/built", NULL, NULL, .check = check, .about = "Which" }, VG_ROUTES_END };
const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = "built", .version = "1", .about = "a test", .routes = routes };
';
my $vg = Voltgate->start(authored => { saved => { 'plugin.lua' => $lua }, built => { 'plugin.c' => $c } },
    env => { VG_WATCH => 'on' });

cli($vg, plugin => 'list');    # as an operator has done, whose key lies in the state folder
sub save { return Voltgate::Author::write_plugin($vg->{house}, @_) }

# on both workers
sub says {
    my ($name, $what) = @_;

    my %said;
    for (1 .. 8) {
        local $vg->{client} = $vg->client(fresh => 1);
        $said{ $vg->get("/api/v1/$name")->{json}{said} // '' }++;
    }
    return join(' ', keys %said) eq $what;
}
ok says(saved => 'one') && says(built => 'one');

save(saved => { 'plugin.lua' => $lua =~ s/"one"/"two"/r });
ok $vg->wait_for(sub { says(saved => 'two') }, 20), 'what is saved is in use' or diag $vg->log;

save(built => { 'plugin.c' => $c =~ s/\\"one\\"/\\"two\\"/r });
Voltgate::Author::compile($Voltgate::ROOT, $vg->{house}, 'built');
ok $vg->wait_for(sub { says(built => 'two') }, 20), 'so is what is built' or diag $vg->log;

save(saved => { 'plugin.lua' => $lua =~ s/"one"/"three/r });
ok $vg->wait_for(sub { $vg->log =~ /plugin saved is out: plugin\.lua:2: / }, 20), 'what is half written is told' or diag $vg->log;
ok says(saved => 'two'), '... and the old version serves on';
$vg->expect(qr/plugin saved is out/, qr/plugin\.lua:2/);

save(saved => { 'sql/001_more.sql' => "create table saved.more (said text not null);\ninsert into saved.more (said) values ('four');\n",
    'sql/queries/more.sql' => "-- in: nothing\n-- out: what is said\nselect json_build_object('said', m.said) as body\nfrom saved.more as m;\n",
    'plugin.lua' => $lua =~ s/check = .*? end,/statement = "more", everybodys = true,/r });
ok $vg->wait_for(sub { says(saved => 'four') }, 20), 'migrations are run, too' or diag $vg->log;

my $watchers = sub { return grep { m{plugin\0watch\0.*\Q$vg->{house}\E}s } map { Voltgate::_slurp($_) } glob '/proc/[0-9]*/cmdline' };
is scalar(my @one = $watchers->()), 1, 'one process looks';
$vg->reload;
ok $vg->wait_for(sub { (my @now = $watchers->()) == 1 }, 20), '... and one after a reload of the conf';
$vg->stop_gateway;
ok $vg->wait_for(sub { !(my @now = $watchers->()) }, 20), 'it ends with nginx';

done_testing;

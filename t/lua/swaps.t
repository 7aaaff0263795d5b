# A thousand reloads of a plugin in Lua under load: of its routes, its handlers
# that wait, and its hooks at what chargers and others call.
# Long: a thousand swaps.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Cli;
use Voltgate::Swaps;

sub lua {
    my ($version) = @_;

    return <<"END";
local version = "$version"
return { abi = 9, name = "moving", version = version, about = "a test", routes = {
    { "GET", "/moving", check = function() return { version = version } end, about = "Which version" },
    { "GET", "/moving/asked", queries = { "count" }, about = "By a statement", handler = function()
        local rows = db.query("count", { n = 3 })
        return { version = version, n = #rows }
    end },
    { "HOOK", "OCPP16 Heartbeat", stands = "before fields", about = "Pass", check = function(call) return call.body end },
    { "HOOK", "GET /stations/{id}", about = "Look", fields = { { "path", "id", "text" } }, handler = function(call)
        if #db.query("count", { n = #call.values.id }) ~= 36 then call:refuse("conflict") end
    end },
    { "HOOK", "GET /stations/{id}", stands = "after stations", about = "Sign", check = function(call)
        local row = call.row
        row.version = version
        return row
    end },
}, queries = { count = { { "bound", "n", "int", required = true } } } }
END
}
my $count = "-- in: n\n-- out: as many rows, of whoever asks\n"
    . "select json_build_object('n', g.n, 'who', :callerId::text) as body\nfrom generate_series(1, :n) as g (n);\n";

my $vg    = Voltgate->start(authored => { moving => { 'plugin.lua' => lua(1), 'sql/queries/count.sql' => $count } });
my $swaps = Voltgate::Swaps->new($vg);

my @hashes;
for my $n (1, 2) {
    open my $out, '>', "$vg->{house}/plugins/moving/plugin.lua" or die $!;
    print {$out} lua("v$n");
    close $out or die $!;
    my ($status, $said) = cli($vg, plugin => 'reload', 'moving', '--sources', "$vg->{house}/plugins", '--built', "$vg->{house}/built");
    is $status, 0, $said;
    push @hashes, $said =~ /\b([0-9a-f]{16})\b/;
}

$swaps->run(1000, sub { return (moving => $hashes[ $_[0] % 2 ]) }, sub {
    my ($client, $count) = @_;
    return (GET => (map { "/api/v1/$_" } 'moving', 'moving/asked', "stations/$swaps->{station}")[ ($client + $count) % 3 ]);
});
like $vg->get("/api/v1/stations/$swaps->{station}")->{json}{version}, qr/^v[12]$/, 'the hooks stand there';

done_testing;

# What editors are told (lua/library) is what a machine has, nothing less and
# nothing else: globals and their members as a plugin finds them, keys of the
# manifest and members of a call as the host reads them.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $root = $Voltgate::ROOT;

sub slurp { my ($path) = @_; open my $file, '<', $path or die "$path: $!"; local $/ = undef; return scalar <$file> }

my %library = map { m{([^/]+)\.lua$} => slurp($_) } glob "$root/lua/library/*.lua";

# [of what editors are told] { class => { key => the line } }, { alias => {words} }
my (%class, %alias);
for my $text (values %library) {
    my $of;
    for my $line (split /\n/, $text) {
        $of = $1 if $line =~ /^---\@class (?:\(exact\) )?([\w.]+)/;
        undef $of if $line !~ /^---/;
        $class{$of}{$1} = $line if $of && $line =~ /^---\@field \[?(\w+)\]?\??(?=\s)/;
        $class{$1}{$2} = $line if $line =~ /^function (vg_call):(\w+)\(/;
        my ($name, $words) = $line =~ /^---\@alias ([\w.]+) (.*)/;
        $alias{$name} = { map { $_ => 1 } $words =~ /"([^"]+)"/g } if $name;
    }
}

my $lua = <<'END_OF_LUA';
local require, library = require, { "manifest", "host" }
local seen = {}
local function tree(prefix, of)
    for name, value in pairs(of) do
        if name ~= "_G" and name ~= "library" then
            seen[prefix .. name] = type(value) == "userdata" and "null" or type(value)
            if type(value) == "table" then tree(prefix .. name .. ".", value) end
        end
    end
end
tree("", _G)
return {
    abi = 9, name = "told", version = "1", about = "a test",
    routes = {
        { "GET", "/told", about = "What a machine has", check = function() return seen end },
        { "POST", "/told/members", about = "What a call has", fields = { { "body", "names", "array", item = { "text" } } }, check = function(call)
              local has = {}
              for _, name in ipairs(call.values.names) do
                  local ok, value = pcall(function() return call[name] end)
                  has[name] = ok and (type(value) == "function" and "function" or "member") or tostring(value)
              end
              return has
          end },
        { "GET", "/told/library", about = "Do these files run", check = function()
              for _, name in ipairs(library) do require(name) end
              return { ran = #library }
          end },
    },
}
END_OF_LUA

my $vg = Voltgate->start(own_cluster => 1, plugins => ['accounts'],
    authored => { told => { 'plugin.lua' => $lua, map { ("$_.lua" => $library{$_}) } keys %library } });

# ---------------------------------------------------------------- globals

my $has = $vg->get('/api/v1/told')->{json};
my %kind = ('{' => 'table', '"' => 'string', 1 => 'number', 3 => 'number', n => 'null');
my %told = map { $_ => 'function' } $library{host} =~ /^function ([\w.]+)\(/mg;
while ($library{host} =~ /^([\w.]+) = (.)/mg) { $told{$1} = $kind{$2} }
cmp_ok scalar keys %$has, '>', 80, 'a machine has a lot';
is_deeply \%told, $has, 'editors are told of each global and each member, by its kind, and of nothing else'
    or diag 'not told: ', join(' ', grep { !$told{$_} } sort keys %$has), "\nnot there: ", join(' ', grep { !$has->{$_} } sort keys %told);
my $before = '';
for (split /\n/, $library{host}) {
    ok $before =~ /^---/, "$_: is said what it is" if /^(?:function |[\w.]+ = \{)/;
    $before = $_;
}

# ------------------------------------------------------------------- a call

sub source { my ($name) = @_; return slurp("$root/nginx-modules/lua/$name.c") }

my $source  = source('call');
my %members = map { $_ => 'member' } $source =~ /strcmp\(key, "(\w+)"\)/g;
my ($table) = $source =~ /methods\[\] = \{(.*?)\};/s;
my %methods = map { $_ => 'function' } $table =~ /\{ "(\w+)"/g;
my %call    = ((map { $_ => 'member' } keys %{ $class{'vg.call'} }), (map { $_ => 'function' } keys %{ $class{vg_call} }));
is_deeply \%call, { %members, %methods }, 'all that a call has is told';
is_deeply $vg->post('/api/v1/told/members', { names => [ keys %call ] })->{json}, \%call, 'and a call has it';
like $vg->post('/api/v1/told/members', { names => ['nothing'] })->{json}{nothing}, qr/a call has no nothing/, 'and nothing else';

# ------------------------------------------------------------ the manifest

# { the table's name, or who has it: "function.keys" => [words] }
sub tables {
    my ($text) = @_;
    my ($of, %all) = ('');
    while ($text =~ /^(\w+)\((?=lua_State|const)|static const (?:char \*const|vg_lua_word_t|vg_lua_member_t)\s+(\w+)\[\]\s*=\s*\{(.*?)\};/msg) {
        my ($function, $name, $words) = ($1, $2, $3);
        if (defined $function) {
            $of = $function;
        } else {
            $all{ $name eq 'keys' ? "$of.keys" : $name } = [ $words =~ /"([^"]+)"/g ];
        }
    }
    return %all;
}

my %host = (tables(source('manifest')), tables(source('row')));
my %keys = (
    'vg.manifest'  => 'vg_lua_keys',
    'vg.error'     => 'vg_lua_error_keys',
    'vg.setting'   => 'vg_lua_setting_keys',
    'vg.saga'      => 'vg_lua_saga_keys',
    'vg.saga_step' => 'vg_lua_saga_step_keys',
    'vg.keep'      => 'vg_lua_keep_keys',
    'vg.counter'   => 'vg_lua_counter_keys',
    'vg.route'     => 'vg_lua_row_keys',
    'vg.field'     => 'vg_lua_field_keys',
    'vg.step'      => 'vg_lua_steps.keys',
);
for my $name (sort keys %keys) {
    ok $host{ $keys{$name} }, "the host has $keys{$name}";
    is_deeply [ sort grep { !/^\d$/ } keys %{ $class{$name} } ], [ sort @{ $host{ $keys{$name} } || [] } ], "$name has the keys that the host takes";
}
my %words = ('vg.place' => 'vg_lua_ins', 'vg.type' => 'vg_lua_types', 'vg.method' => 'vg_lua_methods');
is_deeply [ sort keys %{ $alias{$_} } ], [ sort @{ $host{ $words{$_} } || [] } ], "$_ has the words that the host takes" for sort keys %words;
my %used = (%keys, %words);
is_deeply [ grep { my $t = $_; /keys$|^vg_lua_(?:ins|types|methods)$/ && !grep { $_ eq $t } values %used } sort keys %host ], [], 'and there is no other table of them';

# ------------------------------------------------------------- what finds them

my $editor = JSON::PP::decode_json(slurp("$root/plugins/example-lua/.luarc.json"));
my ($where) = @{ $editor->{'workspace.library'} };
ok -f "$root/plugins/example-lua/$where/$_", "$_ is where the example's editor looks" for qw(library/host.lua library/manifest.lua voltgate/list.lua);
is $editor->{'runtime.version'}, 'LuaJIT';
is_deeply { map { $_ => 1 } values %{ $editor->{'runtime.builtin'} } }, { disable => 1 }, 'and where Lua\'s own is described, too';
for my $file (glob "$root/lua/voltgate/*.lua") {
    my $text = slurp($file);
    my ($name) = $file =~ m{([^/]+)\.lua$};
    like $text, qr/\A--- \Q$name\E: [^\n]+\.\n--\n--   local $name = require "voltgate\.$name"\n/, "$name: the manual is at the top";
    my @untyped = grep { my ($f) = $_; $text !~ /^---\@(?:param|return)[^\n]*\nfunction \Q$f\E\(/m } $text =~ /^function (\Q$name\E\.\w+)\(/mg;
    is_deeply \@untyped, [], '... and each function says of what types';
}

# behind all else: a machine that has run them is furnished with what does nothing
is $vg->get('/api/v1/told/library')->{json}{ran}, scalar keys %library, 'and these files are Lua' or diag $vg->log;

done_testing;

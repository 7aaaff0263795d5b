# `voltgate plugin check PATH`: what is wrong with a plugin is said by file and
# line, where no gateway runs; what is right is said by the status alone.

use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

use Voltgate;

my $root  = $Voltgate::ROOT;
my $build = ($ENV{B} || 'build') =~ s{^(?!/)}{$root/}r;
my $away  = tempdir(CLEANUP => 1);
mkdir "$away/tmp" or die $!;

sub slurp { my ($path) = @_; open my $file, '<', $path or die "$path: $!"; local $/ = undef; return scalar <$file> }

sub spew {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!";
    print {$out} $text;
    close $out or die $!;
    return;
}

# there is a state folder's conf, or none
sub check {
    my ($what, @options) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        chdir $root or die $!;
        open STDERR, '>&', \*STDOUT or die $!;
        delete @ENV{qw(DATABASE_URL DATABASE_OWNER_URL)};
        @ENV{qw(VG_STATE TMPDIR)} = ("$away/none", "$away/tmp");
        exec "$build/voltgate", qw(plugin check), @options, '--', $what or die "voltgate: $!\n";
    }
    my $out = do { local $/ = undef; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $out);
}

# ----------------------------------------------------- ours, by name and path

for my $name (map { m{/([^/]+)/plugin\.(?:c|lua)$} } glob "$root/plugins/*/plugin.*") {
    next if $name =~ /^example-/;
    is_deeply [ check($name) ], [ 0, '' ], "$name is right";
}
is_deeply [ check('plugins/notifications') ],  [ 0, '' ], 'by its path, too';
is_deeply [ check('plugins/notifications/') ], [ 0, '' ];
is_deeply [ check("$away/nothing") ], [ 1, "voltgate: $away/nothing: No such file or directory\n" ], 'a path that is none';
is((check('nothing'))[0], 1, 'a name that is none');

# --------------------------------------------------------- what may be wrong

my $folder = "$away/ripe";
make_path("$folder/sql/queries", "$folder/events");
my %right = (
    'plugin.lua' => <<'LUA',
local more = require "more"

local function check(call)
    if call.values.text == "x" then call:refuse_field("text", "is too short") end
end

return {
    abi = 9, name = "ripe", version = "0.1.0", about = "a test",
    routes = {
        { "POST", "/ripe", statement = "create", check = check, about = "Keep one", fields = {
            { "body", "text", "text", required = true, max = 20 },
            { "body", "parts", "array", item = { "object", fields = { { "body", "n", "int" } } } },
        } },
        { "GET", "/ripe/{id}", statement = "get", fields = more.id, about = "One" },
        { "POST", "/ripe/{id}/ring", fields = more.id, statement = "get", about = "Ring", steps = {
            { name = "ring", command = function() return { ask = "bell.ring" } end },
        } },
    },
    errors = { { name = "too_many", status = 409, title = "There are enough" } },
    settings = { { name = "most", type = "int", value = "10", about = "how many" } },
    publishes = { "ripe.created.v1" },
    queries = { old = { { "bound", "before", "time", required = true } } },
}
LUA
    'more.lua'               => qq(return {\n    id = { { "path", "id", "uuid", required = true } },\n}\n),
    'sql/queries/get.sql'    => "-- in: id\n-- out: one\nselect r.body\nfrom ripe.ripe_json as r\nwhere r.id = :id\n    and r.author = :callerId;\n",
    'sql/queries/old.sql'    => "-- in: before\n-- out: ids\nselect json_build_object('id', r.id) as body\nfrom ripe.ripe as r\nwhere r.at < :before;\n",
    'sql/queries/create.sql' => <<'SQL',
-- in: text, parts
-- out: one; tells ripe.created.v1
-- refuses: too_many
with made as (
    insert into ripe.ripe (id, author, text, parts)
    values (:newId, :callerId, :text, :parts)
    returning id
), answer(status, body, events) as (
    select 'created', json_build_object('id', m.id), null::jsonb
    from made as m
)
select * from answer;
SQL
    'events/ripe.created.v1.json' =>
        '{"title":"ripe.created.v1","description":"d","type":"object","x-audience":"house","properties":{"n":{"type":"integer","description":"how many"}}}',
);
sub whole { spew("$folder/$_", $right{$_}) for keys %right; return }

whole();
is_deeply [ check($folder) ], [ 0, '' ], 'a folder anywhere is looked at';
is_deeply [ check('ripe', '--sources', $away) ], [ 0, '' ], 'or one of other sources, by its name';

# [file, what is said, an edit]
my @wrong = (
    [ 'syntax',                 'plugin.lua', qr/plugin\.lua:9: .*near/,                  sub { s/routes = \{/routes = = {/ } ],
    [ 'syntax of another file', 'more.lua',   qr/more\.lua:2: /,                          sub { s/id =/id/ } ],
    [ 'a file that is not there', 'plugin.lua', qr/plugin\.lua:1: there is no mare\.lua/, sub { s/"more"/"mare"/ } ],
    [ 'an error at load',       'plugin.lua', qr/plugin\.lua:3: .*nil value/,             sub { s/local function check/nothing.of = 1 local function check/ } ],
    [ 'what is fenced off',     'plugin.lua', qr/plugin\.lua:3: .*'io'/,                  sub { s/local function check/io.open("x") local function check/ } ],
    [ 'a loop',                 'plugin.lua', qr/plugin\.lua:7: it takes too long/,       sub { s/^return/while true do end return/m } ],
    [ 'a bomb',                 'plugin.lua', qr/it takes too much memory/,               sub { s/^return/local t = {} while true do t[#t + 1] = {} end return/m } ],
    [ 'a key',                  'plugin.lua', qr/plugin\.lua:7: pblishes is not known/,    sub { s/publishes =/pblishes =/ } ],
    [ 'a key of a row',         'plugin.lua', qr/plugin\.lua:14: routes\[2\]: statment is not known/, sub { s/statement = "get", fields = more\.id, about = "One"/statment = "get"/ } ],
    [ 'a method',               'plugin.lua', qr/plugin\.lua:10: routes\[1\]: no method is "FETCH"/, sub { s/"POST", "\/ripe", st/"FETCH", "\/ripe", st/ } ],
    [ 'a hook',                 'plugin.lua', qr/plugin\.lua:10: routes\[1\]: check must be a function/, sub { s/check = check/check = 1/ } ],
    [ 'a type',                 'plugin.lua', qr/plugin\.lua:11: routes\[1\]\.fields\[1\]: no type is "txt"/, sub { s/"text", "text"/"text", "txt"/ } ],
    [ 'bounds that nothing is within', 'plugin.lua', qr/plugin\.lua:11: routes\[1\]\.fields\[1\]: min is above max/, sub { s/max = 20/min = 1/ } ],
    [ 'a type within another',  'plugin.lua', qr/plugin\.lua:12: routes\[1\]\.fields\[2\]\.item\.fields\[1\]: no type is "double"/, sub { s/"n", "int"/"n", "double"/ } ],
    [ 'a field of another file', 'more.lua',  qr/more\.lua:2: routes\[2\]\.fields\[1\]: requird is not known/, sub { s/required/requird/ } ],
    [ 'a step',                 'plugin.lua', qr/plugin\.lua:15: routes\[3\]: a step has a command/, sub { s/, command = .* end \}/ }/ } ],
    [ 'an error\'s status',     'plugin.lua', qr/plugin\.lua:19: errors\[1\]: status must be 400 to 599/, sub { s/status = 409/status = 200/ } ],
    [ 'a setting',              'plugin.lua', qr/plugin\.lua:20: settings\[1\]: /,         sub { s/about = "how many"/abot = "how many"/ } ],
    [ 'a setting\'s type',      'plugin.lua', qr/setting most: its default is of no type that settings have/, sub { s/type = "int", value = "10"/type = "object", value = "10"/ } ],
    [ 'a setting\'s default',   'plugin.lua', qr/setting most: its default is out of range: 0 to 9/, sub { s/value = "10"/value = "10", max = 9/ } ],
    [ 'a setting that is none', 'plugin.lua', qr/a field names a setting that is none/, sub { s/(\{ "body", "text".*)/$1 { "setting", "least", "int" },/ } ],
    [ 'a setting of another type', 'plugin.lua', qr/a field is of another type than its setting/, sub { s/(\{ "body", "text".*)/$1 { "setting", "most", "text" },/ } ],
    [ 'a query\'s field',       'plugin.lua', qr/plugin\.lua:22: old\.fields\[1\]: no place is "bund"/, sub { s/"bound", "before"/"bund", "before"/ } ],
    [ 'ABI',                    'plugin.lua', qr/ABI 3, the kit's is 9/,                  sub { s/abi = 9/abi = 3/ } ],
    [ 'a name that is another', 'plugin.lua', qr/another name/,                           sub { s/name = "ripe"/name = "raw"/ } ],
    [ 'a route that is there',  'plugin.lua', qr{POST /stations is there twice: stations}, sub { s{"POST", "/ripe"}{"POST", "/stations"} } ],
    [ 'no statement',           'plugin.lua', qr{gat\.sql: there is no such file},        sub { s/"get"/"gat"/ } ],
    [ 'no query',               'plugin.lua', qr{ald\.sql: there is no such file},        sub { s/old =/ald =/ } ],
    [ 'a field that is missing', 'plugin.lua', qr{create\.sql:6: no field :text},           sub { s/.*"text", required.*\n// } ],
    [ 'an unknown name',        'sql/queries/get.sql', qr{get\.sql:5: no field :ident},     sub { s/:id\b/:ident/ } ],
    [ 'two statements',         'sql/queries/get.sql', qr{get\.sql:6: one statement a file},           sub { s/\z/select 1 as body;/ } ],
    [ 'a quote without its end', 'sql/queries/get.sql', qr{get\.sql:5: a quote is not closed}, sub { s/:id\b/'id/ } ],
    [ 'a function that leaves its role', 'sql/queries/get.sql', qr{get\.sql:3: `set_config` is refused}, sub { s/select r\.body/select set_config('role', 'x', true), r.body/ } ],
    [ 'an unknown refusal',     'sql/queries/create.sql', qr{create\.sql:3: refuses with an unknown error too_few}, sub { s/too_many/too_few/ } ],
    [ 'nobody is asked whose it is', 'sql/queries/get.sql', qr{GET /ripe/\{id\}: no statement names the caller}, sub { s/\n\s+and r\.author = :callerId// } ],
    [ 'no schema',              'plugin.lua', qr{publishes ripe\.lost\.v1, and has no events/}, sub { s/publishes = \{/publishes = { "ripe.lost.v1",/ } ],
    [ 'a schema of nothing',    'plugin.lua', qr{has events/ripe\.created\.v1\.json, and does not publish it}, sub { s/publishes = .*\n// } ],
    [ 'a broken schema',        'events/ripe.created.v1.json', qr{events/ripe\.created\.v1 cannot be read}, sub { s/\}\z// } ],
);
for my $case (@wrong) {
    my ($title, $file, $says, $edit) = @$case;
    whole();
    local $_ = $right{$file};
    $edit->();
    isnt $_, $right{$file}, "$title: it is another one";
    spew("$folder/$file", $_);
    my ($status, $out) = check($folder);
    is $status, 1, $title;
    like $out, qr/\Avoltgate: ripe: .*$says.*\n\z/, 'and that alone is said';
}

whole();
spew("$folder/events/published", "ripe.created.v1 $right{'events/ripe.created.v1.json'}\n");
spew("$folder/events/ripe.created.v1.json", $right{'events/ripe.created.v1.json'} =~ s/integer/string/r);
my ($status, $out) = check($folder);
is $status, 1, 'a type that breaks what was published';
like $out, qr/ripe\.created\.v1.*next version/;
is_deeply [ glob "$away/tmp/*" ], [], 'nothing is left';

done_testing;

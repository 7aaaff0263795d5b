# What a hook in Lua has of the house without waiting: other plugins that it
# asks, the names of those who offer or hear something, and lines of CSV.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $lua = <<'END';
local args = { { "body", "route", "text", required = true }, { "body", "args", "any" } }

return {
    abi = 9, name = "asks", version = "1", about = "who asks",
    routes = {
        { "POST", "/asks", about = "A hook asks", fields = args, check = function(call)
              local said, err = ask(call.values.route, call.values.args)
              return { said = said, err = err }
          end },
        { "POST", "/asks/later", about = "A handler asks", fields = args, handler = function(call)
              local said, err = ask(call.values.route, call.values.args)
              return { said = said, err = err }
          end },
        { "POST", "/asks/anyway", about = "A hook asks, and goes on", no_body = true, check = function() return { asked = pcall(ask, "lends.read") } end },
        { "POST", "/asks/within", about = "A coroutine of a hook asks", no_body = true, check = function()
              return { said = coroutine.wrap(function() return (ask("lends.add", { a = 1, b = 2 })) end)() }
          end },
        { "INTERNAL", "asks.itself", about = "In the machine that asks", check = function() return { a = 1 } end },
        { "GET", "/asks/others", about = "Who has such a row", fields = { { "query", "method", "text" }, { "query", "path", "text" } },
          check = function(call) return json.array(call:plugins_with(call.values.method, call.values.path)) end },
        { "POST", "/asks/csv", about = "Lines", fields = { { "body", "rows", "any" }, { "body", "columns", "any" } },
          check = function(call) call:reply_as("text/csv", call:csv(call.values.rows, call.values.columns)) end },
    },
}
END

my $other = <<'END';
return {
    abi = 9, name = "lends", version = "1", about = "who is asked",
    routes = {
        { "INTERNAL", "lends.add", about = "A sum", fields = { { "body", "a", "int", required = true }, { "body", "b", "int", required = true } },
          check = function(call) return { sum = call.values.a + call.values.b } end },
        { "INTERNAL", "lends.refuse", about = "No", check = function(call) call:refuse("not_found") end },
        { "INTERNAL", "lends.fail", about = "A fault", check = function() error("no") end },
        { "INTERNAL", "lends.back", about = "Asks who asks", check = function() return { said = ask("asks.itself") } end },
        { "INTERNAL", "lends.wait", about = "It waits", handler = function() return {} end },
        { "INTERNAL", "lends.read", about = "It reads", statement = "read" },
    },
}
END

my $vg = Voltgate->start(own_cluster => 1, plugins => [], authored => {
    asks => { 'plugin.lua' => $lua, 'sql/001_none.sql' => "create table asks.none (n int not null);\n" },
    lends => { 'plugin.lua' => $other, 'sql/001_none.sql' => "create table lends.none (n int not null);\n",
        'sql/queries/read.sql' => "-- in: nothing\n-- out: one\nselect json_build_object('n', 1) as body;\n" } });
$vg->expect(qr/lends\.\w+ refused/);
my $api = '/api/v1/asks';

sub asked { my ($route, $args) = @_; return $vg->post($api, { route => $route, $args ? (args => $args) : () }) }

# three others are well: where half of them fail a plugin is taken out
sub fails {
    my ($is, $name) = @_;
    is $is->{status}, 500, $name or diag $is->{body};
    asked('lends.add', { a => 1, b => 1 }) for 1 .. 3;
    return;
}

subtest 'a hook asks what waits for nobody' => sub {
    is_deeply asked('lends.add', { a => 2, b => 40 })->{json}, { said => { sum => 42 } }, 'and has the answer' or diag $vg->log;
    is_deeply $vg->post("$api/within")->{json}, { said => { sum => 3 } }, 'in a coroutine, too';
    is_deeply asked('lends.refuse')->{json}, { err => 'unprocessable' }, 'or a refusal';
    is_deeply asked('lends.add', { a => 'x' })->{json}, { err => 'unprocessable' }, '... of its fields';
    like $vg->log, qr/lends\.refuse refused: not_found/, 'which the log says';
    is_deeply asked('nobody.there')->{json}, { err => 'unprocessable' }, 'or there is none';
    fails(asked($_), "not $_") for qw(lends.fail lends.wait lends.read lends.back asks.itself);
    like $vg->log, qr/asks: lends\.read cannot be asked in a hook/, 'since it reads';
    like $vg->log, qr/asks: lends\.wait cannot be asked in a hook/, 'or waits';
    like $vg->log, qr/asks: it is asked by what itself asks in a hook/, 'or is the machine that asks';
    fails($vg->post("$api/anyway"), 'an error that was caught is one all the same');
    is_deeply asked('lends.add', { a => 1, b => 1 })->{json}, { said => { sum => 2 } }, 'all is well behind it';
};

subtest 'a handler asks any' => sub {
    for ([ 'lends.add', { sum => 3 } ], [ 'lends.read', { n => 1 } ], [ 'lends.wait', {} ], [ 'asks.itself', { a => 1 } ], [ 'lends.back', { said => { a => 1 } } ]) {
        my $r = $vg->post("$api/later", { route => $_->[0], args => { a => 1, b => 2 } });
        is_deeply $r->{json}{said}, $_->[1], $_->[0] or diag $r->{body}, $vg->log;
    }
};

subtest 'who has such a row' => sub {
    my $others = sub { my ($method, $path) = @_; return $vg->get("$api/others?method=$method&path=$path") };
    is_deeply $others->(INTERNAL => 'lends.add')->{json}, ['lends'] or diag $vg->log;
    is_deeply $others->(INTERNAL => '*.add')->{json}, ['lends'], 'by its own name';
    is_deeply $others->(EVENT => 'nobody.heard.v1')->{json}, [];
    fails($others->(HEAR => 'x'), 'by a method');
    like $vg->log, qr/plugins_with: no method is "HEAR"/;
};

subtest 'CSV' => sub {
    my $csv = sub { my ($rows, $columns) = @_; return $vg->post("$api/csv", { rows => $rows, columns => $columns }) };
    my $r = $csv->([ { b => 'x,"y"', a => 1.5 }, { a => '=1', c => JSON::PP::true } ], [qw(b a c)]);
    is $r->{body}, qq(b,a,c\r\n"x,""y""",1.5,\r\n,'=1,true\r\n), 'columns as they are asked for' or diag $vg->log;
    is $csv->([ { place => { lat => 1, lon => 2 }, n => 3 }, { n => 4 } ], [qw(place.lon n place.lat place.lon.x)])->{body},
        "place.lon,n,place.lat,place.lon.x\r\n2,3,1,\r\n,4,,\r\n", 'and members of a member' or diag $vg->log;
    is $csv->([ { a => [ 1, 2 ] } ], ['a'])->{body}, qq(a\r\n"[1,2]"\r\n), 'what is a table is its JSON';
    is $csv->([], ['a'])->{body}, '', 'of nothing nothing';
    fails($csv->(@$_), 'not of ' . JSON::PP::encode_json($_))
        for [ [ { a => 1 } ], [qw(a a)] ], [ [1], ['a'] ], [ [ { a => 1 } ], [1] ], [ [ { a => 1 } ], 'a' ], [ 'a', ['a'] ], [ [ { a => 1 } ], [ map { "c$_" } 1 .. 1000 ] ];
    like $vg->log, qr/no CSV: a column twice/;
    like $vg->log, qr/a column's name is a string/;
};

done_testing;

# A handler reads top to bottom and waits: for statements of its own, for other
# plugins, for the world; what it returns goes into the row's statement, whose
# one commit has the effects and the events.

use strict;
use warnings;

use Test::More;

use Voltgate;

my %sql = (
    'sql/001_thing.sql' => <<'END',
create table things.thing (
    id      uuid    not null,
    owner   text    not null,
    weight  int     not null,
    price   numeric not null,
    seen    bigint  not null,
    constraint thing_pkey primary key (id)
);
create table things.mark (
    name text not null,
    constraint mark_pkey primary key (name)
);
create table things.heard (
    event_id uuid not null,
    n        int  not null,
    weights  int  not null,
    constraint heard_pkey primary key (event_id)
);
END
    'sql/queries/thing_heavier.sql' => <<'END',
-- in: weight
-- out: those of the caller that weigh as much or more, the lightest first
select json_build_object('id', t.id, 'weight', t.weight, 'price', t.price) as body
from things.thing as t
where t.owner = :callerId
    and t.weight >= :weight
order by t.weight, t.id;
END
    'sql/queries/thing_weights.sql' => <<'END',
-- in: nothing
-- out: what all weigh
select json_build_object('sum', coalesce(sum(t.weight), 0)) as body
from things.thing as t;
END
    'sql/queries/thing_many.sql' => <<'END',
-- in: many
-- out: as many rows
select json_build_object('n', g.n) as body
from generate_series(1, :many) as g (n);
END
    'sql/queries/mark_set.sql' => <<'END',
-- in: name
-- out: ok
with made as (
    insert into things.mark (name)
    values (:name)
    on conflict do nothing
    returning name
), answer(status, body, events) as (
    select 'ok', json_build_object('made', (select count(*) from made)), null::jsonb
)
select * from answer;
END
    'sql/queries/thing_create.sql' => <<'END',
-- in: weight, price, seen, events
-- out: the thing; tells what the handler says
with thing as (
    insert into things.thing (id, owner, weight, price, seen)
    values (:newId, :callerId, :weight, :price, :seen)
    returning id, weight, price, seen
), answer(status, body, events) as (
    select 'created', json_build_object('id', t.id, 'weight', t.weight, 'price', t.price, 'seen', t.seen), :events
    from thing as t
)
select * from answer;
END
    'sql/queries/thing_hear.sql' => <<'END',
-- in: n, weights
-- out: ok
with heard as (
    insert into things.heard (event_id, n, weights)
    values (:eventId, :n, :weights)
), answer(status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
    'sql/queries/thing_later.sql' => <<'END',
-- in: nothing
-- out: ok; leaves a job
with later as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    values (:vgPlugin, 'things.mark', '{"name": "afterwards"}', :correlationId)
), answer(status, body, events) as (
    select 'accepted', '{}'::json, null::jsonb
)
select * from answer;
END
    'sql/queries/thing_marked.sql' => <<'END',
-- in: name, made
-- out: ok
with heard as (
    insert into things.heard (event_id, n, weights)
    values (:jobId, length(:name), :made)
), answer(status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
    'events/things.made.v1.json' => <<'END',
{
    "title": "things.made.v1",
    "description": "A thing was made",
    "x-audience": "house",
    "type": "object",
    "properties": { "n": { "type": "integer", "description": "its weight in g" } },
    "required": ["n"]
}
END
);

my $lua = <<'END';
local rule = require "rule"
local list = require "voltgate.list"

local weight = { { "body", "weight", "int", required = true, min = 1, max = 1000, about = "in g" } }

local function add(call)
    local before, err = db.query("thing_heavier", { weight = call.values.weight })
    if not before then return call:refuse(err) end
    if #before >= 2 then return call:refuse("too_many", { count = #before }) end
    local price = call.values.price
    event.emit("things.made.v1", call.new_id, { n = call.values.weight })
    return { seen = #before, price = price }
end

-- within coroutines, pcall and iterators: it waits all the same
local function within(call)
    local co = coroutine.wrap(function()
        local ok, rows = pcall(db.query, "thing_weights")
        coroutine.yield(ok and rows[1].sum)
        assert(coroutine.yield(null) == nil)
        return "end"
    end)
    local one, null_too, two = co(), co(), co()
    assert(null_too == null)
    return { sum = one, over = two, role = call.caller.role }
end

return {
    abi = 9, name = "things", version = "1", about = "a test",
    routes = {
        { "POST", "/things", handler = add, statement = "thing_create", about = "Make a thing", fields = {
            { "body", "weight", "int", required = true, min = 1, max = 1000, about = "in g" },
            { "body", "given", "decimal", about = "a price" },
            { "bound", "price", "decimal" }, { "bound", "seen", "int" }, { "bound", "events", "any" } },
          check = function(call)
              local given = call.values.given
              if given == 13 then call:refuse_field("given", "is unlucky") end
              call:bind("price", given or "0.000000001")
          end },
        { "GET", "/things/weights", everybodys = true, handler = within, about = "What all weigh" },
        { "GET", "/things/many/{many}", everybodys = true, handler = function(call)
              local rows, err = db.query("thing_many", { many = call.values.many })
              return { n = rows and #rows, err = err, last = rows and rows[1] and rows[#rows].n }
          end, fields = { { "path", "many", "int", required = true, about = "rows" } }, about = "Rows" },
        { "POST", "/things/marks", everybodys = true, handler = function(call)
              local one = db.change("mark_set", { name = "one" })
              local two, err = db.change("mark_set", { name = 'two' })
              return { made = one.made + two.made, err = err }
          end, about = "Make marks" },
        { "INTERNAL", "things.double", handler = function(call) return { n = 2 * call.values.n } end,
          fields = { { "body", "n", "int", required = true } }, about = "Twice" },
        { "GET", "/things/mine", queries = { "thing_heavier" }, about = "Those of the caller", handler = function(call)
              local rows = db.query("thing_heavier", { weight = 1 })
              local _, why = pcall(db.query, "thing_weights")
              return { n = #rows, why = why }
          end },
        { "GET", "/things/asked", queries = {}, handler = function(call)
              local got, err = ask("things.double", { n = 21 })
              local none, why = ask("things.nothing", {})
              local out, wrong = http.get { url = "http://10.0.0.1/" }
              return { got = got.n, none = none, why = why, wrong = wrong, doubled = rule.double(2) }
          end, about = "What others say" },
        { "POST", "/things/later", statement = "thing_later", everybodys = true, no_body = true, about = "A job" },
        { "JOB", "things.mark", statement = "thing_marked", about = "Do it",
          fields = { { "body", "name", "text", required = true }, { "bound", "made", "int" } },
          handler = function(call)
              assert(call.job_id and call.job_try >= 1)
              local done = db.change("mark_set", { name = call.values.name })
              if call.job_try == 1 then error("once") end
              return { made = done.made }
          end },
        { "GET", "/things/set", about = "What is set", fields = { { "setting", "share", "decimal" } }, check = function(call)
              local all = { share = call:bound("share") }
              for _, name in ipairs { "most", "loud", "word" } do all[name] = call:setting(name) end
              all.none = select(2, pcall(function() return call:setting("least") end)):match("no setting least")
              return all
          end },
        { "GET", "/things/list", about = "lua/voltgate/list.lua", check = function()
              local rows = { { id = "a", n = 1 }, { id = "b", n = 2 }, { id = "a", n = 3 } }
              local odd = list.filter(rows, function(row) return row.n % 2 == 1 end)
              return { odd = list.map(odd, function(row) return row.n end), none = list.filter(rows, function() end), a = list.by(rows, "id").a.n }
          end },
        { "GET", "/things/row", load = "thing_weights", everybodys = true, about = "A row, rendered",
          render = function(call) return { sum = call.row.sum, also = json.array {} } end },
        { "EVENT", "things.made.v1", statement = "thing_hear", about = "Write it down",
          fields = { { "body", "n", "int", required = true, about = "in g" }, { "bound", "weights", "int" } },
          handler = function(call) return { weights = db.query("thing_weights")[1].sum } end },
    },
    errors = { { name = "too_many", status = 409, title = "There are enough" } },
    settings = {
        { name = "most", type = "int", value = "2", about = "how many" },
        { name = "share", type = "decimal", value = "0.10", about = "exact" },
        { name = "loud", type = "bool", value = "on", about = "or not" },
        { name = "word", type = "enum", value = "b", values = "a|b", about = "one of them" },
    },
    publishes = { "things.made.v1" },
    queries = {
        thing_heavier = { { "bound", "weight", "int", required = true } },
        thing_weights = {},
        thing_many = { { "bound", "many", "int", required = true } },
        mark_set = { { "bound", "name", "text", required = true } },
    },
}
END

my $vg = Voltgate->start(own_cluster => 1, authored => { things => { %sql, 'plugin.lua' => $lua,
    'rule.lua' => "local M = {}\nfunction M.double(n) return 2 * n end\nreturn M\n" } });
my $api = '/api/v1/things';
my %as  = map { $_ => { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $_) } } qw(ann ben);

my $made = $vg->post($api, { weight => 5, given => 0.49 }, $as{ann});
is $made->{status}, 201, 'the handler reads, then the statement writes' or diag explain($made->{json}), $vg->log;
is_deeply [ @{ $made->{json} }{qw(weight seen)} ], [ 5, 0 ];
is $vg->sql('select price from things.thing'), '0.49', 'a decimal passes as it is' ;
ok $vg->wait_for(sub { $vg->sql('select count(*) from things.heard') == 1 }), 'what was emitted is heard, by a consumer with a handler';
is $vg->sql("select n || ' ' || weights from things.heard"), '5 5';

is $vg->post($api, { weight => 6 }, $as{ann})->{json}{seen}, 0;
is $vg->post($api, { weight => 5, given => 13 }, $as{ann})->{json}{errors}{given}, 'is unlucky', 'a check refuses a field';
my $many = $vg->post($api, { weight => 5 }, $as{ann});
is $many->{status}, 409, 'a handler refuses';
is $many->{json}{count}, 2, '... with what it knows';
is $vg->post($api, { weight => 5 }, $as{ben})->{status}, 201, 'a statement of the handler knows who calls';
is $vg->sql('select min(price) from things.thing'), '0.000000001', 'to nine places';

is_deeply $vg->get("$api/weights", $as{ann})->{json}, { sum => 16, over => 'end', role => 'driver' }, 'waits pass coroutines';
is_deeply $vg->get("$api/set", $as{ann})->{json}, { most => 2, share => '0.10', loud => JSON::PP::true, word => 'b', none => 'no setting least' },
    'a setting is of its type, and a decimal exact';
is_deeply $vg->get("$api/many/1000", $as{ann})->{json}, { n => 1000, last => 1000 }, 'all rows';
is_deeply $vg->get("$api/many/1001", $as{ann})->{json}, { err => 'internal' }, 'but not too many';
is_deeply $vg->get("$api/many/0", $as{ann})->{json}, { n => 0 }, 'or none';
my %key = (%{ $as{ann} }, 'Idempotency-Key' => 'marks');
is_deeply $vg->post("$api/marks", {}, \%key)->{json}, { made => 2 }, 'a commit of its own, twice';
is $vg->sql('select count(*) from things.mark'), 2;
my $mine = $vg->get("$api/mine", $as{ben})->{json};
is $mine->{n}, 1, 'what a row says that its handler asks';
like $mine->{why}, qr/thing_weights is not among the queries of its row/, 'and nothing else';
is $vg->get('/openapi.json')->{json}{paths}{'/api/v1/things/mine'}{get}{'x-owner'}, 'caller', 'so it is known whose it shows';
my $asked = $vg->get("$api/asked", $as{ann})->{json};
is $asked->{got}, 42, 'another route is asked';
is $asked->{why}, 'plugin_out', 'or there is none';
like $asked->{wrong}, qr/^refused_(?:address|url)$/, 'the world is called';
is $asked->{doubled}, 4, 'a file of its own';
is_deeply $vg->get("$api/row", $as{ann})->{json}, { sum => 16, also => [] }, 'a row is rendered';
is_deeply $vg->get("$api/list", $as{ann})->{json}, { odd => [ 1, 3 ], none => [], a => 3 }, 'a file of the house';
unlike $vg->log, qr/\.lua:\d+/, 'no fault';

is $vg->post("$api/later", undef, $as{ann})->{status}, 202, 'a job';
ok $vg->wait_for(sub { $vg->sql('select count(*) from things.heard where n = 10') == 1 }, 15), 'whose handler fails once, and is tried again';
is $vg->sql("select count(*) from things.mark where name = 'afterwards'"), 1, 'what it changed, it changed once';
is $vg->sql('select weights from things.heard where n = 10'), 1, 'and the second try heard the answer of the first';

done_testing;

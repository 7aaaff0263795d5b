# Steps in Lua: what command() returns is asked, told() hears what was said and
# binds or refuses it; behind the answer, done or undo write down what came of it.

use strict;
use warnings;

use Test::More;

use Voltgate;

my %sql = (
    'sql/001_heard.sql' => "create table walk.heard (\n    n    int  not null,\n    said text not null,\n    constraint heard_pkey primary key (n)\n);\n",
    'sql/queries/heard_add.sql' => <<'END',
-- in: n, twice
-- out: both
with heard as (
    insert into walk.heard (n, said)
    values (:n, :twice)
    returning n, said
), answer(status, body, events) as (
    select 'created', json_build_object('n', h.n, 'twice', h.said::int), null::jsonb
    from heard as h
)
select * from answer;
END
    'sql/queries/later_begun.sql' => <<'END',
-- in: nothing
-- out: nothing, as yet
with answer(status, body, events) as (
    select 'accepted', null::json, null::jsonb
)
select * from answer;
END
    'sql/queries/later_done.sql' => <<'END',
-- in: n, :outcome
-- out: nothing; what was said is kept
with heard as (
    insert into walk.heard (n, said)
    values (:n, :outcome ->> 'n')
), answer(status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
    'sql/queries/later_undone.sql' => <<'END',
-- in: n, :reason
-- out: nothing; why is kept
with heard as (
    insert into walk.heard (n, said)
    values (:n, :reason)
), answer(status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
);

my $lua = <<'END';
local n = { "body", "n", "int", required = true, min = 0, max = 1000, about = "a number" }
local how = { "body", "how", "text", max = 20, about = "what the step does" }

-- each way that a step can go, by the name that the call gives
local ways = {
    refuses = function(call) call:refuse("forbidden") end,
    breaks = function() error("broken") end,
    nobody = function() return { ask = "walk.nobody" } end,
    inside = function() return { http = { method = "get", url = "http://10.0.0.1/" } } end,
    charger = function() return { command = "Reset", charge_point = "CP-none", payload = { type = "Soft" } } end,
    nothing = function(call) call:bind("twice", "7") end,
    empty = function() return {} end,
}

local function double(call)
    local way = ways[call.values.how]
    if way then return way(call) end
    return { ask = "walk.double", args = { n = call.values.n } }
end

local function told(call)
    local said = call.outcome.n
    if said > 100 then return call:refuse("too_far", { said = said }) end
    call:bind("twice", said)
end

return {
    abi = 9, name = "walk", version = "1", about = "a test",
    routes = {
        { "INTERNAL", "walk.double", about = "Twice", fields = { n },
          check = function(call)
              if call.values.n == 13 then return call:refuse("unlucky") end
              return { n = 2 * call.values.n }
          end },
        { "POST", "/walk/now", about = "Double it, then keep it", statement = "heard_add", everybodys = true, await = true,
          fields = { n, how, { "bound", "twice", "text" } },
          steps = { { name = "double", command = double, told = told } } },
        { "POST", "/walk/later", about = "Keep it, then double it", statement = "later_begun", everybodys = true,
          fields = { n, how },
          steps = { { name = "double", command = double, done = "later_done", undo = "later_undone" } } },
    },
    errors = {
        { name = "too_far", status = 422, title = "It is too far" },
        { name = "unlucky", status = 409, title = "It is unlucky" },
    },
}
END

my $vg = Voltgate->start(own_cluster => 1, authored => { walk => { %sql, 'plugin.lua' => $lua } });

sub now  { my ($n, $how) = @_; return $vg->post('/api/v1/walk/now', { n => $n, defined $how ? (how => $how) : () }) }
sub said { return $vg->sql('select said from walk.heard where n = $1', $_[0]) }
sub type { return $_[0]{json}{type} =~ s{.*/}{}r }

is_deeply now(4)->{json}, { n => 4, twice => 8 }, 'what was said is bound, and written' or diag $vg->log;
is_deeply now(5, 'nothing')->{json}, { n => 5, twice => 7 }, 'who asks nobody goes on';
my $far = now(60);
is_deeply [ $far->{status}, type($far), $far->{json}{said} ], [ 422, 'too_far', 120 ], 'told() refuses what was said';
my $unlucky = now(13);
is_deeply [ $unlucky->{status}, type($unlucky) ], [ 409, 'unlucky' ], 'who was asked refuses';
is type(now(6, 'refuses')), 'forbidden', 'command() refuses';
is type(now(6, 'nobody')), 'plugin_out', 'nobody is there to be asked';
like type(now(6, 'inside')), qr/^refused_(?:address|url)$/, 'a request that is none of ours';
is type(now(6, 'charger')), 'not_connected', 'a charge point that is not there';
is now(6, 'breaks')->{status}, 500, 'command() breaks';
like $vg->log, qr/voltgate walk: plugin\.lua:\d+: broken, correlation/, '... which the log has';
is now(6, 'empty')->{status}, 500, 'what it returns is no question';
is said(6), undef, 'nothing of these is written';
is said(60), undef;

is $vg->post('/api/v1/walk/later', { n => 21 })->{status}, 202, 'behind the answer';
ok $vg->wait_for(sub { (said(21) // '') eq '42' }, 20), 'it is done' or diag $vg->log;
is $vg->post('/api/v1/walk/later', { n => 22, how => 'charger' })->{status}, 202;
ok $vg->wait_for(sub { (said(22) // '') eq 'not_connected' }, 20), 'or undone, and why';
is $vg->post('/api/v1/walk/later', { n => 23, how => 'refuses' })->{status}, 202;
ok $vg->wait_for(sub { (said(23) // '') eq 'forbidden' }, 20), 'also where command() refuses';
is $vg->post('/api/v1/walk/later', { n => 24, how => 'breaks' })->{status}, 202;
ok $vg->wait_for(sub { (said(24) // '') eq 'internal' }, 20), 'or breaks';

done_testing;

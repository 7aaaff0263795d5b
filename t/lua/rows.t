# Handlers of rows of each kind: of timers, of a charge point's own words, of
# pages, of streams, and of each row of a CSV; and where there is none.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Cli;
use Voltgate::Stream;

my %sql = (
    'sql/001_scale.sql' => <<'END',
create table scale.weight (
    name text not null,
    g    int  not null,
    constraint weight_pkey primary key (name)
);
create table scale.round (
    n    bigint generated always as identity,
    what text   not null,
    sum  bigint not null,
    constraint round_pkey primary key (n)
);
grant usage on all sequences in schema scale to vg_scale;
END
    'sql/queries/weight_sum.sql' => <<'END',
-- in: nothing
-- out: what all weigh
select json_build_object('sum', coalesce(sum(w.g), 0)) as body
from scale.weight as w;
END
    'sql/queries/weight_of.sql' => <<'END',
-- in: name
-- out: its weight, if it was weighed
select json_build_object('g', w.g) as body
from scale.weight as w
where w.name = :name;
END
    'sql/queries/weight_add.sql' => <<'END',
-- in: name, g, :chargePoint
-- out: it, or nothing if it was there
with added as (
    insert into scale.weight (name, g)
    values (coalesce(:name, :chargePoint), :g)
    on conflict do nothing
    returning name, g
), answer(status, body, events) as (
    select 'created', json_build_object('name', a.name, 'g', a.g), jsonb_build_array(jsonb_build_object('wake', '/scale/stream'))
    from added as a
    union all
    select 'ok', '{}'::json, null::jsonb
    where not exists (select 1 from added)
)
select * from answer;
END
    'sql/queries/weight_list.sql' => <<'END',
-- in: least; :cursor, :limit
-- out: those that weigh as much or more, by name
select json_build_object('name', w.name, 'g', w.g) as body, w.name as cursor
from scale.weight as w
where w.g >= :least
    and (:cursor::text is null or w.name > :cursor)
order by w.name
limit :limit + 1;
END
    'sql/queries/weight_shown.sql' => <<'END',
-- in: sum
-- out: a frame
select json_build_object('sum', :sum::bigint) as body, :sum::text as id, :sum::bigint > 1000 as over;
END
    # a file for each, since a timer is named by its statement
    (map { ("sql/queries/round_$_.sql" => <<'END') } qw(add try break)),
-- in: what, sum
-- out: ok
with added as (
    insert into scale.round (what, sum)
    values (:what, :sum)
), answer(status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
);

my $lua = <<'END';
local g = { "body", "g", "int", required = true, min = 0, max = 10000, about = "in g" }
local name = { "body", "name", "text", required = true, max = 20, about = "of what is weighed" }
local bound = { { "bound", "what", "text" }, { "bound", "sum", "int" } }

local function sum() return db.query("weight_sum")[1].sum end

local function round(call)
    assert(call.caller.role == "system")
    return { what = "round", sum = sum() }
end

-- what each node would do, though one alone writes
local function try(call)
    local said = {}
    for _, f in ipairs {
        function() return db.change("weight_add", { name = "by a timer", g = 1 }) end,
        function() return http.post { url = "http://10.0.0.1/" } end,
        function() return ask("scale.more", {}) end,
        function() return mail.send { target = "none" } end,
    } do
        local ok, why = pcall(f)
        said[#said + 1] = ok and "ok" or why:match("a timer.*")
    end
    local _, refused = http.get { url = "http://10.0.0.1/" }
    local double, err = ask("scale.double", { g = 2 })
    return { what = table.concat(said, "|") .. "|" .. refused, sum = double and double.g or -1 }
end

-- a charge point's own word
local function weigh(call)
    local known = db.query("weight_of", { name = call.charge_point })[1]
    if call.values.g == 13 then return call:refuse("conflict") end
    if call.values.g == 14 then error("the scale is broken") end
    if known then return { known = known.g } end
    return { known = -1 }
end

local function tell(call)
    local known = db.query("weight_of", { name = call.charge_point })[1]
    return { g = known and known.g, from = call.charge_point }
end

local function page(call) return { least = sum() >= 100 and 10 or 0 } end

local function each(call)
    if call.values.name == "nobody" then return call:refuse_field("name", "is nobody") end
    return { doubled = 2 * call.values.g, known = #db.query("weight_of", { name = call.values.name }) }
end

return {
    abi = 9, name = "scale", version = "1", about = "a test",
    routes = {
        { "EVERY", "1s", statement = "round_add", fields = bound, handler = round, about = "Sum up" },
        { "EVERY", "1s", statement = "round_try", fields = bound, handler = try, about = "Try what a timer may not" },
        { "EVERY", "1s", statement = "round_break", fields = bound, handler = function() error("no round today") end, about = "Break" },
        { "INTERNAL", "scale.double", fields = { g }, check = function(call) return { g = 2 * call.values.g } end, about = "Twice" },
        { "INTERNAL", "scale.more", statement = "round_add", fields = bound, about = "A change" },
        { "OCPP16", "Weigh", statement = "weight_add", fields = { g, { "body", "name", "text", max = 20 }, { "bound", "known", "int" } },
          handler = weigh, render = function(call) return { known = tonumber(call:bound("known")), added = call.row.g } end, about = "Weigh" },
        { "OCPP16", "Tell", handler = tell, about = "Tell a weight" },
        { "GET", "/scale/weights", list = true, everybodys = true, statement = "weight_list", handler = page,
          fields = { { "bound", "least", "int" } }, about = "Weights" },
        { "POST", "/scale/weights", rows = true, everybodys = true, statement = "weight_add", handler = each,
          fields = { name, g, { "bound", "doubled", "int" }, { "bound", "known", "int" } }, about = "Many weights" },
        { "GET", "/scale/stream", stream = true, everybodys = true, statement = "weight_shown",
          handler = function() return { sum = sum() } end, fields = { { "bound", "sum", "int" } }, about = "What all weigh" },
        -- and one more
    },
    queries = { weight_sum = {}, weight_of = { { "bound", "name", "text" } },
        weight_add = { { "bound", "name", "text" }, { "bound", "g", "int" } } },
}
END

my $vg = Voltgate->start(own_cluster => 1, authored => { scale => { %sql, 'plugin.lua' => $lua } });
my $api = '/api/v1/scale';

sub csv    { return $vg->post("$api/weights", $_[0], { 'Content-Type' => 'text/csv' }) }
sub rounds { return $vg->sql('select count(*) from scale.round where what = $1', $_[0]) }

subtest 'a timer reads, then one commit has the effect' => sub {
    ok $vg->wait_for(sub { rounds('round') >= 2 }, 15), 'it fires again and again' or diag $vg->log;
    is $vg->sql(q{select count(*) from vg.timer where name = 'scale/round_add/1s'}), 1, 'once for all nodes';
    my $said = join '|', ("a timer's handler runs on each node, and reads: what it does is its statement's, or a job's") x 4;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from scale.round where what like 'a timer%'}) }, 15);
    my ($what, $sum) = split /\t/, $vg->sql(q{select what || E'\t' || sum from scale.round where what like 'a timer%' limit 1});
    like $what, qr/\A\Q$said\E\|refused_(?:address|url)\z/, 'what acts it may not, what reads it may';
    is $sum, 4, 'also another route';
    is $vg->sql(q{select count(*) from scale.weight}), 0;
    like $vg->log, qr/plugin\.lua:\d+: no round today/, 'one that breaks says so, and goes on';
    is $vg->sql(q{select count(*) from vg.timer where name = 'scale/round_break/1s'}), 0, '... without effect';
};

subtest 'rows of CSV, each by the handler' => sub {
    my $r = csv("name,g\nann,5\nben,12\nnobody,7\nann,5\ncem,x\n");
    is $r->{status}, 200 or diag $r->{body}, $vg->log;
    is_deeply [ @{ $r->{json} }{qw(imported unchanged failures)} ], [ 2, 1, 2 ];
    is_deeply $r->{json}{failed}[0], { row => 4, errors => { name => 'is nobody' } }, 'what it refuses is the row\'s';
};

subtest 'a page' => sub {
    my $page = $vg->get("$api/weights?limit=1")->{json};
    is_deeply $page->{items}, [ { name => 'ann', g => 5 } ], 'a handler binds, the statement gives the page' or diag $vg->log;
    is_deeply $vg->get("$api/weights?limit=1&cursor=$page->{nextCursor}")->{json}{items}, [ { name => 'ben', g => 12 } ], 'and the next';
};

subtest 'a charge point' => sub {
    my %company = (operatorId => '019393c0-0000-7000-8000-000000000001');
    $vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin',
        %company, connectors => [ { chargePointId => 'CP1', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] });
    $vg->post('/api/v1/charge-points', { id => 'CP1', %company, password => 'sixteen letters!' });
    my $cp = Voltgate::Charger->connect($vg, 'CP1', 'sixteen letters!');
    is $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' })->[2]{status}, 'Accepted';
    is_deeply $cp->call('Weigh', { g => 90 })->[2], { known => -1, added => 90 }, 'a CALL is answered by handler, statement and render' or diag $vg->log;
    is_deeply $cp->call('Weigh', { g => 90 })->[2], { known => 90 }, 'which has read before';
    is_deeply $cp->call('Tell', {})->[2], { g => 90, from => 'CP1' }, 'or by the handler alone';
    is $cp->call('Weigh', { g => 13 })->[2], 'GenericError', 'what it refuses is a CALLERROR';
    is $cp->call('Weigh', { g => 14 })->[2], 'InternalError', 'and so is what breaks';
    is $cp->call('Weigh', { g => 'x' })->[2], 'TypeConstraintViolation', 'or has the wrong fields';
    is $vg->get("$api/weights?limit=1")->{json}{items}[0]{name}, 'CP1', 'written once' ;
};

subtest 'a stream' => sub {
    my $stream = Voltgate::Stream->open($vg, "$api/stream", { Authorization => 'Bearer ' . $vg->admin });
    is $stream->status, 200 or diag $vg->log;
    is_deeply $stream->event(10)->{data}, { sum => 107 }, 'the handler is run for a frame';
    csv("name,g\ndan,3\n");
    is_deeply $stream->event(10)->{data}, { sum => 110 }, '... and for the next';
    csv("name,g\neve,1000\n");
    is_deeply $stream->event(10)->{data}, { sum => 1110 };
    ok $stream->ended(10), 'and it may be the last';
};

# what has no handler, and why
my %none = (
    '{ "OCPP16", "Keep", transaction = true, statement = "round_add", fields = bound, handler = round, about = "x" }' =>
        qr/plugin\.lua:\d+: routes\[11\]: what a charge point tells of a transaction is written before anybody is asked: no handler/,
    '{ "EVENT", "station.created.v1", here = true, handler = round, about = "x" }' => qr/routes\[11\]: what is told here asks nobody: no handler/,
    '{ "GET", "/scale/none", list = true, everybodys = true, handler = round, about = "x" }' => qr/routes\[11\]: a page is made of its statement's rows/,
    '{ "GET", "/scale/none", stream = true, everybodys = true, handler = round, about = "x" }' => qr/a stream is a GET that reads one row/,
    '{ "EVERY", "1s", handler = round, about = "x" }' => qr/must end in a change/,
);
for my $row (sort keys %none) {
    open my $out, '>', "$vg->{house}/plugins/scale/plugin.lua" or die $!;
    print {$out} $lua =~ s/-- and one more/$row,/r;
    close $out or die $!;
    my ($status, $out_text) = cli($vg, plugin => 'check', "$vg->{house}/plugins/scale");
    is $status, 1, $row;
    like $out_text, $none{$row};
}

done_testing;

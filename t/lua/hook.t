# Hooks: rows by which plugins stand before and behind routes of others, in an
# order that names say. What stands before the fields may change what came,
# what stands behind the route its answer; between them it looks, and refuses.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Cli;
use Voltgate::Conf;

my $head = 'abi = 9, version = "1", about = "a test"';

# what it answers is what it was told, and who stood in the way
my $inn = <<"END";
local function seen(call) return { seen = call.values.seen, who = call.caller.id } end
return { name = "inn", $head, routes = {
    { "POST", "/inn", check = seen, about = "Say it", fields = {
        { "body", "seen", "text", required = true, max = 200 }, { "body", "n", "int", max = 9 }, { "body", "how", "text" } } },
    { "GET", "/inn/rooms/{room}", statement = "room", everybodys = true, about = "A room",
      check = function(call) if call.values.room == "15" then call:done() end end, fields = {
        { "path", "room", "text", required = true, max = 20 }, { "query", "seen", "text" } } },
    { "POST", "/inn/guests", statement = "guest", everybodys = true, about = "A guest", fields = { { "body", "name", "text", required = true, max = 20 } } },
} }
END

my $room = <<'END';
-- in: room, seen
-- out: the room
select json_build_object('room', :room, 'seen', :seen::text) as body;
END

my $guest = <<'END';
-- in: name
-- out: the guest
with guest as (
    insert into inn.guest (name)
    values (:name)
    returning name
), answer(status, body, events) as (
    select 'created', json_build_object('name', g.name), null::jsonb
    from guest as g
)
select * from answer;
END

my $noted = <<'END';
-- in: seen
-- out: it
select json_build_object('seen', :seen::text, 'caller', :callerId::text) as body;
END

# it puts right what a charger says wrongly, and hears of each one what it sends
my $mender = <<"END";
local fixed = { ["pre-paring"] = "Preparing" }
return { name = "mender", $head, routes = {
    { "HOOK", "OCPP16 StatusNotification", stands = "before fields", optional = true, about = "Mend a status", check = function(call)
        local body = call.body
        assert(call.charge_point == "CP1" and call.caller.role == "charger")
        body.status = fixed[body.status] or body.status
        return body
    end },
    { "HOOK", "OCPP16 *", about = "No data here", fields = { { "body", "vendorId", "text" } }, check = function(call)
        if call.values.vendorId == "Evil" then call:refuse("not_for_us") end
    end },
}, errors = { { name = "not_for_us", status = 422, title = "Not for us" } } }
END

# it notes that it stood there, at the end of what is seen
sub marker {
    my ($name, $stands, $more) = (@_, '');

    return <<"END";
return { name = "$name", $head, routes = { $more
    { "HOOK", "POST /inn", stands = "before fields$stands", about = "Sign", check = function(call)
        local body = call.body
        body.seen = (body.seen or "") .. "$name"
        return body
    end },
} }
END
}

# who stands behind bob before the fields need not know that he is behind the route, too
my $twice = '{ "HOOK", "POST /inn", stands = "after inn", about = "Look", check = function() end },';

my $guard = <<"END";
return { name = "guard", $head, routes = {
    { "HOOK", "POST /inn", stands = "after fields", about = "Look", fields = {
        { "body", "seen", "text" }, { "body", "how", "text" }, { "body", "n", "int" } }, check = function(call)
        local how = call.values.how
        if how == "refuse" then call:refuse("closed", { seen = call.values.seen }) end
        if how == "field" then call:refuse_field("seen", "is not nice") end
        if how == "fault" then error("guard fell asleep") end
        if how == "answer" then return { seen = "the guard says so" } end
        if how == "loop" then while true do end end
    end },
    { "HOOK", "POST /inn", stands = "after inn", about = "Sign out", check = function(call)
        local row = call.row
        row.out = "guard"
        return row
    end },
    { "HOOK", "POST /inn/guests", stands = "after inn", about = "Sign out", check = function(call)
        return { name = call.row.name, out = "guard" }
    end },
    { "HOOK", "GET /inn/rooms/{room}", about = "Wait", fields = {
        { "path", "room", "text" }, { "query", "seen", "text" } },
      check = function(call) if call.values.room == "14" then call:done() end end,
      handler = function(call)
        local got = db.query("noted", { seen = call.values.seen or "none" })[1]
        if call.values.room == "14" then error("nobody asked for this") end
        if call.values.room == "13" then call:refuse("closed", { seen = got.seen, caller = got.caller }) end
      end },
},
queries = { noted = { { "bound", "seen", "text" } } },
errors = { { name = "closed", status = 423, title = "The house is closed" } } }
END

my $dreamer = <<"END";
return { name = "dreamer", $head, routes = {
    { "HOOK", "POST /inn", optional = true, about = "Fall asleep", fields = { { "body", "how", "text" } }, check = function(call)
        if call.values.how == "dream" then error("I was not there") end
    end },
} }
END

my %house = (
    inn     => { 'plugin.lua' => $inn,   'sql/queries/room.sql'  => $room, 'sql/queries/guest.sql' => $guest,
        'sql/001_guest.sql' => "create table inn.guest (name text not null);\n" },
    guard   => { 'plugin.lua' => $guard, 'sql/queries/noted.sql' => $noted },
    mender  => { 'plugin.lua' => $mender },
    dreamer => { 'plugin.lua' => $dreamer },
    ada     => { 'plugin.lua' => marker('ada', ', after cat') },
    bob     => { 'plugin.lua' => marker('bob', '', $twice) },
    cat     => { 'plugin.lua' => marker('cat', ', after bob') },
);
my $vg  = Voltgate->start(authored => \%house);
my $ann = { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'ann') };
my $api = '/api/v1/inn';

sub inn { return $vg->post($api, $_[0], $ann) }

my $told = inn({ seen => '-' });
is_deeply $told->{json}, { seen => '-bobcatada', who => 'ann', out => 'guard' }, 'before and behind, in the order that names say' or diag $vg->log;
is inn({})->{json}{seen}, 'bobcatada', 'what is missing is there before the fields are looked at';
ok inn({ n => 10 })->{json}{errors}{n}, 'the fields are the route\'s own';
is $vg->post($api, {}, { 'X-API-Key' => '' })->{status}, 401, 'nobody stands before auth';

my $no = inn({ how => 'refuse' });
is_deeply [ $no->{status}, @{ $no->{json} }{qw(title seen)} ], [ 423, 'The house is closed', 'bobcatada' ], 'refused by an error of its own';
is inn({ how => 'field' })->{json}{errors}{seen}, 'is not nice', '... or for a field';
is inn({ how => 'fault' })->{status}, 500, 'a fault of what must stand there ends the call';
like $vg->log, qr/guard: .*plugin\.lua:\d+: guard fell asleep/, '... with file and line in the log, of the plugin at fault';
is inn({ how => 'loop' })->{status}, 503, 'a bound as well';
is inn({ how => 'dream' })->{status}, 200, 'one that need not be there is gone on without';
like $vg->log, qr/dreamer: HOOK POST \/inn: POST \/inn goes on without it: internal/, '... which is logged';
is inn({ how => 'answer' })->{json}{who}, 'ann', 'who may only look does not answer';
like $vg->log, qr/that is not heard/, '... which is logged';

is_deeply $vg->get("$api/rooms/12?seen=x", $ann)->{json}, { room => 12, seen => 'x' }, 'a hook that waits for a statement';
my $room13 = $vg->get("$api/rooms/13?seen=x", $ann);
is_deeply [ $room13->{status}, @{ $room13->{json} }{qw(seen caller)} ], [ 423, 'x', 'ann' ], '... with path, query and caller at hand';

is_deeply $vg->get("$api/rooms/14?seen=x", $ann)->{json}, { room => 14, seen => 'x' }, 'one whose check has nothing to do does not wait';
is $vg->get("$api/rooms/15?seen=x", $ann)->{status}, 500, 'a route of its own is not done so';
my %key = (%$ann, 'Idempotency-Key' => 'k1');
is_deeply $vg->post("$api/guests", { name => 'ann' }, \%key)->{json}, { name => 'ann', out => 'guard' }, 'an answer of a statement';
is_deeply $vg->post("$api/guests", { name => 'ann' }, \%key)->{json}, { name => 'ann', out => 'guard' }, '... and the stored one';
is $vg->sql('select count(*) from inn.guest'), 1;

my ($shown) = grep { $_->{name} eq 'guard' } @{ $vg->get('/api/v1/plugins')->{json}{items} };
is_deeply [ map { $_->{routes} } @{ $shown->{hooks} } ], [ 1, 1, 1, 1 ], 'GET /plugins shows where it stands';

# --------------------------------------------------------------- charge points

my $password = 'sixteen letters!';
my %company  = (operatorId => '019393c0-0000-7000-8000-000000000001');
my $station  = $vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', %company,
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] })->{json};
$vg->post('/api/v1/charge-points', { id => 'CP1', %company, password => $password });
my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
is $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' })->[2]{status}, 'Accepted';
is $cp->call('StatusNotification', { connectorId => 1, errorCode => 'NoError', status => 'pre-paring' })->[0], 3, 'what a charger says wrongly is put right';
is $vg->get("/api/v1/stations/$station->{id}/status")->{json}{connectors}[0]{status}, 'Preparing', '... before the fields are looked at';
is $cp->call('DataTransfer', { vendorId => 'Evil' })->[0], 4, 'what a hook refuses is refused';
is $cp->call('DataTransfer', { vendorId => 'Good' })->[0], 3;

# ------------------------------------------------------------ other generations

sub source {
    my ($name, $text) = @_;

    open my $out, '>', "$vg->{house}/plugins/$name/plugin.lua" or die "$name: $!";
    print {$out} $text;
    close $out or die "$name: $!";
    return;
}

sub reload { return cli($vg, plugin => 'reload', $_[0], '--sources', "$vg->{house}/plugins", '--built', "$vg->{house}/built") }

source(bob => marker('bob', ', after ada'));
my ($status, $out) = reload('bob');
is $status, 1, 'a circle is refused';
like $out, qr/hooks at POST \/inn stand in a circle: ada \(before fields, after cat\), bob \(before fields, after ada\), cat/, '... and named';
is inn({})->{json}{seen}, 'bobcatada', '... and the old order stands';
($status, $out) = says($vg, '');
isnt $status, 0, 'it is an error of the conf as well';
like $out, qr/hooks at POST \/inn stand in a circle/ or diag $out;
$vg->expect(qr/plugin bob is out/);

source(bob => marker('bob', ''));
source(cat => marker('cat', ', before bob'));
is +(reload('cat'))[0], 0;
my $seen;
ok $vg->wait_for(sub {
    my %at;
    for (1 .. 8) {
        local $vg->{client} = $vg->client(fresh => 1);
        $at{ inn({})->{json}{seen} }++;
    }
    $seen = join ' ', sort keys %at;
    return $seen eq 'catadabob';
}),
    'another version stands elsewhere, on both workers' or diag $seen;
source(inn => $inn =~ s/who = call/by = call/r);
is +(reload('inn'))[0], 0;
is inn({})->{json}{seen}, 'catadabob', 'another version of the route is met by all';
for my $word (qw(beside after)) {
    source(bob => marker('bob', ", $word"));
    like +(reload('bob'))[1], qr/stands is "after NAME, before NAME"/, "not understood: $word";
}
$vg->post('/api/v1/plugins/guard/pause');
ok $vg->wait_for(sub { inn({})->{status} == 503 }), 'who must stand there and is paused keeps the route closed';
$vg->post('/api/v1/plugins/guard/resume');
ok $vg->wait_for(sub { inn({})->{status} == 200 });
$vg->post('/api/v1/plugins/dreamer/pause');
is inn({ how => 'dream' })->{status}, 200, 'who need not, does not';

done_testing;

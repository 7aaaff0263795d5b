# A handler that computes for long is put off, again and again: whoever else
# calls is answered meanwhile, and its answer is right. What does not end is
# ended at its bound all the same.

use strict;
use warnings;

use JSON::PP ();
use POSIX ();
use Test::More;

use Voltgate;

my %sql = (
    'sql/001_mark.sql' => "create table slow.mark (\n    n int not null,\n    constraint mark_pkey primary key (n)\n);\n",
    'sql/queries/mark_add.sql' => <<'END',
-- in: nothing
-- out: how many there were
with made as (
    insert into slow.mark (n)
    select count(*) from slow.mark
    returning n
), answer(status, body, events) as (
    select 'ok', json_build_object('n', m.n), null::jsonb
    from made as m
)
select * from answer;
END
);

my $lua = <<'END';
local tried = 0
beat = 0

local function sum(n)
    local s = 0
    for i = 1, n do s = s + i end
    return s
end

local function get(path, handler)
    return { "GET", "/slow/" .. path, queries = {}, handler = handler, about = "a test" }
end

return {
    abi = 9, name = "slow", version = "1", about = "a test",
    routes = {
        get("sum", function() return { sum = sum(2e7) } end),
        get("other", function() return { sum = sum(1e7) } end),
        get("within", function()
            local function each()
                for i = 1, 4 do
                    sum(3e6)
                    coroutine.yield(i, i * i)
                end
            end
            local said = {}
            local co = coroutine.wrap(function()
                for a, b in coroutine.wrap(each) do
                    said[#said + 1] = a
                    said[#said + 1] = b
                end
                local ok, why = pcall(function() sum(5e6) error("mine", 0) end)
                coroutine.yield(ok, why)
            end)
            local ok, why = co()
            return { said = said, ok = ok, why = why }
        end),
        get("sort", function()
            local t = {}
            for i = 1, 20 do t[i] = 21 - i end
            table.sort(t, function(a, b) sum(1e5) return a < b end)
            return { first = t[1], last = t[20], sum = sum(5e6) }
        end),
        get("ever", function() while true do end end),
        get("swallowed", function() while true do pcall(function() while true do end end) end end),
        get("inner", function() while true do coroutine.wrap(function() while true do end end)() end end),
        get("sorted", function() while true do table.sort({ 1, 2, 3 }, function(a, b) sum(1e6) return a < b end) end end),
        get("beats", function() for i = 1, 1e12 do beat = i end end),
        { "GET", "/slow/beat", about = "a test", check = function() return { beat = beat } end },
        { "POST", "/slow/marks", everybodys = true, about = "a test", no_body = true, handler = function()
            tried = tried + 1
            if tried == 1 then sum(5e6) end
            local said = db.change("mark_add")
            if tried == 1 then error("once") end
            return { n = said.n, tried = tried }
        end },
    },
    queries = { mark_add = {} },
}
END

my $quick = 'return { abi = 9, name = "quick", version = "1", about = "a test", routes = {'
    . ' { "GET", "/quick", about = "a test", check = function() return { n = 1 } end } } }';

my $vg = Voltgate->start(own_cluster => 1, workers => 1, extra => { http => '    voltgate_lua_time 2s;' },
    authored => { slow => { %sql, 'plugin.lua' => $lua }, quick => { 'plugin.lua' => $quick } });
my $api = '/api/v1';
$vg->admin;

# what calls say that are under way at the same time
sub at_once {
    my (@paths) = @_;

    my @pipes = map {
        my $path = $_;
        my $pid = open(my $pipe, '-|') // die "fork: $!";
        if (!$pid) {
            local $vg->{client} = $vg->client(fresh => 1);
            print JSON::PP::encode_json($vg->get("$api/slow/$path")->{json});
            close STDOUT or die;
            POSIX::_exit(0);
        }
        $pipe;
    } @paths;
    my @said = map { local $/ = undef; JSON::PP::decode_json(readline $_) } @pipes;
    close $_ for @pipes;
    return @said;
}

is_deeply $vg->get("$api/slow/sum")->{json}, { sum => 200000010000000 }, 'what is put off comes to its end' or diag $vg->log;
is_deeply $vg->get("$api/slow/within")->{json}, { said => [ 1, 1, 2, 4, 3, 9, 4, 16 ], ok => JSON::PP::false, why => 'mine' },
    'coroutines, iterators and pcall see nothing of it' or diag $vg->log;
is_deeply $vg->get("$api/slow/sort")->{json}, { first => 1, last => 20, sum => 12500002500000 }, 'below a function in C it goes on until that is over';
is_deeply [ map { $_->{sum} } at_once('other', 'sum', 'other') ], [ 50000005000000, 200000010000000, 50000005000000 ], 'several at once do not mix';

for my $path (qw(ever swallowed inner sorted)) {
    my $r = $vg->get("$api/slow/$path");
    is $r->{status}, 503, "$path: it ends at its bound";
    is $r->{json}{type} =~ s{.*/}{}r, 'plugin_limit';
    $vg->get("$api/slow/beat") for 1 .. 3;    # a quarter fails: the breaker lets it
}

my %key = ('Idempotency-Key' => 'marks');
is $vg->post("$api/slow/marks", undef, \%key)->{status}, 500, 'a change, after it was put off';
is_deeply $vg->post("$api/slow/marks", undef, \%key)->{json}, { n => 0, tried => 2 }, 'is the same change where it was not put off';
is $vg->sql('select count(*) from slow.mark'), 1;

# nobody computes for a client that has left
my ($limits) = $vg->get('/metrics')->{body} =~ /^voltgate_lua_limits_total\{plugin="slow"\} (\d+)$/m;
my $pid = fork // die "fork: $!";
if (!$pid) {
    local $vg->{client} = $vg->client(fresh => 1);
    $vg->get("$api/slow/beats");
    POSIX::_exit(0);
}
# ... and between two of these another plugin has answered
sub beat { $vg->get("$api/quick")->{status} == 200 or return 0; return $vg->get("$api/slow/beat")->{json}{beat} }
my @beats = (0);
ok $vg->wait_for(sub { push @beats, beat(); @beats > 3 && $beats[-1] > $beats[-2] && $beats[-2] > $beats[-3] }, 30), 'while a handler is at work others are answered, of its plugin and of another' or diag "@beats";
kill KILL => $pid;
waitpid $pid, 0;
ok $vg->wait_for(sub { push @beats, beat(); $beats[-1] == $beats[-2] && $beats[-2] == $beats[-3] && $beats[-3] == $beats[-4] }, 30), 'its client leaves, and it stands still';
like $vg->get('/metrics')->{body}, qr/^voltgate_lua_limits_total\{plugin="slow"\} $limits$/m, '... at no bound';

done_testing;

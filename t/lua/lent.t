# What else of the kit a plugin in Lua has, as one in C: passwords, documents
# and charge points that a handler waits for; words beside the cache, tokens,
# headers and bodies as they came, answers that are no JSON.

use strict;
use warnings;

use utf8;

use Digest::SHA qw(hmac_sha256_hex);
use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Command;

my $lua = <<'END';
local word_field = { "body", "word", "text", required = true, secret = true, max = 2000, about = "a password" }
local known = { "body", "known", "text", max = 200, about = "a hash" }
local name = { "query", "name", "text", required = true, max = 300, about = "a word's name" }

local function drawn(call)
    local v = call.values
    if v.many then v.document.blocks[1].rows = {} for i = 1, v.many do v.document.blocks[1].rows[i] = { "row", ("x"):rep(200) } end end
    local done, err = document.draw(v.document)
    if not done then return { err = err } end
    call:reply_drawn("one two.pdf")
end

-- what a shop would send: the whole body is signed
local function told(call)
    local right = call:signed("hook", "v1.", call.raw_body, call:header("X-Signature") or "")
    call:acts("shop")
    return { right = right, none = call:signed("nothing", "", call.raw_body, "") == nil, bytes = #call.raw_body,
        missing = call:header("X-Missing") == nil, address = call.address }
end

local function statements(call)
    local _, why = pcall(call.reply, call, { n = 1 })
    return { why = why:match("its statement.*") }
end

return {
    abi = 9, name = "lent", version = "1", about = "a test",
    routes = {
        { "POST", "/lent/hash", fields = { word_field }, about = "Hash", handler = function(call)
              local hash, err = password.hash(call.values.word)
              return { hash = hash, err = err }
          end },
        { "POST", "/lent/check", fields = { word_field, known }, about = "Check", handler = function(call)
              local match, err = password.check(call.values.word, call.values.known)
              return { match = match, err = err }
          end },
        { "POST", "/lent/change", fields = { word_field, known, { "body", "new", "text" } }, about = "Change", handler = function(call)
              local hash, err = password.change(call.values.word, call.values.known, call.values.new)
              return { changed = hash ~= false, hash = hash or nil, err = err }
          end },
        { "POST", "/lent/hooked", no_body = true, about = "A hook does not wait", check = function() return { hash = password.hash("x") } end },
        { "POST", "/lent/documents", fields = { { "body", "document", "any", required = true }, { "body", "many", "int" } }, handler = drawn, about = "Draw" },
        { "GET", "/lent/documents/same", handler = function(call)
              assert(document.draw { title = "same", blocks = { { widths = { 1 }, rows = { { "a" } } } } })
              call:reply_drawn("same.pdf")
          end, about = "The same each time" },
        { "GET", "/lent/undrawn", about = "Nothing was drawn", check = function(call) call:reply_drawn("x.pdf") end },
        { "GET", "/lent/text", fields = { { "query", "type", "text", required = true }, { "query", "name", "text" } }, about = "Text",
          check = function(call) call:reply_as(call.values.type, "a;b\n\0\255", call.values.name) end },
        { "GET", "/lent/statement", statement = "row", everybodys = true, fields = { { "bound", "why", "text" } }, about = "It answers", handler = statements },
        { "GET", "/lent/words", fields = { name }, about = "A word", check = function(call) return { word = word.get(call.values.name) } end },
        { "POST", "/lent/words", about = "Put a word", fields = { { "body", "name", "text", required = true, max = 300 }, { "body", "at", "decimal", required = true },
              { "body", "word", "decimal", required = true } },
          check = function(call)
              local ok, said = pcall(word.put, call.values.name, call.values.at, call.values.word)
              return ok and { word = said } or { wrong = said }
          end },
        { "GET", "/lent/kept/{id}", statement = "row_of", everybodys = true, cache = "lent:{id}", about = "A row that is kept", fields = { { "path", "id", "text", required = true } },
          render = function(call)
              if call.kept and word.get("again") == 1 then return call:decline() end
              return { n = call.row.n, kept = call.kept }
          end },
        { "GET", "/lent/row", statement = "row_of", everybodys = true, fields = { { "query", "id", "text" } }, about = "It declines",
          render = function(call) call:decline() end },
        { "POST", "/lent/told", scope = "-", raw = true, about = "What a shop tells", check = told },
        { "POST", "/lent/tokens", no_body = true, about = "A token", check = function(call)
              local text = token.mint { subject = "ann", role = "driver", scope = "stations:read", lifetime = 60 }
              local said = token.read(text)
              return { text = text, sub = said.sub, role = said.role, scope = said.scope, bad = token.read("a.b.c") == nil,
                  may = call:role_may("driver", "stations:read"), mayNot = call:role_may("driver", "stations:write"),
                  wrong = { pcall(token.mint, { subject = "ann", lifetime = 60 }) }, scopes = call.caller.scopes, plan = call.caller.plan }
          end },
        { "POST", "/lent/resets/{id}", everybodys = true, no_body = true, fields = { { "path", "id", "text", required = true } }, about = "Reset it", handler = function(call)
              local said, err = charge_point.command(call.values.id, "Reset", { type = "Soft" })
              local page = call:messages(call.values.id, call.now - 60e6, call.now + 60e6)
              return { status = said and said.status, err = err, messages = #page.items }
          end },
    },
}
END

my %sql = (
    'sql/001_none.sql'       => "create table lent.none (n int not null);\n",
    'sql/queries/row.sql'    => "-- in: why\n-- out: it\nselect json_build_object('why', :why::text) as body;\n",
    'sql/queries/row_of.sql' => "-- in: id\n-- out: another number each time\nselect json_build_object('id', :id::text, 'n', (extract(epoch from clock_timestamp()) * 1000000)::bigint) as body;\n",
);
utf8::encode($lua);
my $secret = "/tmp/voltgate-lent.$$";
open my $out, '>', $secret or die "$secret: $!";
print {$out} "a secret of the shop\n";
close $out or die;
chmod 0600, $secret;
my $parent = $$;
END { unlink $secret if $parent && $$ == $parent }
my $vg = Voltgate->start(own_cluster => 1, authored => { lent => { %sql, 'plugin.lua' => $lua } },
    extra => { http => "voltgate_lua_time 2s; voltgate_password memory=1024 passes=1 threads=1 queue=4; voltgate_secret lent.hook $secret;" });
my $api = '/api/v1/lent';

sub type { return ($_[0]{json}{type} // '') =~ s{.*/}{}r }

subtest 'passwords' => sub {
    my $hash = $vg->post("$api/hash", { word => 'grüß Gott' })->{json}{hash};
    like $hash, qr/^\$argon2id\$v=19\$m=1024,t=1,p=1\$/, 'Argon2id, as the conf says' or diag $vg->log;
    is_deeply $vg->post("$api/check", { word => 'grüß Gott', known => $hash })->{json}, { match => JSON::PP::true }, 'it is right';
    is_deeply $vg->post("$api/check", { word => 'gruss Gott', known => $hash })->{json}, { match => JSON::PP::false }, 'or wrong';
    is_deeply $vg->post("$api/check", { word => 'grüß Gott' })->{json}, { match => JSON::PP::false }, 'nobody has none';
    is_deeply $vg->post("$api/check", { word => 'x', known => 'no hash' })->{json}, { err => 'internal' }, 'what is no hash is an error';
    my $changed = $vg->post("$api/change", { word => 'grüß Gott', known => $hash, new => 'next' })->{json};
    ok $changed->{changed};
    is_deeply $vg->post("$api/check", { word => 'next', known => $changed->{hash} })->{json}, { match => JSON::PP::true }, 'the next one';
    is_deeply $vg->post("$api/change", { word => 'wrong', known => $hash, new => 'next' })->{json}, { changed => JSON::PP::false }, 'who does not know it changes nothing';
    is $vg->post("$api/hash", { word => 'x' x 1025 })->{status}, 500, 'too long for a password';
    is $vg->post("$api/hooked")->{status}, 500;
    like $vg->log, qr/plugin\.lua:\d+: a hook may not wait/, 'a hook does not wait';
    unlike $vg->log, qr/grüß|argon2id\$/, 'the log knows none';
};

subtest 'documents' => sub {
    my $page = { title => 'a test', blocks => [ { widths => [ 1, 1 ], rows => [ [ 'a', 'Львів' ] ] } ] };
    my $r = $vg->post("$api/documents", { document => $page });
    is $r->{status}, 200 or diag $r->{body}, $vg->log;
    like $r->{body}, qr/\A%PDF-.*%%EOF\s*\z/s, 'a page is drawn';
    is $r->{headers}{'content-type'}, 'application/pdf';
    is $r->{headers}{'content-disposition'}, 'inline; filename="one_two.pdf"';
    is_deeply $vg->post("$api/documents", { document => { blocks => 1 } })->{json}, { err => 'internal' }, 'what is no document';
    is_deeply $vg->post("$api/documents", { document => $page, many => 12_000 })->{json}, { err => 'answer_too_large' }, 'one that is too long';
    my $same = $vg->get("$api/documents/same");
    is $vg->get("$api/documents/same", { 'If-None-Match' => $same->{headers}{etag} })->{status}, 304, 'who has it is told so';
    is $vg->get("$api/undrawn")->{status}, 500;
    like $vg->log, qr/no document was drawn/;
};

subtest 'answers that are no JSON' => sub {
    my $r = $vg->get("$api/text?type=text/plain");
    is_deeply [ $r->{status}, $r->{headers}{'content-type'}, $r->{body} ], [ 200, 'text/plain', "a;b\n\0\xff" ], 'bytes of a type' or diag $vg->log;
    $r = $vg->get("$api/text?type=text/csv&name=a%22b.csv");
    is $r->{headers}{'content-disposition'}, 'inline; filename="a_b.csv"', 'or a file';
    is $vg->get("$api/text?type=text/plain%0d%0aX:%20y")->{status}, 500, 'a type is no header';
    is_deeply $vg->get("$api/statement")->{json}, { why => 'its statement answers: reply in render' }, 'a statement is not talked over';
};

subtest 'words' => sub {
    is_deeply $vg->get("$api/words?name=none")->{json}, {}, 'none so far' or diag $vg->log;
    is $vg->post("$api/words", { name => 'a', at => 1_700_000_000_000_000, word => 7 })->{json}{word}, 7;
    is $vg->get("$api/words?name=a")->{json}{word}, 7, 'a word is put';
    is $vg->post("$api/words", { name => 'a', at => 1_600_000_000_000_000, word => 3 })->{json}{word}, 7, 'the later one stays';
    like $vg->post("$api/words", { name => 'a', at => 1, word => 1, %$_ })->{json}{wrong}, qr/a word is a number below 4095|a word's name has/, 'no word'
        for { word => 4095 }, { word => -1 }, { at => 1.5 }, { at => -1 }, { name => 'x' x 256 }, { name => '' };
    my @kept = map { $vg->get("$api/kept/a")->{json} } 1 .. 2;
    is_deeply $kept[1], { n => $kept[0]{n}, kept => JSON::PP::true }, 'a row that is kept' or diag $vg->log;
    $vg->post("$api/words", { name => 'again', at => 1_700_000_000_000_000, word => 1 });
    my $again = $vg->get("$api/kept/a")->{json};
    cmp_ok $again->{n}, '>', $kept[0]{n}, 'is read again when render() declines it';
    is $again->{kept}, JSON::PP::false;
    is $vg->get("$api/row?id=a")->{status}, 500, 'what was not kept cannot be declined';
};

subtest 'what came as it came' => sub {
    my $body = "any\0bytes \xff";
    my $told = sub { $vg->post("$api/told", $body, { 'X-API-Key' => '', 'Content-Type' => 'text/x', 'X-Signature' => $_[0] })->{json} };
    my $right = hmac_sha256_hex("v1.$body", 'a secret of the shop');
    is_deeply $told->($right), { right => JSON::PP::true, none => JSON::PP::true, bytes => length $body, missing => JSON::PP::true, address => '127.0.0.1' } or diag $vg->log;
    is $told->('0' x 64)->{right}, JSON::PP::false, 'signed by another';
};

subtest 'tokens' => sub {
    my $made = $vg->post("$api/tokens")->{json} or diag $vg->log;
    is_deeply [ @$made{qw(sub role scope)} ], [qw(ann driver stations:read)], 'what it says';
    ok $made->{bad} && $made->{may} && !$made->{mayNot};
    ok !$made->{wrong}[0], 'a role is needed';
    is scalar(split /\./, $made->{text}), 3, 'signed';
};

subtest 'a charge point' => sub {
    my %company = (operatorId => '019393c0-0000-7000-8000-000000000001');
    $vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin',
        %company, connectors => [ { chargePointId => 'CP1', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] });
    $vg->post('/api/v1/charge-points', { id => 'CP1', %company, password => 'sixteen letters!' });
    my $cp = Voltgate::Charger->connect($vg, 'CP1', 'sixteen letters!');
    is $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' })->[2]{status}, 'Accepted';
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        my $r = $vg->client(fresh => 1)->request(POST => $vg->url("$api/resets/CP1"), { headers => { Authorization => 'Bearer ' . $vg->admin } });
        POSIX::_exit($r->{content} =~ /\A\{"/ && $r->{content} =~ /"status":"Accepted"/ && $r->{content} =~ /"messages":[1-9]/ ? 0 : 1);
    }
    $cp->answer(sub { return { status => 'Accepted' } });
    $cp->serve(10);
    waitpid $pid, 0;
    is $?, 0, 'a handler waits for what it says' or diag $vg->log;
    is_deeply $vg->post("$api/resets/CP9")->{json}{err}, 'not_connected', 'or it is not there';
};

done_testing;

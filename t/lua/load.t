# Versions that cannot be used say where and why, and the old one serves on; a
# call ends on the version that it began with; and one whose client has left,
# while its handler waits, goes on with nothing.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Cli;

# answers when it is told to
my $silent = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1') or die "listen: $!";
my $port   = $silent->sockport;

my $lua = <<'END';
-- version one
local M = require "rule"
return {
    abi = 9, name = "loaded", version = "1", about = "a test",
    routes = {
        { "GET", "/loaded", check = function() return { version = "1", rule = M.n } end, about = "Which version" },
        { "GET", "/loaded/slow", everybodys = true, about = "After a while", handler = function()
              local got, err = http.get { target = "slow", path = "/" }
              db.change("mark", { name = "after" })
              return { version = "1", got = got and got.body.n, err = err }
          end },
        { "GET", "/loaded/marks", everybodys = true, statement = "marks", about = "How many marks" },
    },
    settings = { { name = "most", type = "int", value = "1", max = 10, about = "how many" } },
    queries = { mark = { { "bound", "name", "text", required = true } } },
}
END
my %files = (
    'plugin.lua'            => $lua,
    'rule.lua'              => "return { n = 7 }\n",
    'sql/001_mark.sql'      => "create table loaded.mark (name text not null, at timestamptz not null default now());\n",
    'sql/queries/marks.sql' => "-- in: nothing\n-- out: how many\nselect json_build_object('n', count(*)) as body\nfrom loaded.mark as m;\n",
    'sql/queries/mark.sql'  => "-- in: name\n-- out: ok\nwith made as (\n    insert into loaded.mark (name)\n    values (:name)\n), answer(status, body, events) as (\n"
        . "    select 'ok', null::json, null::jsonb\n)\nselect * from answer;\n",
);

my $vg = Voltgate->start(own_cluster => 1, authored => { loaded => \%files },
    extra => { http => "voltgate_setting loaded.most 7; voltgate_target slow url=http://127.0.0.1:$port private=on;" });
my $folder = "$vg->{house}/plugins/loaded";
my $token  = $vg->admin;

sub spew {
    my ($file, $text) = @_;
    open my $out, '>', "$folder/$file" or die "$file: $!";
    print {$out} $text;
    close $out or die $!;
    return;
}

sub reload { return cli($vg, plugin => 'reload', 'loaded', '--sources', "$vg->{house}/plugins", '--built', "$vg->{house}/built") }
sub shown { my ($p) = grep { $_->{name} eq 'loaded' } @{ $vg->get('/api/v1/plugins')->{json}{items} }; return $p }

sub everywhere {
    my %seen;
    $seen{ JSON::PP::decode_json($vg->client(fresh => 1)->get($vg->url('/api/v1/loaded'),
        { headers => { Authorization => "Bearer $token" } })->{content})->{version} // 'none' }++ for 1 .. 8;
    return join ' ', sort keys %seen;
}

is_deeply $vg->get('/api/v1/loaded')->{json}, { version => '1', rule => 7 } or diag $vg->log;
my $hash = shown()->{hash};

my %wrong = (
    'syntax'          => [ qr/plugin\.lua:2: /,                       sub { s/local M/local local M/ } ],
    'bytecode'        => [ qr/attempt to load chunk with wrong mode/, sub { $_ = "\x1bLJ\x02" } ],
    'a loop'          => [ qr/plugin\.lua:\d+: it takes too long/,    sub { s/^return/while true do end return/m } ],
    'a bomb'          => [ qr/it takes too much memory/,              sub { s/^return/local t = {} while true do t[#t + 1] = {} end return/m } ],
    'an error'        => [ qr/plugin\.lua:3: no string|an error that is no string/, sub { s/^return/error({}) return/m } ],
    'no table'        => [ qr/what plugin\.lua returns must be a table/, sub { s/^return \{.*/return 1/ms } ],
    'a setting'       => [ qr/setting most: what the conf says is out of range: 0 to 6/, sub { s/max = 10/max = 6/ } ],
    'no file'         => [ qr/there is no rulle\.lua/,                sub { s/"rule"/"rulle"/ } ],
    'a file outside'  => [ qr/a file's name is of/,                   sub { s/"rule"/"..\/rule"/ } ],
    'ABI'             => [ qr/ABI 6, the kit's is 9/,                 sub { s/abi = 9/abi = 6/ } ],
    'its name'        => [ qr/another name/,                          sub { s/name = "loaded"/name = "other"/ } ],
    'no version'      => [ qr/plugin\.lua:\d+: version must be a string/, sub { s/version = "1",// } ],
    'a key'           => [ qr/plugin\.lua:\d+: routes\[3\]: statment is not known/,sub { s/statement = "marks"/statment = "marks"/ } ],
    'a method'        => [ qr/routes\[1\]: no method is "FETCH"/,     sub { s/"GET"/"FETCH"/ } ],
    'a hook'          => [ qr/routes\[1\]: check must be a function/, sub { s/check = function\(\).*? end/check = "x"/ } ],
    'a type'          => [ qr/mark\.fields\[1\]: no type is "string"/, sub { s/"name", "text"/"name", "string"/ } ],
    'a size'          => [ qr/fields\[1\]: max must be a whole number/, sub { s/required = true/max = 1.5/ } ],
    'a flag'          => [ qr/fields\[1\]: required must be true or false/, sub { s/required = true/required = 1/ } ],
    'no statement'    => [ qr/there is no such file/,                 sub { s/statement = "marks"/statement = "nothing"/ } ],
    'no query'        => [ qr/there is no such file/,                 sub { s/queries = \{ mark =/queries = { mork =/ } ],
    'no field'        => [ qr/no field :name/,                        sub { s/\{ "bound", "name"[^}]*\}// } ],
    'an owner'        => [ qr/no statement names the caller/,         sub { s/everybodys = true, statement/statement/ } ],
    'whose rows'      => [ qr/plugin\.lua:\d+: routes\[2\]: whose rows its handler asks for is not said: queries, or everybodys/, sub { s/"\/loaded\/slow", everybodys = true,/"\/loaded\/slow",/ } ],
    'nobody\'s rows'  => [ qr/GET \/loaded\/slow: no statement names the caller/, sub { s/"\/loaded\/slow", everybodys = true,/"\/loaded\/slow", queries = { "mark" },/ } ],
    'what it asks'    => [ qr/routes\[2\]: queries: no query is "mork"/, sub { s/"\/loaded\/slow",/"\/loaded\/slow", queries = { "mork" },/ } ],
    'no handler asks' => [ qr/routes\[1\]: without a handler it has no queries/, sub { s/"\/loaded",/"\/loaded", queries = { "mark" },/ } ],
    'a route of ours' => [ qr/GET \/plugins is there twice/,           sub { s{"GET", "/loaded"}{"GET", "/plugins"} } ],
    'its own twice'   => [ qr/is there twice/,          sub { s{"/loaded/marks"}{"/loaded/slow"} } ],
    'an event'        => [ qr/has no events\/loaded\.x\.v1\.json/,    sub { s/queries =/publishes = { "loaded.x.v1" }, queries =/ } ],
);
for my $name (sort keys %wrong) {
    my ($why, $edit) = @{ $wrong{$name} };
    local $_ = $lua;
    $edit->();
    isnt $_, $lua, "$name: it is another one";
    spew('plugin.lua', $_);
    my ($status, $out) = reload();
    is $status, 1, $name;
    like $out, $why, "$name: and why";
    is shown()->{hash}, $hash, '... the old one serves on';
}
spew('plugin.lua', $lua);
spew('sql/queries/marks.sql', $files{'sql/queries/marks.sql'} =~ s/loaded\.mark/loaded.none/r);
like +(reload())[1], qr/loaded\.none/, 'a statement that PostgreSQL does not take';
spew('sql/queries/marks.sql', $files{'sql/queries/marks.sql'});
{
    spew('sql/002_more.sql', "create table loaded.more (id int);\n");
    local $vg->{opts}{env} = { DATABASE_OWNER_URL => '' };
    like +(reload())[1], qr/409.*pending: 002_more/, 'a migration that is pending';
    unlink "$folder/sql/002_more.sql";
}
$vg->expect(qr/plugin loaded is out/);
is everywhere(), '1';

# ------------------------------------------------------ one that waits meanwhile

sub ask {
    my ($path) = @_;
    my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $vg->port, SSL_verify_mode => 0) or die "tls: $!";
    print {$socket} "GET /api/v1/$path HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer $token\r\nConnection: close\r\n\r\n";
    return $socket;
}

sub waits {
    IO::Select->new($silent)->can_read(10) or die "nobody calls\n";
    my $peer = $silent->accept;
    sysread $peer, my $request, 65536;
    return $peer;
}

sub answer {
    my ($peer) = @_;
    my $body = '{"n":3}';
    syswrite $peer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
    return close $peer;
}

my $leaver = ask('loaded/slow');
my $peer   = waits();
close $leaver;
ok $vg->wait_for(sub { $vg->get('/metrics')->{body} =~ m{^voltgate_requests_total\{route="GET /loaded/slow",plugin="loaded",status="5xx"\} 1$}m }), 'who leaves is over';
answer($peer);

my $stays = ask('loaded/slow');
$peer = waits();
spew('plugin.lua', $lua =~ s/version = "1"/version = "2"/gr);
my ($status, $out) = reload();
is $status, 0, $out;
is everywhere(), '2', 'another version is in use, everywhere';
answer($peer);
my $got = do { local $/ = undef; <$stays> };
like $got, qr/"version":"1"/, 'a call ends on the version that it began with';
like $got, qr/"got":3/, 'with what it waited for';
is $vg->get('/api/v1/loaded/marks')->{json}{n}, 1, 'and the one whose client left has done no more';
ok $vg->wait_for(sub { $vg->log =~ /goes from $hash/ });

# thirty versions, while one after the other is asked for
my $before = $vg->resident;
my $bad    = 0;
for my $n (1 .. 30) {
    spew('plugin.lua', $lua =~ s/version = "1"/version = "v$n"/gr);
    $bad++ if (reload())[0] != 0;
    $bad++ if $vg->get('/api/v1/loaded')->{status} != 200;
}
is $bad, 0, 'thirty more versions, and no call fails';
is everywhere(), 'v30';
cmp_ok $vg->resident - $before, '<', ($ENV{SANITIZE} ? 8 : 1) * 4096, 'KiB more';

done_testing;

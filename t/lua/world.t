# What a handler says to the world: mails, and what is signed. A key is only
# ever compared in the same time.

use strict;
use warnings;

use utf8;

use Digest::SHA qw(hmac_sha256_hex sha256_hex);
use MIME::Base64 qw(encode_base64 encode_base64url);
use Test::More;

use Voltgate;
use Voltgate::Sink;

my $lua = <<'END';
local function digests(call)
    local text = call.values.text
    return {
        sha256 = crypto.sha256(text), hmac = crypto.hmac_sha256("a key", text),
        same = crypto.equal(text, text .. ""), other = crypto.equal(text, text .. "x"), near = crypto.equal("aa", "ab"),
        hex = encode.hex(text), base64 = encode.base64(text), url = encode.base64url(text),
        back = { decode.hex(encode.hex(text)), decode.base64(encode.base64(text)), decode.base64url(encode.base64url(text)) },
        bad = { decode.hex("zz") == nil, decode.hex("abc") == nil, decode.base64("*") == nil, decode.base64url("a") == nil },
        random = #crypto.random(32), again = crypto.random(16) ~= crypto.random(16),
        zero = #encode.base64("\0\0\0"),
        empty = { crypto.sha256(""), encode.base64(""), decode.hex("") },
        errors = { select(2, pcall(crypto.hmac_sha256, "", "x")), select(2, pcall(crypto.random, 1000)), select(2, pcall(crypto.sha256)) },
    }
end

local function post(call)
    local v = call.values
    local said, err = mail.send { target = v.target, from = "house@example.com", to = v.to, subject = "Straße", text = "grün\n",
        html = "<p>grün</p>", idempotency_key = "letter-1" }
    return { code = said and said.code, err = err }
end

return {
    abi = 9, name = "world", version = "1", about = "a test",
    routes = {
        { "POST", "/world/digests", handler = digests, about = "Digests", fields = { { "body", "text", "text", required = true } } },
        { "POST", "/world/mails", handler = post, about = "A mail",
          fields = { { "body", "to", "text", required = true }, { "body", "target", "text", required = true } } },
        { "POST", "/world/hooked", about = "A hook does not wait", no_body = true,
          check = function() mail.send { target = "mail" } end },
    },
}
END

utf8::encode($lua);
my $sink = Voltgate::Sink->start;
my $none = Voltgate::shut_port();
my $vg = Voltgate->start(own_cluster => 1, authored => { world => { 'plugin.lua' => $lua } }, plugins => ['accounts'],
    extra => { http => $sink->target('mail') . " voltgate_target shut url=smtp://127.0.0.1:$none starttls=off tries=1;" });
my $api = '/api/v1/world';

my $text = "grüß Gott & \"mehr\"";
utf8::encode(my $bytes = $text);
my $said = $vg->post("$api/digests", { text => $text })->{json};
is $said->{sha256}, sha256_hex($bytes), 'SHA-256 is what others make' or diag $vg->log;
is $said->{hmac}, hmac_sha256_hex($bytes, 'a key'), 'so is HMAC';
is $said->{hex}, unpack('H*', $bytes);
is $said->{base64}, encode_base64($bytes, '');
is $said->{url}, encode_base64url($bytes);
is_deeply $said->{back}, [ ($text) x 3 ], 'what is encoded is decoded';
is_deeply [ map { !!$_ } @{ $said->{bad} } ], [ (!!1) x 4 ], 'what is none is nil';
ok $said->{same} && !$said->{other} && !$said->{near}, 'equal is equal';
is $said->{random}, 43, '32 bytes in base64url';
ok $said->{again}, 'and others the next time';
is $said->{zero}, 4, 'bytes are bytes';
is_deeply $said->{empty}, [ sha256_hex(''), '', '' ], 'nothing is something, too';
my @errors = @{ $said->{errors} };
like shift @errors, $_, 'what cannot be is an error' for qr/^a key has 1 to 4096 bytes$/, qr/^1 to 48 bytes$/, qr/string expected, got no value/;

is_deeply $vg->post("$api/mails", { to => 'ann@example.com', target => 'mail' })->{json}, { code => 250 }, 'a mail is sent' or diag $vg->log;
my ($mail) = $sink->mails('ann@example.com');
is $mail->{subject}, 'Straße';
is $mail->{text}, "grün\n";
is $mail->{html}, '<p>grün</p>';
is $mail->{id}, '<letter-1@example.com>', 'who gets it twice can tell';
is_deeply $vg->post("$api/mails", { to => 'ann@example.com', target => 'shut' })->{json}, { err => 'unreachable' }, 'or is not';
is $vg->post("$api/mails", { to => "ann\@example.com\r\nBcc: eve", target => 'mail' })->{status}, 500, 'an address is no header';
is scalar($sink->mails), 1;
is $vg->post("$api/hooked")->{status}, 500, 'a hook may not wait';
like $vg->log, qr/a hook may not wait/;

done_testing;

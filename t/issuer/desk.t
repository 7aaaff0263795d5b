# What a plugin has of the issuer, by a desk that hands out whatever it is asked
# for: forms, OAuth's errors, passwords, tokens, and the keys behind them.

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use Voltgate;

my $source = <<'C';
#include "vg.h"

static vg_str_t
text(vg_call_t *call, const char *name)
{
    const vg_json_t *value = vg_get(call, name);

    return value ? value->text : (vg_str_t){ NULL, 0 };
}

static vg_rc_t
hash(vg_call_t *call)
{
    return vg_password_hash(call, text(call, "password"));
}

static vg_rc_t
check(vg_call_t *call)
{
    return vg_password_check(call, text(call, "password"), text(call, "hash"));
}

static vg_rc_t
told(vg_call_t *call)
{
    return vg_reply(call, vg_outcome(call));
}

static vg_rc_t
grant(vg_call_t *call)
{
    vg_out_t   out;
    vg_str_t   token;
    vg_token_t asked = { .subject = text(call, "username"), .role = VG_STR("driver"),
        .company = VG_STR(""), .session = VG_STR("desk"), .lifetime = 60 };

    if (vg_str_eq(text(call, "grant_type"), "none")) {
        return vg_refuse(call, "invalid_grant");
    }
    if (vg_str_eq(text(call, "grant_type"), "client") && !vg_str_eq(text(call, "client_secret"), "a b+c%:ü")) {
        return vg_refuse(call, "invalid_client");
    }
    token = vg_token_mint(call, &asked);
    if (token.data == NULL) {
        return vg_refuse(call, "internal");
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "access_token", token);
    vg_out_member(&out, "client_id", text(call, "client_id"));
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}

static vg_rc_t
look(vg_call_t *call)
{
    vg_str_t said = vg_token_read(call, text(call, "token"));

    return vg_reply(call, said.data ? said : VG_STR("{}"));
}

static const vg_field_t hash_fields[] = {
    { VG_BODY, "password", VG_TEXT, VG_REQUIRED | VG_SECRET, 1, 128 }, VG_FIELDS_END };
static const vg_field_t check_fields[] = {
    { VG_BODY, "password", VG_TEXT, VG_REQUIRED | VG_SECRET, 1, 128 },
    { VG_BODY, "hash", VG_TEXT, VG_SECRET, 1, 200 }, VG_FIELDS_END };
static const vg_field_t token_fields[] = {
    { VG_BODY, "grant_type", VG_ENUM, VG_REQUIRED, .values = "any|none|client" },
    { VG_BODY, "username", VG_TEXT, VG_REQUIRED, 1, 50 },
    { VG_BODY, "client_id", VG_TEXT, 0, 1, 50 },
    { VG_BODY, "client_secret", VG_TEXT, VG_SECRET, 1, 50 }, VG_FIELDS_END };
static const vg_field_t look_fields[] = {
    { VG_BODY, "token", VG_TEXT, VG_REQUIRED, 1, 5000 }, VG_FIELDS_END };

static const vg_step_t hash_steps[] = { { .name = "hash", .command = hash }, { 0 } };
static const vg_step_t check_steps[] = { { .name = "check", .command = check }, { 0 } };

static const vg_route_t routes[] = {
    { VG_POST, "/desk/hash", VG_PUBLIC, hash_fields, .render = told, .flags = VG_AWAIT, .steps = hash_steps },
    { VG_POST, "/desk/check", VG_PUBLIC, check_fields, .render = told, .flags = VG_AWAIT, .steps = check_steps },
    { VG_POST, "/desk/token", VG_PUBLIC, token_fields, .render = grant, .flags = VG_FORM | VG_OAUTH },
    { VG_POST, "/desk/look", VG_PUBLIC, look_fields, .render = look, .flags = VG_FORM },
    VG_ROUTES_END
};

static const vg_error_t errors[] = { { "invalid_grant", 400, "The grant is not \"valid\"" },
    { "invalid_client", 401, "The client is not known" }, { NULL, 0, NULL } };

const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = "desk", .version = "1", .routes = routes, .errors = errors };
C

my $vg = Voltgate->start(
    authored => { desk => { 'plugin.c' => $source, 'sql/001_none.sql' => 'select 1;' } },
    extra    => { http => 'voltgate_password memory=1024 passes=1 threads=1 queue=4;' },
);
my $json = JSON::PP->new->utf8->canonical;
my $desk = '/api/v1/desk';

sub form {
    my ($path, $body, %headers) = @_;
    return $vg->client->post($vg->url("$desk/$path"), { content => $body,
        headers => { 'Content-Type' => 'application/x-www-form-urlencoded', %headers } });
}

sub said { return "$_[0]{status} " . $json->encode($json->decode($_[0]{content} // $_[0]{body})) }

sub claims { return $json->decode(decode_base64url((split /\./, $_[0])[ $_[1] // 1 ])) }

subtest 'a form is as good as JSON' => sub {
    my $r = form('token', 'grant_type=any&username=a+b%26%C3%BC&&client_id=');
    is $r->{status}, 400, 'an empty value is a value';
    $r = form('token', 'grant_type=any&username=a+b%26%C3%BC');
    is $r->{status}, 200;
    is claims($json->decode($r->{content})->{access_token})->{sub}, "a b&\x{fc}", '+ and %XX, and all of UTF-8';
    is $vg->post("$desk/token", { grant_type => 'any', username => 'x' })->{status}, 200, 'JSON';
    is form('token', 'grant_type=any&username=x', 'Content-Type' => 'text/plain')->{status}, 415;
    like said(form('token', $_)), qr/^400 .*"invalid_request"/, "no form: $_"
        for 'grant_type=any&username=%', 'grant_type=any&username=%f', 'grant_type=any&username=%zz',
        'grant_type=any&username=%FF', 'grant_type=any&username=%00', '%FF=1', 'a', '=&=', '{}',
        'grant_type=any&username=x&username=y', join('&', map { "f$_=1" } 1 .. 200);
    my $bad = $vg->client->post($vg->url("$desk/look"), { content => 'token=%',
        headers => { 'Content-Type' => 'application/x-www-form-urlencoded' } });
    like $bad->{content}, qr{problems/malformed}, 'elsewhere it is a problem as all others';
};

subtest 'errors are those of RFC 6749' => sub {
    my $r = form('token', 'grant_type=none&username=x');
    is said($r), q(400 {"error":"invalid_grant","error_description":"The grant is not 'valid'"}), 'its own';
    is $r->{headers}{'cache-control'}, 'no-store';
    is $r->{headers}{'content-type'}, 'application/json';
    is said(form('token', '')),
        '400 {"error":"invalid_request","error_description":"body is required"}', 'no body';
    is said(form('token', 'grant_type=other&username=')), '400 {"error":"invalid_request","error_description":'
        . '"grant_type is not one of the known values; username is too short"}', 'all fields at once';
    like said(form('token', 'grant_type=any')), qr/^400 .*username is required/;
    is form('token', 'grant_type=any&username=x')->{headers}{'cache-control'}, 'no-store', 'no answer is kept';
};

subtest 'a client says who it is by Basic, or in the body' => sub {
    my $basic = sub { (Authorization => 'Basic ' . encode_base64($_[0], '')) };
    my $r = form('token', 'grant_type=client&username=x', $basic->('me:a+b%2Bc%25%3A%C3%BC'));
    is $r->{status}, 200, 'encoded as a form is, RFC 6749, 2.3.1';
    is $json->decode($r->{content})->{client_id}, 'me';
    is form('token', 'grant_type=client&username=x&client_id=me&client_secret=a+b%2Bc%25%3A%C3%BC')->{status}, 200;
    $r = form('token', 'grant_type=client&username=x', $basic->('me:wrong'));
    like said($r), qr/^401 .*"invalid_client"/;
    is $r->{headers}{'www-authenticate'}, 'Basic realm="voltgate"';
    like said(form('token', 'grant_type=client&username=x&client_id=me', $basic->('me:x'))), qr/^400 .*"invalid_request"/,
        'both are one too many';
    like said(form('token', 'grant_type=client&username=x', Authorization => $_)), qr/^401 .*"invalid_client"/, "no Basic: $_"
        for 'Basic', 'Basic !', 'Basic ' . encode_base64('nocolon', ''), ($basic->('a%zz:b'))[1],
        ($basic->(('x' x 600) . ':y'))[1];
    is $vg->post("$desk/token", { grant_type => 'client', username => 'x' }, { $basic->('me:a+b%2Bc%25%3A%C3%BC') })->{status},
        200, 'beside JSON, too';
};

subtest 'passwords' => sub {
    my $hash = $vg->post("$desk/hash", { password => 'correct horse' })->{json}{hash};
    like $hash, qr/^\$argon2id\$v=19\$m=1024,t=1,p=1\$/;
    isnt $vg->post("$desk/hash", { password => 'correct horse' })->{json}{hash}, $hash, 'each has its salt';
    my $match = sub { $vg->post("$desk/check", { password => $_[0], $_[1] ? (hash => $_[1]) : () })->{json}{match} };
    ok $match->('correct horse', $hash), 'the right one';
    ok !$match->('correct horse ', $hash), 'a wrong one';
    ok !$match->('correct horse'), 'nobody has none';
    $vg->expect(qr/Argon2id/);
    is $vg->post("$desk/check", { password => 'x', hash => '$argon2id$broken' })->{status}, 500, 'what is no hash is a fault of ours';
};

subtest 'more passwords than can wait are refused, and nothing else is held up' => sub {
    # a hash of a tenth of a second, so that clients come while others wait
    my $slow = Voltgate->start(authored => { desk => { 'plugin.c' => $source, 'sql/001_none.sql' => 'select 1;' } },
        extra => { http => 'voltgate_password memory=8192 passes=16 threads=1 queue=2;' });
    my @pids = map {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            # a client of its own each; what it was told is its exit status
            my $r = $slow->client(fresh => 1)->post($slow->url("$desk/hash"), { content => '{"password":"x"}',
                headers => { 'Content-Type' => 'application/json' } });
            POSIX::_exit($r->{status} == 200 ? 0 : $r->{status} == 503 && $r->{content} =~ m{problems/busy"} && $r->{headers}{'retry-after'} ? 1 : 2);
        }
        $pid;
    } 1 .. 40;
    my ($most, %told) = (0);
    while (@pids) {
        my $from = time;
        is $slow->get('/healthz')->{status}, 200 or last;
        $most = time - $from if time - $from > $most;
        @pids = grep { !waitpid($_, POSIX::WNOHANG()) or do { $told{ $? >> 8 }++; 0 } } @pids;
    }
    is $told{2}, undef, 'hashed or 503, nothing else';
    ok $told{0}, "$told{0} were hashed";
    ok $told{1}, "$told{1} were refused, and told when to come again";
    cmp_ok $most, '<', 2, sprintf 'who asks for something else waits %.2f s at most', $most;
};

subtest 'a token is signed, shown, and taken' => sub {
    my $token = $json->decode(form('token', 'grant_type=any&username=u1')->{content})->{access_token};
    my ($head, $said) = (claims($token, 0), claims($token));
    my $jwks  = $vg->get('/.well-known/jwks.json');
    is $jwks->{headers}{'cache-control'}, 'public, max-age=300';
    is_deeply [ map { $_->{kid} } @{ $jwks->{json}{keys} } ], [ $head->{kid} ], 'its key is shown';
    is_deeply [ sort keys %{ $jwks->{json}{keys}[0] } ], [qw(alg crv kid kty use x y)], 'and nothing of its private half';
    is_deeply $head, { alg => 'ES256', typ => 'JWT', kid => $head->{kid} };
    is_deeply [ @$said{qw(iss aud sub role sid)}, $said->{exp} - int $said->{iat} ],
        [ $vg->url(''), 'voltgate', 'u1', 'driver', 'desk', 60 ];
    like $said->{jti}, qr/^[0-9a-f-]{36}$/;
    ok abs($said->{iat} - time) < 5, 'issued now';
    is $vg->post("$desk/look", { token => $token })->{json}{sub}, 'u1', 'read';
    is_deeply $vg->post("$desk/look", { token => "${token}A" })->{json}, {}, 'not another';
    my $meta = $vg->get('/.well-known/openid-configuration')->{json};
    is $meta->{issuer}, $said->{iss};
    is $vg->get('/.well-known/oauth-authorization-server')->{json}{jwks_uri}, $vg->url('/.well-known/jwks.json');
};

subtest 'keys rotate without a reload, and overlap' => sub {
    my @workers = $vg->workers;
    my $token   = sub { $json->decode(form('token', 'grant_type=any&username=u1')->{content})->{access_token} };
    my $shown   = sub { map { $_->{kid} } @{ $vg->client(fresh => 1)->get($vg->url('/.well-known/jwks.json'))->{json}{keys}
        || $json->decode($vg->client(fresh => 1)->get($vg->url('/.well-known/jwks.json'))->{content})->{keys} } };
    my $old     = $token->();
    my $cli     = sub { local $ENV{VG_SIGNING_KEYS} = $vg->{signing}; local $ENV{VG_STATE} = $vg->{state};
        my $out = qx($vg->{build}/voltgate keys @_ 2>&1); return ($? >> 8, $out) };
    $vg->wait_for(sub { my ($rc) = $cli->('rotate'); $rc == 0 }, 5) or die 'no rotation';
    ok $vg->wait_for(sub { my @k = $shown->(); @k == 2 && $shown->() == 2 }, 5), 'both are shown at once';
    is claims($token->(), 0)->{kid}, claims($old, 0)->{kid}, 'a new one is announced before it signs';
    my (undef, $list) = $cli->('list');
    is scalar(() = $list =~ /ES256/g), 2, 'listed';

    # as if it had been made half an hour ago
    my ($new) = reverse sort glob "$vg->{signing}/*Z.pem";
    my @past = gmtime time - 1800;
    my $then = sprintf '%s/%04d%02d%02dT%02d%02d%02dZ.pem', $vg->{signing}, $past[5] + 1900, $past[4] + 1, @past[3, 2, 1, 0];
    my ($first) = sort glob "$vg->{signing}/*Z.pem";
    rename $first, "$vg->{signing}/20200101T000000Z.pem" or die $!;
    rename $new, $then or die $!;
    ok $vg->wait_for(sub { claims($token->(), 0)->{kid} ne claims($old, 0)->{kid}
        && claims($token->(), 0)->{kid} ne claims($old, 0)->{kid} }, 5), 'then it signs';
    is $vg->post("$desk/look", { token => $old })->{json}{sub}, 'u1', 'what the old one signed is taken';

    my ($rc) = $cli->('rotate', '--algorithm', 'RS256');
    is $rc, 0, 'RS256 on wish';
    ok -e "$vg->{signing}/20200101T000000Z.pem", 'the first is kept while its tokens may live';
    ok $vg->wait_for(sub { grep { $_->{kty} eq 'RSA' } @{ $vg->get('/.well-known/jwks.json')->{json}{keys} } }, 5);
    is_deeply [ $vg->workers ], \@workers, 'by the same workers';

    $vg->expect(qr/voltgate_signing_keys/);
    open my $bad, '>', "$vg->{signing}/20300101T000000Z.pem" or die $!;
    print {$bad} "no key\n";
    close $bad;
    chmod 0600, "$vg->{signing}/20300101T000000Z.pem";
    ok $vg->wait_for(sub { $vg->log =~ /the keys that are held stay/ }, 5), 'what is no key is told';
    is $vg->post("$desk/look", { token => $token->() })->{json}{sub}, 'u1', 'and the others stay';
    unlink "$vg->{signing}/20300101T000000Z.pem";
};

subtest 'a key that is copied there is taken as soon as it can be read' => sub {
    $vg->expect(qr/voltgate_signing_keys/);
    my ($other) = glob "$vg->{signing}/*Z.pem";
    my ($user, $group) = (stat $other)[ 4, 5 ];
    my $copy = "$vg->{signing}/20300202T000000Z.pem";
    my $shown = sub { return scalar @{ $vg->get('/.well-known/jwks.json')->{json}{keys} } };
    my $had = $shown->();
    system("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $copy 2>/dev/null") == 0 or die 'openssl';
    chown $user, $group, $copy;
    chmod 0644, $copy or die $!;
    my $told = sub { return scalar(() = $vg->log =~ /20300202T000000Z\.pem: others than its owner and group/g) };
    ok $vg->wait_for(sub { $told->() >= 2 }, 5), 'one that all may read is told of by both workers';
    is $shown->(), $had, 'and not taken';
    my $until = time + 3;
    $vg->wait_for(sub { time > $until }, 5);
    is $told->(), 2, 'once, though they look each second';
    chmod 0600, $copy or die $!;
    ok $vg->wait_for(sub { $shown->() == $had + 1 && $shown->() == $had + 1 }, 5), 'then it is, without another change of the folder';
    unlink $copy;
};

done_testing;

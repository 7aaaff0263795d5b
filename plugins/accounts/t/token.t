# The token endpoint: each grant, each error; refresh tokens that are used, used
# again, lost and stolen; revocation and introspection.

use strict;
use warnings;

use JSON::PP     ();
use MIME::Base64 qw(decode_base64url encode_base64);
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Person;

my $vg   = Voltgate->start;
my $api  = '/api/v1';
my $json = JSON::PP->new->utf8;

sub ask { return Voltgate::Person::ask($vg, @_) }

sub claims { my ($token) = @_; return $json->decode(decode_base64url((split /\./, $token)[1])) }

sub basic { return { Authorization => 'Basic ' . encode_base64(join(':', @_), '') } }

sub is_void { my ($token, $name) = @_; return ok Voltgate::Person::is_void($vg, $token), $name }

# RFC 6749, 5.2
sub refused {
    my ($r, $status, $error, $name) = @_;
    is $r->{status}, $status, $name or diag $r->{body};
    is $r->{json}{error}, $error, "$name: $error";
    like $r->{json}{error_description} // 'text', qr/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/, "$name: in plain words";
    is $r->{headers}{'content-type'}, 'application/json', "$name: JSON";
    is $r->{headers}{'cache-control'}, 'no-store', "$name: kept by nobody";
    return;
}

# The same question from several at once: what each was answered.
sub at_once {
    my ($times, $form) = @_;

    my @pipes;
    for (1 .. $times) {
        pipe my $out, my $in or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            delete $vg->{client};
            my $r = ask($form);
            syswrite $in, $json->encode({ status => $r->{status}, json => $r->{json} });
            require POSIX;
            POSIX::_exit(0);
        }
        push @pipes, [ $pid, $out ];
    }
    return map {
        my ($pid, $out) = @$_;
        waitpid $pid, 0;
        sysread $out, my $text, 65_536;
        $json->decode($text);
    } @pipes;
}

my $anna  = Voltgate::Person->new($vg, email => 'anna@example.com');
my %login = (grant_type => 'password', username => 'anna@example.com', password => $anna->{password});
my $key   = $vg->post("$api/api-keys", { name => 'a client', scopes => [qw(stations:read charging:read)], companyId => 'north' })
    ->{json};

subtest 'a password gives tokens' => sub {
    my $r = ask({%login});
    is $r->{status}, 200;
    is $r->{headers}{'cache-control'}, 'no-store';
    is_deeply [ sort keys %{ $r->{json} } ], [ qw(access_token expires_in refresh_token token_type) ];
    is $r->{json}{token_type}, 'Bearer';
    is $r->{json}{expires_in}, 900;
    like $r->{json}{refresh_token}, qr/^vgr_[A-Za-z0-9_-]{22}\.[0-9a-f]{64}$/;
    my $claims = claims($r->{json}{access_token});
    is $claims->{sub}, $anna->{id};
    is $claims->{role}, 'driver';
    is $claims->{iss}, 'https://localhost:' . $vg->port;
    is $vg->sql('select count(*) from accounts.session where id = $1 and user_id = $2', $claims->{sid}, $anna->{id}), 1,
        'of a session';
    is $vg->sql(q{select count(*) from accounts.session s where s::text like '%' || $1 || '%'},
        substr $r->{json}{refresh_token}, 27), 0, 'which does not keep the token';
    is $vg->get("$api/auth/me", { Authorization => "Bearer $r->{json}{access_token}" })->{json}{id}, $anna->{id};

    $r = $vg->post("$api/auth/token", {%login}, { 'X-API-Key' => '' });
    is $r->{status}, 200, 'JSON is taken, too';
    is ask({ %login, client_id => 'an-app', unheard_of => 'x' })->{status}, 200, 'a public client says its name';
};

subtest 'scopes are narrowed' => sub {
    my $r = ask({ %login, scope => 'stations:read billing:read' });
    is $r->{json}{scope}, 'stations:read billing:read';
    my $few = { Authorization => "Bearer $r->{json}{access_token}" };
    is $vg->get("$api/stations", $few)->{status}, 200;
    is $vg->get("$api/charging/sessions", $few)->{status}, 403;
    my %refresh = (grant_type => 'refresh_token', refresh_token => $r->{json}{refresh_token});
    refused(ask({ %refresh, scope => 'charging:read' }), 400, 'invalid_scope', 'a refresh token gives no more');
    refused(ask({ %refresh, scope => 'stations:reader' }), 400, 'invalid_scope', 'no scope');
    $r = ask({ %refresh, scope => 'stations:read' });
    is $r->{json}{scope}, 'stations:read', 'but less';
    is ask({ %refresh, refresh_token => $r->{json}{refresh_token} })->{json}{scope}, 'stations:read billing:read',
        'and all that it had';
    is ask({ %login, scope => '' })->{json}{scope}, undef, 'an empty one is none';
    is ask({ %login, scope => 'stations:write stations:read admin:write' })->{json}{scope}, 'stations:read',
        'what the role does not have is not given, and it is said';
    is ask({ %login, scope => 'admin:read' })->{json}{scope}, '', 'be it all';
    is ask({ %login, scope => 'admin:read', password => 'not hers' })->{json}{error}, 'invalid_grant', 'to who may know';
    refused(ask({ %login, scope => $_ }), 400, 'invalid_scope', "scope $_") for 'x', 'stations:read king', ':read', "a:b\tc:d";
};

subtest 'what is not right is said as RFC 6749 says it' => sub {
    refused(ask({}), 400, 'invalid_request', 'nothing');
    refused(ask({ grant_type => 'password' }), 400, 'invalid_request', 'no user');
    refused(ask({ grant_type => 'password', username => 'x' }), 400, 'invalid_request', 'no password');
    refused(ask({ grant_type => 'refresh_token' }), 400, 'invalid_request', 'no token');
    refused(ask({ grant_type => $_ }), 400, 'unsupported_grant_type', "grant $_")
        for qw(authorization_code implicit PASSWORD urn:ietf:params:oauth:grant-type:device_code);
    refused(ask({ %login, password => 'x' x 129 }), 400, 'invalid_request', 'a password that cannot be');
    refused(ask({ %login, password => 'not hers' }), 400, 'invalid_grant', 'another password');
    refused(ask({ %login, username => $_ }), 400, 'invalid_grant', 'user ' . length)
        for 'nobody@example.com', "\x{430}nna\@example.com", 'anna@example.com ', "anna\@example.com' or '1'='1", '%';
    refused(ask({ grant_type => 'refresh_token', refresh_token => $_ }), 400, 'invalid_grant', 'a token of ' . length)
        for 'x', 'vgr_', 'vgr_' . 'a' x 22 . '.' . 'b' x 64, "\x{e9}" x 40, $vg->admin =~ s/^(.{190}).*/$1/r;
    my $twice = $vg->client->www_form_urlencode({%login}) . '&password=x';
    my $form  = { 'X-API-Key' => '', 'Content-Type' => 'application/x-www-form-urlencoded' };
    refused($vg->post("$api/auth/token", $twice, $form), 400, 'invalid_request', 'a field twice');
    refused($vg->post("$api/auth/token", 'grant_type=%zz', $form), 400, 'invalid_request', 'broken escapes');
    refused($vg->post("$api/auth/token", '{"grant_type":', { 'X-API-Key' => '' }), 400, 'invalid_request', 'broken JSON');
    is $vg->post("$api/auth/token", 'password=' . 'x' x 1_100_000, $form)->{status}, 413, 'more than 1 MiB';
    is $vg->get("$api/auth/token", { 'X-API-Key' => '' })->{status}, 405;
};

subtest 'a client has tokens of its own' => sub {
    my %own = (grant_type => 'client_credentials');
    (my $secret = $key->{key}) =~ s/^vg_[^_]+_//;
    for (
        [ 'id and key by Basic', {%own}, basic($key->{id}, $key->{key}) ],
        [ 'prefix and secret by Basic', {%own}, basic($key->{prefix}, $secret) ],
        [ 'in the body', { %own, client_id => $key->{id}, client_secret => $key->{key} } ],
    ) {
        my ($name, @ask) = @$_;
        my $r = ask(@ask);
        is $r->{status}, 200, $name or diag $r->{body};
        is $r->{json}{scope}, 'stations:read charging:read', 'what the key has';
        is $r->{json}{refresh_token}, undef, 'and no refresh token';
        my $claims = claims($r->{json}{access_token});
        is_deeply [ @$claims{qw(sub sid role company)} ], [ $key->{id}, $key->{id}, 'partner', 'north' ];
    }
    my $few = ask({ %own, scope => 'stations:read' }, basic($key->{id}, $key->{key}));
    is $few->{json}{scope}, 'stations:read';
    is $vg->get("$api/stations", { Authorization => "Bearer $few->{json}{access_token}" })->{status}, 200;
    refused(ask({ %own, scope => 'billing:read' }, basic($key->{id}, $key->{key})), 400, 'invalid_scope', 'more than the key has');

    for (
        [ 'nobody',       {%own} ],
        [ 'no secret',    { %own, client_id => $key->{id} } ],
        [ 'another key',  {%own}, basic($key->{id}, $key->{key} =~ s/.$/-/r) ],
        [ 'no key',       {%own}, basic($key->{id}, '') ],
        [ 'unknown',      {%own}, basic('nobody', $key->{key}) ],
        [ 'a wrong secret with a right password', {%login}, basic($key->{id}, 'x') ],
        [ 'a name of a client that has a secret', { %login, client_id => $key->{prefix} } ],
        [ 'not Basic',    {%own}, { Authorization => "Bearer $key->{key}" } ],
        [ 'broken Basic', {%own}, { Authorization => 'Basic !!!' } ],
    ) {
        my ($name, @ask) = @$_;
        my $r = ask(@ask);
        refused($r, 401, 'invalid_client', $name);
        like $r->{headers}{'www-authenticate'}, qr/^Basic realm="voltgate"/, "$name: a challenge";
    }
    is ask({%login}, basic($key->{id}, $key->{key}))->{status}, 200, 'a client may log a user in';


    my $app  = $vg->post("$api/api-keys", { name => 'an app' })->{json};
    my $mine = ask({%login}, basic($app->{id}, $app->{key}))->{json};
    my %on   = (grant_type => 'refresh_token', refresh_token => $mine->{refresh_token});
    refused(ask({%on}), 400, 'invalid_grant', 'its refresh token without it');
    refused(ask({ %on, client_id => 'an-app' }), 400, 'invalid_grant', 'by a public client');
    refused(ask({%on}, basic($key->{id}, $key->{key})), 400, 'invalid_grant', 'by another');
    my $next = ask({%on}, basic($app->{prefix}, $app->{key}));
    is $next->{status}, 200, 'is still good with it';
    my $look = sub { ask({ token => $_[0] }, basic($key->{id}, $key->{key}), 'introspect')->{json}{active} };
    ok $look->($next->{json}{refresh_token});
    is $vg->delete("$api/api-keys/$app->{id}")->{status}, 204;
    refused(ask({ %on, refresh_token => $next->{json}{refresh_token} }), 400, 'invalid_grant', 'of a key that is revoked');
    ok !$look->($next->{json}{refresh_token}), 'it is worth nothing';

    my $far = $vg->post("$api/api-keys", { name => 'far', networks => [ '192.0.2.0/24', '2001:db8::/32' ] })->{json};
    refused(ask({%own}, basic($far->{id}, $far->{key})), 401, 'invalid_client', 'from a foreign network');
    my $near = $vg->post("$api/api-keys", { name => 'near', networks => [ '192.0.2.0/24', '127.0.0.0/8', '::1' ] })->{json};
    is ask({%own}, basic($near->{id}, $near->{key}))->{status}, 200, 'from its own';
    $vg->sql(q{update accounts.api_key set expires_at = now() + interval '100 s' where id = $1}, $near->{id});
    my $left = ask({%own}, basic($near->{id}, $near->{key}))->{json}{expires_in};
    cmp_ok $left, '<=', 100, 'a token does not outlive its key';
    cmp_ok $left, '>', 50;
    my $made = ask({%own}, basic($near->{id}, $near->{key}))->{json}{access_token};
    is $vg->delete("$api/api-keys/$near->{id}")->{status}, 204;
    is_void($made, 'with a revoked key end the tokens that were made of it');
    refused(ask({%own}, basic($near->{id}, $near->{key})), 401, 'invalid_client', 'a revoked key');
};

subtest 'a token is as limited as the key that it was made of' => sub {
    my %new  = (name => 'limited', scopes => ['stations:read'], networks => [ '127.0.0.0/8', '::1' ], quota => 3, plan => 'partner');
    my $made = $vg->post("$api/api-keys", {%new})->{json};
    my $own  = sub { { Authorization => 'Bearer '
        . ask({ grant_type => 'client_credentials' }, basic($made->{id}, $made->{key}))->{json}{access_token} } };
    my $calls = sub { my ($as, $times) = @_; return [ map { $vg->get("$api/stations", $as)->{status} } 1 .. ($times || 4) ] };
    my $first = $own->();
    is_deeply $calls->($first), [ 200, 200, 200, 429 ], 'its quota';
    is_deeply $calls->($own->()), [ (429) x 4 ], 'which another token does not renew';

    $vg->patch("$api/api-keys/$made->{id}", { quota => undef });
    is_void($first->{Authorization} =~ s/^Bearer //r, 'a key that is changed voids the tokens of before');
    my $second = $own->();
    ok $vg->wait_for(sub { "@{ $calls->($second) }" eq '200 200 200 200' }, 3), 'those of after are as it is now';

    $second = $own->();
    $vg->sql(q{update accounts.api_key set networks = '["192.0.2.0/24"]' where id = $1}, $made->{id});
    is_deeply $calls->($second, 8), [ (403) x 8 ], 'its networks, when first seen and when remembered';
    is $vg->delete("$api/api-keys/$made->{id}")->{status}, 204;
};

subtest 'a refresh token is good once' => sub {
    my $first = ask({%login})->{json};
    my %again = (grant_type => 'refresh_token');
    my $second = ask({ %again, refresh_token => $first->{refresh_token} })->{json};
    isnt $second->{refresh_token}, $first->{refresh_token};
    is claims($second->{access_token})->{sid}, claims($first->{access_token})->{sid}, 'of the same session';
    my $third = ask({ %again, refresh_token => $second->{refresh_token} })->{json};
    ok $third->{refresh_token};

    refused(ask({ %again, refresh_token => $first->{refresh_token} }), 400, 'invalid_grant', 'who shows an old one');
    refused(ask({ %again, refresh_token => $third->{refresh_token} }), 400, 'invalid_grant', 'ends the session of all');
    my $sid = claims($first->{access_token})->{sid};
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'identity.revoked.v1' and aggregate_id = $1},
        $sid) == 1 }), 'identity.revoked.v1 is told, once';
    ok $vg->sql('select before = until and until > now() from accounts.revocation where id = $1', $sid),
        'all its access tokens';
    is_void($_->{access_token}, 'are void') for $first, $third;
};

subtest 'a client that lost the answer gets it again, until somebody went on' => sub {
    my $first  = ask({%login})->{json};
    my %again  = (grant_type => 'refresh_token', refresh_token => $first->{refresh_token});
    my $second = ask({%again})->{json};
    my $same   = ask({%again})->{json};
    is $same->{refresh_token}, $second->{refresh_token}, 'the same token, not another';
    my $third = ask({ %again, refresh_token => $same->{refresh_token} })->{json};
    ok $third->{refresh_token}, 'with which it goes on';
    refused(ask({%again}), 400, 'invalid_grant', 'two steps back is too late');

    $first  = ask({%login})->{json};
    %again  = (grant_type => 'refresh_token', refresh_token => $first->{refresh_token});
    $second = ask({%again})->{json};
    $vg->sql(q{update accounts.session set rotated_at = rotated_at - interval '11 s' where id = $1},
        claims($first->{access_token})->{sid});
    refused(ask({%again}), 400, 'invalid_grant', 'and so are 11 s');
    refused(ask({ %again, refresh_token => $second->{refresh_token} }), 400, 'invalid_grant', 'that was a thief, or his victim');
};

subtest 'of two at the same moment one wins, and both hear of it' => sub {
    for my $round (1 .. 5) {
        my $first = ask({%login})->{json};
        my @all   = at_once(4, { grant_type => 'refresh_token', refresh_token => $first->{refresh_token} });
        is_deeply [ map { $_->{status} } @all ], [ (200) x 4 ], "round $round";
        my %next = map { $_->{json}{refresh_token} => 1 } @all;
        is scalar(keys %next), 1, 'one successor';
        is ask({ grant_type => 'refresh_token', refresh_token => (keys %next)[0] })->{status}, 200, 'that goes on';
    }
};

subtest 'a session ends that is not used' => sub {
    my $first = ask({%login})->{json};
    $vg->sql('update accounts.session set expires_at = now() where id = $1', claims($first->{access_token})->{sid});
    refused(ask({ grant_type => 'refresh_token', refresh_token => $first->{refresh_token} }), 400, 'invalid_grant', 'in its time');
};

subtest 'a token is revoked by who has it' => sub {
    my $first = ask({%login})->{json};
    my $revoke = sub { ask({ token => $_[0] }, undef, 'revoke') };
    my $r = $revoke->($first->{refresh_token});
    is $r->{status}, 200;
    is $r->{headers}{'cache-control'}, 'no-store';
    refused(ask({ grant_type => 'refresh_token', refresh_token => $first->{refresh_token} }), 400, 'invalid_grant', 'the session is over');
    is_void($first->{access_token}, 'its access token, too');
    is $revoke->($_)->{status}, 200, 'whatever it is' for $first->{refresh_token}, 'x', 'vgr_x', "\x{e9}" x 50, 'a.b.c';
    refused(ask({}, undef, 'revoke'), 400, 'invalid_request', 'nothing');

    my $second = ask({%login})->{json};
    is $revoke->($second->{access_token})->{status}, 200, 'an access token';
    is $vg->sql('select count(*) from accounts.revocation where id = $1', claims($second->{access_token})->{jti}), 1,
        'by its own id';
    is_void($second->{access_token}, 'is void');
    is ask({ grant_type => 'refresh_token', refresh_token => $second->{refresh_token} })->{status}, 200, 'the session goes on';
    refused($revoke->($vg->admin), 400, 'unsupported_token_type', 'a token without an id');
    my $before = $vg->sql('select count(*) from accounts.revocation');
    is $revoke->($second->{access_token} =~ s/.$//r)->{status}, 200;
    is $vg->sql('select count(*) from accounts.revocation'), $before, 'what was not ours revokes nothing';
};

subtest 'clients are told what a token is worth' => sub {
    my $look = sub { ask({ token => $_[0] }, $_[1] // basic($key->{id}, $key->{key}), 'introspect') };
    my $first = ask({ %login, scope => 'stations:read' })->{json};
    my $r = $look->($first->{access_token});
    is $r->{status}, 200;
    my $claims = claims($first->{access_token});
    like $r->{body}, qr/"iat"\s*:\s*\d+\s*[,}]/, 'whole seconds';
    is_deeply { map { $_ => $r->{json}{$_} } qw(active token_type sub sid jti role scope exp) },
        { (map { $_ => $claims->{$_} } qw(sub sid jti role scope exp)), active => JSON::PP::true(), token_type => 'Bearer' };
    $r = $look->($first->{refresh_token});
    is_deeply { map { $_ => $r->{json}{$_} } qw(active token_type sub sid scope) },
        { active => JSON::PP::true(), token_type => 'refresh_token', sub => $anna->{id}, sid => $claims->{sid}, scope => 'stations:read' };

    is_deeply $look->($_)->{json}, { active => JSON::PP::false() }, 'no token' for 'x', 'vgr_x', 'a.b.c', "\x{e9}";
    refused($look->($first->{access_token}, $_), 401, 'invalid_client', 'not to everybody')
        for {}, basic($key->{id}, 'x'), { Authorization => 'Bearer ' . $vg->admin };
    refused(ask({}, basic($key->{id}, $key->{key}), 'introspect'), 400, 'invalid_request', 'no token');

    ask({ token => $first->{refresh_token} }, undef, 'revoke');
    is_deeply $look->($first->{$_})->{json}, { active => JSON::PP::false() }, "$_: revoked" for qw(refresh_token access_token);
    my $far = $vg->post("$api/api-keys", { name => 'far', networks => ['192.0.2.0/24'] })->{json};
    refused($look->('x', basic($far->{id}, $far->{key})), 401, 'invalid_client', 'from a foreign network');
};

subtest 'nothing of it is replayed' => sub {
    my %once = ('Idempotency-Key' => 'again');
    my @two = map { ask({%login}, {%once})->{json} } 1 .. 2;
    ok $two[1]{access_token}, 'an Idempotency-Key is not looked at';
    isnt $two[0]{refresh_token}, $two[1]{refresh_token};
    is $vg->sql(q{select count(*) from vg.answer where route like '%auth/token%'}), 0;
};

done_testing;

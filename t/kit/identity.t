# Who is calling, and what they may do. Whose rows they see is ownership.t's.

use strict;
use warnings;

use Digest::SHA  qw(hmac_sha256);
use JSON::PP     ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use POSIX        qw(strftime);
use Test::More;

use Voltgate;

my $vg   = Voltgate->start;
my $json = JSON::PP->new->utf8->canonical;

my $api = '/api/v1';
my $me  = "$api/auth/me";
my ($north, $fleet, $none) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 3, 9;

# ----------------------------------------------------------------- bearer tokens

my $keys = "$vg->{state}/keys";
my ($kid) = map { $json->decode(decode_base64url((split /\./)[0]))->{kid} } $vg->admin;

sub openssl {
    my ($input, @command) = @_;
    my $file = "$vg->{state}/to-sign";
    open my $out, '>', $file or die "$file: $!";
    print {$out} $input;
    close $out or die $!;
    open my $pipe, '-|', 'openssl', @command, $file or die "openssl: $!";
    local $/ = undef;
    return <$pipe>;
}

# ECDSA's DER as the two numbers side by side that JWS wants.
sub es256 {
    my ($text, $key) = @_;
    my $der = openssl($text, 'dgst', '-sha256', '-sign', $key);
    my ($r, $s) = unpack 'x3 C/a x C/a', $der;
    return join '', map { substr "\0" x 32 . $_, -32 } $r, $s;
}

system('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', "$keys/foreign.pem") == 0
    or die 'no foreign key';
my $public = do { open my $file, '<', "$keys/public.pem" or die $!; local $/ = undef; <$file> };

# token_of({ header }, { claims }, sub { signature of text }): what is given
# changes what is good; undef takes a member away.
sub token_of {
    my ($header, $claims, $sign) = @_;

    my %header = (alg => 'ES256', typ => 'JWT', kid => $kid, %$header);
    my %claims = (iss => 'voltgate', aud => 'voltgate', sub => 'someone', role => 'admin',
        iat => time, exp => time + 600, %$claims);
    for my $part (\%header, \%claims) { delete @$part{ grep { !defined $part->{$_} } keys %$part } }
    my $text = join '.', map { encode_base64url($json->encode($_)) } \%header, \%claims;
    $sign ||= sub { es256($_[0], "$keys/private.pem") };
    return "$text." . encode_base64url($sign->($text));
}

sub asked { my ($token) = @_; return $vg->get($me, { Authorization => "Bearer $token" }) }

sub unauthorized {
    my ($r, $name) = @_;
    is $r->{status}, 401, $name;
    like $r->{headers}{'www-authenticate'}, qr/^Bearer realm="voltgate", error="invalid_token", error_description="[^"]+"$/,
        "$name: a challenge";
    is $r->{json}{type}, 'https://voltgate.dev/problems/unauthorized', "$name: a problem";
    return;
}

subtest 'a token made by hand is taken, and its neighbours are not' => sub {
    my $good = asked(token_of({}, { sub => 'by-hand', role => 'operator', company => $north }));
    is $good->{status}, 200;
    is_deeply { map { $_ => $good->{json}{$_} } qw(id role companyId) },
        { id => 'by-hand', role => 'operator', companyId => $north };
    is asked(token_of({}, { aud => [ 'other', 'voltgate' ] }))->{status}, 200, 'one audience of several';
    is asked(token_of({}, { exp => time - 10 }))->{status}, 200, 'clocks may differ by 30 s';

    my $hmac = sub { hmac_sha256($_[0], $public) };
    my %bad = (
        'expired'               => [ {}, { exp => time - 60 } ],
        'not yet'               => [ {}, { nbf => time + 600 } ],
        'issued in the future'  => [ {}, { iat => time + 600 } ],
        'without an end'        => [ {}, { exp => undef } ],
        'whose end is text'     => [ {}, { exp => 'tomorrow' } ],
        'whose end is infinite' => [ {}, { exp => 1e300 } ],
        'of another issuer'     => [ {}, { iss => 'https://elsewhere.example' } ],
        'of no issuer'          => [ {}, { iss => undef } ],
        'for another audience'  => [ {}, { aud => 'elsewhere' } ],
        'for no audience'       => [ {}, { aud => undef } ],
        'for an empty audience' => [ {}, { aud => [] } ],
        'of nobody'             => [ {}, { sub => undef } ],
        'of an empty subject'   => [ {}, { sub => '' } ],
        'of a NUL'              => [ {}, { sub => "a\0b" } ],
        'of a number'           => [ {}, { sub => 7 } ],
        'without a role'        => [ {}, { role => undef } ],
        'of an unknown role'    => [ {}, { role => 'king' } ],
        'of the kit itself'     => [ {}, { role => 'system' } ],
        'of a charger'          => [ {}, { role => 'charger' } ],
        'of a list of roles'    => [ {}, { role => [ 'admin' ] } ],
        'of a list of scopes'   => [ {}, { scope => [ 'stations:read' ] } ],
        'without algorithm'     => [ { alg => 'none' }, {}, sub { '' } ],
        'with a capital None'   => [ { alg => 'None' }, {}, sub { '' } ],
        'of HS256 by our public key' => [ { alg => 'HS256' }, {}, $hmac ],
        'of HS256 that says ES256'   => [ {}, {}, $hmac ],
        'of RS256'              => [ { alg => 'RS256' }, {} ],
        'of ES384'              => [ { alg => 'ES384' }, {} ],
        'of an unknown key'     => [ { kid => 'f' x 16 }, {} ],
        'of no key'             => [ { kid => undef }, {} ],
        'of a path for a key'   => [ { kid => '../../etc/passwd' }, {} ],
        'with extensions'       => [ { crit => ['exp'] }, {} ],
        'of another type'       => [ { typ => 'JWE' }, {} ],
        'signed by a stranger'  => [ {}, {}, sub { es256($_[0], "$keys/foreign.pem") } ],
        'signed by zeros'       => [ {}, {}, sub { "\0" x 64 } ],
        'signed by ones'        => [ {}, {}, sub { "\xff" x 64 } ],
        'signed in DER'         => [ {}, {}, sub { openssl($_[0], 'dgst', '-sha256', '-sign', "$keys/private.pem") } ],
        'signed with a byte more' => [ {}, {}, sub { es256($_[0], "$keys/private.pem") . "\0" } ],
        'that is too long'      => [ {}, { more => 'x' x 5_000 } ],
    );
    unauthorized(asked(token_of(@{ $bad{$_} })), $_) for sort keys %bad;
};

subtest 'what is no token' => sub {
    my $good = token_of({}, {});
    my ($header, $claims, $signature) = split /\./, $good;
    my ($other) = (split /\./, token_of({}, { sub => 'other' }))[1];
    my %bad = (
        'other claims'     => "$header.$other.$signature",
        'no signature'     => "$header.$claims.",
        'two parts'        => "$header.$claims",
        'four parts'       => "$good.$signature",
        'dots'             => '........',
        'a word'           => 'x' x 20,
        'a blank in front' => " $good",
        'padding'          => "$good==",
        'a key'            => 'vg_aaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaa',
    );
    unauthorized(asked($bad{$_}), $_) for sort keys %bad;
    unauthorized($vg->get($me, { Authorization => $_ }), "as $_")
        for 'Basic YTpi', 'Bearer', 'Bearer ', 'bearer', "Token $good", $good;
    is $vg->get($me, { Authorization => "bearer $good" })->{status}, 200, 'the scheme has no case';
};

subtest 'nobody is asked who they are, and told nothing' => sub {
    my $r = $vg->get($me, { 'X-API-Key' => '' });
    is $r->{status}, 401;
    is $r->{headers}{'www-authenticate'}, 'Bearer realm="voltgate"';
};

# ----------------------------------------------------------------------- API keys

# From connections of their own, so that both workers answer some.
sub statuses {
    my ($path, $headers, $count) = @_;
    my %seen;
    for (1 .. $count // 12) {
        $seen{ $vg->client(fresh => 1)->get($vg->url($path), { headers => $headers })->{status} }++;
    }
    return join ' ', sort keys %seen;
}

subtest 'API keys come and go on both workers' => sub {
    my $make = sub { $vg->post("$api/api-keys", { name => 'k', @_ })->{json} };
    my $made = $make->(role => 'operator', companyId => $north);
    my $key  = { 'X-API-Key' => $made->{key} };
    is statuses($me, $key), 200;
    is $vg->delete("$api/api-keys/$made->{id}")->{status}, 204;
    # fresh connections may all find one worker; the kept one is the other's, perhaps
    ok $vg->wait_for(sub { statuses($me, $key) eq '401' && $vg->get($me, $key)->{status} == 401 }, 6),
        'revoked everywhere within 6 s';
    unauthorized($vg->get($me, $key), 'revoked');

    my $short = $make->(expiresAt => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime time + 2));
    ok $vg->wait_for(sub { statuses($me, { 'X-API-Key' => $short->{key} }, 6) eq '401' }, 9), 'it ends by itself';

    my $other = $make->();
    (my $mixed = $other->{key}) =~ s/_[^_]{12}_/_$made->{prefix}_/;
    unauthorized($vg->get($me, { 'X-API-Key' => $_ }), 'no key') for $mixed, substr($other->{key}, 0, -1),
        "$other->{key}x", uc $other->{key}, 'vg__', 'vg_' . 'a' x 12 . '_' . 'b' x 43, 'Bearer x', 'x' x 300;
    is $vg->get($me, { 'X-API-Key' => 'x', Authorization => 'Bearer ' . $vg->admin })->{status}, 401,
        'a bad key is not made good by a token beside it';
};

# -------------------------------------------------------------------------- scopes

my %roles = (
    driver        => { subject => 'driver-1',
        scopes => 'stations:read pricing:read charging:read charging:write reservations:read reservations:write '
            . 'billing:read billing:write accounts:read customers:read customers:write notifications:read notifications:write' },
    operator      => { subject => 'north', company => $north,
        scopes => 'stations:read stations:write pricing:read pricing:write charging:read charging:write '
            . 'reservations:read reservations:write billing:read billing:write accounts:read accounts:write '
            . 'customers:read customers:write events:read notifications:read notifications:write alerts:read alerts:write' },
    fleet_manager => { subject => 'fleet', company => $fleet,
        scopes => 'stations:read pricing:read charging:read charging:write reservations:read reservations:write '
            . 'billing:read billing:write accounts:read customers:read customers:write events:read '
            . 'notifications:read notifications:write alerts:read alerts:write' },
    partner       => { subject => 'partner', company => $fleet,
        scopes => 'stations:read pricing:read charging:read reservations:read accounts:read customers:read events:read' },
    planner       => { subject => 'planner', scopes => '' },
);

sub as {
    my ($role, %more) = @_;
    my %claims = (role => $role, %{ $roles{$role} || {} }, %more);
    delete $claims{scopes} if !exists $more{scopes};
    return { Authorization => 'Bearer ' . $vg->token(%claims) };
}

# The operations of OpenAPI that name a scope: [method, path, scope].
my @operations = do {
    my $paths = $vg->get('/openapi.json')->{json}{paths};
    map { my $path = $_;
        map { [ uc, $path =~ s/\{\w+\}/$none/gr, $paths->{$path}{$_}{'x-scope'} ] }
            grep { $paths->{$path}{$_}{'x-scope'} } sort keys %{ $paths->{$path} } } sort keys %$paths;
};

subtest 'each role at each route' => sub {
    cmp_ok scalar @operations, '>', 20;
    for my $role (sort keys %roles) {
        my $headers = as($role);
        for my $operation (@operations) {
            my ($method, $path, $scope) = @$operation;
            my $may = " $roles{$role}{scopes} " =~ / $scope /;
            my $r   = $vg->request($method, $path, $method =~ /^P/ ? '{"unknown":1}' : undef, $headers);
            if ($may) {
                ok $r->{status} < 500 && $r->{status} != 401 && ($r->{json}{message} // '') !~ /^scope /,
                    "$role may $method $path" or diag "$r->{status} $r->{body}";
            } else {
                is "$r->{status} " . ($r->{json}{message} // ''), "403 scope $scope is needed",
                    "$role may not $method $path";
            }
        }
    }
};

subtest 'a token may carry fewer scopes, never more' => sub {
    my $narrow = as('operator', scopes => 'stations:read billing:read');
    is $vg->get("$api/stations", $narrow)->{status}, 200;
    my $r = $vg->post("$api/stations", {}, $narrow);
    is "$r->{status} $r->{json}{message}", '403 scope stations:write is needed';
    is $vg->post("$api/stations", {}, as('driver', scopes => 'stations:write'))->{status}, 403,
        'a driver gains nothing by naming a scope';
    is $vg->get("$api/stations", as('operator', scopes => $_))->{status}, 403, "scopes '$_' hold none of it"
        for '', ' ', 'stations', 'stations:', 'xstations:read', 'stations:readx', 'stations:write', '*';
    is $vg->get("$api/stations", as('admin', subject => 'a', scopes => 'billing:read'))->{status}, 403, 'an admin\'s too';
    is $vg->get($me, as('operator', scopes => ''))->{status}, 200, 'who am I needs none';
};

done_testing;

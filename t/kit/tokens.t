# Tokens that are nearly good, each refused for what it is: 401 in the shape of
# a problem, with a challenge that says why, and never more than that.

use strict;
use warnings;

use Digest::SHA  qw(hmac_sha256);
use JSON::PP     ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Jws;
use Voltgate::Keeper;
use Voltgate::Wire;

my $vg   = Voltgate->start(plugins => [], authored => { keeper() });
my $jws  = Voltgate::Jws->new($vg);
my $keys = "$vg->{state}/keys";
my $json = JSON::PP->new->utf8->canonical;

for my $key ([ foreign => qw(ecparam -name prime256v1 -genkey -noout) ], [ other => qw(genpkey -algorithm RSA) ]) {
    my ($name, @command) = @$key;
    system('openssl', @command, '-out', "$keys/$name.pem") == 0 or die "no key $name";
}

sub slurp { my ($path) = @_; open my $file, '<:raw', $path or die "$path: $!"; local $/ = undef; return <$file> }

my $public = slurp("$keys/public.pem");
my $der    = qx(openssl pkey -pubin -in '$keys/public.pem' -outform DER);
my $order  = pack 'H*', 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

sub unauthorized {
    my ($r, $name) = @_;

    is $r->{status}, 401, $name or diag $r->{body};
    like $r->{headers}{'www-authenticate'}, qr/^Bearer realm="voltgate", error="invalid_token", error_description="[a-zA-Z, ]+"$/,
        "$name: a challenge";
    is $r->{json}{type}, 'https://voltgate.dev/problems/unauthorized', "$name: a problem";
    return;
}

sub hostile {
    my (%bad) = @_;
    unauthorized(who($vg, ref $bad{$_} ? $jws->token(@{ $bad{$_} }) : $bad{$_}), $_) for sort keys %bad;
    return;
}

subtest 'a token made by hand is taken' => sub {
    my $good = who($vg, $jws->token({}, { sub => 'by-hand', role => 'operator', company => 'c', sid => 's-1', jti => 'j-1' }));
    is $good->{status}, 200;
    is_deeply $good->{json}, { id => 'by-hand', role => 'operator', company => 'c', scopes => undef, session => 's-1', plan => '' };
    is who($vg, $jws->token({}, { aud => [ 'other', 'voltgate' ] }))->{status}, 200, 'one audience of several';
    is who($vg, $jws->token({ typ => 'at+jwt' }, {}))->{status}, 200, 'of the type of RFC 9068';
    is who($vg, $jws->token({ typ => undef }, {}))->{status}, 200, 'of no type';
};

# seconds count: at these edges the clock must not tick over between making and looking
subtest 'times at the edge' => sub {
    my %edges = (
        'ended 28 s ago'            => [ { exp => -28 }, 200 ],
        'ended 31 s ago'            => [ { exp => -31 }, 401 ],
        'begins in 29 s'            => [ { nbf => 29 }, 200 ],
        'begins in 33 s'            => [ { nbf => 33 }, 401 ],
        'issued in 29 s'            => [ { iat => 29 }, 200 ],
        'issued in 33 s'            => [ { iat => 33 }, 401 ],
    );
    for my $name (sort keys %edges) {
        my ($claims, $status) = @{ $edges{$name} };
        my %at = map { $_ => int(time) + $claims->{$_} } keys %$claims;
        is who($vg, $jws->token({}, \%at))->{status}, $status, $name;
    }
    my $now  = int time;
    my $text = sub { qq({"iss":"voltgate","aud":"voltgate","sub":"u","role":"admin","iat":$now,"exp":$_[0]}) };
    is who($vg, $jws->token({}, $text->($_)))->{status}, 200, "exp $_" for $now + 60 . '.5', $now + 60 . '.999999999', 99_999_999_999;
    hostile(map { ("exp $_" => [ {}, $text->($_) ]) } 0, -1, -$now, '1e300', '2e9', '1' . '0' x 11, '9' x 25, '"' . ($now + 60) . '"',
        'null', 'true', '[]', '{}', '"tomorrow"', $now - 60);
};

subtest 'claims' => sub {
    my $base = '"iss":"voltgate","aud":"voltgate","sub":"u","exp":' . (int(time) + 600);
    hostile(
        'without an end'        => [ {}, { exp => undef } ],
        'of another issuer'     => [ {}, { iss => 'https://elsewhere.example' } ],
        'of no issuer'          => [ {}, { iss => undef } ],
        'of two issuers'        => [ {}, { iss => [ 'voltgate', 'x' ] } ],
        'of an issuer and more' => [ {}, { iss => "voltgate\0x" } ],
        'of an issuer in capitals' => [ {}, { iss => 'Voltgate' } ],
        'for another audience'  => [ {}, { aud => 'elsewhere' } ],
        'for no audience'       => [ {}, { aud => undef } ],
        'for an empty audience' => [ {}, { aud => [] } ],
        'for an audience in a list of lists' => [ {}, { aud => [ ['voltgate'] ] } ],
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
        'of a session that is a number' => [ {}, { sid => 7 } ],
        'of an id that is a list' => [ {}, { jti => [] } ],
        'with two roles'        => [ {}, qq({$base,"role":"driver","role":"admin"}) ],
        'with two roles, one in disguise' => [ {}, qq({$base,"role":"driver","rol\\u0065":"admin"}) ],
        'with two ends'         => [ {}, qq({$base,"role":"admin","exp":1}) ],
        'with two subjects'     => [ {}, qq({$base,"role":"admin","sub":"v"}) ],
        'that is a list'        => [ {}, '[]' ],
        'that is text'          => [ {}, '"voltgate"' ],
        'that is nothing'       => [ {}, '' ],
        'that is no UTF-8'      => [ {}, qq({$base,"role":"admin","x":"\xff"}) ],
        'that is two objects'   => [ {}, qq({$base,"role":"admin"}{}) ],
        'of a thousand levels'  => [ {}, qq({$base,"role":"admin","x":) . '[' x 1000 . ']' x 1000 . '}' ],
    );
};

subtest 'algorithms' => sub {
    my $hmac = sub { my ($secret) = @_; return sub { hmac_sha256($_[0], $secret) } };
    hostile(
        (map { my $alg = $_; ("alg $alg" => [ { alg => $alg }, {}, sub { '' } ]) }
            qw(none None NONE nOnE), '', ' none', "none\0", 'null', 'ES256 ', 'es256'),
        (map { ("alg $_, signed well" => [ { alg => $_ }, {} ]) } qw(none RS256 ES384 ES512 PS256 EdDSA HS256 ES256K)),
        'alg missing'                => [ { alg => undef }, {} ],
        'alg a list'                 => [ { alg => ['ES256'] }, {} ],
        'alg null'                   => [ qq({"alg":null,"kid":"$jws->{kid}"}), {} ],
        'alg twice'                  => [ qq({"alg":"none","alg":"ES256","kid":"$jws->{kid}"}), {} ],
        'HS256 by our key in PEM'    => [ { alg => 'HS256' }, {}, $hmac->($public) ],
        'HS256 by our key in PEM, stripped' => [ { alg => 'HS256' }, {}, $hmac->($public =~ s/\s+\z//r) ],
        'HS256 by our key in DER'    => [ { alg => 'HS256' }, {}, $hmac->($der) ],
        'HS256 by nothing'           => [ { alg => 'HS256' }, {}, $hmac->('') ],
        'HS256 that says ES256'      => [ {}, {}, $hmac->($public) ],
        'RS256 by a stranger'        => [ { alg => 'RS256' }, {}, sub { $jws->openssl($_[0], 'dgst', '-sha256', '-sign', "$keys/other.pem") } ],
    );
};

subtest 'keys that a token names, brings or points to' => sub {
    my $stranger = sub { $jws->es256($_[0], "$keys/foreign.pem") };
    my $text = qx(openssl pkey -noout -text -in '$keys/foreign.pem');
    my ($pub) = $text =~ /pub:\s+04:([0-9a-f:\s]+?)ASN1/ or die 'no public key';
    $pub =~ s/[:\s]//g;
    my ($x, $y) = map { encode_base64url(pack 'H*', $_) } unpack 'A64 A64', $pub;
    my $jwk = { kty => 'EC', crv => 'P-256', x => $x, y => $y, kid => $jws->{kid}, use => 'sig', alg => 'ES256' };
    my $url = "https://localhost:$vg->{port}/.well-known/jwks.json";
    hostile(
        (map { my $kid = $_; ("kid $kid" => [ { kid => $kid }, {} ]) } 'f' x 16, '', '../../etc/passwd', '/dev/null',
            "$keys/public.pem", "$jws->{kid}\0", " $jws->{kid}", uc $jws->{kid} . 'x', "$jws->{kid}' or 1=1--",
            "'; drop table keeper.key;--", '$(reboot)', '`id`', '%s%s%s%n', 'k' x 4_000),
        'no kid'            => [ { kid => undef }, {} ],
        'kid a number'      => [ { kid => 7 }, {} ],
        'kid null'          => [ qq({"alg":"ES256","kid":null}), {} ],
        'kid a list'        => [ { kid => [ $jws->{kid} ] }, {} ],
        'a stranger'        => [ {}, {}, $stranger ],
        'a stranger who brings his key' => [ { jwk => $jwk }, {}, $stranger ],
        'a stranger who points to a key set' => [ { jku => $url }, {}, $stranger ],
        'a stranger who points to a certificate' => [ { x5u => $url }, {}, $stranger ],
        'a stranger who brings a certificate' => [ { x5c => ['MIIB'] }, {}, $stranger ],
        'with extensions'   => [ { crit => ['exp'] }, {} ],
        'with none of them' => [ { crit => [] }, {} ],
        'of another type'   => [ { typ => 'JWE' }, {} ],
        'of a number for a type' => [ { typ => 7 }, {} ],
    );
    is who($vg, $jws->token({ jku => $url, jwk => $jwk, x5u => $url }, {}))->{status}, 200,
        'what is signed by us is taken, whatever it points to';
};

subtest 'signatures' => sub {
    my $good = $jws->token({}, {});
    my ($header, $claims, $signature) = split /\./, $good;
    my ($other) = (split /\./, $jws->token({}, { sub => 'other' }))[1];
    my ($zero, $one) = ("\0" x 32, "\0" x 31 . "\1");
    my $raw  = decode_base64url($signature);
    my $last = substr $signature, -1;
    my %edge = map { my ($name, $sig) = @$_; ($name => [ {}, {}, sub { $sig } ]) }
        [ 'empty', '' ], [ 'zeros', $zero . $zero ], [ 'ones', "\xff" x 64 ], [ 'r of zero', $zero . $one ], [ 's of zero', $one . $zero ],
        [ 'r of the order', $order . $one ], [ 's of the order', $one . $order ], [ 'both the order', $order x 2 ],
        [ 'one byte', "\1" ], [ '63 bytes', "\1" x 63 ], [ '65 bytes', "\1" x 65 ], [ '128 bytes', "\1" x 128 ];
    hostile(
        (map { ("signature: $_" => $edge{$_}) } keys %edge),
        'signed in DER'        => [ {}, {}, sub { $jws->openssl($_[0], 'dgst', '-sha256', '-sign', "$keys/private.pem") } ],
        'r and s changed over' => "$header.$claims." . encode_base64url(substr($raw, 32) . substr $raw, 0, 32),
        'other claims'         => "$header.$other.$signature",
        'no signature'         => "$header.$claims.",
        'two parts'            => "$header.$claims",
        'four parts'           => "$good.$signature",
        'dots'                 => '........',
        'a word'               => 'x' x 20,
        'a blank in front'     => " $good",
        'padding'              => "$good==",
        'padding inside'       => "$header=.$claims.$signature",
        'a tab inside'         => "$header.$claims.\t$signature",
        'plus and slash'       => "$header.$claims." . ($signature =~ tr{-_}{+/}r . '+'),
        'per cent'             => "$header.$claims.%41" . substr($signature, 1),
        'unused bits'          => "$header.$claims." . substr($signature, 0, -1) . chr 1 + ord $last,
        'a key'                => 'vg_aaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaa',
        '6 KiB'                => [ {}, { more => 'x' x 5_000 } ],
    );
};

subtest 'sizes: bounded, and never a 500' => sub {
    for my $size (7_000, 8_100, 16_384, 40_000, 65_536) {
        my $wire = Voltgate::Wire->connect($vg);
        $wire->send("GET /api/v1/keeper/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " . 'x' x $size . "\r\n\r\n");
        my $r = $wire->answer;
        like $r->{status}, qr/^(?:400|401|431)$/, "$size bytes";
        like $r->{headers}{'content-type'}, qr{^application/problem\+json}, 'a problem';
    }
};

subtest 'headers twice' => sub {
    my $good = $jws->token({}, {});
    my $key  = key($vg, 'k' x 43);
    my $ask  = sub {
        my $wire = Voltgate::Wire->connect($vg);
        $wire->send(join "\r\n", 'GET /api/v1/keeper/me HTTP/1.1', 'Host: localhost', @_, '', '');
        return $wire->answer->{status};
    };
    is $ask->("Authorization: Bearer $good"), 200;
    is $ask->("X-API-Key: $key"), 200;
    is $ask->("Authorization: Bearer $good", "Authorization: Bearer $good"), 400, 'a token twice';
    is $ask->("Authorization: Bearer $good", 'authorization: Bearer x'), 400, 'a good one and a bad one';
    is $ask->('Authorization: Bearer x', "Authorization: Bearer $good"), 400, 'the other way round';
    is $ask->("X-API-Key: $key", "X-API-Key: $key"), 400, 'a key twice';
    is $ask->("X-API-Key: $key", "Authorization: Bearer $good"), 401, 'a key and a token';
    unauthorized($vg->get('/api/v1/keeper/me', { Authorization => $_ }), "as $_")
        for 'Basic YTpi', 'Bearer', 'Bearer ', 'bearer', "Token $good", $good;
    is $vg->get('/api/v1/keeper/me', { Authorization => "bearer $good" })->{status}, 200, 'the scheme has no case';
    my $r = $vg->get('/api/v1/keeper/me', { 'X-API-Key' => '' });
    is $r->{status}, 401, 'nobody';
    is $r->{headers}{'www-authenticate'}, 'Bearer realm="voltgate"', 'is asked who they are, and told nothing';
};

done_testing;

# What a voltgate_issuer block says wrong is told by its word and line, before
# anything runs by it.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Conf;

my $vg  = Voltgate->start;
my $dir = $vg->{state};

sub pem {
    my ($name, @how) = @_;
    system("openssl genpkey @how -out $dir/$name.key 2>/dev/null && openssl pkey -in $dir/$name.key -pubout -out $dir/$name.pem") == 0
        or die "$name\n";
    return "$dir/$name.pem";
}

my $p256  = "$dir/keys/public.pem";
my $rsa   = pem(rsa => '-algorithm RSA');
my $small = pem(small => '-algorithm RSA -pkeyopt rsa_keygen_bits:1024');
my $p384  = pem(p384 => '-algorithm EC -pkeyopt ec_paramgen_curve:P-384');
my $edw   = pem(edw => '-algorithm ED25519');
my $secret = put($vg, 'secret', 's' x 32 . "\n");
my $short  = put($vg, 'short', 's' x 31 . "\n");
my $open   = put($vg, 'open', 's' x 32, 0644);
my $jwks   = put($vg, 'jwks', '{"keys":[]}');
my $base   = 'issuer urn:x; audience a;';

sub block { my ($words, $name) = @_; return 'voltgate_issuer ' . ($name // 'x') . " { $words }" }

subtest 'what is right' => sub {
    for my $words ("$base key $p256;", "$base key $rsa name; key $p256;", "$base algorithms RS256; key $rsa;",
        "$base jwks https://example.com/keys?x=y ca=$dir/tls/cert.pem; refresh 1m 1h; leeway 0s;", "$base development_secret $secret kid;",
        "$base key $p256; role a.b c=admin d=e=driver; default_role driver; company c; scope s; users on;")
    {
        my ($status, $out) = says($vg, block($words));
        is $status, 0, $words or diag $out;
    }
    my ($status, $out) = says($vg, "voltgate_public_key $rsa;");
    is $status, 0, 'a second key of the operator' or diag $out;
};

subtest 'what is wrong' => sub {
    my @rows = (
        [ '', 'wants issuer and audience' ], [ "issuer urn:x; key $p256;", 'wants issuer and audience' ],
        [ $base, 'wants jwks, jwks_file, key or development_secret' ],
        [ "$base keys $p256;", 'keys is no word of it' ], [ "$base issuer;", 'issuer has too few words, or too many' ],
        [ "$base key $p256 a b;", 'key has too few words, or too many' ],
        [ "$base algorithms HS256; key $p256;", 'algorithms are ES256 and RS256' ], [ "$base algorithms none;", 'algorithms are' ],
        [ "$base key $p256; algorithms RS256;", 'algorithms come before keys' ],
    );
    push @rows, map { [ "$base key $_;", 'key not a key of an algorithm that is taken' ] } $small, $p384, $edw;
    push @rows,
        [ "$base algorithms ES256; key $rsa;", 'key not a key' ],
        [ "$base key /nowhere;", 'key the file cannot be opened' ], [ "$base key $secret;", 'key there is no public key or certificate in PEM' ],
        [ "$base key $dir/rsa.key;", 'key there is no public key' ],
        [ "$base development_secret $short;", 'a secret has 32 bytes at least' ], [ "$base development_secret $open;", 'may be read by all' ],
        [ "$base development_secret $secret; key $p256;", 'key cannot stand beside keys from elsewhere' ],
        [ "$base key $p256; development_secret $secret;", 'development_secret cannot stand beside' ],
        [ "$base key $p256; jwks https://example.com/k;", 'jwks cannot stand beside' ],
        [ "$base jwks http://example.com/k;", 'jwks wants a url of https' ], [ "$base jwks https://example.com;", 'jwks wants a url with a path' ],
        [ "$base jwks https://example.com/k ca=/nowhere;", 'jwks cannot be called' ],
        [ "$base jwks_file $jwks;", 'jwks_file it holds no key that can be used' ], [ "$base jwks_file $secret;", 'jwks_file it is no key set' ],
        [ "$base refresh 1h 1m;", 'refresh wants two times' ], [ "$base leeway 6m;", 'leeway is a time of five minutes' ],
        [ "$base role r a=king;", 'role names a role that there is not' ], [ "$base role r admin;", 'role wants value=role' ],
        [ "$base role r a=charger;", 'role names a role' ], [ "$base default_role king;", 'default_role is no role' ],
        [ "$base users maybe;", 'users is on or off' ];
    for my $row (@rows) {
        my ($words, $why) = @$row;
        my ($status, $out) = says($vg, block($words));
        isnt $status, 0, $words;
        like $out, qr/\[emerg\].*\Q$why\E/, $why;
        like $out, qr/try\.conf:\d+/, 'with its line';
    }
    for my $name (qw(X a_b -a a.b a|b), 'a' x 33) {
        my ($status, $out) = says($vg, block("$base key $p256;", qq("$name")));
        isnt $status, 0, "named $name";
        like $out, qr/is no name of a-z, 0-9 and -/;
    }
    for my $two ([ qw(x x), 'urn:x', 'urn:y' ], [ qw(x y), 'urn:x', 'urn:x' ]) {
        my ($status, $out) = says($vg, join "\n", map { block("issuer $two->[2 + $_]; audience a; key $p256;", $two->[$_]) } 0, 1);
        isnt $status, 0, "two: @$two";
        like $out, qr/is there twice/;
    }
    my ($status, $out) = says($vg, join "\n", map { block("issuer urn:$_; audience a; key $p256;", "x$_") } 1 .. 20);
    isnt $status, 0, 'twenty are too many';
    unlike $out, qr/ssss/, 'no secret is shown';
};

done_testing;

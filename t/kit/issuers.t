# Tokens of others: an issuer whose keys come and go, what its claims mean here,
# and keys of files.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Issuer;
use Voltgate::Jws;
use Voltgate::Keeper;

my $folder = "/tmp/voltgate-issuers.$$";
make_path($folder);
END { my $status = $?; remove_tree($folder) if $folder; $? = $status }

my ($idp, $quick) = map { make_path("$folder/$_"); Voltgate::Issuer->start("$folder/$_") } qw(idp quick);
$idp->make('one');
$idp->tell(maxAge => 3600);    # so that none is fetched by the clock
$quick->make('first', 'RS256');

sub pem { my ($name, @how) = @_; system("openssl genpkey @how -out $folder/$name.pem 2>/dev/null") == 0 or die $name; return }
pem(signs => '-algorithm EC -pkeyopt ec_paramgen_curve:P-256');
system("openssl req -x509 -new -key $folder/signs.pem -days 2 -subj /CN=signs -out $folder/signs.crt") == 0 or die 'no certificate';
open my $out, '>', "$folder/secret" or die $!;
print {$out} 's' x 40, "\n";
close $out;
chmod 0600, "$folder/secret";

my $vg = Voltgate->start(plugins => [], authored => { keeper() }, extra => { http => <<"END" });
    voltgate_issuer idp {
        issuer   @{[ $idp->url ]};
        audience voltgate;
        jwks     @{[ $idp->url('/jwks') ]} ca=@{[ $idp->ca ]};
        role     realm_access.roles boss=admin desk=operator;
        company  org.id;
        default_role none;
    }
    voltgate_issuer quick {
        issuer     @{[ $quick->url ]};
        audience   cars;
        algorithms RS256;
        jwks       @{[ $quick->url('/certs?of=all') ]} ca=@{[ $quick->ca ]};
        refresh    1s 2s;
        leeway     1s;
        role       https://cars.example/role;
        scope      scope;
        default_role driver;
    }
    voltgate_issuer file {
        issuer   urn:file;
        audience voltgate;
        key      $folder/signs.crt by-name;
        users    on;
    }
    voltgate_issuer dev {
        issuer   urn:dev;
        audience voltgate;
        development_secret $folder/secret;
    }
END

sub seen { my ($token) = @_; my $r = who($vg, $token); return $r->{status} == 200 ? "$r->{json}{id} $r->{json}{role}" : $r->{status} }
sub boss { my ($kid, %more) = @_; return $idp->token($kid, realm_access => { roles => [ 'x', 'boss' ] }, %more) }

sub statuses {
    my ($token) = @_;
    my %seen = map { $vg->client(fresh => 1)->get($vg->url('/api/v1/keeper/me'), { headers => { Authorization => "Bearer $token" } })
        ->{status} => 1 } 1 .. 10;
    return join ' ', sort keys %seen;
}

subtest 'who is who' => sub {
    is seen(boss('one')), 'idp|u admin', 'a role out of a list, a subject that says whose it is';
    is seen($idp->token('one', realm_access => { roles => ['desk'] })), 'idp|u operator';
    is seen($idp->token('one', realm_access => { roles => [ 'desk', 'boss' ] })), 'idp|u admin', 'the conf\'s order decides';
    is who($vg, boss('one', org => { id => 'acme' }))->{json}{company}, 'acme', 'a company';
    is who($vg, boss('one', company => 'acme'))->{json}{company}, undef, 'by the claim that was named alone';
    is who($vg, boss('one', scope => 'openid profile'))->{json}{scopes}, undef, 'their scopes are not ours';
    is seen($idp->token('one', role => 'admin')), 401, 'a claim that is not named gives no role';
    is seen($idp->token('one', realm_access => { roles => ['admin'] })), 401, 'nor does one of our words';
    is seen($idp->token('one', realm_access => 'boss')), 401, 'at another place';
    is seen(boss('one', sub => 'ann|x')), 'idp|ann|x admin';
    is seen($quick->token('first', aud => 'cars')), 'quick|u driver', 'RS256, and the role of who has none';
    is seen($quick->token('first', aud => 'cars', 'https://cars.example/role' => 'operator')), 'quick|u operator';
    is seen($quick->token('first', aud => 'cars', 'https://cars.example/role' => 'king')), 401;
    is who($vg, $quick->token('first', aud => 'cars', scope => 'stations:read'))->{json}{scopes}, 'stations:read', 'fewer scopes';
    is statuses(boss('one')), 200, 'on both workers';
    is $idp->asked, 1, 'the keys were asked for once by the node';
};

subtest 'each issuer for itself' => sub {
    is seen(boss('one', iss => $quick->url, aud => 'cars')), 401, 'a key of one does not sign for the other';
    is seen(boss('one', iss => 'voltgate', role => 'admin')), 401, 'nor for the operator';
    is seen(boss('one', iss => $vg->url, role => 'admin')), 401, 'nor for the house';
    is seen(boss('one', iss => 'https://elsewhere.example')), 401, 'nor for anybody';
    is seen(boss('one', aud => 'cars')), 401, 'for another audience';
    is seen($quick->token('first', aud => 'cars', exp => time - 5)), 401, 'a second of leeway is a second';
    is seen(boss('one', exp => time - 5)), 'idp|u admin', 'and thirty are thirty';
};

subtest 'a key that is new is found, and asked for once' => sub {
    my $before = $idp->asked;
    $idp->make('two');
    is seen(boss('two')), 'idp|u admin', 'the call that shows it waits for it';
    is $idp->asked, $before + 1;
    is seen(boss('one')), 'idp|u admin', 'the old one is good as long as it is published';
    is statuses(boss('two')), 200, 'and both workers know both';
    is $idp->asked, $before + 1;

    $idp->make('three');
    is seen(boss('three')), 401, 'the next one within a minute is not asked for';
    my $jws = Voltgate::Jws->new($vg, key => "$folder/signs.pem", claims => { iss => $idp->url });
    my %seen;
    $seen{ seen($jws->token({ kid => "flood-$_" }, { role => 'admin' })) }++ for 1 .. 60;
    is_deeply \%seen, { 401 => 60 }, 'nor are any of a flood';
    is $idp->asked, $before + 1;
    is seen(boss('two')), 'idp|u admin', 'others are not held up';
};

subtest 'a key that is gone is gone, also for who is remembered' => sub {
    my $token = $quick->token('first', aud => 'cars');
    is statuses($token), 200;
    $quick->make('second', 'RS256');
    ok $vg->wait_for(sub { seen($quick->token('second', aud => 'cars')) eq 'quick|u driver' }, 5), 'keys are fetched before they end';
    is statuses($token), 200, 'the old one stands beside it';
    $quick->drop('first');
    ok $vg->wait_for(sub { statuses($token) eq '401' }, 6), 'until it is published no more';
    is statuses($quick->token('second', aud => 'cars')), 200;
};

subtest 'an issuer that is slow is not asked by many at once' => sub {
    $quick->tell(delay => 2_300);
    my $asked = $quick->asked;
    ok $vg->wait_for(sub { $quick->asked >= $asked + 2 }, 20), 'it is asked again';
    is statuses($quick->token('second', aud => 'cars')), 200, 'nobody waits for it';
    is $quick->tell(delay => 0)->{most}, 1, 'by one of the node';
};

subtest 'an issuer that is away, or out of its mind' => sub {
    my $token = sub { $quick->token('second', aud => 'cars', jti => "j$_[0]") };
    $quick->make('spare', 'RS256');
    for my $bad ([ 'an error', status => 500 ], [ 'no JSON', publish => 'gone' ], [ 'no keys', publish => '{"keys":[]}' ],
        [ 'a private key', publish => '{"keys":[{"kty":"RSA","n":"AA","e":"AQAB","d":"AA"}]}' ],
        [ 'too much', publish => '{"keys":[],"x":"' . 'x' x 70_000 . '"}' ])
    {
        my ($name, %say) = @$bad;
        $quick->tell(%say);
        my $asked = $quick->asked;
        ok $vg->wait_for(sub { $quick->asked > $asked }, 20), "$name is answered";
        is statuses($token->($name)), 200, 'what is there is kept';
        $quick->tell(status => 200, publish => undef);
    }
    $quick->stop;
    is statuses($token = $idp->token('two', realm_access => { roles => ['desk'] })), 200, 'others are not concerned';
    like $vg->log, qr/the keys of issuer quick were not taken: it holds a private key/, 'the log says why';
};

subtest 'keys of files' => sub {
    my $jws = Voltgate::Jws->new($vg, key => "$folder/signs.pem", kid => 'by-name', claims => { iss => 'urn:file', sub => 'eve' });
    is seen($jws->token({}, {})), 401, 'with users on, a subject must be known';
    person($vg, 'file|eve');
    is seen($jws->token({}, { jti => 'again' })), 'file|eve admin', 'under its whole name';
    is seen($jws->token({ kid => undef }, {})), 'file|eve admin', 'the only key needs no name';
    is seen($jws->token({ kid => 'other' }, {})), 401, 'but another name is another key';
    require Digest::SHA;
    my $mac = sub { my ($secret) = @_; return sub { Digest::SHA::hmac_sha256($_[0], $secret) } };
    my $dev = Voltgate::Jws->new($vg, claims => { iss => 'urn:dev' });
    my %hs  = (alg => 'HS256', kid => undef);
    is seen($dev->token(\%hs, {}, $mac->('s' x 40))), 'dev|someone admin', 'HS256 where the conf says so';
    is seen($dev->token(\%hs, {}, $mac->('s' x 39))), 401, 'by another secret';
    is seen($dev->token({ %hs, alg => 'ES256' }, {}, $mac->('s' x 40))), 401;
    like $vg->log, qr/\[warn\].*issuer dev signs by a shared secret \(HS256\): for development alone/, 'the log warns of it';
};

done_testing;

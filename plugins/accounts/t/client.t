# The OAuth endpoints as a client of others sees them: npm's openid-client finds
# them, logs in, goes on, asks, revokes; its jose verifies by our JWKS.

use strict;
use warnings;

use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Person;

my $vg   = Voltgate->start;
my $json = JSON::PP->new->utf8;

my $person = Voltgate::Person->new($vg);
my $key    = $vg->post('/api/v1/api-keys', { name => 'a client', scopes => [qw(stations:read charging:read)] })->{json};

my %said;
{
    local $ENV{NODE_PATH}           = "$Voltgate::ROOT/build/node/node_modules";
    local $ENV{NODE_EXTRA_CA_CERTS} = $vg->ca;
    delete local $ENV{LD_PRELOAD};
    local $SIG{ALRM}                = sub { die "the client is silent\n" };
    my $pid = open2(my $out, my $in, 'node', "$Voltgate::ROOT/plugins/accounts/t/client.js", $vg->url);
    print {$in} $json->encode({ (map { $_ => $person->{$_} } qw(email password)), id => $key->{id}, secret => $key->{key} });
    close $in or die "client.js: $!";
    alarm 60;
    while (my $line = <$out>) {
        my $step = $json->decode($line);
        $said{ $step->{step} } = $step;
    }
    waitpid $pid, 0;
    alarm 0;
    is $?, 0, 'the client went all its way';
}

subtest 'it finds what there is' => sub {
    my $found = $said{discovery};
    is $found->{issuer}, $vg->url;
    is $found->{"${_}_endpoint"}, $vg->url("/api/v1/auth/$_") =~ s/revocation/revoke/r =~ s/introspection/introspect/r, $_
        for qw(token revocation introspection);
};

subtest 'a person logs in and goes on' => sub {
    is $said{password}{token_type}, 'Bearer';
    is $said{password}{scope}, 'stations:read billing:read';
    is $said{verify}{claims}{sub}, $person->{id}, 'the token is signed by a key of our JWKS';
    is $said{verify}{header}{alg}, 'ES256';
    isnt $said{refresh}{refresh_token}, $said{password}{refresh_token}, 'with another refresh token';
    is $said{refresh}{scope}, 'stations:read billing:read';
    is $said{narrowed}{scope}, 'stations:read';
    ok $said{introspect}{active};
    is $said{introspect}{sub}, $person->{id};
};

subtest 'a machine has a token of its own' => sub {
    is $said{client_secret_basic}{scope}, 'stations:read charging:read';
    is $said{verify_own}{claims}{sub}, $key->{id};
    is $said{client_secret_post}{scope}, 'stations:read';
};

subtest 'what is revoked is over' => sub {
    is $said{revoke}{error}, undef, 'taken';
    is $said{revoked}{error}, 'invalid_grant';
    ok exists $said{introspect_revoked}{active};
    ok !$said{introspect_revoked}{active};
};

subtest 'errors are those that it knows' => sub {
    my %is = map { $_ => [ @{ $said{"wrong_$_"} }{qw(error status)} ] } qw(password client scope grant);
    is_deeply \%is, { password => [ 'invalid_grant', 400 ], client => [ 'invalid_client', 401 ],
        scope => [ 'invalid_scope', 400 ], grant => [ 'unsupported_grant_type', 400 ] };
};

done_testing;

# Users, sessions and tokens that are no more: on each worker of each node
# within a second, also after a start. Keys, and from where they may be used.

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Jws;
use Voltgate::Keeper;
use Voltgate::Stream;

my $a = Voltgate->start(own_cluster => 1, plugins => [], authored => { keeper() }, env => { VG_NODE => 'node-a' });
my $b = Voltgate->start(beside => $a, plugins => [], env => { VG_NODE => 'node-b' });
my $json = JSON::PP->new->utf8->canonical;
my $me   = '/api/v1/keeper/me';

sub status {
    my ($vg, $token, %opts) = @_;
    return $vg->client(%opts)->get($vg->url($me), { headers => { Authorization => "Bearer $token" } })->{status};
}

# From connections of their own, so that both workers of the node answer some.
sub statuses {
    my ($vg, $token) = @_;
    my %seen = map { status($vg, $token, fresh => 1) => 1 } 1 .. 10;
    return join ' ', sort keys %seen;
}

sub everywhere { my ($token) = @_; return statuses($a, $token) . ', ' . statuses($b, $token) }

person($a, qw(ann ben cat dan));

subtest 'a token of the house is a user\'s' => sub {
    my $token = house($a, subject => 'ann', role => 'driver', session => 's-ann');
    my $r = who($a, $token);
    is $r->{status}, 200;
    is_deeply [ @{ $r->{json} }{qw(id role session)} ], [qw(ann driver s-ann)];
    is everywhere($token), '200, 200', 'on both nodes';
    my $said = $a->post('/api/v1/keeper/look', { token => $token })->{json};
    is_deeply [ @$said{qw(sub sid aud iss)} ], [ 'ann', 's-ann', 'voltgate', $a->url ];

    $r = who($a, house($a, subject => 'nobody'));
    is $r->{status}, 401, 'signed well, but of nobody';
    like $r->{headers}{'www-authenticate'}, qr/error_description="the subject is not known"/;
    is who($a, house($a, subject => "a' or 1=1--"))->{status}, 401, 'nor is that somebody';
    is who($a, $a->admin)->{status}, 200, 'the operator\'s own tokens need no user';
};

subtest 'of the house alone: another issuer\'s key does not sign for it' => sub {
    my $jws = Voltgate::Jws->new($a);
    my ($header) = map { $json->decode(decode_base64url($_)) } (split /\./, house($a, subject => 'ann'))[0];
    is who($a, $jws->token({}, { iss => $a->url, sub => 'ann' }))->{status}, 401, 'the operator\'s key, the house\'s name';
    is who($a, $jws->token({ kid => $header->{kid} }, { iss => $a->url, sub => 'ann' }))->{status}, 401, 'and its kid';
    is who($a, $jws->token({ kid => $header->{kid} }, { sub => 'ann' }))->{status}, 401, 'the house\'s kid, the operator\'s name';
};

# how => id of it; within a second on both workers of both nodes
sub dies {
    my ($how, $token, $id) = @_;

    is everywhere($token), '200, 200', "$how: taken, and remembered";
    is who($_, $token)->{status}, 200 for $a, $b;
    my $begun = time;
    revoke($a, $id);
    my $done = $a->wait_for(sub { my ($x, $y) = map { status($_, $token, fresh => 1) } $a, $b; "$x $y" eq '401 401' }, 5);
    my $took = time - $begun;
    is everywhere($token), '401, 401', "$how: revoked everywhere";
    cmp_ok $took, '<', 1.5, sprintf 'within %.2f s', $took;
    my $r = who($b, $token);
    is $r->{status}, 401, 'on the connection that was there before';
    like $r->{headers}{'www-authenticate'}, qr/error_description="the token was revoked"/;
    is_deeply $a->post('/api/v1/keeper/look', { token => $token })->{json}, {}, 'and it says nothing any more';
    return;
}

subtest 'by its session, its subject, its own id' => sub {
    my $session = house($a, subject => 'ben', session => 's-ben');
    my $other   = house($a, subject => 'ben', session => 's-ben-2');
    dies('a session', $session, 's-ben');
    is everywhere($other), '200, 200', 'the other session goes on';
    dies('a subject', $other, 'ben');
    my $token = house($a, subject => 'cat', session => 's-cat');
    my ($jti) = map { $json->decode(decode_base64url($_))->{jti} } (split /\./, $token)[1];
    dies('a token', $token, $jti);
    is everywhere(house($a, subject => 'cat', session => 's-cat')), '200, 200', 'the session\'s next token is good';
    is everywhere(house($a, subject => 'ben')), '200, 200', 'who logs in again at once is let in';
    my $own = Voltgate::Jws->new($a)->token({}, { sub => 'deputy', iat => int(time) - 5 });
    dies('one of the operator\'s', $own, 'deputy');
};

subtest 'a stream that was opened with it ends' => sub {
    my $token  = house($a, subject => 'dan', session => 's-dan');
    my $stream = Voltgate::Stream->open($a, '/api/v1/keeper/stream/x', { Authorization => "Bearer $token" });
    ok $stream->event(5), 'it has begun';
    revoke($b, 's-dan');
    ok $stream->ended(15), 'and is over';
};

subtest 'what was revoked before a start is known after it' => sub {
    my $token = house($a, subject => 'ann', session => 's-old');
    my $good  = house($a, subject => 'ann', session => 's-good');
    revoke($a, 's-old');
    $b->stop_gateway;
    $b->start_gateway;
    ok $b->wait_for(sub { status($b, $good, fresh => 1) == 200 }, 5), 'others are let in';
    is statuses($b, $token), '401', 'it is not';
    is statuses($b, $good), '200';
};

subtest 'while it cannot be known, nobody new is let in' => sub {
    my $token = house($a, subject => 'ann', session => 's-away');
    is who($a, $token)->{status}, 200;
    $b->stop_gateway;
    $a->sql(q{insert into keeper.broken (why) values ('a test')});
    $b->start_gateway;
    my $r = who($b, $token);
    is $r->{status}, 503, 'a node that has not heard answers 503';
    ok $r->{headers}{'retry-after'}, 'and when to come again';
    is who($b, $b->admin)->{status}, 200, 'the operator is let in all the same';
    is who($a, $token)->{status}, 200, 'as is everybody on a node that has';
    $a->sql('delete from keeper.broken');
    ok $b->wait_for(sub { who($b, $token)->{status} == 200 }, 15), 'and it heals by itself';
};

subtest 'while accounts is away, who is remembered goes on' => sub {
    my $known = house($a, subject => 'ann');
    my $new   = house($a, subject => 'ann', session => 'other');
    is who($a, $known)->{status}, 200;
    $a->pg_stop;
    is who($a, $known)->{status}, 200, 'the same connection, the same worker';
    my $r = who($a, $new);
    is $r->{status}, 503, 'others wait';
    ok $r->{headers}{'retry-after'};
    $a->pg_start;
    ok $a->wait_for(sub { who($a, $new)->{status} == 200 }, 20), 'and are let in';
};

subtest 'keys: from where, on which plan, until when' => sub {
    my $mine  = key($a, 'm' x 43, networks => '["10.0.0.0/8", "127.0.0.0/8", "2001:db8::/32"]', plan => '"gold"', quota => 5);
    my $other = key($a, 'o' x 43, networks => '["10.0.0.0/8", "2001:db8::/32"]');
    my $open  = key($a, 'e' x 43, networks => '[]', scopes => '["stations:read"]');
    my $torn  = key($a, 't' x 43, networks => '["10.0.0.0/8", "nowhere"]');
    my $as    = sub { my ($key) = @_; return $a->get($me, { 'X-API-Key' => $key }) };
    for my $turn (qw(first remembered)) {
        my $r = $as->($mine);
        is $r->{status}, 200, "$turn: from a network of its own";
        is_deeply [ @{ $r->{json} }{qw(id session plan)} ], [ 'key-1', 'key-1', 'gold' ];
        $r = $as->($other);
        is $r->{status}, 403, "$turn: from a foreign one";
        is $r->{json}{message}, 'the key may not be used from this address';
        is $as->($open)->{status}, 200, "$turn: without any, from everywhere";
        is $as->($torn)->{status}, 401, "$turn: with one that is none, from nowhere";
    }
    is $as->($open)->{json}{scopes}, 'stations:read';
};

done_testing;

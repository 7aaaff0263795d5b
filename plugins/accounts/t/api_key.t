# API keys: made, used, listed, revoked.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use POSIX      qw(strftime);
use Test::More;

use Voltgate;
use Voltgate::Person;

my $vg = Voltgate->start;

my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer '
    . $vg->token(role => 'operator', subject => $_->[0], company => $_->[1]) } }
    (['north', $north], ['colleague', $north], ['south', $south]);

# which statuses several connections see: more than there are workers
sub statuses {
    my ($path, %headers) = @_;
    my %seen = map { $_->get($vg->url($path), { headers => \%headers })->{status} => 1 } map { $vg->client(fresh => 1) } 1 .. 8;
    return sort keys %seen;
}

my $url = '/api/v1/api-keys';
my $me  = '/api/v1/auth/me';

subtest 'who am I' => sub {
    is_deeply { map { $_ => $vg->get($me, $as{north})->{json}{$_} }
        qw(id role companyId) },
        { id => 'north', role => 'operator', companyId => $north };
    is $vg->get($me, { 'X-API-Key' => '' })->{status}, 401;
    ok exists $vg->get($me, $as{north})->{json}{scopes};
    is $vg->get($me, $as{north})->{json}{scopes}, undef, 'all of the role';
    my $few = { Authorization => 'Bearer '
        . $vg->token(role => 'operator', scopes => [ qw(stations:read accounts:write) ]) };
    is_deeply $vg->get($me, $few)->{json}{scopes}, [ qw(stations:read accounts:write) ];
};

my $made = $vg->post($url, { name => 'a partner',
    scopes => ['stations:read'] }, $as{north});

subtest 'a key is shown once' => sub {
    is $made->{status}, 201;
    my $row = $made->{json};
    like $row->{key}, qr/^vg_[A-Za-z0-9]{12}_[A-Za-z0-9_-]{43}$/;
    is substr($row->{key}, 3, 12), $row->{prefix};
    is $row->{role}, 'partner';
    is $row->{companyId}, $north;
    is_deeply $row->{scopes}, ['stations:read'];
    my ($kept) = $vg->rows('select salt, hash from accounts.api_key
        where id = $1', $row->{id});
    is $kept->{hash}, sha256_hex($kept->{salt} . $row->{key});
    my $list = $vg->get($url, $as{north});
    is_deeply [ map { $_->{id} } @{ $list->{json}{items} } ], [ $row->{id} ];
    unlike $list->{body}, qr/"(?:key|salt|hash)"/;
};

subtest 'it opens what its scopes name' => sub {
    my $key = { 'X-API-Key' => $made->{json}{key} };
    is $vg->get('/api/v1/stations', $key)->{status}, 200;
    is $vg->get($me, $key)->{json}{role}, 'partner';
    is $vg->post('/api/v1/stations', {}, $key)->{status}, 403;
    is $vg->get($url, $key)->{status}, 403;
    (my $wrong = $made->{json}{key}) =~ s/(.)$/$1 eq 'A' ? 'B' : 'A'/e;
    is $vg->get($me, { 'X-API-Key' => $wrong })->{status}, 401;
    is $vg->get($me, { 'X-API-Key' => $_ })->{status}, 401
        for 'vg_', 'vg_aaaaaaaaaaaa_', 'x' x 500, "vg_'--";
};

subtest 'the same call again does not show the key again' => sub {
    my %key = (%{ $as{north} }, 'Idempotency-Key' => 'k1');
    my $first  = $vg->post($url, { name => 'twice' }, \%key);
    my $second = $vg->post($url, { name => 'twice' }, \%key);
    is $second->{status}, 201;
    is $second->{json}{id}, $first->{json}{id};
    ok !exists $second->{json}{key};
    is $vg->get($me, { 'X-API-Key' => $first->{json}{key} })->{status}, 200,
        'the first one works';
    is $vg->delete("$url/$first->{json}{id}", $as{north})->{status}, 204;
};

subtest 'what may be given' => sub {
    is $vg->post($url, { name => 'x', role => 'admin' }, $as{north})->{status},
        403, 'no role but partner, unless by an admin';
    is $vg->post($url, { name => 'x', companyId => $south }, $as{north})->{status},
        403, 'no other company';
    is $vg->post($url, { name => 'x', expiresAt => '2001-01-01T00:00:00Z' },
        $as{north})->{status}, 422;
    is_deeply [ sort keys %{ $vg->post($url, { role => 'king',
        scopes => [ 7 ], expiresAt => 'soon' })->{json}{errors} } ],
        [ sort 'name', 'role', 'scopes[0]', 'expiresAt' ];
    is_deeply [ sort keys %{ $vg->post($url, { name => 'x',
        scopes => [ 'stations', 'stations:read', 'a:write:b', ':write' ] })
        ->{json}{errors} } ], [ map { "scopes[$_]" } 0, 2, 3 ];
    is $vg->post($url, { name => 'x', role => 'operator' })
        ->{json}{errors}{companyId}, 'is required for this role';
    my $admin = $vg->post($url, { name => 'admin', role => 'admin' });
    is $admin->{status}, 201;
    is $vg->get($me, { 'X-API-Key' => $admin->{json}{key} })->{json}{role},
        'admin';
};

subtest 'nobody gives more than they have' => sub {
    my $few = { Authorization => 'Bearer ' . $vg->token(role => 'operator',
        subject => 'few', company => 'third', scopes => [ qw(accounts:write stations:read) ]) };
    my $same = $vg->post($url, { name => 'no scopes are named' }, $few);
    is $same->{status}, 201;
    is_deeply $same->{json}{scopes}, [ qw(accounts:write stations:read) ], 'those of its maker';
    is $vg->get('/api/v1/stations', { 'X-API-Key' => $same->{json}{key} })->{status}, 200;
    is $vg->get('/api/v1/charging/sessions', { 'X-API-Key' => $same->{json}{key} })->{status}, 403;
    is_deeply $vg->post($url, { name => 'null', scopes => undef }, $few)->{json}{scopes},
        [ qw(accounts:write stations:read) ];
    is_deeply $vg->post($url, { name => 'fewer', scopes => ['stations:read'] }, $few)->{json}{scopes},
        ['stations:read'];
    is $vg->post($url, { name => 'more', scopes => [ qw(stations:read charging:read) ] }, $few)->{status}, 403;
    is $vg->post($url, { name => 'part', scopes => ['tations:read'] }, $few)->{status}, 403,
        'a part of a scope is none';
    my $admin = { Authorization => 'Bearer '
        . $vg->token(role => 'admin', subject => 'a', scopes => ['accounts:write']) };
    is_deeply $vg->post($url, { name => 'x', role => 'admin' }, $admin)->{json}{scopes}, ['accounts:write'],
        'nor does an admin';
};

subtest 'whose keys they are' => sub {
    is_deeply $vg->get($url, $as{south})->{json}{items}, [];
    is scalar @{ $vg->get($url, $as{colleague})->{json}{items} }, 1,
        'a company\'s operators see its keys';
    is $vg->delete("$url/$made->{json}{id}", $as{south})->{status}, 404;

    my $moved = { Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'north', company => $south) };
    is_deeply $vg->get($url, $moved)->{json}{items}, [], 'its maker, who acts for another company now';
    is $vg->get("$url/$made->{json}{id}", $moved)->{status}, 404;
    is $vg->delete("$url/$made->{json}{id}", $moved)->{status}, 404;
};

subtest 'keys end with what their maker was' => sub {
    for (
        [ 'blocked', PATCH => '', { blocked => \1 } ],
        [ 'no admin any more', PUT => '/roles', { roles => ['driver'] } ],
    ) {
        my ($name, $method, $path, $body) = @$_;
        my $boss = Voltgate::Person->new($vg, role => 'admin');
        my $make = sub { my ($as, %new) = @_; $vg->post($url, { name => 'k', %new }, $as)->{json} };
        my %key  = (admin => $make->($boss->headers, role => 'admin'),
            both => $make->($boss->headers, role => 'admin', companyId => $north),
            own => $make->($boss->headers), company => $make->($boss->headers, role => 'operator', companyId => $north));
        $key{child} = $make->({ 'X-API-Key' => $key{admin}{key} }, role => 'admin');
        $key{grandchild} = $make->({ 'X-API-Key' => $key{child}{key} });
        my $token = Voltgate::Person::ask($vg, { grant_type => 'client_credentials',
            client_id => $key{child}{id}, client_secret => $key{child}{key} })->{json}{access_token};
        my $of = sub { $vg->get($me, { 'X-API-Key' => $key{ $_[0] }{key} })->{status} };
        is_deeply { map { $_ => $of->($_) } keys %key }, { map { $_ => 200 } keys %key }, 'all are good';
        is $vg->get($me, { Authorization => "Bearer $token" })->{status}, 200;

        is $vg->request($method, "/api/v1/users/$boss->{id}$path", $body)->{status}, 200, $name;
        ok Voltgate::Person::is_void($vg, $token), "$name: a token that was made of a key";
        for my $which (qw(admin both own child grandchild)) {
            ok $vg->wait_for(sub { "@{[ statuses($me, 'X-API-Key' => $key{$which}{key}) ]}" eq '401' }, 3), "$name: $which";
        }
        is $of->('company'), 200, "$name: a company's is the company's";
        is $vg->sql(q{select count(*) from vg.event where type = 'api_key.revoked.v1' and aggregate_id = any ($1)},
            [ map { $_->{id} } values %key ]), 5, 'api_key.revoked.v1 of each';

        # as if it had been made while that was on its way
        $vg->sql('update accounts.api_key set revoked_at = null where id = $1', $key{admin}{id});
        is_deeply [ statuses($me, 'X-API-Key' => $key{admin}{key}) ], [401], "$name: such a one opens nothing";
        is Voltgate::Person::ask($vg, { grant_type => 'client_credentials',
            client_id => $key{admin}{id}, client_secret => $key{admin}{key} })->{status}, 401, 'nor makes a token';
    }
    my $gary = Voltgate::Person->new($vg, role => 'admin');
    my $key  = $vg->post($url, { name => 'k' }, $gary->headers)->{json};
    is $vg->put("/api/v1/users/$gary->{id}/roles", { roles => ['admin'] })->{status}, 200;
    is $vg->get($me, { 'X-API-Key' => $key->{key} })->{status}, 200, 'who stays what it is keeps them';
};

subtest 'a key is changed, and that holds at once' => sub {
    my $row = $vg->post($url, { name => 'to be changed' }, $as{north})->{json};
    my $key = { 'X-API-Key' => $row->{key} };
    is $vg->get($me, $key)->{status}, 200, 'from anywhere';
    my $r = $vg->patch("$url/$row->{id}", { networks => ['192.0.2.0/24'], name => 'afar' }, $as{colleague});
    is "$r->{status} $r->{json}{name} $r->{json}{networks}[0]", '200 afar 192.0.2.0/24';
    is $r->{json}{key}, undef, 'it is not shown again';
    ok $vg->wait_for(sub { $vg->get($me, $key)->{status} == 403 && $vg->get($me, $key)->{status} == 403 }, 3), 'only from there';
    is $vg->patch("$url/$row->{id}", { networks => undef }, $as{north})->{status}, 200;
    ok $vg->wait_for(sub { $vg->get($me, $key)->{status} == 200 }, 3), 'from anywhere again';

    is $vg->patch("$url/$row->{id}", { quota => 10, plan => 'partner' })->{status}, 200, 'an admin limits it';
    is $vg->patch("$url/$row->{id}", $_, $as{north})->{status}, 403, 'which nobody else undoes'
        for { quota => undef }, { plan => undef }, { quota => 11 };
    is $vg->get("$url/$row->{id}", $as{north})->{json}{quota}, 10;
    is $vg->patch("$url/$row->{id}", { name => 'x' }, $as{south})->{status}, 404, 'another\'s';
    is $vg->patch("$url/$row->{id}", $_, $as{north})->{status}, 400, 'malformed'
        for { networks => ['x'] }, { networks => [] }, { name => undef }, { name => '' }, { scopes => [] };
    is $vg->patch("$url/$row->{id}", { expiresAt => '2020-01-01T00:00:00Z' }, $as{north})->{status}, 422;
    my $mighty = $vg->post($url, { name => 'mighty', role => 'operator', companyId => $north })->{json};
    is $vg->patch("$url/$mighty->{id}", { expiresAt => undef }, $as{north})->{status}, 403,
        'one that it could not make it does not prolong';
    my $once = $vg->post($url, { name => 'of an admin', role => 'operator', companyId => $north },
        { Authorization => 'Bearer ' . $vg->token(role => 'admin', subject => 'north') })->{json};
    is $vg->patch("$url/$once->{id}", { expiresAt => undef }, $as{north})->{status}, 403, 'be it that it once could';
    is $vg->delete("$url/$_->{id}")->{status}, 204 for $row, $mighty, $once;
};

subtest 'a key is no token, seen before or not' => sub {
    my $open = $vg->post($url, { name => 'from anywhere' }, $as{north})->{json};
    my $far  = $vg->post($url, { name => 'from afar', networks => ['192.0.2.0/24'] }, $as{north})->{json};
    for ([ $open, 200 ], [ $far, 403 ]) {
        my ($row, $status) = @$_;
        is_deeply [ statuses($me, 'X-API-Key' => $row->{key}) ], [$status], 'known to each worker';
        is_deeply [ statuses($me, Authorization => "Bearer $row->{key}") ], [401], 'and no token to any';
        is $vg->delete("$url/$row->{id}", $as{north})->{status}, 204;
    }
};

subtest 'a key ends' => sub {
    my $soon = $vg->post($url, { name => 'short', expiresAt =>
        strftime('%Y-%m-%dT%H:%M:%SZ', gmtime time + 3) }, $as{north});
    my $key = { 'X-API-Key' => $soon->{json}{key} };
    is $vg->get($me, $key)->{status}, 200;
    ok $vg->wait_for(sub { $vg->get($me, $key)->{status} == 401 }, 10),
        'when its time is over';

    $key = { 'X-API-Key' => $made->{json}{key} };
    is $vg->get($me, $key)->{status}, 200;
    is $vg->delete("$url/$made->{json}{id}", $as{north})->{status}, 204;
    ok $vg->wait_for(sub { $vg->get($me, $key)->{status} == 401 }, 10),
        'when it is revoked';
    is $vg->delete("$url/$made->{json}{id}", $as{north})->{status}, 404;
};

done_testing;

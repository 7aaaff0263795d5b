# Charge points and their passwords over HTTP.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Test::More;

use Voltgate;

my $vg = Voltgate->start;

my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer '
    . $vg->token(role => 'operator', subject => $_->[0], company => $_->[1]) } }
    (['north', $north], ['south', $south]);

my $url = '/api/v1/charge-points';

sub holds_password {
    my ($id, $password) = @_;
    my ($row) = $vg->rows(q{select salt, hash from stations.charge_point
        where id = $1}, $id);
    return $row && sha256_hex($row->{salt} . $password) eq $row->{hash};
}

subtest 'a password that we make is shown once' => sub {
    my $made = $vg->post($url, { id => 'CP1' }, $as{north});
    is $made->{status}, 201;
    like $made->{json}{password}, qr/^[A-Za-z0-9_-]{20}$/;
    is $made->{json}{operatorId}, $north;
    is $made->{json}{securityProfile}, 2;
    ok $made->{json}{pending}, 'it has no station';
    ok !$made->{json}{connected};
    ok holds_password('CP1', $made->{json}{password}), 'kept salted and hashed';
    my $got = $vg->get("$url/CP1", $as{north});
    is $got->{status}, 200;
    ok $got->{json}{hasPassword};
    unlike $got->{body}, qr/"(?:password|salt|hash)"/;
};

subtest 'a password that was given is not shown' => sub {
    my $made = $vg->post($url, { id => 'CP2', password => 'correct horse battery',
        securityProfile => 1 }, $as{north});
    is $made->{status}, 201;
    unlike $made->{body}, qr/horse/;
    ok holds_password('CP2', 'correct horse battery');
};

subtest 'the same key again does not show the password again' => sub {
    my %key = (%{ $as{north} }, 'Idempotency-Key' => 'k1');
    my $first  = $vg->post($url, { id => 'CP3' }, \%key);
    my $second = $vg->post($url, { id => 'CP3' }, \%key);
    is $second->{status}, 201;
    is $second->{headers}{'idempotent-replayed'}, 'true';
    ok !exists $second->{json}{password};
    ok holds_password('CP3', $first->{json}{password}), 'the first one holds';
};

subtest 'what is wrong' => sub {
    is_deeply [ sort keys %{ $vg->post($url, { id => '', password => 'short',
        securityProfile => 4, stationId => 'x' })->{json}{errors} } ],
        [ qw(id password securityProfile stationId) ];
    like $vg->post($url, { id => $_ }, $as{north})->{json}{errors}{id}, qr/OCPP identity/, "not $_"
        for 'a:b', 'a/b', 'a b', "caf\x{e9}";
    my $none = $vg->post($url, { id => 'CP9' });
    is $none->{status}, 422;
    like $none->{json}{type}, qr{/operator_missing$};
    my $unknown = $vg->post($url, { id => 'CP9', stationId => $north }, $as{north});
    is $unknown->{status}, 422;
    like $unknown->{json}{type}, qr{/station_unknown$};
    is $vg->sql(q{select count(*) from stations.charge_point
        where id = 'CP9'}), 0;
};

subtest 'charge points are their operator\'s' => sub {
    is $vg->get("$url/CP1", $as{south})->{status}, 404;
    is $vg->patch("$url/CP1", { password => undef }, $as{south})->{status}, 404;
    is $vg->delete("$url/CP1", $as{south})->{status}, 404;
    is $vg->post($url, { id => 'CP1' }, $as{south})->{status}, 409;
    is_deeply $vg->get($url, $as{south})->{json}{items}, [];
    is_deeply [ map { $_->{id} } @{ $vg->get($url, $as{north})->{json}{items} } ],
        [ qw(CP1 CP2 CP3) ];
    is $vg->get($url, { Authorization => 'Bearer '
        . $vg->token(role => 'driver', subject => 'd') })->{status}, 403;
};

subtest 'one that came with a station is given its password' => sub {
    my $station = $vg->post('/api/v1/stations', {
        name => 'Harbour', location => { lat => 1, lon => 2 },
        address => { country => 'DE' }, timeZone => 'Europe/Berlin',
        connectors => [ { chargePointId => 'CP7', connectorNumber => 1,
            type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ],
    }, $as{north})->{json};
    is $vg->post($url, { id => 'CP7' }, $as{south})->{status}, 409;
    my $made = $vg->post($url, { id => 'CP7' }, $as{north});
    is $made->{status}, 201;
    is $made->{json}{stationId}, $station->{id};
    ok !$made->{json}{pending};
    ok holds_password('CP7', $made->{json}{password});
    is $vg->post($url, { id => 'CP7' }, $as{north})->{status}, 409,
        'once';

    is $vg->patch("$url/CP7", { stationId => undef }, $as{north})->{status}, 409,
        'it stays where its connectors are listed';
    is $vg->delete("$url/CP7", $as{north})->{status}, 409;

    my $moved = $vg->patch("$url/CP1", { stationId => $station->{id} },
        $as{north});
    is $moved->{status}, 200;
    is $moved->{json}{stationId}, $station->{id};
    ok !exists $moved->{json}{password}, 'a move makes no password';
};

subtest 'a password is changed, or made anew' => sub {
    is $vg->patch("$url/CP2", { password => 'sixteen letters!' },
        $as{north})->{status}, 200;
    ok holds_password('CP2', 'sixteen letters!');
    my $anew = $vg->patch("$url/CP2", { password => undef }, $as{north});
    like $anew->{json}{password}, qr/^[A-Za-z0-9_-]{20}$/;
    ok holds_password('CP2', $anew->{json}{password});
};

subtest 'each identity that is taken has a path' => sub {
    my $odd = q{a.b_c*d=e+f|g@h-i};
    is $vg->post($url, { id => $odd }, $as{north})->{status}, 201;
    (my $path = $odd) =~ s/(\W)/sprintf '%%%02X', ord $1/ge;
    is $vg->get("$url/$path", $as{north})->{json}{id}, $odd;
    is $vg->delete("$url/$path", $as{north})->{status}, 204;
};

subtest 'a charge point goes' => sub {
    is $vg->delete("$url/CP2", $as{north})->{status}, 204;
    is $vg->get("$url/CP2", $as{north})->{status}, 404;
};

done_testing;

# Stations over HTTP: what is made, found, changed and refused, and whose it is.

use strict;
use warnings;

use JSON::PP ();
use POSIX    ();
use Test::More;

use Voltgate;

my $vg = Voltgate->start;

my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer '
    . $vg->token(role => $_->[1], subject => $_->[0], company => $_->[2]) } }
    (['north', 'operator', $north], ['south', 'operator', $south],
     ['driver', 'driver', undef]);

sub connector {
    my ($charge_point, $number, %more) = @_;
    return {
        chargePointId => $charge_point, connectorNumber => $number,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22,
        %more,
    };
}

sub station {
    my (%more) = @_;
    return {
        name     => 'Harbour',
        location => { lat => 53.5, lon => 9.99 },
        address  => { street => 'Kai 1', city => 'Hamburg',
                      postalCode => '20457', country => 'DE' },
        timeZone   => 'Europe/Berlin',
        connectors => [ connector('CP1', 1), connector('CP1', 2) ],
        %more,
    };
}

# where charge points stand, each with its version
sub points {
    return { map { $_->{id} => [ @$_{qw(station_id version)} ] }
        $vg->rows(q{select id, station_id, version from stations.charge_point where id like 'CP%'}) };
}

my $url = '/api/v1/stations';
my $made = $vg->post($url, station(amenities => ['wc'],
    metadata => { a => { b => 1 } }), $as{north});

subtest 'a station is made with its connectors and its charge point' => sub {
    is $made->{status}, 201;
    is $made->{json}{operatorId}, $north, 'for the company of its operator';
    is $made->{json}{capacity}, 2;
    is $made->{json}{status}, 'Unavailable', 'nothing was heard of it yet';
    is $made->{json}{timeZone}, 'Europe/Berlin';
    is_deeply [ map { $_->{connectorNumber} } @{ $made->{json}{connectors} } ],
        [ 1, 2 ];
    is $vg->sql(q{select station_id::text from stations.charge_point
        where id = 'CP1' and hash is null}), $made->{json}{id},
        'pending no more, without credentials';
    ok $vg->wait_for(sub {
        $vg->sql(q{select count(*) from vg.event
            where type = 'station.created.v1' and aggregate_id = $1},
            $made->{json}{id}) == 1;
    }), 'and the event is in the log';
    is $vg->sql(q{select payload ->> 'country' from vg.event
        where type = 'station.created.v1' and aggregate_id = $1},
        $made->{json}{id}), 'DE';
};

my $one = "$url/$made->{json}{id}";

subtest 'anybody who may read stations finds it' => sub {
    my $got = $vg->get($one, $as{driver});
    is $got->{status}, 200;
    is_deeply $got->{json}, $made->{json}, 'as it was answered when made';
    is $vg->get("$url/$south")->{status}, 404;
    like $vg->get("$url/no-uuid")->{status}, qr/^40[04]$/;
};

subtest 'all that is wrong is named in one answer' => sub {
    my $bad = $vg->post($url, station(
        name => '', location => { lat => 91, lon => 'x' }, timeZone => 7,
        address => { city => 'Ulm' },
        connectors => [ connector('CP:9', 0, type => 'PLUG', maxPowerKw => -1) ]));
    is $bad->{status}, 400;
    like $bad->{headers}{'content-type'}, qr{application/problem\+json};
    is_deeply [ sort keys %{ $bad->{json}{errors} } ], [ sort
        'name', 'location.lat', 'location.lon', 'timeZone', 'address.country',
        map { "connectors[0].$_" } qw(connectorNumber type maxPowerKw) ];
};

subtest 'what no row of fields can say is checked too' => sub {
    my $bad = $vg->post($url, station(
        operatorId => $north, address => { country => 'de' },
        connectors => [ connector('A:B', 1), connector('CP2', 1),
            connector('CP2', 1), connector('CP2', 2, maxPowerKw => 0) ]));
    is $bad->{status}, 400;
    is_deeply [ sort keys %{ $bad->{json}{errors} } ], [ sort
        'address.country', 'connectors[0].chargePointId',
        'connectors[2].connectorNumber', 'connectors[3].maxPowerKw' ];
};

subtest 'whose it is' => sub {
    is $vg->post($url, station())->{json}{errors}{operatorId}, 'is required',
        'an admin says for whom';
    is $vg->post($url, station(operatorId => $south), $as{north})->{status},
        403, 'an operator acts for no other company';
    is $vg->post($url, station(), $as{driver})->{status}, 403;
    is $vg->patch($one, { name => 'Mine' }, $as{south})->{status}, 404;
    is $vg->delete($one, $as{south})->{status}, 404;
    is $vg->get($one)->{json}{name}, 'Harbour';
};

subtest 'what is taken stays taken' => sub {
    my $twin = $vg->post($url, station(), $as{north});
    is $twin->{status}, 409;
    like $twin->{json}{type}, qr{/connector_taken$};
    my $elsewhere = $vg->post($url,
        station(connectors => [ connector('CP1', 3) ]), $as{north});
    is $elsewhere->{status}, 409;
    like $elsewhere->{json}{type}, qr{/charge_point_taken$};
    my $foreign = $vg->post($url,
        station(connectors => [ connector('CP1', 3) ]), $as{south});
    is $foreign->{status}, 409;
    is $vg->sql('select count(*) from stations.station'), 1,
        'nothing is left of a station that was refused';
};

subtest 'a time zone must be one' => sub {
    my $mars = $vg->post($url, station(timeZone => 'Mars/Olympus',
        connectors => []), $as{north});
    is $mars->{status}, 422;
    like $mars->{json}{type}, qr{/time_zone_unknown$};
};

subtest 'a merge patch changes what it names' => sub {
    my $got = $vg->patch($one, { name => 'Quay', address => { street => undef },
        metadata => { a => { c => 2 } } }, $as{north});
    is $got->{status}, 200;
    is $got->{json}{name}, 'Quay';
    is_deeply $got->{json}{address}, { street => undef, city => 'Hamburg',
        postalCode => '20457', country => 'DE' };
    is_deeply $got->{json}{metadata}, { a => { b => 1, c => 2 } };
    is_deeply $got->{json}{connectors}, $made->{json}{connectors};
    is $got->{json}{version}, 2;
    is_deeply $vg->patch($one, { location => { lat => 54 } }, $as{north})->{json}{location},
        { lat => 54, lon => 9.99 }, 'inside of the place too';
    is_deeply [ sort keys %{ $vg->patch($one, { location => { lon => 181 }, name => undef,
        address => { country => undef } }, $as{north})->{json}{errors} } ],
        [ qw(address.country location.lon name) ];
};

subtest 'a new list of connectors keeps the ids of those that stay' => sub {
    my $got = $vg->put($one, station(connectors =>
        [ connector('CP1', 2, maxPowerKw => 11), connector('CP3', 1) ]),
        $as{north});
    is $got->{status}, 200;
    is $got->{json}{amenities}, undef, 'PUT: what is absent goes';
    my ($stayed, $new) = @{ $got->{json}{connectors} };
    is $stayed->{connectorId}, $made->{json}{connectors}[1]{connectorId};
    is $stayed->{maxPowerKw}, 11;
    is $new->{chargePointId}, 'CP3';
    $got = $vg->patch($one, { connectors => [ connector('CP3', 1) ] },
        $as{north});
    is $got->{json}{capacity}, 1;
    is_deeply points(), { CP1 => [ undef, 2 ], CP3 => [ $made->{json}{id}, 1 ] },
        'one that is not listed is pending again';
    $vg->patch($one, { connectors => [ connector('CP1', 1), connector('CP3', 1) ] }, $as{north});
    is_deeply points(), { CP1 => [ $made->{json}{id}, 3 ], CP3 => [ $made->{json}{id}, 1 ] },
        'it comes back, and what stays is not touched';
    is $vg->patch($one, { connectors => [ connector('CP3', 1) ] }, $as{north})->{status}, 200;
};

subtest 'an admin gives a station and its charge points to another operator' => sub {
    my $sold = $vg->post($url, station(operatorId => $north,
        connectors => [ connector('SOLD', 1), connector('KEPT', 1) ]));
    my $got = $vg->patch("$url/$sold->{json}{id}", { operatorId => $south,
        connectors => [ connector('SOLD', 1), connector('NEW', 1) ] });
    is $got->{status}, 200;
    is $got->{json}{operatorId}, $south;
    is_deeply { map { @$_{qw(id operator_id)} } $vg->rows(q{select id, operator_id
        from stations.charge_point where id in ('SOLD', 'KEPT', 'NEW')}) },
        { SOLD => $south, NEW => $south, KEPT => $north }, 'one that left before stays';
    is $vg->patch("$url/$sold->{json}{id}", { name => 'Mine' }, $as{north})->{status}, 404;
    is $vg->patch("$url/$sold->{json}{id}", { operatorId => $north }, $as{south})->{status}, 403,
        'an operator gives nothing away';
    is $vg->delete("$url/$sold->{json}{id}", $as{south})->{status}, 204;
};

subtest 'lists are filtered and paged' => sub {
    for my $i (1 .. 5) {
        $vg->post($url, station(name => "S$i", operatorId => $south,
            address => { city => 'Ulm', country => 'DE' }, connectors =>
            [ connector("U$i", 1, type => 'CHADEMO', powerType => 'DC',
                maxPowerKw => 50 * $i) ]));
    }
    my @names;
    my $cursor = '';
    do {
        my $page = $vg->get("$url?city=ulm&limit=2$cursor")->{json};
        push @names, map { $_->{name} } @{ $page->{items} };
        $cursor = defined $page->{nextCursor} ? "&cursor=$page->{nextCursor}" : undef;
    } while defined $cursor;
    is_deeply \@names, [ map { "S$_" } 1 .. 5 ];
    my $count = sub { scalar @{ $vg->get("$url?$_[0]")->{json}{items} } };
    is $count->("operatorId=$south"), 5;
    is $count->('connectorType=CHADEMO&minPowerKw=150'), 3;
    is $count->('connectorType=IEC_62196_T2&minPowerKw=150'), 0,
        'both hold for one connector';
    is $count->('status=Unavailable'), 6;
    is $count->('cursor=no-uuid'), 0, 'no page is behind what is no cursor';
    is $vg->get("$url?minPowerKw=x")->{status}, 400;
};

subtest 'the state of each connector' => sub {
    my $got = $vg->get("$one/status", $as{driver});
    is $got->{status}, 200;
    is $got->{json}{status}, 'Unavailable';
    is $got->{json}{connectors}[0]{chargePointId}, 'CP3';
    is $got->{json}{connectors}[0]{connected} ? 1 : 0, 0;
    is $vg->get("$url/$south/status")->{status}, 404;
};

subtest 'a station has the best that its connectors offer' => sub {
    my $word = sub {
        return $vg->sql('select stations.station_status($1)', [@_]);
    };
    is $word->(@$_[ 1 .. $#$_ ]), $_->[0] for
        [ qw(Available Faulted Charging Available) ],
        [ qw(Charging Reserved Preparing) ], [ qw(Charging Unavailable SuspendedEV) ],
        [ qw(Charging Faulted SuspendedEVSE) ], [ qw(Charging Reserved Finishing) ],
        [ qw(Reserved Unavailable Reserved) ], [ qw(Unavailable Faulted Unavailable) ],
        [ qw(Faulted Faulted) ], [ 'Unavailable' ];
};

subtest 'calls that list the same charge points in another order' => sub {
    my @points = map { connector("R$_", 1) } 1 .. 8;
    my @children = map {
        my $i = $_;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $made = $vg->client(fresh => 1)->request('POST', $vg->url($url), {
                headers => { %{ $as{north} }, 'Content-Type' => 'application/json' },
                content => JSON::PP->new->encode(station(
                    connectors => [ $i % 2 ? @points : reverse @points ])),
            });
            POSIX::_exit($made->{status} == 201 ? 1 : $made->{status} == 409 ? 2 : 3);
        }
        $pid;
    } 1 .. 6;
    my %count;
    for my $pid (@children) {
        waitpid $pid, 0;
        $count{ $? >> 8 }++;
    }
    is_deeply \%count, { 1 => 1, 2 => 5 }, 'one has them, the others hear so';
};

subtest 'a station goes, its charge points stay' => sub {
    is $vg->delete($one, $as{north})->{status}, 204;
    is $vg->get($one)->{status}, 404;
    is $vg->delete($one, $as{north})->{status}, 404;
    is_deeply points()->{CP3}, [ undef, 2 ];
    ok $vg->wait_for(sub {
        $vg->sql(q{select count(*) from vg.event
            where type = 'station.removed.v1' and aggregate_id = $1}, $made->{json}{id}) == 1;
    });
};

done_testing;

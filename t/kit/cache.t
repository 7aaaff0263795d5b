# The node's cache: who changed something reads it, on either worker, whatever
# was being read meanwhile; a connector's status drops no station.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Charger;

my $vg       = Voltgate->start;
my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $n        = 0;

sub made {
    my (@points) = @_;
    my $r = $vg->post('/api/v1/stations', {
        name => 'Harbour ' . ++$n, location => { lat => 1, lon => 2 }, address => { country => 'DE' },
        timeZone => 'UTC', operatorId => $company, metadata => { status => 'a"status" : "b', q{"status" : "} => 1 },
        connectors => [ map { { chargePointId => $_, connectorNumber => 1, type => 'CHADEMO',
            powerType => 'DC', maxPowerKw => 50 } } @points ] });
    is $r->{status}, 201 or diag $r->{body};
    return $r->{json}{id};
}

# what /metrics says of the cache; bytes and answers are of the moment
sub counted {
    my $text = $vg->get('/metrics')->{body};
    return { map { my ($name, $value) = /^voltgate_cache_(\S+) (\d+)$/; defined $name ? ($name => $value) : () }
        split /\n/, $text };
}
my ($HIT, $MISS) = map { "reads_total{result=\"$_\"}" } qw(hit miss);

# by connections of their own, so that both workers are met
sub everywhere {
    my ($path) = @_;
    return map {
        local $vg->{client} = $vg->client(fresh => 1);
        $vg->get("/api/v1$path");
    } 1 .. 8;
}

sub booted {
    my ($point) = @_;
    my $cp = Voltgate::Charger->connect($vg, $point, $password);
    is $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' })->[2]{status}, 'Accepted';
    return $cp;
}

sub names    { my %seen = map { ($_->{json}{name} // $_->{status}) => 1 } @_; return join ' ', sort keys %seen }
sub statuses { my %seen = map { ($_->{json}{connectors}[0]{status}) => 1 } @_; return join ' ', sort keys %seen }

subtest 'a station is read once' => sub {
    my $id     = made('CP1');
    my $before = counted();
    my @read   = everywhere("/stations/$id");
    is names(@read), 'Harbour 1';
    is scalar(keys %{ { map { $_->{body} => 1 } @read } }), 1, 'all answers are the same, byte for byte';
    my $after = counted();
    is $after->{$MISS}, $before->{$MISS} + 1, 'from the database once';
    is $after->{$HIT},  $before->{$HIT} + 7,  'and from the cache by whichever worker';
    is $after->{kept_total}, $before->{kept_total} + 1;
    is $after->{answers}, 1;
    cmp_ok $after->{bytes}, '>', 500;
    cmp_ok $after->{bytes_limit}, '>', 20_000_000;
    is_deeply $read[0]{json}, $vg->patch("/api/v1/stations/$id", {})->{json} && $vg->get("/api/v1/stations/$id")->{json}
        && { %{ $vg->get("/api/v1/stations/$id")->{json} }, map { $_ => $read[0]{json}{$_} } qw(version updatedAt) },
        'it says what the database says';
};

subtest 'who asks for no cache asks the database' => sub {
    my $id     = made();
    my $before = counted();
    for my $control ('no-cache', 'max-age=0, No-Cache') {
        is $vg->get("/api/v1/stations/$id", { 'Cache-Control' => $control })->{json}{id}, $id;
    }
    my $after = counted();
    is_deeply [ map { $after->{$_} } $HIT, $MISS, 'kept_total' ], [ map { $before->{$_} } $HIT, $MISS, 'kept_total' ];
};

subtest 'who may not read is refused, kept or not' => sub {
    my $id = made();
    is $vg->get("/api/v1/stations/$id")->{status}, 200 for 1 .. 2;
    is $vg->get("/api/v1/stations/$id", { 'X-API-Key' => '' })->{status}, 401;
    my $narrow = $vg->token(role => 'driver', subject => 'd', scopes => 'charging:read');
    is $vg->get("/api/v1/stations/$id", { Authorization => "Bearer $narrow" })->{status}, 403;
    my $driver = $vg->token(role => 'driver', subject => 'd');
    is $vg->get("/api/v1/stations/$id", { Authorization => "Bearer $driver" })->{json}{id}, $id;
};

subtest 'a change is read by all at once' => sub {
    my $id = made();
    for my $turn (1 .. 5) {
        everywhere("/stations/$id");
        is $vg->patch("/api/v1/stations/$id", { name => "T$turn" })->{status}, 200;
        is names(everywhere("/stations/$id")), "T$turn";
    }
    is $vg->get('/api/v1/stations/' . uc $id)->{json}{name}, 'T5', 'also by its id in capitals';
    is $vg->patch("/api/v1/stations/$id", { name => 'T6' })->{status}, 200;
    is $vg->get('/api/v1/stations/' . uc $id)->{json}{name}, 'T6';
    is $vg->patch('/api/v1/stations/' . uc $id, { name => 'T7' })->{status}, 200;
    is names(everywhere("/stations/$id")), 'T7';
    is $vg->patch("/api/v1/stations/$id", { timeZone => 'Moon/Sea' })->{status}, 422, 'a refused one changes nothing';
    is names(everywhere("/stations/$id")), 'T7';
    is $vg->delete("/api/v1/stations/$id")->{status}, 204;
    is names(everywhere("/stations/$id")), '404', 'and what is removed is gone';
};

# A call of its own process; gives its answer's body.
sub begin {
    my ($path) = @_;
    $vg->admin;
    pipe my $from, my $to or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $vg->{client} = $vg->client(fresh => 1);
        print {$to} $vg->get("/api/v1$path")->{body};
        close $to;
        POSIX::_exit(0);
    }
    close $to;
    return sub { local $/ = undef; my $body = <$from>; waitpid $pid, 0; return $body };
}

# A read whose snapshot is taken, and which then takes its time, until $while
# has been done: $station needs a connector for it.
sub overtaken {
    my ($station, $while) = @_;
    $vg->sql('select pg_advisory_lock(77)');
    my $answer = begin("/stations/$station");
    ok $vg->wait_for(sub { $vg->waiting(q{locktype = 'advisory'}) }, 10),
        'a read is under way';
    $while->();
    $vg->sql('select pg_advisory_unlock(77)');
    return JSON::PP::decode_json($answer->());
}

my $race = made('CP9', 'CP8');
$vg->patch("/api/v1/charge-points/$_", { password => $password }) for qw(CP1 CP9);

subtest 'a read that a change overtakes leaves nothing old behind' => sub {
    my $shape = $vg->sql(q{select pg_get_functiondef('stations.connector_slot'::regproc)});
    $vg->sql(q{create function stations.slow() returns text language plpgsql as $$
        begin perform pg_advisory_lock_shared(77); perform pg_advisory_unlock_shared(77); return ''; end $$});
    (my $slow = $shape) =~ s/(\|\| '\@'::text\) \|\|)/|| stations.slow() || '\@'::text) ||/
        or die "no place for a rest in $shape\n";
    $vg->sql($slow);
    my $kept = counted()->{kept_total};
    my $old  = overtaken($race, sub {
        is $vg->patch("/api/v1/stations/$race", { name => 'New' })->{status}, 200;
    });
    isnt $old->{name}, 'New', 'it was made of what was before';
    is counted()->{kept_total}, $kept, 'and is not kept';
    is names(everywhere("/stations/$race")), 'New';

    is $vg->patch("/api/v1/stations/$race", { name => 'Newer' })->{status}, 200;
    my $cp = booted('CP9');
    my %status = (connectorId => 1, errorCode => 'NoError');
    my $drops = counted()->{drops_total};
    my ($mine) = map { $_->{connectors} } overtaken($race, sub {
        is_deeply $cp->call('StatusNotification', { %status, status => 'Charging' })->[2], {};
    });
    my ($word) = map { $_->{status} } grep { $_->{chargePointId} eq 'CP9' } @$mine;
    is $word, 'Charging', 'a status that came meanwhile is told by the same read';
    $vg->sql($shape);
    my @after = everywhere("/stations/$race");
    is scalar(grep { $_->{json}{connectors}[1]{status} eq 'Charging' } @after), 8, 'and by all that follow';
    is counted()->{drops_total}, $drops, 'it dropped nothing';
};

subtest 'a status drops no station' => sub {
    my $id = made('CP10');
    $vg->patch('/api/v1/charge-points/CP10', { password => $password });
    my $cp = booted('CP10');
    is statuses(everywhere("/stations/$id")), 'Unavailable', 'never heard of';
    my $before = counted();
    for my $status (qw(Available Preparing Charging SuspendedEVSE SuspendedEV Finishing Reserved Unavailable Faulted)) {
        $cp->call('StatusNotification', { connectorId => 1, errorCode => 'NoError', status => $status });
        my @read = everywhere("/stations/$id");
        is statuses(@read), $status, $status;
        my ($listed) = grep { $_->{id} eq $id } @{ $vg->get('/api/v1/stations?limit=200')->{json}{items} };
        is $read[0]{json}{status}, $listed->{status}, 'the station is what the list says';
    }
    my $after = counted();
    is $after->{$MISS}, $before->{$MISS}, 'none of these reads asked the database';
    is $after->{drops_total}, $before->{drops_total};
};

subtest 'a station is the best of its connectors, as in lists' => sub {
    my @status = qw(Available Charging Reserved Unavailable Faulted);
    my $id = made('CPA', 'CPB');
    my @cp = map {
        $vg->patch("/api/v1/charge-points/$_", { password => $password });
        booted($_)
    } qw(CPA CPB);
    for my $pair (map { my $a = $_; map { [ $a, $_ ] } @status } @status) {
        $cp[$_]->call('StatusNotification', { connectorId => 1, errorCode => 'NoError', status => $pair->[$_] }) for 0, 1;
        my ($listed) = grep { $_->{id} eq $id } @{ $vg->get('/api/v1/stations?limit=200')->{json}{items} };
        is $vg->get("/api/v1/stations/$id")->{json}{status}, $listed->{status}, "@$pair";
    }
};

subtest 'what a killed worker did not drop, the log drops' => sub {
    my $id = made('CPK');
    everywhere("/stations/$id");
    my $connector = $vg->sql('select id from stations.connector where station_id = $1', $id);
    # as a commit whose worker died before it could tell
    $vg->sql(q{update stations.station set name = 'Behind' where id = $1}, $id);
    my $tell = sub {
        $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
            values ('stations', $1, $2, $3::jsonb, 'test', 'a')}, @_);
    };
    $tell->('connector.status_changed.v1', $connector, JSON::PP::encode_json({ connectorId => $connector, stationId => $id,
        status => 'Faulted', receivedAt => POSIX::strftime('%Y-%m-%dT%H:%M:%S.5Z', gmtime(time + 60)) }));
    ok $vg->wait_for(sub { statuses(everywhere("/stations/$id")) eq 'Faulted' }, 15), 'a word that is later';
    is names(everywhere("/stations/$id")), "Harbour $n", 'the station is as it was kept';
    $tell->('connector.status_changed.v1', $connector, JSON::PP::encode_json({ connectorId => $connector, stationId => $id,
        status => 'Charging', receivedAt => POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time - 60)) }));
    $tell->('station.updated.v1', $id, qq({"stationId":"$id","connectors":[]}));
    ok $vg->wait_for(sub { names(everywhere("/stations/$id")) eq 'Behind' }, 15), 'a station';
    is statuses(everywhere("/stations/$id")), 'Faulted', 'a word that is earlier is none';
};

subtest 'readers and a writer, workers killed' => sub {
    my $id   = made('CPS');
    my $said = "$vg->{state}/acknowledged";    # the last number that was answered
    my $note = sub { open my $file, '>', "$said.new" or die; print {$file} $_[0]; close $file; rename "$said.new", $said };
    my $read = sub { open my $file, '<', $said or die; my $line = <$file>; return $line };
    is $vg->patch("/api/v1/stations/$id", { name => 'V0' })->{status}, 200;
    $note->(0);
    my $stop = "$vg->{state}/stop";
    my @readers = map {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my ($calls, $wrong) = (0, '');
            $vg->{client} = $vg->client(fresh => 1);
            while (!-e $stop) {
                my $least = $read->();
                my $r     = $vg->get("/api/v1/stations/$id");
                next if $r->{status} == 599 || $r->{status} == 503;
                $calls++;
                my ($seen) = ($r->{json}{name} // '') =~ /^V(\d+)$/;
                $wrong .= "$r->{status} after $least: $r->{body}\n"
                    if !defined $seen || $seen < $least || $r->{json}{id} ne $id;
            }
            open my $file, '>', "$said.$$" or die;
            print {$file} "$calls\n$wrong";
            close $file;
            POSIX::_exit(0);
        }
        $pid;
    } 1 .. 4;
    my $number = 0;
    for my $turn (1 .. 60) {
        my $r = $vg->patch("/api/v1/stations/$id", { name => 'V' . ++$number });
        $note->($number) if $r->{status} == 200;
        if ($turn % 10 == 0) {
            my ($victim) = ($vg->workers)[ ($turn / 10) % 2 ];
            $vg->kill_worker($victim);
            ok $vg->wait_for(sub { my @now = $vg->workers; @now == 2 && !grep { $_ == $victim } @now }, 10), 'a new worker';
            ok $vg->wait_for(sub { $vg->get('/ready')->{status} == 200 }, 20);
        }
    }
    open my $file, '>', $stop or die;
    close $file;
    waitpid $_, 0 for @readers;
    my ($calls, $wrong) = (0, '');
    for my $pid (@readers) {
        open my $in, '<', "$said.$pid" or die;
        my ($count, @rest) = <$in>;
        $calls += $count;
        $wrong .= join '', @rest;
    }
    note "$calls reads of $number changes";
    cmp_ok $calls, '>', 100;
    is $wrong, '', 'nobody read less than was acknowledged before, or a part';
    my $last = $vg->sql('select name from stations.station where id = $1', $id);
    ok $vg->wait_for(sub { names(everywhere("/stations/$id")) eq $last }, 15), 'in the end all read the last';
};

subtest 'it lasts over a reload, and is of the version that wrote it' => sub {
    my $id = made();
    $vg->get("/api/v1/stations/$id");
    my $hits = counted()->{$HIT};
    $vg->reload;
    is $vg->get("/api/v1/stations/$id")->{json}{id}, $id;
    is counted()->{$HIT}, $hits + 1;
};

subtest 'without room every read asks the database' => sub {
    my $none = Voltgate->start(extra => { http => 'voltgate_cache 0;' });
    my $id   = $none->post('/api/v1/stations', { name => 'N', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
        timeZone => 'UTC', operatorId => $company, connectors => [] })->{json}{id};
    is $none->get("/api/v1/stations/$id")->{json}{name}, 'N' for 1 .. 3;
    like $none->get('/metrics')->{body}, qr/^voltgate_cache_reads_total\{result="hit"\} 0$/m;
    $none->finish;
};

done_testing;

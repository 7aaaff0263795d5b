# What operators do: look at dead letters, try them again, one or all; pause a
# consumer; have a part of the log heard again.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Author qw(listener);

my $vg = Voltgate->start(
    authored => { listener('blocks', tells => 'test.told.v1'), listener('passes', hear => <<'END') },
-- in: n
-- out: ok
with heard as (
    insert into passes.seen (event_id, n, told_at, at)
    values (:eventId, :n, :eventTime, clock_timestamp())
    on conflict (event_id) do nothing
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
    extra    => { http => "voltgate_consumer default tries=3 backoff=10ms longest=20ms;\n"
        . 'voltgate_consumer passes parked=pass tries=4 backoff=10ms longest=50ms batch=7;' },
);
$vg->expect(qr/parks event/);
my $json = JSON::PP->new->canonical;

# numbers with the same aggregate come in pairs: n and n + 97
sub told { for my $n (@_) { is $vg->post('/api/v1/blocks', { n => $n })->{status}, 200 or return } return }

sub seen {
    my ($name) = @_;
    return join ' ', map { $_->{n} } $vg->rows("select n from $name.seen order by at, n");
}

sub unlucky {
    my ($on) = @_;
    for my $name (qw(blocks passes)) {
        $vg->sql($on ? "alter table $name.seen add constraint unlucky check (n <> 13) not valid"
            : "alter table $name.seen drop constraint unlucky");
    }
    return;
}

sub letters {
    my ($query) = @_;
    my $r = $vg->get('/api/v1/events/dead-letters' . ($query // ''));
    is $r->{status}, 200, 'dead letters are listed' or diag $r->{body};
    return @{ $r->{json}{items} };
}

subtest 'what fails dies, what stands behind it waits or passes' => sub {
    unlucky(1);
    told(12, 13, 110, 14);
    ok $vg->wait_for(sub { seen('passes') eq '12 110 14' }, 10), 'it passes where the conf says so' or diag seen('passes');
    ok $vg->wait_for(sub { @{ $vg->get('/api/v1/events/dead-letters')->{json}{items} } == 2 }, 20), 'both consumers give it up';
    ok $vg->wait_for(sub { seen('blocks') eq '12 14 110' }, 10), 'then what waited goes on' or diag seen('blocks');
    my ($letter) = letters('?consumer=blocks');
    is $letter->{payload}{n}, 13, 'the payload is shown';
    is_deeply [ @$letter{qw(consumer tries error)}, @{ $letter->{event} }{qw(type log source aggregateId)} ],
        [ 'blocks', 3, 'internal', 'test.told.v1', 'home', 'blocks', '13' ], 'and what it is about';
    like $letter->{deadAt}, qr/^2\d{3}-.*Z$/, 'and since when';
    my @failed = $vg->rows(q{select payload->>'consumer' as consumer, payload->>'tries' as tries from vg.event
        where type = 'event.failed.v1' union all select payload->>'consumer', payload->>'tries' from vg.outbox
        where type = 'event.failed.v1' order by 1});
    is_deeply \@failed, [ { consumer => 'blocks', tries => 3 }, { consumer => 'passes', tries => 4 } ], 'event.failed.v1 is told';
    is scalar(letters('?limit=1')), 1, 'a page';
};

subtest 'one is tried again' => sub {
    my ($letter) = letters('?consumer=blocks');
    my $path = "/api/v1/events/dead-letters/$letter->{id}/retry";
    my $r = $vg->post($path);
    is $r->{status}, 200 or diag $r->{body};
    is $r->{json}{id}, $letter->{id};
    is $vg->post($path)->{status}, 409, 'it is not dead now';
    ok $vg->wait_for(sub { @{ $vg->get('/api/v1/events/dead-letters?consumer=blocks')->{json}{items} } == 1 }, 20), 'it dies again';
    unlucky(0);
    is $vg->post($path)->{status}, 200;
    ok $vg->wait_for(sub { seen('blocks') eq '12 14 110 13' }, 10), 'and is handled, when it can be' or diag seen('blocks');
    is $vg->post($path)->{status}, 404, 'then it is gone';
    is $vg->post('/api/v1/events/dead-letters/nothing/retry')->{status}, 400, 'no id';
    is letters('?consumer=blocks'), 0;
};

subtest 'all are tried again' => sub {
    is_deeply $vg->post('/api/v1/events/dead-letters/retry?consumer=blocks')->{json}, { count => 0 }, 'of this one: none';
    is_deeply $vg->post('/api/v1/events/dead-letters/retry')->{json}, { count => 1 };
    ok $vg->wait_for(sub { seen('passes') eq '12 110 14 13' }, 10) or diag seen('passes');
};

subtest 'jobs that died are among them' => sub {
    my ($one, $two) = map { $vg->sql(q{insert into vg.job (plugin, kind, key, payload, correlation_id, tries, error, dead_at)
        values ('blocks', 'test.call', $1, '{"n":1}', 'test', 10, 'timeout', now()) returning id}, $_) } 'a', undef;
    my %letter = map { $_->{id} => $_ } letters('?consumer=blocks');
    is_deeply $letter{$one}{job}, { kind => 'test.call', key => 'a' }, 'shown';
    is $letter{$one}{error}, 'timeout', 'with what happened';
    my $other = $vg->sql(q{insert into vg.job (plugin, kind, key, payload, correlation_id)
        values ('blocks', 'test.call', 'a', '{}', 'test') returning id});
    is $vg->post("/api/v1/events/dead-letters/$one/retry")->{status}, 409, 'another one has its key';
    is_deeply $vg->post('/api/v1/events/dead-letters/retry?consumer=blocks')->{json}, { count => 1 }, 'the other is tried again';
    is $vg->sql('select tries from vg.job where id = $1 and dead_at is null', $two), 0, 'from the first try on';
    $vg->sql('delete from vg.job');
};

subtest 'a consumer rests' => sub {
    my $r = $vg->post('/api/v1/events/consumers/blocks/pause');
    is $r->{status}, 200 or diag $r->{body};
    ok $r->{json}{paused}, 'it says so';
    told(21);
    ok $vg->wait_for(sub { seen('passes') =~ / 21$/ }, 10), 'the other goes on';
    unlike seen('blocks'), qr/21/, 'it does not';
    my ($c) = grep { $_->{consumer} eq 'blocks' } @{ $vg->get('/api/v1/events/consumers')->{json}{items} };
    is_deeply [ @$c{qw(paused parked dead log)} ], [ JSON::PP::true, 0, 0, 'home' ], 'consumers are listed';
    is $vg->post('/api/v1/events/consumers/blocks/resume')->{status}, 200;
    ok $vg->wait_for(sub { seen('blocks') =~ / 21$/ }, 10), 'it goes on';
    is $vg->post('/api/v1/events/consumers/nobody/pause')->{status}, 404;
};

sub replayed {
    my ($id) = @_;
    return $vg->wait_for(sub {
        my ($r) = grep { $_->{id} eq $id } @{ $vg->get('/api/v1/events/replays')->{json}{items} };
        $r->{doneAt};
    }, 20);
}

subtest 'a read model is rebuilt from the log' => sub {
    my $company = '019393c0-0000-7000-8000-000000000001';
    for my $n (1 .. 5) {
        my $station = $vg->post('/api/v1/stations', {
            name => "Replay $n", location => { lat => 48.1, lon => 11.5 }, timeZone => 'Europe/Berlin', operatorId => $company,
            address => { street => 'Street 1', city => 'Ulm', postalCode => '89073', country => 'DE' },
            connectors => [ { chargePointId => "RP$n", connectorNumber => 1, type => 'IEC_62196_T2',
                powerType => 'AC_3_PHASE', maxPowerKw => 22 } ],
        })->{json} or die 'no station';
        is $vg->patch("/api/v1/stations/$station->{id}", { timeZone => 'Europe/Paris' })->{status}, 200;
        is $vg->delete("/api/v1/stations/$station->{id}")->{status}, 204 if $n == 5;
    }
    my $copy = sub { $vg->sql(q{select coalesce(jsonb_agg(to_jsonb(c) order by c.connector_id), '[]')
        from charging.connector c where c.removed_at is null}) };
    my $told = sub { $vg->sql(q{select not exists (select from vg.outbox)
        and c.pos >= (select max(e.pos) from vg.event e where e.type like 'station.%')
        from vg.cursor c where c.consumer = 'charging'}) };
    ok $vg->wait_for($told, 20), 'all is heard';
    my $before = $copy->();
    like $before, qr/RP4/, 'there is something';
    $vg->sql('delete from charging.connector');
    my $r = $vg->post('/api/v1/events/replay', { consumer => 'charging',
        types => [qw(station.created.v1 station.updated.v1 station.removed.v1)] });
    is $r->{status}, 202 or diag $r->{body};
    ok replayed($r->{json}{replays}[0]{id}), 'the replay is over';
    is $copy->(), $before, 'and the model is what it was';
};

subtest 'all is heard again, then what was told since' => sub {
    my $all = join ' ', sort split / /, seen('passes');
    $vg->sql('truncate passes.seen');
    is $vg->post('/api/v1/events/consumers/passes/pause')->{status}, 200;
    my $r = $vg->post('/api/v1/events/replay', { consumer => 'passes' });
    is $r->{status}, 202 or diag $r->{body};
    is $vg->post('/api/v1/events/replay', { consumer => 'passes' })->{status}, 409, 'one at a time';
    told(31);
    is $vg->post('/api/v1/events/consumers/passes/resume')->{status}, 200;
    ok replayed($r->{json}{replays}[0]{id}), 'it is over';
    ok $vg->wait_for(sub { seen('passes') =~ / 31$/ }, 10), 'the last one came last' or diag seen('passes');
    is join(' ', sort split / /, seen('passes') =~ s/ 31$//r), $all, 'each once';
    is $vg->sql('select count(*) from vg.parked'), 0;
};

subtest 'a replay that begins while events come: none comes before an older one' => sub {
    $vg->sql('truncate passes.seen');
    my $last = 1000;
    for my $round (1 .. 5) {
        $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
            select 'blocks', 'test.told.v1', n::text, jsonb_build_object('n', n), 'test', '' from generate_series($1::int, $2::int) n},
            $last + 1, $last += 400);
        my $r = $vg->post('/api/v1/events/replay', { consumer => 'passes', from => $vg->sql(q{select vg.z(min(logged_at))
            from vg.event where payload->>'n' = '31'}) });
        next if $r->{status} == 409;
        is $r->{status}, 202, "replay $round" or diag $r->{body};
    }
    ok $vg->wait_for(sub { $vg->sql('select not exists (select from vg.replay where done_at is null)
        and (select max(n) from passes.seen) = $1', $last) }, 40), 'all are over' or diag seen('passes');
    # the key of seen lets the first hearing stand, so the order of writing is that of the log
    is $vg->sql(q{select count(*) from (select n, lag(n) over (order by at, n) as before from passes.seen where n > 1000) s
        where before > n}), 0, 'in order';
    is $vg->sql('select count(*) from passes.seen where n > 1000'), $last - 1000, 'and all of them';
};

subtest 'a replay that is asked twice under a key' => sub {
    my $from = $vg->sql(q{select vg.z(min(logged_at)) from vg.event where payload->>'n' = '31'});
    my @asked = map { $vg->post('/api/v1/events/replay', { consumer => 'passes', from => $from }, { 'Idempotency-Key' => 'once' }) } 1, 2;
    is $_->{status}, 202 for @asked;
    is $asked[1]{body}, $asked[0]{body}, 'has one answer';
    is $asked[1]{headers}{'idempotent-replayed'}, 'true', 'which says that it is one';
    is $vg->post('/api/v1/events/replay', { consumer => 'passes' }, { 'Idempotency-Key' => 'once' })->{status}, 422, 'with another body it is none';
    ok replayed($asked[0]{json}{replays}[0]{id}), 'and one replay is made';
};

subtest 'a part by its time' => sub {
    my $at = $vg->sql(q{select vg.z(max(logged_at)) from vg.event where payload->>'n' = '31'});
    $vg->sql('truncate passes.seen');
    my $r = $vg->post('/api/v1/events/replay', { consumer => 'passes', from => $at });
    is $r->{status}, 202 or diag $r->{body};
    ok replayed($r->{json}{replays}[0]{id});
    like seen('passes'), qr/^31( \d{4})+$/, 'from then on';
    is $vg->post('/api/v1/events/replay', { consumer => 'passes', to => '2001-01-01T00:00:00Z' })->{status}, 422, 'nothing was then';
};

subtest 'what is no replay' => sub {
    for my $body ({}, { consumer => 'nobody' }, { consumer => 'passes', types => ['station.created.v1'] },
        { consumer => 'passes', types => [] }, { consumer => 'passes', from => 'yesterday' }) {
        is $vg->post('/api/v1/events/replay', $body)->{status}, 400, $json->encode($body);
    }
    my %as = (Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 's', company => 'c'));
    is $vg->get('/api/v1/events/dead-letters', \%as)->{status}, 403, 'not for operators of one company';
    is $vg->post('/api/v1/events/replay', { consumer => 'passes' }, \%as)->{status}, 403;
};

done_testing;

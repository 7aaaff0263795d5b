# What /metrics says of events, and the retention of the log.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Author qw(listener);

my $vg = Voltgate->start(
    authored => { listener('counts', tells => 'test.told.v1') },
    extra    => { http => "voltgate_consumer counts tries=2 backoff=10ms longest=10ms;\nvoltgate_events_keep 30d;" },
);
$vg->expect(qr/parks event/);

# two months of long ago, the second with an event that nobody may miss
$vg->sql(q{select vg.event_months('2020-01-01', 2)});
for my $pos (-20, -10) {
    $vg->sql(q{insert into vg.event (pos, logged_at, event_id, type, source, aggregate_id, payload, correlation_id, actor_id, at)
        overriding system value values ($1::bigint, case $1::bigint when -20 then '2020-01-15'::timestamptz else '2020-02-15' end, vg.uuid7(),
            'test.told.v1', 'counts', 'x', '{"n":1}', '', '', now())}, $pos);
}

sub metric {
    my ($name) = @_;
    my ($value) = $vg->get('/metrics', { 'X-API-Key' => '' })->{body} =~ /^\Qvoltgate_$name\E (\S+)$/m;
    return $value // 'none';
}
my $of = 'consumer="counts",log="home"';

subtest 'counts' => sub {
    $vg->sql('alter table counts.seen add constraint unlucky check (n <> 13)');
    is $vg->post('/api/v1/counts', { n => $_ })->{status}, 200 for 11 .. 20;
    ok $vg->wait_for(sub { metric("events_dead_letters{$of}") eq '1' }, 20), 'dead letters' or diag metric("events_dead_letters{$of}");
    is metric('events_published_total{type="test.told.v1"}'), 10, 'published';
    is metric("events_handled_total{$of}"), 10, 'handled: nine, and one was parked';
    is metric("events_failed_total{$of}"), 1, 'parked';
    is metric("events_retries_total{$of}"), 1, 'tried again';
    is metric("events_dead_total{$of}"), 1, 'given up';
    is metric("events_parked{$of}"), 0, 'none waits';
    ok $vg->wait_for(sub { metric("events_lag{$of}") eq '0' && metric("events_lag_seconds{$of}") eq '0.000' }, 10), 'no lag';
    cmp_ok metric('request_duration_seconds_count{route="EVENT test.told.v1",plugin="counts"}'), '>=', 10, "handlers' durations";
};

subtest 'lag' => sub {
    is $vg->post('/api/v1/events/consumers/counts/pause')->{status}, 200;
    is $vg->post('/api/v1/counts', { n => $_ })->{status}, 200 for 21 .. 23;
    ok $vg->wait_for(sub { metric("events_lag{$of}") >= 3 && metric("events_lag_seconds{$of}") > 1 }, 15), 'in events and in seconds'
        or diag metric("events_lag{$of}"), ' ', metric("events_lag_seconds{$of}");
    ok $vg->wait_for(sub { metric("events_paused{$of}") eq '1' }, 10), 'paused';
    is $vg->post('/api/v1/events/consumers/counts/resume')->{status}, 200;
    ok $vg->wait_for(sub { metric("events_lag{$of}") eq '0' }, 15), 'and none when it goes on';
};

subtest 'months that all have passed are dropped' => sub {
    my $there = sub { join ' ', map { $_->{relname} } $vg->rows(q{select relname from pg_class
        where relname ~ '^event_2020_0[12]$' order by relname}) };
    ok $vg->wait_for(sub { $there->() eq '' }, 20), 'by the gateway, after 30 days' or diag $there->();
    is $vg->sql('select count(*) from vg.event where pos < 0'), 0;
    cmp_ok $vg->sql(q{select count(*) from vg.event where type = 'test.told.v1'}), '==', 13, 'what is younger stays';

    $vg->sql(q{select vg.event_months('2021-01-01', 2)});
    $vg->sql(q{insert into vg.event (pos, logged_at, event_id, type, source, aggregate_id, payload, correlation_id, actor_id, at)
        overriding system value select n, make_date(2021, n + 6, 10), vg.uuid7(), 'x', 'x', 'x', '{}', '', '', now()
        from generate_series(-5, -4) n});
    is $vg->sql(q{select vg.event_retire('2022-01-01', -5)}), 1, 'one that somebody has not reached stays';
    is $vg->sql(q{select vg.event_retire('2021-02-15', 0)}), 0, 'so does one that has not ended by then';
    my $reader = $vg->_connect($vg->{owner_url});
    $reader->begin_work;
    $reader->do('select from vg.event where pos = 0');
    $vg->sql(q{set statement_timeout = '1s'});
    ok !eval { $vg->sql(q{select vg.event_retire('2021-03-01', 0)}); 1 }, 'nor does it while somebody reads';
    like $@, qr/lock timeout/, 'which is not waited for, since all others would wait behind';
    $vg->sql('reset statement_timeout');
    $reader->rollback;
    is $vg->sql(q{select vg.event_retire('2021-03-01', 0)}), 1, 'and goes when it has';
    ok !eval { $vg->sql(q{select vg.event_retire(now() + interval '1 year', 0)}); 1 }, 'the present is not dropped';
};

subtest 'a month that nobody made in time' => sub {
    my $told = sub {
        $vg->sql(q{insert into vg.event (logged_at, event_id, type, source, aggregate_id, payload, correlation_id, actor_id, at)
            values ($1, vg.uuid7(), 'x', 'x', 'x', '{}', 'test', '', now())}, $_[0]);
    };
    $told->($_) for '2022-04-30T23:59:59Z', '2022-05-01T00:00:00Z', '2022-05-31T23:59:59Z', '2022-06-01T00:00:00Z';
    is $vg->sql('select count(*) from vg.event_rest'), 4, 'events of it are kept by themselves';
    $vg->sql(q{select vg.event_months('2022-05-20', 1)});
    is $vg->sql('select count(*) from vg.event_2022_05'), 2, 'and move into it when it is made';
    is $vg->sql('select count(*) from vg.event_rest'), 2, 'those alone';
    is $vg->sql(q{select vg.event_retire('2022-06-01', 1000000)}), 1, 'it is dropped as any other';
    is $vg->sql(q{select count(*) from vg.event where logged_at between '2022-05-01' and '2022-05-31T23:59:59Z'}), 0;
};

done_testing;

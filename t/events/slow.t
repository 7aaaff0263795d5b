# A handler that never ends, one that always fails, one that writes 1,000 rows:
# each holds back nobody but itself, and that not for ever.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Author qw(listener);

sub hears {
    my ($name, $effect) = @_;
    return "-- in: n\n-- out: ok\nwith heard as (\n    $effect\n), answer (status, body, events) as (\n"
        . "    select 'ok', null::json, null::jsonb\n)\nselect * from answer;\n";
}

my $vg = Voltgate->start(
    authored => {
        listener('quick', tells => 'test.told.v1'),
        listener('endless', hear => hears('endless', 'insert into endless.seen (event_id, n, told_at, at)
            select :eventId, :n, :eventTime, endless.wait(:n)'), files => { 'sql/002_wait.sql' => <<'END' }),
create function endless.wait(n bigint) returns timestamptz
language plpgsql as $$
begin
    if n = 7 then
        perform pg_catalog.pg_sleep(1000);
    end if;
    return pg_catalog.clock_timestamp();
end
$$;
END
        listener('fails', hear => hears('fails', 'insert into fails.seen (event_id, n, told_at, at)
            select :eventId, 1 / (:n - :n), :eventTime, now()')),
        listener('writes', hear => hears('writes', 'insert into writes.row (n, i)
            select :n, i from generate_series(1, 1000) i'), files => {
            'sql/002_row.sql' => 'create table writes.row (n bigint not null, i int not null, primary key (n, i));' }),
    },
    extra => { http => 'voltgate_consumer fails tries=3 backoff=10ms longest=10ms;' },
);
$vg->expect(qr/parks event/);

my $from = time;
is $vg->post('/api/v1/quick', { n => $_ })->{status}, 200 for 1 .. 50;

ok $vg->wait_for(sub { $vg->sql('select count(*) from quick.seen') == 50 }, 20), 'the quick one has all';
my $quick = time - $from;
ok $vg->wait_for(sub { $vg->sql('select count(*) from writes.row') == 50_000 }, 20), 'so has the one that writes a lot';
is $vg->sql('select count(*) from (select from writes.row group by n having count(*) = 1000) r'), 50, 'each event its rows';
ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.parked where consumer = 'fails' and dead_at is not null}) == 50 }, 40),
    'all are dead where it fails';
is $vg->sql('select count(*) from fails.seen'), 0;
ok $vg->wait_for(sub { $vg->sql('select count(*) from endless.seen') == 49 }, 90), 'the one that hangs gives that up, and goes on'
    or diag $vg->sql('select count(*) from endless.seen');
is $vg->sql(q{select payload->>'n' from vg.parked where consumer = 'endless'}), 7, 'it is parked'
    or diag join ' ', map { $_->{n} } $vg->rows('select n from endless.seen order by at');
cmp_ok $quick, '<', 15, 'and nobody waited for it';

done_testing;

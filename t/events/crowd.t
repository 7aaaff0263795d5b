# Many that fail at once: what is new does not wait for all of their tries; and
# one whose commit is lost with its connection each time is given up.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Author qw(listener);

my $vg = Voltgate->start(
    own_cluster => 1,
    authored    => { listener('crowd', tells => 'test.told.v1', hear => <<'END', files => { 'sql/002_judge.sql' => <<'SQL' }) },
-- in: n
-- out: ok
with heard as (
    insert into crowd.seen (event_id, n, told_at, at)
    select :eventId, :n, :eventTime, crowd.judge(:n)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
-- below 50 it takes its time and fails; 77 takes its own connection down
create function crowd.judge(n bigint) returns timestamptz
language plpgsql security definer as $$
begin
    if n < 50 then
        perform pg_catalog.pg_sleep(0.3);
        raise exception 'no';
    elsif n = 77 then
        perform pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());
    end if;
    return pg_catalog.clock_timestamp();
end
$$;
SQL
    extra => { http => 'voltgate_consumer crowd tries=50 backoff=10ms longest=20ms;' },
);
$vg->expect(qr/parks event/, qr/came to nothing/);

subtest 'those that fail again and again leave room' => sub {
    is $vg->post('/api/v1/crowd', { n => $_ })->{status}, 200 for 1 .. 20;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.parked') == 20 }, 40), 'they are parked';
    is $vg->post('/api/v1/crowd', { n => 60 })->{status}, 200;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from crowd.seen where n = 60') }, 15), 'a new one is heard meanwhile';
    cmp_ok $vg->sql('select count(*) from vg.parked where dead_at is null'), '>', 10, 'while they are not dead yet';
    $vg->sql('delete from vg.parked');
};

subtest 'a commit that is lost each time' => sub {
    is $vg->post('/api/v1/crowd', { n => $_ })->{status}, 200 for 70 .. 80;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from crowd.seen where n between 70 and 80') == 10 }, 60),
        'all others are heard' or diag join ' ', map { $_->{n} } $vg->rows('select n from crowd.seen order by n');
    is $vg->sql(q{select payload->>'n' from vg.parked}), 77, 'and that one is parked';
};

done_testing;

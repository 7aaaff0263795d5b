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

# again, where its own connection was the one that was lost
sub told {
    my ($n) = @_;
    return ok $vg->wait_for(sub { $vg->post('/api/v1/crowd', { n => $n }, { 'Idempotency-Key' => "crowd-$n" })->{status} == 200 }, 20), "$n is told";
}

# told with others, one comes to nothing each time and nobody is to blame: it alone is given up
sub poison {
    my ($n, $why) = @_;
    my ($from, $to) = ($n - 7, $n + 3);
    my $heard = 'select count(*) from crowd.seen where n between $1 and $2';
    told($_) for $from .. $to;
    ok $vg->wait_for(sub { $vg->sql($heard, $from, $to) == 10 }, 60), 'all others are heard'
        or diag join ' ', map { $_->{n} } $vg->rows('select n from crowd.seen order by n');
    is $vg->sql(q{select payload->>'n' from vg.parked}), $n, 'and that one is parked';
    ok scalar($vg->log =~ /crowd came to nothing behind \d+: $why/), 'for nobody knows why';
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.parked where next_at < now()') }, 10), 'until it is due again';
    told($to + 1);
    ok $vg->wait_for(sub { $vg->sql($heard, $to + 1, $to + 1) }, 20), 'what is told then is heard all the same';
    ok $vg->wait_for(sub { $vg->sql('select max(tries) from vg.parked') > 2 }, 20), 'its tries are counted';
    like $vg->sql('select error from vg.parked'), qr/^its commit came to nothing/, 'and what became of them is said';
    $vg->sql('delete from vg.parked');
    return;
}

subtest 'a commit that is lost each time' => sub {
    $vg->dba->do('alter function crowd.judge(bigint) owner to postgres'); # who may end connections
    poison(77, qr/57P01/);
};

subtest 'a commit that is refused each time' => sub {
    $vg->sql($_) for
        q{create function crowd.late() returns trigger language plpgsql as $$
            begin
                raise exception 'at the end' using errcode = 'P0001';
            end $$},
        'create constraint trigger late after insert on crowd.seen deferrable initially deferred
            for each row when (new.n = 97) execute function crowd.late()';
    poison(97, qr/P0001 at the end/);
};

done_testing;

# Timers and the clerk's own rounds: once a period for both workers, and by
# the successor of a worker that died.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;

my $vg = Voltgate->start(slow => 1);

# charging ends what nobody ends any more, every 5 s; each time its row of
# vg.timer is written in the same commit
$vg->sql($_) for
    'create table vg.fired (name text, at timestamptz not null default clock_timestamp())',
    q{create function vg.fire() returns trigger language plpgsql security definer as $$
        begin
            insert into vg.fired (name) values (new.name);
            return new;
        end $$},
    'create trigger fire after insert or update on vg.timer for each row execute function vg.fire()';

my $name = 'charging/session_expire/5s';

sub fired { return $vg->sql('select count(*) from vg.fired where name = $1', $name) }

subtest 'a timer fires once a period, not once a worker' => sub {
    ok $vg->wait_for(sub { fired() >= 2 }, 15), 'it fires';
    is $vg->sql(q{select count(*) from (select at - lag(at) over (order by at) as gap
        from vg.fired where name = $1) f where gap < interval '4 seconds'}, $name), 0, 'every 5 s';
};

subtest 'a timer whose time has not come has no effect' => sub {
    my $before = fired();
    $vg->sql(q{update vg.timer set next_at = now() + interval '1 hour' where name = $1}, $name);
    $vg->sql('delete from vg.fired');
    my $began = time;
    $vg->wait_for(sub { time - $began > 6 }, 7);
    is fired(), 0, 'the row decides';
    $vg->sql('delete from vg.timer where name = $1', $name);
    ok $vg->wait_for(sub { fired() == 1 }, 8), 'and when it is gone, it fires';
};

subtest 'the successor of a worker goes on' => sub {
    my $before = fired();
    for my $victim ($vg->workers) {
        $vg->kill_worker($victim);
        $vg->wait_for(sub { 2 == grep { $_ != $victim } $vg->workers }, 10);
    }
    ok $vg->wait_for(sub { fired() > $before }, 15);
};

subtest 'stored answers go after a day, however many there are' => sub {
    $vg->sql(q{insert into vg.answer (caller, route, key, hash, plugin, status, correlation_id, at)
        select 'c', 'r', n::text, 'h', 'stations', 'ok', 'x', now() - interval '25 hours'
        from generate_series(1, 25000) as n});
    $vg->sql(q{insert into vg.answer (caller, route, key, hash, plugin, status, correlation_id, at)
        values ('c', 'r', 'young', 'h', 'stations', 'ok', 'x', now() - interval '23 hours')});
    $vg->reload;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.answer') == 1 }, 15), 'soon after a start';
    is $vg->sql('select key from vg.answer'), 'young';
};

subtest 'what the database refuses the clerk is in the log' => sub {
    $vg->sql('revoke insert on vg.event from vg_kit');
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('stations', 'x.y.v1', 'a', '{}', 'test', '')});
    ok $vg->wait_for(sub { $vg->log =~ /outbox_move\S* was refused: 42501 permission denied/ }, 5);
    $vg->sql('grant insert on vg.event to vg_kit');
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.outbox') == 0 }, 5), 'and it goes on by itself';
};

done_testing;

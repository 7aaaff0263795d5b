# Events that a consumer cannot handle: parked, tried again, dead in the end;
# the others go on, and those of the same aggregate wait behind.
#
# charging keeps a copy of each station's connectors; a constraint in this
# test's database refuses those of 13 kW, and a trigger writes down each copy.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg = Voltgate->start;

$vg->sql($_) for
    'create table charging.seen (id bigint generated always as identity, connector_id uuid, kw int)',
    q{create function charging.see() returns trigger language plpgsql security definer as $$
        begin
            insert into charging.seen (connector_id, kw) values (new.connector_id, new.max_power_kw);
            return new;
        end $$},
    'create trigger see after insert or update on charging.connector
        for each row execute function charging.see()';

sub uuid { return sprintf '019393c0-0000-7000-8000-%012d', $_[0] }

# the constraint would not come over rows that it refuses
sub refuse {
    $vg->sql('update charging.connector set max_power_kw = 1 where max_power_kw = 13');
    $vg->sql('alter table charging.connector add constraint unlucky check (max_power_kw <> 13)');
    return;
}
sub allow { $vg->sql('alter table charging.connector drop constraint unlucky'); return }

# pairs of station and kW, told in one commit
sub announce {
    my (@pairs) = @_;
    $vg->dbh->begin_work;
    while (my ($n, $kw) = splice @pairs, 0, 2) {
        $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
            values ('stations', 'station.updated.v1', $1, $2, 'test', '')}, uuid($n), JSON::PP->new->encode({
                stationId => uuid($n), operatorId => uuid(1), timeZone => 'UTC', country => 'DE',
                connectors => [ { connectorId => uuid($n), chargePointId => "CP$n", connectorNumber => 1,
                    type => 'CHADEMO', powerType => 'DC', maxPowerKw => $kw } ] }));
    }
    $vg->dbh->commit;
    return;
}

# the kW that were copied of a station, in that order
sub seen {
    return join ' ', map { $_->{kw} }
        $vg->rows('select kw from charging.seen where connector_id = $1 order by id', uuid($_[0]));
}

# what is parked of a station and not dead
sub parked {
    return $vg->rows(q{select p.tries, p.error, p.dead_at,
            extract(epoch from p.next_at - now())::numeric(9, 3) as seconds
        from vg.parked p where p.consumer = 'charging' and p.aggregate_id = $1 and p.dead_at is null
        order by p.pos}, uuid($_[0]));
}

sub hurry { $vg->sql('update vg.parked set next_at = now() where dead_at is null'); return }

subtest 'what fails is parked, and the others go on' => sub {
    refuse();
    announce(101 => 13, 101 => 14, 102 => 1, 101 => 15, 102 => 2);
    ok $vg->wait_for(sub { seen(102) eq '1 2' }, 8), 'those of another station are handled';
    ok $vg->wait_for(sub { parked(101) == 3 }, 8), 'three are parked';
    is seen(101), '', 'none before the one that failed';
    my @parked = parked(101);
    is $parked[0]{error}, 'internal';
    like $parked[1]{error}, qr/earlier one/, 'later ones wait behind it';
    announce(101 => 16);
    ok $vg->wait_for(sub { parked(101) == 4 }, 8), 'also those told afterwards';
};

subtest 'it is tried again, after longer and longer' => sub {
    for my $turn (1 .. 3) {
        my $before = (parked(101))[0]{tries};
        hurry();
        ok $vg->wait_for(sub { (parked(101))[0]{tries} > $before }, 8), "turn $turn";
        my ($first) = parked(101);
        my $most = 2 ** ($first->{tries} - 1);
        $most = 30 if $most > 30;
        cmp_ok $first->{seconds}, '<=', $most, "the next within $most s";
        cmp_ok $first->{seconds}, '>', $most / 2 - 1, 'but not at once';
    }
    is seen(101), '';
};

subtest 'when the cause is gone all are handled, in their order' => sub {
    allow();
    hurry();
    ok $vg->wait_for(sub { parked(101) == 0 }, 15), 'none is parked any more';
    is seen(101), '13 14 15 16';
};

subtest 'a long queue behind one that failed drains in a moment' => sub {
    refuse();
    announce(103 => 13, map { (103 => 100 + $_) } 1 .. 60);
    ok $vg->wait_for(sub { parked(103) == 61 }, 10);
    allow();
    hurry();
    ok $vg->wait_for(sub { parked(103) == 0 }, 10), 'not one a poll';
    is seen(103), join ' ', 13, map { 100 + $_ } 1 .. 60;
};

subtest 'one that is slow each time holds up no other' => sub {
    announce(106 => 5);
    ok $vg->wait_for(sub { seen(106) eq '5' }, 8);
    refuse();
    announce(106 => 13, 107 => 13);
    ok $vg->wait_for(sub { parked(106) == 1 && parked(107) == 1 }, 8);
    allow();
    my $other = $vg->_connect($vg->{owner_url});
    $other->begin_work;
    $other->do('select from charging.connector where connector_id = $1 for update', {}, uuid(106));
    hurry();
    ok $vg->wait_for(sub { seen(107) eq '13' }, 10), 'another aggregate goes on';
    ok $vg->wait_for(sub { (parked(106))[0]{tries} > 1 }, 10), 'the try is counted';
    $other->rollback;
    ok $vg->wait_for(sub { hurry(); seen(106) =~ /^5 13\b/ }, 10), 'and it is handled when it can be';
};

subtest 'a cursor that is paused rests with all that is parked' => sub {
    refuse();
    announce(108 => 13);
    ok $vg->wait_for(sub { parked(108) == 1 }, 8);
    $vg->sql(q{update vg.cursor set paused = true where consumer = 'charging'});
    allow();
    hurry();
    announce(109 => 1);
    ok !$vg->wait_for(sub { seen(108) || seen(109) }, 3), 'nothing is handled';
    $vg->sql(q{update vg.cursor set paused = false where consumer = 'charging'});
    ok $vg->wait_for(sub { seen(108) eq '13' && seen(109) eq '1' }, 8), 'until it goes on';
};

subtest 'after its tries it is dead and told of; those behind it go on' => sub {
    refuse();
    announce(104 => 13, 104 => 17);
    ok $vg->wait_for(sub { parked(104) == 2 }, 8);
    $vg->sql('update vg.parked set tries = 9, next_at = now() where aggregate_id = $1
        and pos = (select min(pos) from vg.parked where aggregate_id = $1)', uuid(104));
    ok $vg->wait_for(sub {
        $vg->sql('select count(*) from vg.parked where aggregate_id = $1 and dead_at is not null', uuid(104)) },
        8), 'dead';
    ok $vg->wait_for(sub {
        $vg->sql(q{select count(*) from vg.event where type = 'event.failed.v1'}) }, 8), 'told';
    my ($told) = $vg->rows(q{select payload, source, correlation_id from vg.event where type = 'event.failed.v1'});
    my $payload = JSON::PP->new->decode($told->{payload});
    is $payload->{consumer}, 'charging';
    is $payload->{type}, 'station.updated.v1';
    is $payload->{tries}, 10;
    is $payload->{eventId}, $vg->sql('select event_id from vg.parked where dead_at is not null');
    is $told->{source}, 'kit';
    is $told->{correlation_id}, 'test', 'under the correlation of the event';
    hurry();
    ok $vg->wait_for(sub { seen(104) eq '17' }, 8), 'the one behind it is handled';
    is $vg->sql('select count(*) from vg.parked'), 1, 'the dead one is kept';
};

subtest 'a worker that dies over a parked event handles it once' => sub {
    allow();
    refuse();
    announce(105 => 13, map { (105 => 200 + $_) } 1 .. 30);
    ok $vg->wait_for(sub { parked(105) == 31 }, 10);
    allow();
    hurry();
    for my $victim ($vg->workers) {
        $vg->kill_worker($victim);
        $vg->wait_for(sub { 2 == grep { $_ != $victim } $vg->workers });
    }
    hurry();
    ok $vg->wait_for(sub { parked(105) == 0 }, 15);
    is seen(105), join ' ', 13, map { 200 + $_ } 1 .. 30;
};

done_testing;

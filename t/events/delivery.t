# From outbox to log to consumers: each event handled once and in the order of
# its aggregate, whoever is killed meanwhile.
#
# charging keeps a copy of each station's connectors; a trigger in this test's
# database writes down each time that a copy is written, in that commit.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;

my $vg = Voltgate->start;

$vg->sql($_) for
    'create table charging.seen (id bigint generated always as identity, connector_id uuid, kw numeric)',
    q{create function charging.see() returns trigger language plpgsql security definer as $$
        begin
            insert into charging.seen (connector_id, kw) values (new.connector_id, new.max_power_kw);
            return new;
        end $$},
    'create trigger see after insert or update on charging.connector
        for each row execute function charging.see()';

sub uuid { return sprintf '019393c0-0000-7000-8000-%012d', $_[0] }

# one event of each station, in one commit, as stations itself would tell it
sub announce {
    my ($type, @numbers_and_kw) = @_;
    $vg->dbh->begin_work;
    while (my ($n, $kw) = splice @numbers_and_kw, 0, 2) {
        my $payload = JSON::PP->new->encode({
            stationId => uuid($n), operatorId => uuid(1), timeZone => 'UTC', country => 'DE',
            connectors => [ { connectorId => uuid($n), chargePointId => "CP$n", connectorNumber => 1,
                type => 'CHADEMO', powerType => 'DC', maxPowerKw => $kw } ] });
        $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
            values ('stations', $1, $2, $3, 'test', '')}, $type, uuid($n), $payload);
    }
    $vg->dbh->commit;
    return;
}

sub seen {
    my ($from, $to) = @_;
    return $vg->sql('select count(*) from charging.seen where connector_id between $1 and $2',
        uuid($from), uuid($to));
}

# all that is told was read: the cursors stand at the end of the log
sub settled {
    return $vg->wait_for(sub {
        $vg->sql(q{select not exists (select from vg.outbox)
            and not exists (select from vg.cursor c where c.consumer in ('charging', 'pricing', 'billing')
                and c.pos < (select coalesce(max(pos), 0) from vg.event))});
    }, $_[0] // 10);
}

sub replace_worker {
    my ($victim) = @_;
    $vg->kill_worker($victim);
    return $vg->wait_for(sub {
        my @now = $vg->workers;
        return @now == 2 && !grep { $_ == $victim } @now;
    });
}

subtest 'a change is heard of at once' => sub {
    my $began = time;
    for my $n (1 .. 10) {
        my $id = $vg->post('/api/v1/stations', {
            name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
            timeZone => 'UTC', operatorId => uuid(1),
            connectors => [ { chargePointId => "HEARD$n", connectorNumber => 1, type => 'CHADEMO',
                powerType => 'DC', maxPowerKw => 50 } ] })->{json}{id};
        ok $vg->wait_for(sub {
            $vg->sql('select count(*) from charging.connector where station_id = $1', $id) }), "station $n"
            or last;
    }
    my $took = time - $began;
    note sprintf '%.0f ms from call to copy, polled every 50 ms', $took * 100;
    cmp_ok $took, '<', 5, 'by the bell: polling would take a second each';
};

subtest 'events of one aggregate are handled in their order' => sub {
    announce('station.updated.v1', map { (100 + $_ % 5 => $_) } 1 .. 300);
    ok settled();
    is seen(100, 104), 300, 'each once';
    is $vg->sql('select count(*) from (select kw, lag(kw) over (partition by connector_id order by id) as before
        from charging.seen where connector_id between $1 and $2) s where before >= kw',
        uuid(100), uuid(104)), 0, 'none before an earlier one';
};

subtest 'each of 500 is handled once, whoever is killed in mid-stream' => sub {
    my $killed = 0;
    my $total  = 0;
    for my $round (0 .. 4) {
        announce('station.created.v1', map { (1000 + $round * 100 + $_ => $_) } 0 .. 99);
        my ($victim) = ($vg->workers)[ $round % 2 ];
        my $before = $total;
        $total += 100;
        $vg->wait_for(sub { seen(1000, 1499) > $before }, 10);
        $killed++ if seen(1000, 1499) < $total;
        replace_worker($victim);
    }
    ok settled(20), 'all are handled in the end';
    is seen(1000, 1499), 500;
    is $vg->sql('select count(distinct connector_id) from charging.seen where connector_id between $1 and $2',
        uuid(1000), uuid(1499)), 500, 'each once';
    is $vg->sql('select count(*) from (select pos, lag(pos) over (order by aggregate_id) as before
        from vg.event where aggregate_id between $1 and $2) e where before >= pos',
        uuid(1000), uuid(1499)), 0, 'the log has the order of the outbox';
    note "$killed of 5 workers died while events were under way";
};

subtest 'each of 500 sessions has one invoice, numbered in the order of the log' => sub {
    $vg->dbh->begin_work;
    for my $n (1 .. 500) {
        $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
            values ('charging', 'charging.session.completed.v1', $1, $2, 'test', '')}, uuid($n),
            JSON::PP->new->encode({
                sessionId => uuid($n), operatorId => uuid(7), customerId => 'driver-1', country => 'DE',
                startTime => '2026-11-21T01:00:00Z', endTime => '2026-11-21T02:00:00Z', energyKwh => 10,
                costs => { currency => 'EUR', total_cost => { excl_vat => 5 }, lines => [
                    { type => 'ENERGY', element => 0, price => 0.5, volume => 10, unit => 'kWh', excl_vat => 5 } ] } }));
    }
    $vg->dbh->commit;
    for my $victim ($vg->workers) {
        $vg->wait_for(sub { $vg->sql('select count(*) from billing.invoice') > 20 });
        replace_worker($victim);
    }
    ok settled(20);
    is $vg->sql('select count(*) from billing.invoice'), 500;
    is $vg->sql('select last_number from billing.issuer where issuer = $1', uuid(7)), 500, 'no number is missing';
    is $vg->sql(q{select count(*) from billing.invoice
        where sequence <> right(subject_id::text, 12)::bigint}), 0, 'in their order';
};

subtest "a log whose clock was once far ahead is heard on" => sub {
    $vg->sql(q{update vg.log set logged_at = now() + interval '90 days'});
    announce('station.created.v1', map { (2000 + $_ => $_) } 1 .. 10);
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.event where logged_at > now()') == 10 }), 'its clock does not go back';
    ok $vg->wait_for(sub { seen(2000, 2100) == 10 }, 20), 'nobody takes what comes for what is not there yet';
    announce('station.created.v1', map { (2010 + $_ => $_) } 1 .. 10);
    ok $vg->wait_for(sub { seen(2000, 2100) == 20 }, 5), 'nor later';
};

is $vg->sql('select count(*) from vg.parked'), 0, 'nothing was parked';

done_testing;

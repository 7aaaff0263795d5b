# What the lanes do when the database's answer is not the usual one.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Wire;

my $vg = Voltgate->start;

sub charge_point {
    my ($id, $operator) = @_;
    return $vg->post('/api/v1/charge-points',
        { id => $id, operatorId => $operator, password => 'sixteen letters!' })->{status};
}

subtest 'what the database refuses at the commit is refused, and nothing else' => sub {
    $vg->sql('alter table stations.charge_point add constraint conflict'
            . ' unique (operator_id) deferrable initially deferred');
    my $operator = '019393c0-0000-7000-8000-00000000000';
    is charge_point('CP-L1', "${operator}1"), 201, 'one is made';
    is charge_point('CP-L2', "${operator}1"), 409, 'the next is refused by the deferred constraint';
    is charge_point('CP-L3', "${operator}2"), 201, 'and the lane goes on';
    is $vg->sql("select count(*) from stations.charge_point where id like 'CP-L%'"), 2;
    $vg->sql('alter table stations.charge_point drop constraint conflict');
};

subtest 'a change has one plan for all values' => sub {
    $vg->sql('create table stations.planned (mode text)');
    $vg->sql(q{create function stations.note_plan() returns trigger language plpgsql as
        'begin insert into stations.planned values (current_setting(''plan_cache_mode'')); return new; end'});
    $vg->sql('create trigger note_plan before insert on stations.charge_point
        for each row execute function stations.note_plan()');
    is charge_point('CP-L4', '019393c0-0000-7000-8000-000000000004'), 201;
    is $vg->sql('select mode from stations.planned'), 'force_generic_plan';
    $vg->sql('drop trigger note_plan on stations.charge_point');
};

subtest 'an event parks behind an earlier one of its aggregate, also in one batch' => sub {
    $vg->sql(q{
        insert into vg.event (event_id, type, source, aggregate_id, payload, correlation_id, actor_id, at)
        select vg.uuid7(), t.type, 'stations', 'aggregate', t.payload, 'test', '', now()
        from (values
            (1, 'station.created.v1', '{"id":7}'::jsonb),
            (2, 'station.removed.v1', '{"stationId":"019393c0-0000-7000-8000-000000000009"}'::jsonb)) as t (n, type, payload)
        order by t.n});
    my $parked = sub {
        return $vg->sql(q{select count(*) from vg.parked where consumer = 'pricing' and aggregate_id = 'aggregate'});
    };
    my $passed = sub {
        return $vg->sql(q{select c.pos >= (select max(pos) from vg.event where aggregate_id = 'aggregate')
            from vg.cursor as c where c.consumer = 'pricing'});
    };
    ok $vg->wait_for($passed, 10), 'the cursor passed both';
    is $parked->(), 2, 'both are parked';
};

# as behind a pooler that gives another session, or after somebody's DEALLOCATE
subtest 'statements that are gone are prepared anew, and no call is lost' => sub {
    $vg->sql(q{create function stations.lanes_forget() returns trigger language plpgsql set search_path = '' as
        $$ begin if new.id like 'CP-FORGET%' then deallocate all; end if; return new; end $$});
    $vg->sql(q{create trigger lanes_forget after insert on stations.charge_point
        for each row execute function stations.lanes_forget()});
    my $operator = '019393c0-0000-7000-8000-000000000001';
    my @other;
    for my $n (1 .. 8) {    # of two connections on either worker
        local $vg->{client} = $vg->client(fresh => 1);
        is charge_point("CP-FORGET-$n", $operator), 201, "who made them forget, $n";
        for my $m (1 .. 3) {
            my $status = charge_point("CP-AFTER-$n-$m", $operator);
            push @other, $status if $status != 201;
        }
    }
    is "@other", '', 'those after it are done';
    is $vg->sql(q{select count(*) from stations.charge_point where id like 'CP-AFTER-%'}), 24, 'once each';
    $vg->sql('drop function stations.lanes_forget() cascade');
};

# changes that came together are made durable by one barrier, which is a statement too
subtest 'a batch in which all was forgotten is durable all the same' => sub {
    $vg->sql(q{create function stations.lanes_forget() returns trigger language plpgsql set search_path = '' as $$
        begin
            if new.id like 'CP-SLOW%' then perform pg_catalog.pg_sleep(0.2); end if;
            if new.id like 'CP-FORGET%' then deallocate all; end if;
            return new;
        end $$});
    $vg->sql(q{create trigger lanes_forget after insert on stations.charge_point
        for each row execute function stations.lanes_forget()});
    my @ids = ((map { "CP-SLOW-$_" } 1 .. 8), map { ("CP-BESIDE-$_", "CP-BESIDE-1$_", "CP-FORGET-IN-$_", "CP-BESIDE-2$_") } 1 .. 2);
    my %wire = map {
        $_ => Voltgate::Wire->post($vg, '/api/v1/charge-points',
            { id => $_, operatorId => '019393c0-0000-7000-8000-000000000001', password => 'sixteen letters!' })
    } @ids;
    my @other = grep { $_ ne '' } map { my $status = $wire{$_}->answer->{status}; $status == 201 ? '' : "$_: $status" } @ids;
    is "@other", '', 'all are done';
    $vg->sql('drop function stations.lanes_forget() cascade');
};

subtest 'a database address that refuses is followed by the next' => sub {
    my $path = "$vg->{state}/conf/nginx.conf";
    open my $in, '<', $path or die "$path: $!";
    my $conf = do { local $/; <$in> };
    close $in;
    $conf =~ s/(voltgate_database\s+"[^"]*)host=(\S+)/$1host=127.0.0.1,$2 port=1,5432/ or die 'no host';
    open my $out, '>', $path or die "$path: $!";
    print {$out} $conf;
    close $out;
    $vg->reload;
    ok $vg->wait_for(sub { $vg->get('/ready')->{status} == 200 }, 4), 'it is ready in time';
};

done_testing;

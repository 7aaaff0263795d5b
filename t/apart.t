# Two gateways over one database, when what lies between them breaks: the
# connection that hears, the database in the middle of a command, a handshake
# that others were quicker than, a clock that goes back.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Charger;
use Voltgate::Command;

my $seconds = 12;
my %extra = (http => "voltgate_ocpp_call_timeout ${seconds}s;");
my $a = Voltgate->start(own_cluster => 1, env => { VG_NODE => 'node-a' }, extra => \%extra);
my $b = Voltgate->start(beside => $a, env => { VG_NODE => 'node-b' }, extra => \%extra);

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $station  = $a->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1 .. 2 ],
})->{json}{id};
$a->patch("/api/v1/charge-points/CP$_", { password => $password }) for 1 .. 2;

sub booted {
    my ($vg, $identity) = @_;
    my $cp = Voltgate::Charger->connect($vg, $identity, $password);
    $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' });
    return $cp;
}

# a change on one node is seen in what the other one has cached
sub renewed {
    my ($name) = @_;
    $b->get("/api/v1/stations/$station") for 1 .. 4;
    is $a->patch("/api/v1/stations/$station", { name => $name })->{status}, 200;
    return ok $b->wait_for(sub { $b->get("/api/v1/stations/$station")->{json}{name} eq $name }, 4),
        'a cached answer is dropped, long before it is old';
}

sub listeners {
    return map { $_->[0] } @{ $a->dba->selectall_arrayref(
        q{select pid from pg_stat_activity where application_name = 'voltgate' and query ilike 'listen%'}) };
}

# all workers of both nodes reach the database, and their clerks hear
sub back {
    my %known = (headers => { Authorization => 'Bearer ' . $a->admin });
    return $a->wait_for(sub {
        return 0 if 2 != (() = listeners());
        for my $vg (($a, $b) x 8) {
            my $url = $vg->url('/api/v1/charge-points/CP1');
            return 0 if $vg->client(fresh => 1)->get($url, \%known)->{status} != 200;
        }
        return 1;
    }, 20);
}

my $cp = booted($b, 'CP1');
ok back(), 'both listen';

subtest 'the connections that hear are broken' => sub {
    my @before = listeners();
    $a->dba->do('select pg_terminate_backend($1)', {}, $_) for @before;
    renewed('Pier');
    ok $a->wait_for(sub {
        my %new = map { $_ => 1 } listeners();
        delete @new{@before};
        return keys %new == 2;
    }, 10), 'both listen again';
    $cp->answer(sub { return { status => 'Accepted' } });
    my $begun = time;
    commanded($a, sub { $cp->serve(5) }, ['CP1', 'ClearCache', {}]) for 1 .. 6;
    cmp_ok time - $begun, '<', 6, 'and hear, where looking alone would take a second each';
};

subtest 'the database is away in the middle of a command' => sub {
    my $asked = 0;
    $cp->answer(sub {
        $asked++;
        $a->pg_stop('immediate');
        return { status => 'Accepted' };
    });
    my ($r) = commanded($a, sub { $cp->serve(5); $a->pg_start }, ['CP1', 'ClearCache', {}]);
    like $r, qr/^200 .*Accepted/, 'its answer comes when the database is back';
    is $asked, 1, 'and the charge point was asked once';
};

subtest 'and for longer than it may take' => sub {
    my $asked = 0;
    $cp->answer(sub {
        $asked++;
        $a->pg_stop('immediate');
        return { status => 'Accepted' };
    });
    my $begun = time;
    my ($r) = commanded($a, sub { $cp->serve(5) }, ['CP1', 'ClearCache', {}]);
    like $r, qr/^50[34] /, 'nobody says that it was done or not';
    cmp_ok time - $begun, '<', $seconds + 3, 'in time';
    $a->pg_start;
    ok back(), 'it is back';
    $cp->answer(sub { $asked++; return { status => 'Rejected' } });
    ($r) = commanded($a, sub { $cp->serve($seconds) }, ['CP1', 'ClearCache', {}]);
    like $r, qr/^200 .*Rejected/, 'the next one has its own answer';
    is $asked, 2, 'and what was lost is not sent again';
};

subtest 'a handshake that ends after the close of a newer connection elsewhere' => sub {
    my $old = booted($b, 'CP2');
    my $close = sub {
        my ($epoch) = @_;
        my $id = $a->sql(q{insert into vg.call (node, from_node, asker_pid, asker_number, kind, bytes, deadline)
            values ('node-b', 'node-a', 0, 0, 'close', $1, now() + interval '30 seconds') returning id},
            qq(["CP2",$epoch]));
        return $a->wait_for(sub { $a->sql('select taken_at is not null from vg.call where id = $1', $id) });
    };
    my $epoch = sub { return $a->sql(q{select epoch from stations.link where charge_point_id = 'CP2'}) };
    ok $close->($epoch->()), 'of its own number';
    is $old->call('Heartbeat', {})->[0], 3, 'closes nothing';
    my $late = $epoch->() + 1_000;
    ok $close->($late), 'of a newer one';
    $old->recv(5) if !$old->closed;
    is $old->close_code, 1008, 'closes it';
    my $cp = eval { Voltgate::Charger->connect($b, 'CP2', $password) };
    $cp->recv(2) if $cp;
    ok !$cp || $cp->closed, 'and what has an older number is not let in any more';
    $a->sql(q{update stations.link set epoch = $1 where charge_point_id = 'CP2'}, $late);
    is booted($b, 'CP2')->status, 101, 'but what is newer than that is';
};

subtest 'a node that was killed and comes back with its clock behind' => sub {
    my @there = map { booted($b, $_) } qw(CP1 CP2);
    my $connected = sub { return $a->get("/api/v1/charge-points/$_[0]")->{json}{connected} };
    ok $connected->('CP1');
    $b->kill_node;
    $a->sql(q{update stations.link set last_seen = now() + interval '1 hour'});
    $b->start_gateway;
    ok $a->wait_for(sub { !$connected->('CP1') }), 'what it held is not connected';
    my $cp = booted($b, 'CP2');
    $b->kill_worker(my $clerk = ($b->workers)[0]);
    ok $b->wait_for(sub { 2 == grep { $_ != $clerk } $b->workers }, 10), 'and another clerk';
    $cp = booted($b, 'CP2') if !eval { $cp->call('Heartbeat', {}) };
    ok !$b->wait_for(sub { !$connected->('CP2') }, 2), 'ends nothing of this life';
};

done_testing;

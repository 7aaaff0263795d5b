# Two gateways of two workers each over one database: commands to charge
# points of the other node, the newest connection, events, streams, revoked
# keys, and a node that is killed. What lies between them breaks in apart.t.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Charger;
use Voltgate::Command;
use Voltgate::Stream;

# a name may be longer than a channel's
my $b_name = 'node-b.' . 'x' x 70;
my %extra = (http => 'voltgate_ocpp_call_timeout 2s; voltgate_stream_heartbeat 60s;');
my $a = Voltgate->start(env => { VG_NODE => 'node-a' }, extra => \%extra);
my $b = Voltgate->start(beside => $a, env => { VG_NODE => $b_name }, extra => \%extra);

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $boot     = { chargePointVendor => 'Acme', chargePointModel => 'M1' };
my $station  = $a->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1 .. 3 ],
})->{json};
$a->post('/api/v1/charge-points', { id => "CP$_", operatorId => $company,
    password => $password }) for 1 .. 3;

sub booted {
    my ($vg, $identity) = @_;
    my $cp = Voltgate::Charger->connect($vg, $identity, $password);
    is $cp->status, 101, "$identity is let in";
    is $cp->call('BootNotification', $boot)->[2]{status}, 'Accepted';
    return $cp;
}

sub connected {
    my ($vg, $identity) = @_;
    return $vg->get("/api/v1/charge-points/$identity")->{json}{connected};
}

sub node_of { return $a->sql('select node from stations.link where charge_point_id = $1', $_[0]) }

my $cp = booted($b, 'CP1');

subtest 'both are there' => sub {
    ok $a->wait_for(sub { $a->sql('select count(*) from vg.node where vg.node_alive(name)') == 2 });
    ok connected($a, 'CP1'), 'what is connected to one is so to the other';
    is node_of('CP1'), $b_name;
    is $a->sql('select vg.node_alive($1)', 'nobody'), 0, 'who never was is not';
};

subtest 'a command goes to the other node and its answer comes back, from each worker' => sub {
    $cp->answer(sub { return { status => 'Accepted', data => $_[1]{data} } });
    my ($n, %met) = 0;
    while (keys %met < 2 && $n++ < 60) {
        my ($r) = commanded($a, sub { $cp->serve(5) }, ['CP1', 'DataTransfer', { vendorId => 'x', data => "Soft$n" }]);
        like $r, qr/^200 .*"data" ?: ?"Soft$n"/;
        $met{ ($r =~ /(\d+)$/)[0] }++;
    }
    is keys %met, 2, 'both workers asked';
    is $a->sql('select count(*) from vg.call'), 0, 'and no row is left';
};

subtest 'a command is answered by the bell, not by looking' => sub {
    my $begun = time;
    commanded($a, sub { $cp->serve(5) }, ['CP1', 'ClearCache', {}]) for 1 .. 8;
    cmp_ok time - $begun, '<', 8, 'eight there and back, where looking alone would take a second each';
};

subtest 'many at once, each its own answer' => sub {
    $cp->answer(sub { return { status => 'Accepted', data => $_[1]{data} } });
    my @r = commanded($a, sub { $cp->serve(5) for 1 .. 8 },
        map { ['CP1', 'DataTransfer', { vendorId => 'x', data => "n$_" }] } 1 .. 8);
    like $r[$_ - 1], qr/^200 .*"data" ?: ?"n$_"/ for 1 .. 8;
};

subtest 'a long payload, there and back' => sub {
    $cp->answer(sub { return { status => 'Accepted', data => 'y' x 60_000 } });
    my ($r) = commanded($a, sub { $cp->serve(5) }, ['CP1', 'DataTransfer', { vendorId => 'x', data => 'x' x 65_000 }]);
    like $r, qr/^200 .*y{60000}/;
};

subtest 'what the charger refuses, and what it does not answer' => sub {
    $cp->answer(sub { return ['NotSupported', 'not "here"', {}] });
    my ($r) = commanded($a, sub { $cp->serve(5) }, ['CP1', 'ClearCache', {}]);
    like $r, qr/^502 .*charger_error/;
    like $r, qr/NotSupported/;
    my $heard = 0;
    $cp->answer(sub { $heard++; return });
    ($r) = commanded($a, sub { $cp->serve(5) }, ['CP1', 'ClearCache', {}]);
    like $r, qr/^504 .*charger_silent/;
    $cp->answer(sub { $heard++; return { status => 'Accepted' } });
    ($r) = commanded($a, sub { $cp->serve(5) }, ['CP1', 'Reset', { type => 'Soft' }]);
    like $r, qr/^200 /;
    is $heard, 2, 'what was lost is not sent again';
};

subtest 'what is connected nowhere' => sub {
    my ($r) = commanded($a, undef, ['CP2', 'ClearCache', {}]);
    like $r, qr/^409 .*not_connected/;
};

subtest 'the newest connection wins, also on another node' => sub {
    my $new = booted($a, 'CP1');
    is node_of('CP1'), 'node-a';
    $cp->recv(5) if !$cp->closed;
    ok $cp->closed, 'the older one is closed';
    is $cp->close_code, 1008;
    my $epoch = $a->sql(q{select epoch from stations.link where charge_point_id = 'CP1'});
    $new->answer(sub { return { status => 'Accepted' } });
    my ($r) = commanded($b, sub { $new->serve(5) }, ['CP1', 'ClearCache', {}]);
    like $r, qr/^200 /, 'commands of the other node find it where it is now';
    ok connected($b, 'CP1'), 'the late farewell changes nothing';
    is $a->sql(q{select epoch from stations.link where charge_point_id = 'CP1'}), $epoch;
    $cp = $new;
};

subtest 'there and back again: one is left' => sub {
    for my $vg ($b, $a, $b, $a) {
        my $new = booted($vg, 'CP1');
        $cp->recv(5) if !$cp->closed;
        is $cp->close_code, 1008;
        $cp = $new;
    }
    ok connected($_, 'CP1') for $a, $b;
};

subtest 'the log grows on one, and the other hears it' => sub {
    my $dbh = $a->_connect($a->{owner_url});
    $dbh->do('listen vg');
    $a->patch("/api/v1/stations/$station->{id}", { name => 'Pier' });
    my $heard;
    # one with a "-" says what moved, not that the log has grown
    ok $a->wait_for(sub { ($heard = $dbh->pg_notifies) && $heard->[2] !~ /^\w+-/ }), 'it is rung';
    my ($who) = split / /, $heard->[2];
    ok scalar grep({ $who eq $a->sql('select vg.node_channel($1)', $_) } 'node-a', $b_name), 'by whoever moved it';
    $dbh->disconnect;
};

subtest 'two nodes hear every event, and one of them handles it' => sub {
    # sequences are not rolled back
    $a->sql($_) for 'create sequence charging.tried',
        q{create function charging.try() returns trigger language plpgsql security definer as $$
            begin
                perform nextval('charging.tried');
                return null;
            end $$},
        q{create trigger try after update on charging.connector for each row
            when (new.connector_number = 1 and new.charge_point_id = 'CP1') execute function charging.try()};
    my $vg = $a;
    for my $n (1 .. 100) {
        ($vg = $n % 2 ? $a : $b)->patch("/api/v1/stations/$station->{id}", { name => "Pier $n" });
    }
    ok $a->wait_for(sub { $a->sql(q{select not exists (select from vg.outbox) and not exists (
        select from vg.cursor where consumer = 'charging' and pos < (select max(pos) from vg.event))}) }, 15);
    my $tried = $a->sql('select last_value from charging.tried');
    note "$tried tries";
    cmp_ok $tried, '>=', 100;
    cmp_ok $tried, '<', 115, 'few are tried by both, and undone by one';
    $a->sql($_) for 'drop trigger try on charging.connector', 'drop function charging.try()', 'drop sequence charging.tried';
    is $a->sql('select count(*) from vg.parked'), 0, 'none is parked';
};

subtest 'a key that is revoked on one is refused on the other' => sub {
    my $key = $a->post('/api/v1/api-keys', { name => 'k' })->{json};
    my $me  = sub { return $b->get('/api/v1/auth/me', { 'X-API-Key' => $key->{key} })->{status} };
    for my $round (1 .. 10) { # both workers remember it
        delete $b->{client};
        is $me->(), 200;
    }
    is $a->delete("/api/v1/api-keys/$key->{id}")->{status}, 204;
    my $begun = time;
    ok $b->wait_for(sub { $me->() == 401 }, 4), 'soon, and long before it would be forgotten';
    note sprintf 'refused after %.2f s', time - $begun;
    for my $round (1 .. 10) {
        delete $b->{client};
        is $me->(), 401, 'by each worker';
    }
};

subtest 'a stream on one shows what moves on the other' => sub {
    my $far = booted($b, 'CP2');
    ok $a->wait_for(sub { $a->sql(q{select count(*) from charging.connector where charge_point_id = 'CP2'}) });
    my $transaction = $far->call(StartTransaction => { connectorId => 1, idTag => 'nobody', meterStart => 0,
        timestamp => '2026-01-01T00:00:00Z' })->[2]{transactionId};
    my $session = $a->sql('select id from charging.session where transaction_id = $1', $transaction);
    my @open = map { Voltgate::Stream->open($a, "/api/v1/charging/sessions/$session/stream",
        { Authorization => 'Bearer ' . $a->token(role => 'admin', subject => "s$_") }) } 1 .. 4;
    ok $_->event(5), 'the present state' for @open;
    for my $kwh (1 .. 3) {
        my $begun = time;
        $far->call(MeterValues => { connectorId => 1, transactionId => $transaction, meterValue => [
            { timestamp => "2026-01-01T00:0$kwh:00Z", sampledValue => [ { value => $kwh * 1_000 } ] } ] });
        for my $stream (@open) {
            my $event;
            do { $event = $stream->event(5) } while $event && $event->{data}{energyKwh} < $kwh;
            ok $event, 'meter values, which no event tells';
        }
        cmp_ok time - $begun, '<', 4, 'where a heartbeat takes a minute';
    }
    $a->kill_worker(my $clerk = ($a->workers)[0]);
    ok $a->wait_for(sub { 2 == grep { $_ != $clerk } $a->workers }, 10), 'with another clerk';
    $cp = booted($a, 'CP1');
    my $again = Voltgate::Stream->open($a, "/api/v1/charging/sessions/$session/stream",
        { Authorization => 'Bearer ' . $a->token(role => 'admin', subject => 's') });
    ok $again->event(5);
    $far->call(StopTransaction => { transactionId => $transaction, meterStop => 5_000, timestamp => '2026-01-01T01:00:00Z' });
    my $event;
    do { $event = $again->event(5) } while $event && $event->{data}{energyKwh} < 5;
    ok $event, 'and its end';
    $far->drop;
};

subtest 'a node that is killed' => sub {
    my @there = map { booted($b, $_) } qw(CP2 CP3);
    ok connected($a, 'CP2');
    my $begun = time;
    ok $b->kill_node, 'all of it';
    my ($r) = commanded($a, undef, ['CP2', 'ClearCache', {}]);
    like $r, qr/^504 .*charger_silent/, 'at first it may have been sent';
    my $back = booted($a, 'CP2');
    ok connected($a, 'CP2'), 'its chargers can come to the other at once';
    ok connected($a, 'CP3'), 'others are still thought to be there';
    ok $a->wait_for(sub { !connected($a, 'CP3') }, 20), 'until it was not seen for long';
    cmp_ok time - $begun, '>', 5, 'which is more than one beat that was missed';
    my $list = $a->get("/api/v1/charge-points?connected=true")->{json}{items};
    is_deeply [ map { $_->{id} } @$list ], [ qw(CP1 CP2) ];
    ($r) = commanded($a, undef, ['CP3', 'ClearCache', {}]);
    like $r, qr/^409 .*not_connected/, 'then nothing is sent there';
    my $other = booted($a, 'CP3');
    ok connected($a, 'CP3');

    $b->start_gateway;
    ok $a->wait_for(sub { $a->sql('select count(*) from vg.node where vg.node_alive(name)') == 2 }), 'it is back';
    ok connected($b, $_), "and takes nothing away: $_" for qw(CP2 CP3);
    $back->answer(sub { return { status => 'Accepted' } });
    ($r) = commanded($b, sub { $back->serve(5) }, ['CP2', 'ClearCache', {}]);
    like $r, qr/^200 /, 'and reaches what is connected to the other';
};

subtest 'an event told on one wakes the consumers of another' => sub {
    my $c = Voltgate->start(beside => $a, env => { VG_NODE => 'node-c' },
        plugins => [qw(accounts stations)]);
    $b->stop_gateway;
    ok $a->wait_for(sub { $a->sql(q{select vg.node_alive('node-c')}) }), 'a third node, without charging';
    my $begun = time;
    for my $round (1 .. 6) {
        $c->post('/api/v1/stations', {
            name => 'Pier', location => { lat => 1, lon => 2 },
            address => { country => 'DE' }, timeZone => 'Europe/Berlin', operatorId => $company,
            connectors => [ { chargePointId => "N$round", connectorNumber => 1,
                type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ],
        });
        ok $a->wait_for(sub { $a->sql('select count(*) from charging.connector where charge_point_id = $1', "N$round") }),
            'charging has heard';
    }
    cmp_ok time - $begun, '<', 6, 'where looking alone would take two seconds each';
};

done_testing;

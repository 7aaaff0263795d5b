# A reload and a binary upgrade hand the charge points over: each is told to
# come back, and no call under way is lost, in either direction.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Caller;
use Voltgate::Charger;
use Voltgate::Wire;
use Voltgate::Worker;

my $vg = Voltgate->start(extra => { http => 'voltgate_ocpp_reconnects off;' });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $boot     = { chargePointVendor => 'Acme', chargePointModel => 'M1' };
my $all      = 12;
my $crowd    = 60;

$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1 .. $crowd ],
});
$vg->post('/api/v1/charge-points', { id => "CP$_", operatorId => $company,
    password => $password }) for 1 .. $crowd;

sub connected {
    my ($identity) = @_;
    my $cp = Voltgate::Charger->connect($vg, $identity, $password);
    is $cp->status, 101, "$identity connects";
    is $cp->call('BootNotification', $boot)->[2]{status}, 'Accepted', 'and boots';
    return $cp;
}

# What waits longer than its lane is patient is refused: that is an answer, too,
# where somebody held it for so many seconds.
sub answered {
    my ($cp, $held, $patience) = @_;
    my $message = $cp->wait_answer('held', 10) or return 0;
    return $held > $patience if $message->[0] != 3;
    return ($message->[2]{status} // 'Accepted') eq 'Accepted';    # meter values have none
}

sub known { return $vg->get("/api/v1/charge-points/$_[0]")->{json}{connected} }

# a command over a connection of its own, whose answer is read later
sub command {
    my ($identity) = @_;
    return Voltgate::Wire->post($vg, "/api/v1/charge-points/$identity/commands", { action => 'ClearCache', payload => {} });
}

# the new master's workers are ready, the old ones are told to leave
sub upgrade {
    my ($beside, $then) = @_;

    my $old  = $vg->master;
    my %were = map { $_ => 1 } $vg->workers;
    kill USR2 => $old;
    ok $vg->wait_for(sub {
        my $new = $vg->master;
        return $new && $new != $old && 2 == grep { !$were{$_} } $vg->workers;
    }, 15), 'a new binary runs beside the old one';
    delete $vg->{client};
    ok $vg->wait_for(sub { $vg->get('/ready')->{status} == 200 }, 15), 'and is ready';
    $beside->();
    $then->();
    kill WINCH => $old;
    return sub {
        ok $vg->wait_for(sub { !Voltgate::alive(keys %were) }, 30), 'the old workers leave';
        kill QUIT => $old;
        ok $vg->wait_for(sub { !Voltgate::alive($old) }, 10), 'and their master';
    };
}

my %ways = (
    'a reload' => sub {
        my (undef, $then) = @_;

        my @were = $vg->workers;
        $then->();
        $vg->reload;
        return sub {
            ok $vg->wait_for(sub { !Voltgate::alive(@were) }, 30), 'the old workers leave';
        };
    },
    'a binary upgrade' => sub { return upgrade(@_) },
);

for my $way ('a reload', 'a binary upgrade', 'a binary upgrade', 'a reload') {
    subtest $way => sub {
        my @cps = map { connected("CP$_") } 1 .. $all;
        my ($calls, $asked, @idle) = @cps;

        # its call waits for a row that somebody holds
        my ($asker, $command, $since);
        my $hold = sub {
            $since = time;
            $vg->dbh->begin_work;
            $vg->sql(q{select 1 from stations.link where charge_point_id = 'CP1' for update});
            $calls->send_call('held', 'BootNotification', $boot);
            $asker = command('CP2');
            $command = $asked->recv(5);
            is $command->[2], 'ClearCache', 'a command is under way';
        };

        my $gone = $ways{$way}->(sub {
            ok known('CP5'), 'nobody counts as gone meanwhile';
            my $early = command('CP5');
            $idle[2]->answer(sub { return { status => 'Accepted' } });
            ok $idle[2]->serve(5), 'a command by the new workers reaches the old ones';
            is $early->answer(5)->{status}, 200, 'and its answer comes back';
        }, $hold);

        for my $cp (@idle) {
            $cp->recv(10);
            ok $cp->closed, 'one that is idle is closed';
            is $cp->close_code, 1012, 'with a word';
            $cp->drop;
        }
        ok !$calls->closed, 'one whose call is under way is not';
        $vg->dbh->commit;
        ok answered($calls, time - $since, 2), 'it is answered';
        $calls->recv(10);
        is $calls->close_code, 1012, 'and closed then';

        ok !$asked->closed, 'one that has to answer is not closed';
        $asked->send_raw(qq([3,"$command->[1]",{"status":"Accepted"}]));
        my $answer = $asker->answer(10);
        is $answer->{status}, 200, 'what it says reaches who asked';
        is $answer->{json}{result}{status}, 'Accepted';
        $asked->recv(10);
        is $asked->close_code, 1012;
        $_->drop for $calls, $asked;

        $gone->();
        delete $vg->{client};
        my @again = map { connected("CP$_") } 1 .. $all;
        is scalar(grep { known("CP$_") } 1 .. $all), $all, 'all are back';
        $_->close for @again;
        ok $vg->wait_for(sub { !grep { known("CP$_") } 1 .. $all }), 'and go when they go';
    };
}

# Meter values are stored many at once, so many are answered in one turn of the
# loop, in which some sockets are due to close.
subtest 'answers of the last moment' => sub {
    my @cps = map { connected("CP$_") } 1 .. $crowd;

    my $in = sub { Voltgate::Caller::metric($vg, 'voltgate_ocpp_messages_total', direction => 'in') };
    my $before = $in->();
    my $since = time;
    $vg->dbh->begin_work;
    $vg->sql('lock table charging.meter_value in share mode');
    $_->send_call('held', 'MeterValues', { connectorId => 1, meterValue => [
        { timestamp => '2026-01-01T00:00:00Z', sampledValue => [{ value => '1' }] },
    ] }) for @cps;
    ok $vg->wait_for(sub { $in->() >= $before + $crowd }), 'all have asked';
    $vg->reload;
    $vg->dbh->commit;

    my $held = time - $since;
    is scalar(grep { answered($_, $held, 1) } @cps), $crowd, 'all are answered';
    $_->recv(10) for @cps;
    is scalar(grep { ($_->close_code // 0) == 1012 } @cps), $crowd, 'and closed then';
    $_->drop for @cps;
};

done_testing;

# Many that come at once stand in a line, one that comes too often waits, and
# boots do not push aside who is there already.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Charger;

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $boot     = { chargePointVendor => 'Acme', chargePointModel => 'M1' };
my $all      = 40;

my $vg = Voltgate->start(extra => { http => 'voltgate_ocpp_handshakes 5 1000;'
    . 'voltgate_ocpp_reconnects 6 1s 4s; voltgate_ocpp_boots 1 1s;' });

$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1 .. $all ],
});
$vg->post('/api/v1/charge-points', { id => "CP$_", operatorId => $company, password => $password }) for 1 .. $all;

sub metric {
    my ($name) = @_;
    return $vg->get('/metrics')->{body} =~ /^\Q$name\E (\d+)$/m ? $1 : undef;
}

subtest 'one that comes again and again' => sub {
    for (1 .. 6) {
        my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
        is $cp->status, 101;
        $cp->drop;
    }
    my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
    is $cp->status, 429, 'is told to wait';
    is $cp->json->{type}, 'https://voltgate.dev/problems/limited';
    my $wait = $cp->headers->{'retry-after'};
    cmp_ok $wait, '>=', 1, "for $wait s";
    is(Voltgate::Charger->connect($vg, 'CP2', $password)->status, 101, 'another one is not');
    ok $vg->wait_for(sub { Voltgate::Charger->connect($vg, 'CP1', $password)->status == 101 }, 10),
        'and comes in then, though it asked meanwhile';
    cmp_ok metric('voltgate_ocpp_handshakes_total{result="backoff"}'), '>=', 1, 'it is counted';
};

subtest 'one with a wrong password' => sub {
    is(Voltgate::Charger->connect($vg, 'CP3', 'wrong')->status, 401, 'once');
    my $second = Voltgate::Charger->connect($vg, 'CP3', 'wrong')->status;
    is(Voltgate::Charger->connect($vg, 'CP3', 'wrong')->status, 429, 'soon waits');
    is $second, 401;
};

# so many processes, each of which connects one and boots; then they stay
# until their pipe closes
sub fleet {
    my (@ids) = @_;
    my @run;
    for my $id (@ids) {
        pipe(my $told, my $tell) or die;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $cp = Voltgate::Charger->connect($vg, "CP$id", $password);
            my $answer = $cp->status == 101 ? $cp->call('BootNotification', $boot, timeout => 30) : undef;
            syswrite $tell, $cp->status . ' ' . ($answer ? $answer->[2]{status} . ' ' . ($answer->[2]{interval} // '') : '-') . "\n";
            require POSIX;
            POSIX::_exit(0);
        }
        push @run, [ $pid, $told ];
    }
    return map { my $line = readline $_->[1]; waitpid $_->[0], 0; chomp $line; $line } @run;
}

subtest 'many at once' => sub {
    my $start = time;
    my @told  = fleet(5 .. $all);
    my $took  = time - $start;
    is scalar(grep { /^101 Accepted/ } @told), $all - 4, 'all come in and boot' or diag join "\n", @told;
    cmp_ok metric('voltgate_ocpp_handshakes_queued_total'), '>', 0, sprintf 'some stood in a line, all in %.1f s', $took;
    is metric('voltgate_ocpp_handshakes_total{result="full"}'), 0, 'nobody was turned away';
};

subtest 'when a boot takes its time' => sub {
    $vg->sql('update stations.link set booted_at = null where charge_point_id = $1', $_) for map { "CP$_" } 10 .. 17;
    $vg->wait_for(sub { $vg->sql('select count(*) from stations.link where connected') <= 2 }, 10);
    my @cps = map { Voltgate::Charger->connect($vg, "CP$_", $password) } 10 .. 21;
    is $_->status, 101 for @cps;
    $vg->dbh->begin_work;
    $vg->sql(q{select count(*) from (select 1 from stations.link where charge_point_id like 'CP%' for update) as l});
    $_->send_call('b', 'BootNotification', $boot) for @cps;
    # one in each worker is under way, and stays so
    my %met;
    $vg->wait_for(sub {
        for my $n (grep { !$met{$_} } 0 .. 7) {
            my $answer = $cps[$n]->wait_answer('b', 0.05);
            $met{$n} = $answer if $answer;
        }
        return keys %met >= 6;
    }, 5);
    my @pending = grep { $_->[2]{status} eq 'Pending' } values %met;
    cmp_ok scalar @pending, '>=', 6, 'who is new is told to come again';
    ok !(grep { $_->[2]{interval} < 10 || $_->[2]{interval} > 20 } @pending), 'in a while that is spread';
    like $pending[0][2]{currentTime}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
    my ($who) = grep { $met{$_} && $met{$_}[2]{status} eq 'Pending' } 0 .. 7;
    is $cps[$who]->call('Heartbeat', {})->[2], 'SecurityError', 'and says nothing else till then';
    is $cps[9]->wait_answer('b', 0.05), undef, 'who was accepted before is held, not put back';
    $vg->dbh->commit;
    is $cps[$_]->wait_answer('b', 10)->[2]{status}, 'Accepted', 'and boots then' for 8 .. 11;
    cmp_ok metric('voltgate_ocpp_boots_pending_total'), '>=', 6;
    cmp_ok metric('voltgate_ocpp_boots_held_total'), '>=', 6;
    is $cps[$who]->call('BootNotification', $boot)->[2]{status}, 'Accepted', 'as does who came again';
    $_->close for @cps;
};

done_testing;

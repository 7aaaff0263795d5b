# The disk of PostgreSQL is full, under load: first where its tables lie, then
# where its log does. Who wrote is told to come again, nothing acknowledged is
# missing, and with room on the disk all goes on by itself.
#
# full.c makes the disk full for this cluster alone, without a mount: a file
# cannot grow while another file exists.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Load;

# where the user postgres can look
my $folder = tempdir('/tmp/voltgate-disk.XXXXXX', CLEANUP => 1);
chmod 0755, $folder or die "$folder: $!";
my $flag = "$folder/full";
system('gcc', '-shared', '-fPIC', '-O1', '-o', "$folder/full.so", dirname(__FILE__) . '/full.c', '-ldl') == 0
    or die "gcc: $?\n";

my $vg = Voltgate->start(own_cluster => 1,
    env => { LD_PRELOAD => "$folder/full.so", VG_DISK_FULL => $flag });

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $api      = '/api/v1';

sub fill  { open my $file, '>', $flag or die "$flag: $!"; return }
sub clear { unlink $flag or die "$flag: $!"; return }

sub clock {
    my @t = gmtime(time + $_[0]);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

# long names, so that tables grow soon
sub writers {
    my ($round) = @_;
    return Voltgate::Load->start($vg, 6, sub {
        my $id   = join '-', $round, @_;
        my $name = "S-$id-" . 'x' x 150;
        return (POST => "$api/stations", {
            name => $name, location => { lat => 1, lon => 2 }, address => { country => 'DE', street => 'y' x 200 },
            timeZone => 'UTC', operatorId => $company, connectors => [ { chargePointId => "CP-$id",
                connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] }, $name);
    });
}

# all calls of this load: told is there, and who was not told may try again
sub settled {
    my ($load, $round) = @_;
    my @outcomes = $load->stop;
    my %stored   = map { $_->{name} => 1 }
        $vg->rows('select name from stations.station where name like $1', "S-$round-%");
    my @told = map { $_->{name} } grep { $_->{status} == 201 } @outcomes;
    is scalar(grep { !$stored{$_} } @told), 0, scalar(@told) . ' were acknowledged, all are there';
    my @other = grep { $_->{status} !~ /^(?:201|503|504)$/ } @outcomes;
    is @other, 0, 'the others were told to try again' or diag(Voltgate::Load->tally(@other));
    is scalar(grep { $_->{status} == 503 && !$_->{retry_after} } @outcomes), 0, 'and when';
    note(Voltgate::Load->tally(@outcomes));
    return;
}

$vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1, type => 'CHADEMO',
        powerType => 'DC', maxPowerKw => 50 } ] });
$vg->patch("$api/charge-points/CP1", { password => $password });
$vg->party('driver-1');
is $vg->post("$api/id-tags", { idTag => 'TAG1', customerId => 'driver-1' })->{status}, 201, 'a tag';
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 1 }, 10), 'copies have arrived';

my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });
my $transaction = $cp->call(StartTransaction => { connectorId => 1, idTag => 'TAG1', meterStart => 1000,
    timestamp => clock(0) })->[2]{transactionId};
ok $transaction, 'a session has begun';

subtest 'no room for tables' => sub {
    my $load = writers(1);
    ok $load->wait_calls(50, 201), 'there is load';
    my $pid = $vg->sql('select pg_backend_pid()');
    fill();
    ok $load->wait_calls(20, 503, 60), 'writers are told to come again';
    is $vg->get("$api/stations?limit=1")->{status}, 200, 'who reads is answered';
    clear();
    ok $load->wait_calls(50, 201), 'with room again all goes on';
    is $vg->sql('select pg_backend_pid()'), $pid, 'and PostgreSQL was not started anew';
    settled($load, 1);
};

subtest 'no room for the log' => sub {
    my $load = writers(2);
    ok $load->wait_calls(20, 201), 'there is load';
    my $dba = $vg->dba;
    fill();
    # segments that were made ahead are used up
    my $switched = 0;
    eval {
        while ($switched < 50) {
            $dba->do('select pg_logical_emit_message(false, $$$$, $$x$$), pg_switch_wal()');
            $switched++;
        }
        1;
    };
    cmp_ok $switched, '<', 50, 'PostgreSQL gave up, since it could not write its log';
    ok $load->wait_calls(10, 503), 'writers are told to come again';
    my $stop = { transactionId => $transaction, meterStop => 11123, timestamp => clock(3), reason => 'Local' };
    my $answer = $cp->call(StopTransaction => $stop, timeout => 15);
    ok !$answer || $answer->[0] == 4 && $answer->[2] eq 'InternalError', 'a Stop then is not taken'
        or diag explain $answer;
    ok !$cp->closed, 'but the socket stays';
    clear();
    delete $vg->{dbh};
    $vg->pg_start;    # what a supervisor does, if it had to go altogether
    ok $load->wait_calls(20, 201, 40), 'with room again all goes on';
    ok $vg->wait_for(sub {
        my $again = $cp->call(StopTransaction => $stop, timeout => 12);
        return $again && $again->[0] == 3;
    }, 30), 'the charger comes again, and is heard';
    settled($load, 2);
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from charging.session
        where charge_point_id = 'CP1' and status = 'COMPLETED'}) == 1 }, 15), 'its session is complete';
};

ok $vg->wait_for(sub { $vg->sql('select not exists (select from vg.outbox)') }, 30), 'all is told';
is $vg->sql('select count(*) from stations.station s where 1 <> (select count(*) from vg.event e
    where e.aggregate_id = s.id::text and e.type = $1)', 'station.created.v1'), 0, 'each station has its one event';

done_testing;

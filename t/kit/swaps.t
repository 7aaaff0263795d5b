# A thousand swaps under load, with chargers connected: no call fails, no socket
# closes, and memory stays where it was. How long a call waits is t/bench/swap's.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Cli;
use Voltgate::Charger;
use Voltgate::Load;
use Voltgate::Variant;

my $SWAPS    = 1000;
my $WARM     = 300;     # the allocator has seen all sizes by then
my $vg       = Voltgate->start;
my @workers  = $vg->workers;
my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';

my $station = $vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company, connectors => [ map { {
        chargePointId => "CP$_", connectorNumber => 1, type => 'CHADEMO', powerType => 'DC',
        maxPowerKw => 50 } } 1 .. 4 ] })->{json}{id} or die "no station\n";
$vg->patch("/api/v1/charge-points/CP$_", { password => $password }) for 1 .. 4;
my @chargers = map { Voltgate::Charger->connect($vg, "CP$_", $password) } 1 .. 4;
is_deeply [ map { $_->status } @chargers ], [ (101) x 4 ], 'chargers are connected';
$_->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' }) for @chargers;

# two versions of each plugin that is swapped, installed by their first reload
my %versions;
for my $name (qw(stations charging)) {
    for my $n (1, 2) {
        my $v = Voltgate::Variant->new($vg, $name, 'plugin.c' => sub { s/(\.version = ")[^"]+/${1}9.$n/ });
        my ($status, $out) = cli($vg, plugin => 'reload', $name, $v->options);
        is $status, 0, $out;
        push @{ $versions{$name} }, $out =~ /\b([0-9a-f]{16})\b/;
    }
}

# anonymous memory of all workers, in KiB
sub memory {
    my $sum = 0;
    for my $pid (@workers) {
        open my $status, '<', "/proc/$pid/status" or die "worker $pid: $!";
        $sum += $_ for map { /^RssAnon:\s+(\d+)/ } <$status>;
    }
    return $sum;
}

sub load {
    my ($name) = @_;
    return Voltgate::Load->start($vg, 3, sub {
        my ($client, $count) = @_;
        return (GET => "/api/v1/stations/$station") if $client % 3;
        return (POST => '/api/v1/charge-points',
            { id => "$name-$client-$count", operatorId => $company, password => $password });
    });
}

my $load = load('L');

my (@refused, @silent, $warm, $began);
for my $n (1 .. $SWAPS) {
    ($warm, $began) = (memory(), time) if $n == $WARM;
    my $name = $n % 3 ? 'stations' : 'charging';
    my $hash = $versions{$name}[ ($n / 3) % 2 ^ ($n % 3 == 1) ];
    my $r = $vg->post("/api/v1/plugins/$name/reload", { hash => $hash });
    push @refused, "$n: $r->{status} $r->{body}" if $r->{status} != 200;
    my $answer = $chargers[ $n % 4 ]->call(Heartbeat => {}, timeout => 10);
    push @silent, $n if !$answer || $answer->[0] != 3;
}
my $slope = (memory() - $warm) * 1024 / @workers / ($SWAPS - $WARM);
my @outcomes = $load->stop;
my @failed = grep { $_->{status} !~ /^20[01]$/ } @outcomes;

is "@refused[0 .. ($#refused > 2 ? 2 : $#refused)]", '', "$SWAPS swaps";
is "@silent", '', 'chargers were answered after each';
is scalar(grep { $_->closed } @chargers), 0, 'and no socket closed';
is scalar(@failed), 0, scalar(@outcomes) . ' calls, none failed' or diag(Voltgate::Load->tally(@failed));
is_deeply [ $vg->workers ], \@workers, 'by the same workers';
# a sanitizer keeps what was freed for a while
my $flat = $ENV{VG_PRELOAD} ? 16_384 : 2_048;    # a version that stayed would be pages; 260 to 720 are seen
cmp_ok $slope, '<', $flat, sprintf 'memory is flat: %.0f bytes a swap and worker', $slope;
my ($slowest) = sort { $b <=> $a } map { $_->{seconds} } @outcomes;
diag sprintf '%d swaps at %.0f a second, %.0f bytes a swap and worker; slowest of %d calls %.0f ms',
    $SWAPS, ($SWAPS - $WARM) / (time - $began), $slope, scalar @outcomes, $slowest * 1000;

done_testing;

package Voltgate::Swaps;

# A thousand swaps under load, with chargers connected: no call fails, no socket
# closes, and memory stays where it was.
#
#   my $swaps = Voltgate::Swaps->new($vg);              # a station, and four of its chargers
#   $swaps->{station}                                    # its id
#   $swaps->run(1000, sub { my ($n) = @_; … ($name, $hash) }, sub { my ($client, $count) = @_; … (GET => $path) });
#
# How long a call waits is t/bench/swap's.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate::Charger;
use Voltgate::Load;

my $WARM = 300;     # the allocator has seen all sizes by then

our $company  = '019393c0-0000-7000-8000-000000000001';
our $password = 'sixteen letters!';

sub new {
    my ($class, $vg) = @_;

    my $station = $vg->post('/api/v1/stations', {
        name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => $company, connectors => [ map { {
            chargePointId => "CP$_", connectorNumber => 1, type => 'CHADEMO', powerType => 'DC',
            maxPowerKw => 50 } } 1 .. 4 ] })->{json}{id} or die "no station\n";
    $vg->patch("/api/v1/charge-points/CP$_", { password => $password }) for 1 .. 4;
    my @chargers = map { Voltgate::Charger->connect($vg, "CP$_", $password) } 1 .. 4;
    is_deeply [ map { $_->status } @chargers ], [ (101) x 4 ], 'chargers are connected';
    $_->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' }) for @chargers;
    return bless { vg => $vg, station => $station, chargers => \@chargers, workers => [ $vg->workers ] }, $class;
}

# anonymous memory of all workers, in KiB
sub memory {
    my ($self) = @_;

    my $sum = 0;
    for my $pid (@{ $self->{workers} }) {
        open my $status, '<', "/proc/$pid/status" or die "worker $pid: $!";
        $sum += $_ for map { /^RssAnon:\s+(\d+)/ } <$status>;
    }
    return $sum;
}

# what was refused, which chargers were silent, bytes a swap and worker
sub _swap {
    my ($self, $swaps, $next) = @_;

    my (@refused, @silent, $warm, $began);
    for my $n (1 .. $swaps) {
        ($warm, $began) = ($self->memory, time) if $n == $WARM;
        my ($name, $hash) = $next->($n);
        my $r = $self->{vg}->post("/api/v1/plugins/$name/reload", { hash => $hash });
        push @refused, "$n: $r->{status} $r->{body}" if $r->{status} != 200;
        my $answer = $self->{chargers}[ $n % 4 ]->call(Heartbeat => {}, timeout => 10);
        push @silent, $n if !$answer || $answer->[0] != 3;
    }
    my $slope = ($self->memory - $warm) * 1024 / @{ $self->{workers} } / ($swaps - $WARM);
    return (\@refused, \@silent, $slope, ($swaps - $WARM) / (time - $began));
}

sub run {
    my ($self, $swaps, $next, $call) = @_;

    my $load = Voltgate::Load->start($self->{vg}, 3, $call);
    my ($refused, $silent, $slope, $rate) = $self->_swap($swaps, $next);
    my @outcomes = $load->stop;
    my @failed = grep { $_->{status} !~ /^20[01]$/ } @outcomes;

    is join('; ', grep { defined } @$refused[ 0 .. 2 ]), '', "$swaps swaps";
    is "@$silent", '', 'chargers were answered after each';
    is scalar(grep { $_->closed } @{ $self->{chargers} }), 0, 'and no socket closed';
    cmp_ok scalar(@outcomes), '>', $swaps / 2, 'there was a load';
    is scalar(@failed), 0, scalar(@outcomes) . ' calls, none failed' or diag(Voltgate::Load->tally(@failed));
    is_deeply [ $self->{vg}->workers ], $self->{workers}, 'by the same workers';
    # a sanitizer keeps what was freed for a while
    my $flat = $ENV{VG_PRELOAD} ? 16_384 : 2_048;    # a version that stayed would be pages; up to 720 are seen
    cmp_ok $slope, '<', $flat, sprintf 'memory is flat: %.0f bytes a swap and worker', $slope;
    my ($slowest) = sort { $b <=> $a } map { $_->{seconds} } @outcomes;
    diag sprintf '%d swaps at %.0f a second, %.0f bytes a swap and worker; slowest of %d calls %.0f ms',
        $swaps, $rate, $slope, scalar @outcomes, $slowest * 1000;
    return;
}

1;

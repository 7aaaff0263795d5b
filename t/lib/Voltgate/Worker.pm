package Voltgate::Worker;

# Which worker holds the other end of a socket: for tests that mean one.
#
#   my $pid = Voltgate::Worker->of($vg, $cp->{socket});  # or its local port
#   Voltgate::Worker->holds($vg, $port)                 # false: none, any more
#   Voltgate::Worker->only($vg, $pid, sub { … });        # no other takes a connection meanwhile

use strict;
use warnings;

sub of {
    my ($class, $vg, $socket) = @_;

    # the table is read in parts while it changes: an entry may be missed
    return $vg->wait_for(sub { $class->holds($vg, $socket) }) || die "no worker holds the socket\n";
}

# at this moment
sub holds {
    my ($class, $vg, $socket) = @_;

    # other connections of this machine may have the same port at their end
    my $far  = sprintf ':%04X', ref $socket ? $socket->sockport : $socket;
    my $near = ref $socket ? sprintf ':%04X', $socket->peerport : '';
    open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my %met = map { ("socket:[$_->[9]]" => 1) }
        grep { $_->[1] =~ /\Q$near\E$/ && $_->[2] =~ /\Q$far\E$/ && $_->[9] } map { [split] } <$table>;
    for my $pid ($vg->workers) {
        return $pid if grep { $met{ readlink($_) // '' } } glob "/proc/$pid/fd/*";
    }
    return;
}

# The kernel gives connections to whom it likes: the others are stopped.
sub only {
    my ($class, $vg, $worker, $sub) = @_;

    my @others = grep { $_ != $worker } $vg->workers;
    # a signal that is on its way stops nobody from accepting once more
    my $done = eval {
        $vg->wait_for(sub { @others == grep { _stop($_) } @others }, 10) or die "a worker does not stop\n";
        $sub->();
        1;
    };
    kill 'CONT', @others;
    die $@ if !$done;
    return;
}

# It is there at a later call. Amid its own work it may hold a lock of the shared
# memory, which whoever goes on would wait for: it is stopped in the kernel alone.
sub _stop {
    my ($pid) = @_;

    my $stopped = Voltgate::_slurp("/proc/$pid/stat") =~ /\) T /;
    return 1 if $stopped && Voltgate::_slurp("/proc/$pid/syscall") !~ /^-1/;
    kill $stopped ? 'CONT' : 'STOP', $pid;
    return 0;
}

1;

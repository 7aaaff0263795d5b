package Voltgate::Worker;

# Which worker holds the other end of a socket: for tests that mean one.
#
#   my $pid = Voltgate::Worker->of($vg, $cp->{socket});  # or its local port

use strict;
use warnings;

sub of {
    my ($class, $vg, $socket) = @_;

    # other connections of this machine may have the same port at their end
    my $far  = sprintf ':%04X', ref $socket ? $socket->sockport : $socket;
    my $near = ref $socket ? sprintf ':%04X', $socket->peerport : '';
    # the table is read in parts while it changes: an entry may be missed
    return $vg->wait_for(sub { _holds($vg, $near, $far) }) || die "no worker holds the socket to $far\n";
}

sub _holds {
    my ($vg, $near, $far) = @_;

    open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my %met = map { ("socket:[$_->[9]]" => 1) }
        grep { $_->[1] =~ /\Q$near\E$/ && $_->[2] =~ /\Q$far\E$/ && $_->[9] } map { [split] } <$table>;
    for my $pid ($vg->workers) {
        return $pid if grep { $met{ readlink($_) // '' } } glob "/proc/$pid/fd/*";
    }
    return;
}

1;

package Voltgate::Worker;

# Which worker holds the other end of a socket: for tests that mean one.
#
#   my $pid = Voltgate::Worker->of($vg, $cp->{socket});  # or its local port

use strict;
use warnings;

sub of {
    my ($class, $vg, $socket) = @_;

    my $local = sprintf ':%04X', ref $socket ? $socket->sockport : $socket;
    open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my ($inode) = map { (split)[9] } grep { (split)[2] =~ /\Q$local\E$/ && (split)[9] } <$table>;
    return if !defined $inode;
    for my $pid ($vg->workers) {
        return $pid if grep { (readlink($_) // '') eq "socket:[$inode]" } glob "/proc/$pid/fd/*";
    }
    return;
}

1;

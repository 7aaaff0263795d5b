package Voltgate::Simulator;

# `voltgate simulate` against a test's gateway, over TLS.
#
#   my @command = simulator($vg, $password_file, '--once', …);
#   my ($status, @lines) = simulated(@command);         # both streams

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(simulator simulated);

sub simulator {
    my ($vg, $file, @options) = @_;
    return ("$vg->{build}/voltgate", 'simulate', '--url', 'wss://localhost:' . $vg->port,
        '--ca', $vg->ca, '--password-file', $file, @options);
}

# its exit status and its lines
sub simulated {
    my (@command) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT or die $!;
        exec @command or die $!;
    }
    chomp(my @lines = <$pipe>);
    close $pipe;
    return ($? >> 8, @lines);
}

1;

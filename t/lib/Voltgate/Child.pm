package Voltgate::Child;

# How a process ended, and that it does: who is asked to end and stays is killed.
#
#   my $status = reaped($pid, 20);      # as $? has it; after so many seconds SIGKILL

use strict;
use warnings;

use Exporter qw(import);
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(reaped);

sub reaped {
    my ($pid, $seconds) = @_;

    my $end = time + $seconds;
    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        kill KILL => $pid if time > $end;
        sleep 0.02;
    }
    return $?;
}

1;

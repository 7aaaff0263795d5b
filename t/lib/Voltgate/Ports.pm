package Voltgate::Ports;

# Ports for tests that run at once.
#
#   my $port = free_port();     # somebody will listen there
#   my $shut = shut_port();     # nobody does, while the test runs
#
# Neither is of those that the kernel gives to whoever connects: between the
# question and the answer any client may take one of these.

use strict;
use warnings;

use Exporter   qw(import);
use Fcntl      qw(O_CREAT O_EXCL O_WRONLY);
use File::Path qw(make_path);
use IO::Socket::INET;

our @EXPORT = qw(free_port shut_port);

my ($FIRST, $PORTS) = (20_000, 12_000);    # below /proc/sys/net/ipv4/ip_local_port_range
my (%claims, @shut);

# bound, and listening to nobody; undef: somebody has it
sub _bound { return IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $_[0], Proto => 'tcp') }

# no other test of this run has it, nor will
sub _claimed {
    my ($port) = @_;

    my $dir = ($ENV{VG_TEST} || '/tmp/voltgate') . '.ports';
    make_path($dir);
    sysopen my $claim, "$dir/$port", O_CREAT | O_EXCL | O_WRONLY or return;
    $claims{"$dir/$port"} = $$;
    return 1;
}

sub _any {
    for (1 .. 1000) {
        my $port = $FIRST + int rand $PORTS;
        my $bound = _claimed($port) && _bound($port) or next;
        return ($port, $bound);
    }
    die "no free port\n";
}

sub free_port { return (_any())[0] }

sub shut_port {
    my ($port, $bound) = _any();
    push @shut, $bound;
    return $port;
}

END {
    my $status = $?;
    unlink grep { $claims{$_} == $$ } keys %claims;
    $? = $status;
}

1;

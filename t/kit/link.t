# The sockets between workers, when a worker has no descriptor left.

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use POSIX qw(sysconf _SC_CLK_TCK);
use Socket qw(SOCK_SEQPACKET);
use Test::More;
use Time::HiRes qw(sleep);

use Voltgate;

my $vg = Voltgate->start;
my ($worker) = $vg->workers;

# of processor time, so far
sub seconds {
    open my $file, '<', "/proc/$worker/stat" or die $!;
    my @fields = split ' ', <$file> =~ s/.*\) //r;
    return ($fields[11] + $fields[12]) / sysconf(_SC_CLK_TCK);
}

# how many files it may open: as its own user, who may do that
sub limit {
    my ($files) = @_;
    my @user = $> ? () : ('runuser', '-u', scalar getpwuid((stat "/proc/$worker")[4]), '--');
    is system(@user, 'prlimit', "--pid=$worker", "--nofile=$files:"), 0, "a limit of $files files";
    return;
}

open my $limits, '<', "/proc/$worker/limits" or die $!;
my ($most) = map { /^Max open files\s+(\d+)/ ? $1 : () } <$limits>;

limit(3);
my $link = IO::Socket::UNIX->new(Type => SOCK_SEQPACKET, Peer => "$vg->{run}/link/$worker.sock") or die $!;
$link->send('noise');
my $spent = seconds();
sleep 1.5;
cmp_ok seconds() - $spent, '<', 0.5, 'one who cannot be let in costs next to nothing';
ok !IO::Select->new($link)->can_read(0), 'and waits';
limit($most);
ok(IO::Select->new($link)->can_read(5), 'until there is room: then it is heard');
is sysread($link, my $nothing, 1), 0, 'and for what it says, sent away';

done_testing;

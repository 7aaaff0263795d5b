package Voltgate::Chaos;

# Bad days: while clients go on, processes are killed at random, by a seed.
# Then all comes up again, and accounts are settled: what was acknowledged has
# to be there, and each effect once.
#
#   my $chaos = Voltgate::Chaos->new(seed => 7, seconds => 30);   # rest => 4: s between two, at most
#   $chaos->disturbs('a worker' => sub { … }, …);   # names and what they do
#   $chaos->client(4, sub { my ($n) = @_; … ; return $acknowledged });   # times => 50: until so many were
#   my %acknowledged = $chaos->run;                 # n => times
#
# Others add disturbances and clients of their own.

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep time);

use Voltgate::Child qw(reaped);

sub new {
    my ($class, %opts) = @_;
    my $seed = $opts{seed} || 1 + int rand 1e9;
    srand $seed;
    return bless { seconds => $opts{seconds} || 60, rest => $opts{rest} || 1.8, seed => $seed, disturbs => [], clients => [], log => [], owner => $$ }, $class;
}

sub seed { return $_[0]{seed} }
sub log  { return @{ $_[0]{log} } }

sub disturbs {
    my ($self, @pairs) = @_;
    push @{ $self->{disturbs} }, [ splice @pairs, 0, 2 ] while @pairs;
    return;
}

# so many processes of their own; each call gets a number that no other has
sub client {
    my ($self, $count, $sub, %opts) = @_;
    push @{ $self->{clients} }, ({ %opts, call => $sub }) x $count;
    return;
}

sub run {
    my ($self) = @_;

    my $end  = time + $self->{seconds};
    my $from = time;
    my @files = map { $self->_fork($_, $self->{clients}[$_], $end) } 0 .. $#{ $self->{clients} };
    sleep 0.5;
    while (time < $end && grep { kill 0, $_ } @{ $self->{pids} }) {
        my ($name, $sub) = @{ $self->{disturbs}[ rand @{ $self->{disturbs} } ] };
        push @{ $self->{log} }, sprintf '%.1f s: %s', time - $from, $name;
        $sub->();
        sleep 0.2 + rand $self->{rest};
        waitpid $_, POSIX::WNOHANG() for @{ $self->{pids} };
    }
    my %acknowledged;
    reaped($_, 180) for @{ $self->{pids} };    # each ends the call that it is in
    for my $file (@files) {
        seek $file, 0, 0;
        while (my $n = <$file>) { $acknowledged{ $n + 0 }++ }
    }
    return %acknowledged;
}

# what it was told of is written down before it asks for more: into a file, for
# a pipe that nobody reads meanwhile would hold it up
sub _fork {
    my ($self, $number, $client, $end) = @_;

    open my $file, '+>', undef or die "file: $!";
    my $pid = fork // die "fork: $!";
    push @{ $self->{pids} }, $pid;
    return $file if $pid;
    # the parent's handles and objects are not ours to end
    my $n    = 1_000_000 * ($number + 1);
    my $left = $client->{times} // 1e9;
    while (time < $end && $left) {
        $n++;
        my $good = eval { $client->{call}->($n) };
        $left-- if $good;
        syswrite $file, "$n\n" if $good;
        sleep($good ? 0.003 : 0.05);
    }
    POSIX::_exit(0);
}

1;

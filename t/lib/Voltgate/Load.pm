package Voltgate::Load;

# Clients that call in parallel, each a process of its own, until they are
# told to stop; each call's outcome comes back through a pipe.
#
#   my $load = Voltgate::Load->start($vg, 4, sub {
#       my ($client, $count) = @_;
#       return (POST => '/api/v1/…', { … }, 'name of this call', { more => 'headers' });
#   });
#   $load->wait_calls(200, 201);        # until 200 were answered with 201
#   my @outcomes = $load->stop;         # { status, name, seconds, type }
#
# type is the end of a problem's type, such as busy. A client that died, or that
# is still in its call 40 s after it was told to stop, is an outcome of status 0.

use strict;
use warnings;

use IO::Select;
use POSIX ();
use Time::HiRes qw(time);

sub start {
    my ($class, $vg, $clients, $next, %opts) = @_;

    $vg->admin;    # one token for all
    my $self = bless {
        vg       => $vg,
        stop     => "$vg->{state}/stop." . time,
        outcomes => [],
        rest     => '',
        pids     => [],
    }, $class;
    pipe $self->{from}, my $to or die "pipe: $!";
    for my $client (1 .. $clients) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            eval { $self->_call($client, $next, $to, $opts{calls}); 1 }
                or do { print STDERR $@; _tell($to, 0, '', 0, 'died', '') };
            POSIX::_exit(0);
        }
        push @{ $self->{pids} }, $pid;
    }
    close $to;
    return $self;
}

sub _call {
    my ($self, $client, $next, $to, $calls) = @_;

    my $vg    = $self->{vg};
    my $count = 0;
    $vg->{client} = $vg->client(fresh => 1);
    while (!-e $self->{stop} && (!$calls || $count < $calls)) {
        my ($method, $path, $body, $name, $headers) = $next->($client, ++$count);
        my $began  = time;
        my $answer = $vg->request($method, $path, $body, $headers);
        my ($type) = ($answer->{json} && ref $answer->{json} eq 'HASH'
            ? $answer->{json}{type} // '' : '') =~ m{([^/:#]*)$};
        _tell($to, $answer->{status}, $name // '', time - $began, $type // '', $answer->{headers}{'retry-after'} // '');
    }
    return;
}

sub _tell { my ($to, @outcome) = @_; return syswrite $to, join("\t", @outcome) . "\n" }

# what came so far
sub outcomes {
    my ($self) = @_;

    while (IO::Select->new($self->{from})->can_read(0)) {
        sysread($self->{from}, $self->{rest}, 65536, length $self->{rest}) or last;
    }
    while ($self->{rest} =~ s/^(.*)\n//) {
        my %outcome;
        @outcome{qw(status name seconds type retry_after)} = split /\t/, $1, -1;
        push @{ $self->{outcomes} }, \%outcome;
    }
    return @{ $self->{outcomes} };
}

# until so many calls more than now were answered with that status
sub wait_calls {
    my ($self, $count, $status, $seconds) = @_;

    my $so_far = grep { $_->{status} == $status } $self->outcomes;
    return $self->{vg}->wait_for(sub {
        $count <= -$so_far + grep { $_->{status} == $status } $self->outcomes;
    }, $seconds // 20);
}

# lets each end the call that it is in
sub stop {
    my ($self) = @_;

    open my $file, '>', $self->{stop} or die "$self->{stop}: $!";
    return $self->wait;
}

# for those that were given a number of calls
sub wait {
    my ($self) = @_;

    # a pipe that is full would hold the writers
    my $end = time + 40;
    while (@{ $self->{pids} } && time < $end) {
        $self->outcomes;
        @{ $self->{pids} } = grep { waitpid($_, POSIX::WNOHANG()) == 0 } @{ $self->{pids} };
        select undef, undef, undef, 0.02;
    }
    for my $pid (splice @{ $self->{pids} }) {
        kill KILL => $pid;
        waitpid $pid, 0;
        push @{ $self->{outcomes} }, { status => 0, name => '', seconds => 40, type => 'hung', retry_after => '' };
    }
    return $self->outcomes;
}

# of outcomes: how many had which status, as text for a test's diagnosis
sub tally {
    my ($class, @outcomes) = @_;

    my %count;
    $count{ $_->{status} . ($_->{type} ? " $_->{type}" : '') }++ for @outcomes;
    return join ', ', map { "$count{$_} x $_" } sort keys %count;
}

1;

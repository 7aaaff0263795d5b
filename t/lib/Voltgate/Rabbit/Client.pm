package Voltgate::Rabbit::Client;

# A client of RabbitMQ that nobody here wrote (rabbit.js, npm's amqplib).
#
#   $c->ask('queue', 'all', '#', {});        # makes it, binds it, takes from it
#   $c->messages;                            # all that came, in order
#   $c->ask('count', 'voltgate.events.dead') # how many lie there

use strict;
use warnings;

use File::Basename qw(dirname);
use IO::Select;
use IPC::Open2 qw(open2);
use JSON::PP ();
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

sub new {
    my ($class, $port, $password_file) = @_;

    my $self = bless { messages => [], bytes => '', owner => $$ }, $class;
    $self->{pid} = open2($self->{out}, $self->{in}, 'node', dirname(__FILE__) . '/../../rabbit.js',
        $port, $password_file);
    $self->{in}->autoflush(1);
    $self->_line(20, 'open') or die "amqplib does not connect\n";
    return $self;
}

# the answer, or undef and what the broker said against it
sub ask {
    my ($self, @words) = @_;

    print { $self->{in} } $json->encode(\@words), "\n";
    my $line = $self->_line(20, 'answer', 'error') or die "no answer to @words\n";
    return $line->{answer} if !wantarray;
    return ($line->{answer}, $line->{error});
}

sub messages { my ($self) = @_; $self->_line(0, 'none'); return @{ $self->{messages} } }

sub close {
    my ($self) = @_;

    CORE::close delete $self->{in} if $self->{in};
    if (my $pid = delete $self->{pid}) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    return;
}

sub DESTROY { my ($self) = @_; local ($?, $@); $self->close if $self->{owner} == $$; return }

# Lines until one of these kinds, or until time is up; messages are kept.
sub _line {
    my ($self, $timeout, @kinds) = @_;

    my $end = time + $timeout;
    while (1) {
        while ($self->{bytes} =~ s/\A([^\n]*)\n//) {
            my $line = $json->decode($1);
            push @{ $self->{messages} }, $line->{message} if $line->{message};
            return $line if grep { exists $line->{$_} } @kinds;
        }
        my $left = $end - time;
        return if !IO::Select->new($self->{out})->can_read($left > 0 ? $left : 0);
        sysread $self->{out}, $self->{bytes}, 1_048_576, length $self->{bytes} or return;
    }
}

1;

package Voltgate::Strict;

# A charge point of other makers (strict.js, npm's ocpp-rpc) that holds both
# directions against its own schemas. It answers while the test waits for HTTP.
#
#   my $cp = Voltgate::Strict->connect($vg, 'CP1', $password);
#   $cp->answers(Reset => { status => 'Accepted' });  # [code, text]: a CALLERROR;
#                                                 # { inTurn => [...] }: the last goes on
#   is $cp->call('Heartbeat', {})->{error}, undef;    # {result} or {error}
#   my ($action, $payload) = $cp->asked;              # the next command it got
#   is_deeply $cp->wrong, [];                         # what broke a schema

use strict;
use warnings;

use File::Basename qw(dirname);
use IO::Select;
use IPC::Open2 qw(open2);
use JSON::PP ();
use Time::HiRes qw(time);

use Voltgate::Child qw(reaped);

my $json = JSON::PP->new->utf8->canonical;

sub connect {
    my ($class, $vg, $identity, $password) = @_;

    my $self = bless { asked => [], wrong => [], bytes => '', owner => $$ }, $class;
    local $ENV{PASSWORD} = $password;
    $self->{pid} = open2($self->{out}, $self->{in}, 'node', dirname(__FILE__) . '/../strict.js',
        'wss://localhost:' . $vg->port . '/ocpp', $identity, $vg->ca);
    $self->{in}->autoflush(1);
    $self->_line('open');
    return $self;
}

sub answers { my ($self, %answers) = @_; $self->_say({ answers => \%answers }); $self->_line('set'); return }

sub call {
    my ($self, $action, $payload) = @_;

    $self->_say({ call => $action, payload => $payload });
    return $self->_line('result', 'error');
}

# the next command within so many seconds: action and payload; or nothing
sub asked {
    my ($self, $timeout) = @_;

    $self->_line_within($timeout // 10, 'asked') if !@{ $self->{asked} };
    my $next = shift @{ $self->{asked} } or return;
    return ($next->{asked}, $next->{payload});
}

sub wrong { my ($self) = @_; $self->_line_within(0); return $self->{wrong} }

sub close {
    my ($self) = @_;

    close delete $self->{in} if $self->{in};
    reaped(delete $self->{pid}, 20) if $self->{pid};
    return;
}

sub DESTROY { my ($self) = @_; local $?; $self->close if $self->{owner} == $$; return }

sub _say { my ($self, $line) = @_; print { $self->{in} } $json->encode($line), "\n"; return }

sub _line {
    my ($self, @kinds) = @_;
    return $self->_line_within(20, @kinds) // die "the charge point says no @kinds\n";
}

# Lines until one of these kinds, or until time is up; what else comes is kept.
sub _line_within {
    my ($self, $timeout, @kinds) = @_;

    my $end = time + $timeout;
    while (1) {
        while ($self->{bytes} =~ s/\A([^\n]*)\n//) {
            my $line = $json->decode($1);
            push @{ $self->{asked} }, $line if $line->{asked};
            push @{ $self->{wrong} }, $line->{wrong} if $line->{wrong};
            return $line if grep { exists $line->{$_} } @kinds;
        }
        my $left = $end - time;
        return if !IO::Select->new($self->{out})->can_read($left > 0 ? $left : 0);
        sysread $self->{out}, $self->{bytes}, 65_536, length $self->{bytes} or return;
    }
}

1;

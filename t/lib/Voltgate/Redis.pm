package Voltgate::Redis;

# Debian's Redis, one of the test's own: without a folder, without anything kept.
#
#   my $redis = Voltgate::Redis->start($folder, password => 'a', tls => { cert =>, key => });
#   $redis->port; $redis->cli('dbsize'); $redis->pause(1); $redis->kill; $redis->again;

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep time);

use Voltgate;

my %running;

sub start {
    my ($class, $folder, %opts) = @_;
    my $self = bless { port => Voltgate::free_port(), folder => $folder, %opts }, $class;
    $self->again;
    return $self;
}

sub again {
    my ($self) = @_;

    my @port = $self->{tls}
        ? ('port 0', "tls-port $self->{port}", "tls-cert-file $self->{tls}{cert}", "tls-key-file $self->{tls}{key}",
            "tls-ca-cert-file $self->{tls}{cert}", 'tls-auth-clients no')
        : ("port $self->{port}");
    open my $conf, '>', "$self->{folder}/redis.conf" or die $!;
    print {$conf} map { "$_\n" } @port, 'bind 127.0.0.1', 'save ""', 'appendonly no', "dir $self->{folder}",
        "logfile $self->{folder}/redis.log", ($self->{password} ? qq{requirepass "$self->{password}"} : ());
    close $conf or die $!;
    my $pid = $self->{pid} = fork // die "fork: $!";
    if (!$pid) {
        exec { 'redis-server' } 'redis-server', "$self->{folder}/redis.conf" or POSIX::_exit(1);
    }
    $running{$pid} = 1;
    my $end = time + 10;
    while ($self->cli('ping') ne 'PONG') {
        die "Redis does not start\n" if time > $end;
        sleep 0.05;
    }
    return;
}

sub port { return $_[0]{port} }

# its answer, without the end of the line
sub cli {
    my ($self, @words) = @_;

    local $ENV{REDISCLI_AUTH} = $self->{password} // '';
    my @tls = $self->{tls} ? ('--tls', '--cacert', $self->{tls}{cert}) : ();
    open my $pipe, '-|', 'sh', '-c', 'exec redis-cli "$@" 2>/dev/null', 'sh', '-p', $self->{port}, @tls, @words or die $!;
    my $out = do { local $/ = undef; <$pipe> } // '';
    close $pipe;
    chomp $out;
    return $out;
}

sub stop { my ($self) = @_; CORE::kill(STOP => $self->{pid}); return }
sub go   { my ($self) = @_; CORE::kill(CONT => $self->{pid}); return }

sub kill {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    CORE::kill(KILL => $pid);
    waitpid $pid, 0;
    delete $running{$pid};
    return;
}

END { my $status = $?; CORE::kill(KILL => keys %running); $? = $status }

1;

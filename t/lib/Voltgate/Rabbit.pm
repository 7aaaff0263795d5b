package Voltgate::Rabbit;

# Debian's RabbitMQ for one test: a node, ports, an epmd and folders of its
# own, TLS by an authority of its own. It ends with the test.
#
#   my $rabbit = Voltgate::Rabbit->new;      # made, not started
#   $rabbit->start;                          # goes on with what it had
#   $rabbit->stop;  $rabbit->kill;           # gently; as a loss of power
#   $rabbit->url;                            # amqps://, with a user
#   $rabbit->ca;  $rabbit->password_file;
#   my $c = $rabbit->client;                 # npm's amqplib, see rabbit.js
#   $c->ask('queue', 'q', { … });  my @messages = $c->messages;

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use Voltgate::Child qw(reaped);
use Voltgate::Rabbit::Client;

sub new {
    my ($class, %opts) = @_;

    my $self = bless {
        dir   => tempdir('/tmp/voltgate-rabbit.XXXXXX', CLEANUP => 0),
        owner => $$,
        map { $_ => Voltgate::free_port() } qw(epmd dist tcp tls),
    }, $class;
    chmod 0755, $self->{dir} or die "$self->{dir}: $!";
    make_path("$self->{dir}/home");
    # both read by whom the workers run as
    $self->_write('password', 0644, "a hare in the clover\n");
    $self->_certificates;
    $self->_write('rabbitmq.conf', 0600, <<"END");
listeners.tcp.1 = 127.0.0.1:$self->{tcp}
listeners.ssl.1 = 127.0.0.1:$self->{tls}
ssl_options.cacertfile = $self->{dir}/ca.pem
ssl_options.certfile = $self->{dir}/cert.pem
ssl_options.keyfile = $self->{dir}/key.pem
default_user = voltgate
default_pass = a hare in the clover
heartbeat = 2
log.file.level = warning
log.console = false
END
    $self->_write('plugins', 0644, "[].\n");
    return $self;
}

sub url           { my ($self, $host) = @_; return 'amqps://voltgate@' . ($host // 'localhost') . ":$self->{tls}" }
sub ca            { return "$_[0]{dir}/ca.pem" }
sub other_ca      { return "$_[0]{dir}/other.pem" }
sub password_file { return "$_[0]{dir}/password" }
sub client        { my ($self) = @_; return Voltgate::Rabbit::Client->new($self->{tcp}, $self->password_file) }

# begins to start: ready() waits for it
sub launch {
    my ($self) = @_;

    my %env = (
        PATH => $ENV{PATH}, HOME => "$self->{dir}/home", LANG => 'C.UTF-8',
        ERL_EPMD_PORT => $self->{epmd}, ERL_EPMD_ADDRESS => '127.0.0.1',
        RABBITMQ_NODENAME => "vg$$\@localhost", RABBITMQ_ALLOW_INPUT => 1,
        RABBITMQ_CONFIG_FILE => "$self->{dir}/rabbitmq", RABBITMQ_CONF_ENV_FILE => '/dev/null',
        RABBITMQ_ENABLED_PLUGINS_FILE => "$self->{dir}/plugins",
        RABBITMQ_MNESIA_BASE => "$self->{dir}/mnesia", RABBITMQ_LOG_BASE => "$self->{dir}/log",
        RABBITMQ_DIST_PORT => $self->{dist},
        # one scheduler: the machine is small, and others wait for it
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS => "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
    );
    $self->{daemon} //= $self->_run(\%env, 'epmd', '-port', $self->{epmd}, '-address', '127.0.0.1');
    $self->{pid} = $self->_run(\%env, '/usr/lib/rabbitmq/bin/rabbitmq-server', '-noinput');
    return;
}

sub ready {
    my ($self) = @_;

    my $end = time + 180;    # Erlang on a busy machine
    until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{tls}, Timeout => 1)) {
        die "RabbitMQ has ended: ", $self->_said if waitpid($self->{pid}, 1) != 0;
        die "RabbitMQ does not start: ", $self->_said if time > $end;
        sleep 0.1;
    }
    return;
}

sub start { my ($self) = @_; $self->launch; $self->ready; return }
sub stop  { my ($self) = @_; $self->_end('TERM'); return }
sub kill  { my ($self) = @_; $self->_end('KILL'); return }

sub close {
    my ($self) = @_;

    $self->_end('KILL') if $self->{pid};
    if (my $daemon = delete $self->{daemon}) {
        CORE::kill 'KILL', $daemon;
        waitpid $daemon, 0;
    }
    remove_tree($self->{dir}) if !$ENV{VG_KEEP};
    return;
}

sub DESTROY { my ($self) = @_; local ($?, $@); $self->close if $self->{owner} == $$; return }

sub _end {
    my ($self, $signal) = @_;

    my $pid = delete $self->{pid} or return;
    CORE::kill $signal, $pid;
    reaped($pid, 30);
    return;
}

sub _run {
    my ($self, $env, @command) = @_;

    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    %ENV = %$env;
    open STDIN,  '<',  '/dev/null'               or die "null: $!";
    open STDOUT, '>>', "$self->{dir}/said"       or die "said: $!";
    open STDERR, '>&', \*STDOUT                  or die "dup: $!";
    exec { $command[0] } @command or do { warn "$command[0]: $!\n"; POSIX::_exit(127) };
}

sub _said { my ($self) = @_; return `tail -n 20 '$self->{dir}/said' '$self->{dir}'/log/* 2>/dev/null` }

sub _write {
    my ($self, $name, $mode, $text) = @_;

    open my $file, '>', "$self->{dir}/$name" or die "$name: $!";
    print {$file} $text;
    CORE::close $file or die "$name: $!";
    chmod $mode, "$self->{dir}/$name" or die "$name: $!";
    return;
}

# ca.pem signs cert.pem for localhost; other.pem signs nothing here
sub _certificates {
    my ($self) = @_;

    my $dir = $self->{dir};
    my @new = qw(openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 2);
    for my $ca (qw(ca other)) {
        $self->_openssl(@new, '-x509', '-subj', "/CN=$ca", '-keyout', "$dir/$ca.key", '-out', "$dir/$ca.pem");
    }
    $self->_openssl(@new, '-x509', '-subj', '/CN=localhost', '-CA', "$dir/ca.pem", '-CAkey', "$dir/ca.key",
        '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE',
        '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
    return;
}

sub _openssl {
    my ($self, @command) = @_;

    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', "$self->{dir}/openssl.log" or die "openssl: $!";
        exec @command or die "openssl: $!";
    }
    waitpid $pid, 0;
    die "openssl failed, see $self->{dir}/openssl.log\n" if $?;
    return;
}

1;

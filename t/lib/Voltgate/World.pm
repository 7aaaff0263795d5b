package Voltgate::World;

# The world outside, as it is on bad days: an HTTP server whose answers the
# path says, and that writes down what it was asked.
#
#   my $world = Voltgate::World->start;                 # or (tls => $certificate)
#   $world->url('/ok');                                 # http://127.0.0.1:…/ok
#   $world->requests(qr{^/ok});                         # { method path headers body connection }
#
# /ok  /status/N  /json  /text  /binary  /large/BYTES  /headers/BYTES  /empty
# /slow/MS (then ok)  /hang (accepts, says nothing)  /half (begins, then hangs)
# /cut (begins, then closes)  /close (says nothing, closes)  /redirect/URL
# /twice (two answers to one question; then /said-twice is written down)  /fail/N/NAME (503 N times, then ok)
# /shut/N/NAME (closes without a word N times, then ok)
#
# Each connection is a process of its own, so that what hangs holds up nobody.

use strict;
use warnings;

use Fcntl qw(:flock);
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP ();
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->utf8->canonical;
my @running;

sub start {
    my ($class, %opts) = @_;

    my $listen = IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1', LocalPort => $opts{port} || 0, ReuseAddr => 1)
        or die "the world does not listen: $!\n";
    my $self = bless {
        port => $listen->sockport, tls => $opts{tls}, owner => $$,
        log  => $opts{log} || "/tmp/voltgate-world.$$." . $listen->sockport,
    }, $class;
    open my $log, $opts{log} ? '>>' : '>', $self->{log} or die "$self->{log}: $!\n";
    close $log;
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        $self->_listen($listen);
        POSIX::_exit(0);
    }
    setpgrp $self->{pid}, $self->{pid};    # by whoever is first: stop() may come at once
    push @running, $self;
    return $self;
}

# its connections end as well: they are one group of processes
sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    kill 'KILL', -$self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub port { return $_[0]{port} }
sub url  { my ($self, $path) = @_; return ($self->{tls} ? 'https' : 'http') . "://127.0.0.1:$self->{port}" . ($path // '') }

sub requests {
    my ($self, $path) = @_;
    open my $file, '<', $self->{log} or return;
    flock $file, LOCK_SH;    # a long one is written in pieces
    return grep { $_->{path} =~ $path } map { $json->decode($_) } <$file>;
}

sub forget { my ($self) = @_; truncate $self->{log}, 0; return }

END {
    my $status = $?;
    for my $self (grep { $_->{owner} == $$ } @running) {
        $self->stop;
        unlink $self->{log};
    }
    $? = $status;
}

# --------------------------------------------------------------- the server

sub _listen {
    my ($self, $listen) = @_;

    setpgrp;
    $SIG{CHLD} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    my $count = 0;
    while (my $client = $listen->accept) {
        $count++;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            close $listen;
            eval { $self->_serve($client, $count); 1 };
            POSIX::_exit(0);
        }
        close $client;
    }
    return;
}

sub _serve {
    my ($self, $client, $connection) = @_;

    # a second answer must not wait until the first is acknowledged
    setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1 or die "TCP_NODELAY: $!";
    if ($self->{tls}) {
        $client = IO::Socket::SSL->start_SSL($client, SSL_server => 1,
            SSL_cert_file => $self->{tls}{cert}, SSL_key_file => $self->{tls}{key}) or return;
    }
    my $buffer = '';
    while (my $request = _request($client, \$buffer)) {
        $request->{connection} = $connection;
        $request->{at} = time;
        $self->_note($request);
        $self->_answer($client, $request) or last;
    }
    close $client;
    return;
}

sub _request {
    my ($client, $buffer) = @_;

    while ($$buffer !~ /\r\n\r\n/) {
        sysread $client, $$buffer, 65536, length $$buffer or return;
    }
    $$buffer =~ s/^(.*?)\r\n\r\n//s;
    my ($line, @lines) = split /\r\n/, $1;
    my ($method, $path) = split ' ', $line;
    my %headers;
    for (@lines) {
        my ($name, $value) = /^([^:]+):\s*(.*)$/ or next;
        $headers{ lc $name } = exists $headers{ lc $name } ? "$headers{ lc $name }, $value" : $value;
    }
    my $length = $headers{'content-length'} // 0;
    while (length $$buffer < $length) {
        sysread $client, $$buffer, 65536, length $$buffer or return;
    }
    return { method => $method, path => $path, headers => \%headers, body => substr $$buffer, 0, $length, '' };
}

sub _note {
    my ($self, $request) = @_;
    open my $file, '>>', $self->{log} or die "$self->{log}: $!";
    flock $file, LOCK_EX;
    print {$file} $json->encode($request), "\n";
    close $file or die "$self->{log}: $!";
    return;
}

sub _seen { my ($self, $path) = @_; return scalar grep { $_->{path} eq $path } $self->requests(qr/./) }

sub _say {
    my ($client, $status, $body, @headers) = @_;
    my $text = join "\r\n", "HTTP/1.1 $status Said", @headers, 'Content-Length: ' . length($body), '', $body;
    return $client->syswrite($text);
}

sub _answer {
    my ($self, $client, $request) = @_;

    my (undef, $what, @rest) = split m{/}, $request->{path} =~ s/\?.*//r;
    my %answers = (
        ok       => sub { _say($client, 200, '{"well":true}', 'Content-Type: application/json') },
        status   => sub { _say($client, $rest[0], '{"code":"X"}', 'Content-Type: application/json') },
        json     => sub { _say($client, 200, '{"a":[1,{"b":null}],"long":12345678901234567890.5}',
            'Content-Type: application/json', 'ETag: "x"', 'Retry-After: 7', 'X-Secret: no') },
        text     => sub { _say($client, 200, "plain \xc3\xa4 text", 'Content-Type: text/plain') },
        binary   => sub { _say($client, 200, "\xff\x00\xfe", 'Content-Type: application/octet-stream') },
        nul      => sub { _say($client, 200, '{"a":"\u0000"}', 'Content-Type: application/json') },
        empty    => sub { $client->syswrite("HTTP/1.1 204 None\r\n\r\n") },
        large    => sub { _say($client, 200, 'x' x $rest[0]) },
        headers  => sub { _say($client, 200, '{}', map { "X-$_: " . 'x' x 1000 } 1 .. $rest[0] / 1000) },
        slow     => sub { sleep $rest[0] / 1000; _say($client, 200, '{"well":true}') },
        hang     => sub { sleep 60; 0 },
        half     => sub { $client->syswrite("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"); sleep 60; 0 },
        cut      => sub { $client->syswrite("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"); 0 },
        close    => sub { 0 },
        nonsense => sub { $client->syswrite("\x16\x03\x01 this is no HTTP\r\n\r\n"); 0 },
        redirect => sub { _say($client, 302, '', 'Location: http://127.0.0.1:' . $self->{port} . '/ok') },
        twice    => sub {
            _say($client, 200, '{"n":1}');
            _say($client, 200, '{"n":"smuggled"}');
            $self->_note({ path => '/said-twice' });
            1;
        },
        fail     => sub { $self->_seen($request->{path}) > $rest[0] ? _say($client, 200, '{"well":true}') : _say($client, 503, '{}') },
        shut     => sub { $self->_seen($request->{path}) > $rest[0] ? _say($client, 200, '{"well":true}') : 0 },
    );
    return $answers{$what} ? $answers{$what}->() : _say($client, 404, '{}');
}

1;

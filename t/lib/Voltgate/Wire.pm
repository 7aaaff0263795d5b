package Voltgate::Wire;

# Bytes to the gateway as a test wants them: requests that no library makes.
#
#   my $r = Voltgate::Wire->ask($vg, "GET / HTTP/1.0\r\n\r\n");
#   $r->{status}, $r->{headers}, $r->{body}, $r->{json}; closed by the server
#
# plain => 1 leaves TLS out. connect, send and answer are for those that send
# in pieces. A status of 0: the connection ended without an answer; cut: within its body (or it
# answers a HEAD).

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP ();
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

sub ask {
    my ($class, $vg, $bytes, %opts) = @_;

    my $self = $class->connect($vg, %opts);
    $self->send($bytes);
    return $self->answer($opts{timeout});
}

sub connect {
    my ($class, $vg, %opts) = @_;

    my %where = (PeerAddr => '127.0.0.1', PeerPort => $vg->port, Timeout => 10);
    my $socket = $opts{plain}
        ? IO::Socket::INET->new(%where)
        : IO::Socket::SSL->new(%where, SSL_hostname => 'localhost',
            SSL_verifycn_name => 'localhost', SSL_ca_file => $vg->ca);
    die "connect: $!\n" if !$socket;
    return bless { socket => $socket, bytes => '' }, $class;
}

# A POST by the admin over a connection of its own, which is not waited for;
# the body is a text, or what is to be JSON.
sub post {
    my ($class, $vg, $path, $body, %headers) = @_;

    my $text = ref $body ? $json->encode($body) : $body;
    my %all = ('Host' => 'localhost', 'Authorization' => 'Bearer ' . $vg->admin, 'Content-Type' => 'application/json',
        'Content-Length' => length $text, %headers);
    return $class->connect($vg)->send(join "\r\n", "POST $path HTTP/1.1", (map { "$_: $all{$_}" } sort keys %all), '', $text);
}

# Stops when the other side does not want more.
sub send {
    my ($self, $bytes) = @_;

    while (length $bytes) {
        my $sent = $self->{socket}->syswrite($bytes) or last;
        substr $bytes, 0, $sent, '';
    }
    return $self;
}

# One answer, as a hash.
sub answer {
    my ($self, $timeout) = @_;

    my $end = time + ($timeout // 10);
    while ($self->{bytes} !~ /\r\n\r\n/) {
        $self->_read($end) or return { status => 0, closed => $self->{closed} };
    }
    my ($head, $rest) = split /\r\n\r\n/, $self->{bytes}, 2;
    my ($first, @lines) = split /\r\n/, $head;
    my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines;
    my $length = $headers{'content-length'} // 0;
    $self->{bytes} = $rest;
    while (length $self->{bytes} < $length && $self->_read($end)) { }
    my $body = substr $self->{bytes}, 0, $length, '';
    return {
        status  => (split / /, $first)[1],
        headers => \%headers,
        body    => $body,
        cut     => length $body < $length,
        json    => scalar eval { $json->decode($body) },
    };
}

# true: the server ended the connection within so many seconds
sub ends {
    my ($self, $timeout) = @_;

    my $end = time + ($timeout // 10);
    while ($self->_read($end)) { }
    return $self->{closed};
}

sub drop {
    my ($self) = @_;
    $self->{socket}->close(SSL_no_shutdown => 1);
    return;
}

sub _read {
    my ($self, $end) = @_;

    my $socket = $self->{socket};
    if (!$socket->can('pending') || !$socket->pending) {
        my $left = $end - time;
        return 0 if $left <= 0 || !IO::Select->new($socket)->can_read($left);
    }
    if (!$socket->sysread(my $bytes, 65536)) {
        $self->{closed} = 1;
        return 0;
    } else {
        $self->{bytes} .= $bytes;
    }
    return 1;
}

1;

package Voltgate::Stream;

# A stream of Server-Sent Events, read by hand: what came, line by line, and
# how it ended.
#
#   my $stream = Voltgate::Stream->open($vg, $path, { Authorization => … });
#   is $stream->status, 200;
#   my $event = $stream->event(5);      # { id, data }, data decoded; or undef
#   ok $stream->ended(5);               # the other side has ended it properly
#
# port => another of the gateway's; rcvbuf => bytes: a reader that is soon full.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP ();
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->allow_nonref;

sub open {
    my ($class, $vg, $path, $headers, %opts) = @_;

    my $plain = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!\n";
    setsockopt $plain, SOL_SOCKET, SO_RCVBUF, $opts{rcvbuf} or die "rcvbuf: $!\n" if $opts{rcvbuf};
    connect $plain, Socket::pack_sockaddr_in($opts{port} // $vg->port, Socket::inet_aton('127.0.0.1')) or die "connect: $!\n";
    my $socket = IO::Socket::SSL->start_SSL($plain,
        SSL_hostname => 'localhost', SSL_verifycn_name => 'localhost', SSL_ca_file => $vg->ca)
        or die "connect: $! $SSL_ERROR\n";
    my $self = bless { socket => $socket, raw => '', text => '' }, $class;
    my %headers = (Host => 'localhost', Accept => 'text/event-stream', %{ $headers || {} });
    $socket->syswrite("GET $path HTTP/1.1\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n");

    my $end = time + 10;
    while ($self->{raw} !~ /\r\n\r\n/) {
        $self->_read($end) or die "the stream was not answered\n";
    }
    (my $head, $self->{raw}) = split /\r\n\r\n/, $self->{raw}, 2;
    my ($first, @lines) = split /\r\n/, $head;
    $self->{status}  = (split / /, $first)[1];
    $self->{headers} = { map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines };
    return $self;
}

sub status  { return $_[0]{status} }
sub headers { return $_[0]{headers} }
sub socket  { return $_[0]{socket} }
sub beats   { return $_[0]{beats} // 0 }
sub retry   { return $_[0]{retry} }

# the next event within so many seconds
sub event {
    my ($self, $seconds) = @_;

    my $end = time + ($seconds // 10);
    while (1) {
        $self->_unchunk;
        while ($self->{text} =~ s/\A(.*?)\n\n//s) {
            my %event;
            for my $line (split /\n/, $1) {
                $self->{beats}++ if $line =~ /^:/;
                $self->{retry} = $1 if $line =~ /^retry:(\d+)/;
                $event{$1} = $2 if $line =~ /^(id|data|event): ?(.*)$/;
            }
            next if !defined $event{data};
            $event{data} = $json->decode($event{data});
            return \%event;
        }
        return if $self->{over};
        $self->_read($end) or return;
    }
}

# reads on until the last chunk, so many seconds; what came before is kept
sub ended {
    my ($self, $seconds) = @_;

    my $end = time + ($seconds // 10);
    $self->_unchunk;
    while (!$self->{over}) {
        $self->_read($end) or return 0;
        $self->_unchunk;
    }
    $self->{retry} = $1 if $self->{text} =~ /^retry:(\d+)/m;
    return 1;
}

sub close {
    my ($self) = @_;
    $self->{socket}->close(SSL_no_shutdown => 1);
    return;
}

sub _unchunk {
    my ($self) = @_;

    while ($self->{raw} =~ /\A([0-9a-f]+)\r\n/i) {
        my ($length, $head) = (hex $1, length($1) + 2);
        return if length $self->{raw} < $head + $length + 2;
        $self->{text} .= substr $self->{raw}, $head, $length;
        substr $self->{raw}, 0, $head + $length + 2, '';
        $self->{over} = 1 if $length == 0;
    }
    return;
}

sub _read {
    my ($self, $end) = @_;

    my $socket = $self->{socket};
    if (!$socket->pending) {
        my $left = $end - time;
        return 0 if $left <= 0 || !IO::Select->new($socket)->can_read($left);
    }
    return $socket->sysread($self->{raw}, 65536, length $self->{raw});
}

1;

package Voltgate::Charger;

# A charge point that a test drives by hand: OCPP-J over TLS, frames as bytes
# where a test wants them wrong. The journeys use a client of other makers.
#
#   my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
#   my $r  = $cp->call('Heartbeat', {});         # [3, id, {…}] or [4, id, …]
#   $cp->answer(sub { my ($action, $payload) = @_; return { status => 'Accepted' } });
#   $cp->serve(5);                               # until one CALL was answered
#
# Payloads may be JSON text, so that a number keeps its digits.

use strict;
use warnings;

use IO::Select;
use IO::Socket::SSL;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Protocol::WebSocket::Frame;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->allow_nonref->canonical;

# connect($vg, $identity, $password, subprotocols => [...], headers => {...})
# tls => { SSL_… } is for IO::Socket::SSL. With path => '…' it is another WebSocket of the gateway than a charger's.
# Always gives an object: status says what the handshake was answered with,
# headers and body the rest; it is connected when that is 101.
sub connect {
    my ($class, $vg, $identity, $password, %opts) = @_;

    my $socket = IO::Socket::SSL->new(
        PeerAddr        => '127.0.0.1',
        PeerPort        => $opts{port} // $vg->port,
        Sockopts        => $opts{sockopts} // [],
        SSL_hostname    => 'localhost',
        SSL_verifycn_name => 'localhost',
        SSL_ca_file     => $vg->ca,
        Timeout         => 10,
        %{ $opts{tls} || {} },
    ) or die "connect: $! $SSL_ERROR\n";

    my $self = bless {
        socket => $socket,
        frame  => Protocol::WebSocket::Frame->new(max_payload_size => 1 << 20),
        bytes  => '',
        next   => 1,
        queue  => [],
    }, $class;
    $self->_handshake($vg, $identity, $password, %opts);
    return $self;
}

sub _handshake {
    my ($self, $vg, $identity, $password, %opts) = @_;

    my %headers = (
        'Host'                  => 'localhost:' . $vg->port,
        'Upgrade'               => 'websocket',
        'Connection'            => 'Upgrade',
        'Sec-WebSocket-Version' => '13',
        'Sec-WebSocket-Key'     => encode_base64(join('', map { chr int rand 256 } 1 .. 16), ''),
    );
    my $protocols = join ', ', @{ $opts{subprotocols} // ['ocpp1.6'] };
    $headers{'Sec-WebSocket-Protocol'} = $protocols if $protocols ne '';
    $headers{Authorization} = 'Basic ' . encode_base64("$identity:$password", '')
        if defined $password;
    %headers = (%headers, %{ $opts{headers} || {} });

    (my $path = $identity) =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    $path = $opts{path} // "/ocpp/$path";
    $self->send_bytes("GET $path HTTP/1.1\r\n"
        . join('', map { "$_: $headers{$_}\r\n" } grep { defined $headers{$_} } sort keys %headers)
        . "\r\n");

    my $end = time + 10;
    while ($self->{bytes} !~ /\r\n\r\n/) {
        $self->_read($end) or die "the handshake was not answered\n";
    }
    my ($head, $rest) = split /\r\n\r\n/, $self->{bytes}, 2;
    my ($first, @lines) = split /\r\n/, $head;
    $self->{status}  = (split / /, $first)[1];
    $self->{headers} = { map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines };
    $self->{bytes}   = '';
    if ($self->{status} == 101) {
        $self->{frame}->append($rest);
        return;
    }
    my $length = $self->{headers}{'content-length'} // 0;
    $self->{bytes} = $rest;
    while (length $self->{bytes} < $length && $self->_read($end)) { }
    $self->{body} = $self->{bytes};
    $self->{json} = eval { $json->decode($self->{body}) };
    return;
}

sub status   { return $_[0]{status} }
sub headers  { return $_[0]{headers} }
sub body     { return $_[0]{body} }
sub json     { return $_[0]{json} }
sub protocol { return $_[0]{headers}{'sec-websocket-protocol'} }

# Sends a CALL and waits for its answer, which it returns as an array; undef
# when none came in time. CALLs that come in between are answered.
sub call {
    my ($self, $action, $payload, %opts) = @_;

    my $id = $opts{id} // 't' . $self->{next}++;
    $self->send_call($id, $action, $payload);
    return $self->wait_answer($id, $opts{timeout} // 10);
}

sub send_call {
    my ($self, $id, $action, $payload) = @_;

    my $text = ref $payload ? $json->encode($payload) : $payload // '{}';
    $self->send_raw(sprintf '[2,%s,%s,%s]', $json->encode($id), $json->encode($action), $text);
    return;
}

sub wait_answer {
    my ($self, $id, $timeout) = @_;

    my $end = time + $timeout;
    while (defined(my $message = $self->recv($end - time))) {
        return $message if $message->[0] != 2 && ($message->[1] // '') eq $id;
        $self->_answer($message) if $message->[0] == 2;
    }
    return;
}

# answer(sub { my ($action, $payload, $id) = @_; … }): what CALLs from the
# other side get: a payload; [code, description, details] is a CALLERROR;
# undef is silence.
sub answer {
    my ($self, $sub) = @_;
    $self->{answer} = $sub;
    return;
}

# Answers one CALL within so many seconds; the CALL, or undef.
sub serve {
    my ($self, $timeout) = @_;

    my $end = time + ($timeout // 10);
    while (defined(my $message = $self->recv($end - time))) {
        next if $message->[0] != 2;
        $self->_answer($message);
        return $message;
    }
    return;
}

sub _answer {
    my ($self, $message) = @_;

    my (undef, $id, $action, $payload) = @$message;
    my $result = $self->{answer}
        ? $self->{answer}->($action, $payload, $id)
        : ['NotImplemented', '', {}];
    return if !defined $result;
    $self->send_raw($json->encode(
        ref $result eq 'ARRAY' ? [4, $id, @$result] : [3, $id, $result]));
    return;
}

# ----------------------------------------------------------------- frames

# send_raw($text, type => 'text'): one masked frame, whatever it holds
sub send_raw {
    my ($self, $text, %opts) = @_;

    $self->send_bytes(Protocol::WebSocket::Frame->new(
        buffer => $text, type => 'text', masked => 1,
        max_payload_size => 1 << 24, %opts)->to_bytes);
    return;
}

# bytes as they are, for frames that no library would make
sub send_bytes {
    my ($self, $bytes) = @_;

    while (length $bytes) {
        my $sent = $self->{socket}->syswrite($bytes) or return;
        substr $bytes, 0, $sent, '';
    }
    return 1;
}

# The next message, decoded when it is JSON, else as text; pings are answered.
# undef: time is up, or closed() is true.
sub recv {
    my ($self, $timeout) = @_;

    my $end = time + ($timeout // 10);
    while (!$self->{closed}) {
        while (defined(my $text = $self->{frame}->next_bytes)) {
            my $frame = $self->{frame};
            if ($frame->is_ping) {
                $self->{pings}++;
                $self->send_raw($text, type => 'pong') if !$self->{mute};
            } elsif ($frame->is_close) {
                $self->{closed}     = 1;
                $self->{close_code} = length $text > 1 ? unpack 'n', $text : undef;
                return;
            } elsif (!$frame->is_pong) {
                return eval { $json->decode($text) } // $text;
            }
        }
        $self->_read($end) or return;
    }
    return;
}

sub closed     { return $_[0]{closed} }
sub close_code { return $_[0]{close_code} }
sub pings      { return $_[0]{pings} // 0 }

# from now on pings stay without answer, as from a half-open socket
sub mute { $_[0]{mute} = 1; return }

# close($code): says goodbye; drop: does not
sub close {
    my ($self, $code) = @_;
    $self->send_raw(pack('n', $code // 1000), type => 'close');
    $self->recv(2);
    $self->drop;
    return;
}

sub drop {
    my ($self) = @_;
    $self->{closed} = 1;
    $self->{socket}->close(SSL_no_shutdown => 1);
    return;
}

# more bytes before $end; false: none came, or the other side is gone
sub _read {
    my ($self, $end) = @_;

    my $socket = $self->{socket};
    if (!$socket->pending) {
        my $left = $end - time;
        return 0 if $left <= 0 || !IO::Select->new($socket)->can_read($left);
    }
    my $count = $socket->sysread(my $bytes, 65536);
    if (!$count) {
        $self->{closed} = 1;
        return 0;
    }
    if (($self->{status} // 0) == 101) {
        $self->{frame}->append($bytes);
    } else {
        $self->{bytes} .= $bytes;
    }
    return 1;
}

1;

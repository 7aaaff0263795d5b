# What a client may do to its connection, and what may not come of it.

use strict;
use warnings;

use IO::Socket::SSL;
use Test::More;
use Time::HiRes qw(sleep);

use Voltgate;

my $vg = Voltgate->start;

my $head = join "\r\n", 'POST /api/v1/charge-points HTTP/1.1', 'Host: localhost',
    'Authorization: Bearer ' . $vg->admin, 'Content-Type: application/json', '';

sub connection {
    return IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $vg->port,
        SSL_verifycn_name => 'localhost', SSL_ca_file => $vg->ca, Timeout => 5)
        || die "no connection: $SSL_ERROR";
}

# all that comes until nginx closes; undef when it does not
sub all_of {
    my ($socket) = @_;

    my $got = '';
    my $ended = eval {
        local $SIG{ALRM} = sub { die "open\n" };
        alarm 8;
        while (sysread $socket, my $part, 16384) { $got .= $part }
        1;
    };
    alarm 0;
    return $ended ? $got : undef;
}

sub answers { my ($text) = @_; return scalar(() = ($text // '') =~ m{HTTP/1\.1 \d}g) }

subtest 'a body that breaks while it comes ends the connection' => sub {
    my $socket = connection();
    print {$socket} "${head}Transfer-Encoding: chunked\r\n\r\n";
    sleep 0.3; # nginx waits for the body now; had it all, it would pass too
    print {$socket} "no length\r\n";
    my $text = all_of($socket);
    ok defined $text, 'it is closed';
    is answers($text), 1, 'after one answer';
    like $text, qr{^HTTP/1\.1 400};
};

subtest 'a body that comes in parts is taken' => sub {
    my $socket = connection();
    my $body   = '{"id":"CP-PARTS","password":"sixteen letters!",'
        . '"operatorId":"019393c0-0000-7000-8000-000000000001"}';
    print {$socket} "${head}Connection: close\r\nContent-Length: ", length $body, "\r\n\r\n";
    sleep 0.2;
    print {$socket} substr $body, 0, 10;
    sleep 0.2;
    print {$socket} substr $body, 10;
    my $text = all_of($socket);
    is answers($text), 1;
    like $text, qr{^HTTP/1\.1 201};
};

subtest 'what follows a broken body is no second request' => sub {
    my $socket = connection();
    print {$socket} "${head}Transfer-Encoding: chunked\r\n\r\nno length\r\n\r\n"
        . "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my $text = all_of($socket);
    ok defined $text, 'it is closed';
    is answers($text), 1, 'after one answer';
};

subtest 'the body of a refused request is no second request' => sub {
    my $inner  = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    my $socket = connection();
    print {$socket} "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        . length($inner) . "\r\n\r\n$inner"
        . "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    my $text = all_of($socket);
    is answers($text), 2, 'two requests, two answers';
    like $text, qr{HTTP/1\.1 405.*HTTP/1\.1 404}s, 'the second is the second';
};

done_testing;

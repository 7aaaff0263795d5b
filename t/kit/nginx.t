# What nginx refuses by itself, before any route is known, looks like all that
# the tables refuse.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Problem;
use Voltgate::Wire;

my $vg  = Voltgate->start;
my $api = '/api/v1';
my $id  = '019393c0-0000-7000-8000-000000000001';

sub head { my (@lines) = @_; return join '', map { "$_\r\n" } @lines, '' }

my @own = (
    [ 'a request line that is none', "\x00\x01\x02\r\n\r\n",               400, 'malformed' ],
    [ 'a method in small letters',   head('get / HTTP/1.1', 'Host: x'),    400, 'malformed' ],
    [ 'a version that is none',      head('GET / HTTP/x', 'Host: x'),      400, 'malformed' ],
    [ 'HTTP/1.1 without Host',       head('GET / HTTP/1.1'),               400, 'malformed' ],
    [ 'two hosts',    head('GET / HTTP/1.1', 'Host: a', 'Host: b'),        400, 'malformed' ],
    [ 'a host that is none', head('GET / HTTP/1.1', 'Host: a/b'),          400, 'malformed' ],
    [ 'a header with a NUL', head('GET / HTTP/1.1', 'Host: a', "X: a\0b"), 400, 'malformed' ],
    [ 'a length that is none', head('POST /x HTTP/1.1', 'Host: a', 'Content-Length: -1'), 400, 'malformed' ],
    [ 'two lengths', head('POST /x HTTP/1.1', 'Host: a', 'Content-Length: 1', 'Content-Length: 2'),
        400, 'malformed' ],
    [ 'a length and chunks', head('POST /x HTTP/1.1', 'Host: a', 'Content-Length: 1',
        'Transfer-Encoding: chunked'), 400, 'malformed' ],
    [ 'an over-long header', head('GET / HTTP/1.1', 'Host: a', 'X: ' . 'x' x 9_000), 400, 'malformed' ],
    [ 'too many headers', head('GET / HTTP/1.1', 'Host: a', map { "X$_: " . 'x' x 4_000 } 1 .. 20),
        400, 'malformed' ],
    [ 'an over-long URI', head('GET /' . 'x' x 9_000 . ' HTTP/1.1', 'Host: a'), 414, 'uri_too_long' ],
    [ 'TRACE', head('TRACE / HTTP/1.1', 'Host: a'),                 405, 'method_not_allowed' ],
    [ 'an unknown path', head('GET /x HTTP/1.1', 'Host: a'),        404, 'not_found' ],
    [ 'HTTP/1.0 without Host', head('GET /x HTTP/1.0'),             404, 'not_found' ],
    [ 'an announced body that is too large', head("POST $api/stations HTTP/1.1", 'Host: a',
        'Content-Length: 1048577'), 413, 'too_large' ],
    [ 'more than a number can say', head("POST $api/stations HTTP/1.1", 'Host: a',
        'Content-Length: 99999999999999999999'), 400, 'malformed' ],
);

subtest 'what nginx refuses looks like all the rest' => sub {
    for (@own) {
        my ($name, $bytes, $status, $type) = @$_;
        my $r = Voltgate::Wire->ask($vg, $bytes);
        is "$r->{status}", $status, "$name: $status";
        is_problem($r, $status, $type);
    }
};

subtest 'plain HTTP on the TLS port is told so' => sub {
    my $r = Voltgate::Wire->ask($vg, head('GET /healthz HTTP/1.1', 'Host: a'), plain => 1);
    is_problem($r, 400, 'malformed');
};

subtest 'a method is answered with those that there are' => sub {
    my %allow = ("$api/stations" => 'GET, POST', "$api/stations/$id" => 'GET, PUT, PATCH, DELETE',
        "$api/auth/me" => 'GET', '/healthz' => 'GET');
    for my $path (sort keys %allow) {
        for my $method (qw(OPTIONS PROPFIND BREW LOCK)) {
            my $r = Voltgate::Wire->ask($vg, head("$method $path HTTP/1.1", 'Host: a'));
            is_problem($r, 405, 'method_not_allowed');
            is $r->{headers}{allow}, $allow{$path}, "$method $path";
        }
    }
    my $trace = Voltgate::Wire->ask($vg, head("TRACE $api/auth/me HTTP/1.1", 'Host: a'));
    is $trace->{headers}{allow}, '', 'nginx knows of none, and not of another path\'s';
};

subtest 'HEAD is GET without a body' => sub {
    my $r = Voltgate::Wire->ask($vg, head('HEAD /healthz HTTP/1.1', 'Host: a', 'Connection: close'), timeout => 1);
    is $r->{status}, 200;
    is $r->{body}, '';
    $r = Voltgate::Wire->ask($vg, head('HEAD /x HTTP/1.1', 'Host: a', 'Connection: close'), timeout => 1);
    is $r->{status}, 404;
    is $r->{body}, '';
};

# One chunk of 64 KiB after the other, until more is not wanted.
sub chunked {
    my ($wire, $bytes) = @_;
    my $chunk = sprintf "10000\r\n%s\r\n", ' ' x 0x10000;
    $wire->send(head("POST $api/stations HTTP/1.1", 'Host: a', "Authorization: Bearer " . $vg->admin,
        'Content-Type: application/json', 'Transfer-Encoding: chunked'));
    $wire->send($chunk) for 1 .. $bytes / 0x10000;
    return;
}

subtest 'a body that grows too large is refused, and its connection ends' => sub {
    for my $way ('in pieces', 'at once') {
        my $wire = Voltgate::Wire->connect($vg);
        chunked($wire, 1024 * 1024 + 0x20000) if $way eq 'in pieces';
        $wire->send(head("POST $api/stations HTTP/1.1", 'Host: a', "Authorization: Bearer " . $vg->admin,
            'Transfer-Encoding: chunked') . "200000\r\n" . ' ' x 100) if $way eq 'at once';
        is_problem($wire->answer, 413, 'too_large');
        ok $wire->ends(15), "$way: the connection ends";
    }
    ok $vg->wait_for(sub { grep { $_->{status} == 413 && $_->{route} eq "POST /stations" }
        $vg->access_log }), 'and is logged';
};

subtest 'nothing above ended a worker' => sub {
    unlike $vg->log, qr/exited on signal/;
    is $vg->get('/healthz')->{status}, 200;
};

done_testing;

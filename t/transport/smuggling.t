# Requests that two servers could cut in different places: each is refused, and
# its connection ends, or it is one request with one answer. What is behind it
# is never answered as a request of its own.

use strict;
use warnings;

use IO::Select;
use IO::Socket::SSL;
use Test::More;

use Voltgate;
use Voltgate::Wire;

my $vg   = Voltgate->start;
my $api  = '/api/v1';
my $auth = 'Authorization: Bearer ' . $vg->admin;
my $hid  = "GET /info HTTP/1.1\r\nHost: a\r\nX-Correlation-ID: hidden\r\n\r\n";
my $last = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Correlation-ID: last\r\nConnection: close\r\n\r\n";

sub head { my (@lines) = @_; return join '', map { "$_\r\n" } @lines, '' }
sub post { my (@lines) = @_; return head("POST $api/id-tags HTTP/1.1", 'Host: a', $auth, 'X-Correlation-ID: first', @lines) }

# All that comes back until the connection ends: the heads of the answers, in
# order, as [ status, correlation id, type ]. 100 is no answer.
sub answers {
    my ($bytes) = @_;
    my $wire = Voltgate::Wire->connect($vg);
    $wire->send($bytes . $last);
    ok $wire->ends(20), 'the connection ends';
    $wire->{bytes} =~ s{HTTP/1\.1 100 Continue\r\n\r\n}{}g;
    my @heads;
    while ($wire->{bytes} =~ m{HTTP/1\.[01] (\d{3})[^\r\n]*\r\n(.*?)\r\n\r\n}sg) {
        my ($status, $head) = ($1, $2);
        push @heads, [ $status, $head =~ /^X-Correlation-ID: (\S+)/mi, $head =~ /^Content-Type: (\S+)/mi ];
    }
    return @heads;
}

my $count = 0;
sub tag { return '{"idTag":"S' . ++$count . '"}' }
sub chunk { my ($text, $extension) = @_; return sprintf "%x%s\r\n%s\r\n", length $text, $extension // '', $text }

# ------------------------------------------------------------------- refused

my $chunked = chunk(tag()) . "0\r\n\r\n";
my %refused = (
    'a length, and chunks'        => post('Content-Length: 4', 'Transfer-Encoding: chunked') . "0\r\n\r\n$hid",
    'chunks, and a length'        => post('Transfer-Encoding: chunked', 'Content-Length: 4') . "0\r\n\r\n$hid",
    'chunks twice'                => post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') . $chunked . $hid,
    'chunks, and identity'        => post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') . $chunked . $hid,
    'identity, and chunks'        => post('Transfer-Encoding: identity', 'Transfer-Encoding: chunked') . $chunked . $hid,
    'chunks of chunks'            => post('Transfer-Encoding: chunked, chunked') . $chunked . $hid,
    'gzip, and chunks'            => post('Transfer-Encoding: gzip, chunked') . $chunked . $hid,
    'a coding that is none'       => post('Transfer-Encoding: xchunked') . $chunked . $hid,
    'chunked behind a tab'        => post("Transfer-Encoding:\tchunked\x0b") . $chunked . $hid,
    'chunks of HTTP/1.0'          => head("POST $api/id-tags HTTP/1.0", 'Host: a', $auth, 'Transfer-Encoding: chunked') . $chunked . $hid,
    'two lengths'                 => post('Content-Length: 2', 'Content-Length: 40') . "{}$hid",
    'a length twice'              => post('Content-Length: 2', 'Content-Length: 2') . "{}$hid",
    'a list of lengths'           => post('Content-Length: 2, 2') . "{}$hid",
    'a length with a sign'        => post('Content-Length: +2') . "{}$hid",
    'a length below nothing'      => post('Content-Length: -2') . "{}$hid",
    'a length in hex'             => post('Content-Length: 0x2') . "{}$hid",
    'a length of letters'         => post('Content-Length: two') . "{}$hid",
    'no length in its header'     => post('Content-Length:') . "{}$hid",
    'a length beyond numbers'     => post('Content-Length: 18446744073709551618') . "{}$hid",
    'a blank before the colon'    => post('Content-Length : 2') . "{}$hid",
    'a tab before the colon'      => post("Transfer-Encoding\t: chunked") . $chunked . $hid,
    'a folded line'               => post('X: a', ' Content-Length: 2') . "{}$hid",
    'a line that begins folded'   => head("GET /healthz HTTP/1.1", ' Host: a') . $hid,
    'no colon'                    => post('Content-Length 2') . "{}$hid",
    'no name'                     => post(': 2') . "{}$hid",
    'a NUL in a name'             => post("X\0: a") . $hid,
    'a NUL in a value'            => post("X: a\0b") . $hid,
    'a NUL in the path'           => head("GET /healthz\0 HTTP/1.1", 'Host: a') . $hid,
    'a bare CR in a value'        => post("X: a\rContent-Length: 2") . "{}$hid",
    'a bare CR for a line\'s end' => "GET /healthz HTTP/1.1\rHost: a\r\r" . $hid,
    'a chunk beyond numbers'      => post('Transfer-Encoding: chunked') . "fffffffffffffffff\r\n{}\r\n0\r\n\r\n$hid",
    'a chunk at numbers\' end'    => post('Transfer-Encoding: chunked') . "8000000000000000\r\n{}\r\n0\r\n\r\n$hid",
    'a chunk below nothing'       => post('Transfer-Encoding: chunked') . "-2\r\n{}\r\n0\r\n\r\n$hid",
    'a chunk in 0x'               => post('Transfer-Encoding: chunked') . "0x2\r\n{}\r\n0\r\n\r\n$hid",
    'a chunk without a size'      => post('Transfer-Encoding: chunked') . "\r\n{}\r\n0\r\n\r\n$hid",
    'a chunk that is too long'    => post('Transfer-Encoding: chunked') . "2\r\n{}xx\r\n0\r\n\r\n$hid",
    'two hosts'                   => head('GET /healthz HTTP/1.1', 'Host: a', 'Host: b') . $hid,
    'no host'                     => head('GET /healthz HTTP/1.1') . $hid,
    'a host with a path'          => head('GET /healthz HTTP/1.1', 'Host: a/b') . $hid,
    'a host that ends in CR'      => head("GET /healthz HTTP/1.1", "Host: a\rb") . $hid,
    'a version with a blank'      => head('GET /healthz HTTP/1.1 HTTP/1.1', 'Host: a') . $hid,
    'HTTP/2.0 in HTTP/1.1'        => head('GET /healthz HTTP/2.0', 'Host: a') . $hid,
    'HTTP/3.0'                    => head('GET /healthz HTTP/3.0', 'Host: a') . $hid,
    'a method that is none'       => head('GE T /healthz HTTP/1.1', 'Host: a') . $hid,
    'CONNECT'                     => head('CONNECT a:443 HTTP/1.1', 'Host: a') . $hid,
    'a body of a charger\'s path' => head('POST /ocpp/X HTTP/1.1', 'Host: a', 'Content-Length: ' . length $hid) . $hid,
    'HTTP/2 by prior knowledge'   => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . $hid,
);

subtest 'refused, and its connection ends' => sub {
    for my $name (sort keys %refused) {
        my @answers = answers($refused{$name});
        is scalar @answers, 1, "$name: one answer" or diag explain \@answers;
        my ($status, $id, $type) = @{ $answers[0] || [] };
        like $status, qr/^(?:400|405)$/, "$name: no";
        is $type, 'application/problem+json', "$name: a problem";
        isnt $id, 'hidden', "$name: what it hides is not answered";
    }
};

# ------------------------------------------------------------ one request each

sub sized { my ($body, @lines) = @_; return post(@lines, 'Content-Length: ' . length $body) . $body }

my %one = (
    'a body with a length'          => [ 201, sized(tag()) ],
    'a body in chunks'              => [ 201, post('Transfer-Encoding: chunked') . chunk(tag()) . "0\r\n\r\n" ],
    'CHUNKED'                       => [ 201, post('Transfer-Encoding: CHUNKED') . chunk(tag()) . "0\r\n\r\n" ],
    'extensions of chunks'          => [ 201, post('Transfer-Encoding: chunked') . chunk(tag(), ';a="b;c"') . "0;x=y\r\n\r\n" ],
    'a trailer'                     => [ 201, post('Transfer-Encoding: chunked') . chunk(tag()) . "0\r\nContent-Length: 9\r\nX: y\r\n\r\n" ],
    'leading zeros of a chunk'      => [ 201, do { my $t = tag(); post('Transfer-Encoding: chunked') . sprintf("%08x\r\n%s\r\n0\r\n\r\n", length $t, $t) } ],
    'lines that end in LF'          => [ 201, do { my $b = tag(); (post('Content-Length: ' . length $b) =~ s/\r//gr) . $b } ],
    'a length with blanks around'   => [ 201, do { my $b = tag(); post('Content-Length:   ' . length($b) . '  ') . $b } ],
    'a header with an underscore'   => [ 201, do { my $b = tag(); post("Content_Length: 999", 'Content-Length: ' . length $b) . $b } ],
    'a body of a GET'               => [ 200, head('GET /healthz HTTP/1.1', 'Host: a', 'X-Correlation-ID: first', 'Content-Length: ' . length $hid) . $hid ],
    'a body of a page, in chunks'   => [ 200, head('GET /info HTTP/1.1', 'Host: a', 'X-Correlation-ID: first', 'Transfer-Encoding: chunked')
        . chunk($hid) . "0\r\n\r\n" ],
    'a body without identity'       => [ 401, head("POST $api/id-tags HTTP/1.1", 'Host: a', 'X-Correlation-ID: first', 'Content-Length: ' . length $hid) . $hid ],
    'chunks without identity'       => [ 401, head("POST $api/id-tags HTTP/1.1", 'Host: a', 'X-Correlation-ID: first', 'Transfer-Encoding: chunked')
        . chunk($hid) . "0\r\n\r\n" ],
    'a body of an unknown path'     => [ 404, head('POST /none HTTP/1.1', 'Host: a', 'X-Correlation-ID: first', 'Content-Length: ' . length $hid) . $hid ],
    'a body of an unknown method'   => [ 405, head("BREW $api/id-tags HTTP/1.1", 'Host: a', 'X-Correlation-ID: first', 'Content-Length: ' . length $hid) . $hid ],
    'a body of another type'        => [ 415, sized($hid, 'Content-Type: text/plain') ],
    'a body that is no JSON'        => [ 400, sized($hid) ],
    'a body of OPTIONS'             => [ 405, head("OPTIONS $api/id-tags HTTP/1.1", 'Host: a', 'X-Correlation-ID: first', 'Content-Length: ' . length $hid) . $hid ],
    'a body of a file'              => [ 405, head('POST /docs HTTP/1.1', 'Host: a', 'X-Correlation-ID: first', 'Content-Length: ' . length $hid) . $hid ],
    'the whole URL of another host' => [ 200, head('GET https://elsewhere.example/healthz HTTP/1.1', 'Host: a', 'X-Correlation-ID: first') ],
    'an upgrade to h2c'             => [ 200, head('GET /healthz HTTP/1.1', 'Host: a', 'X-Correlation-ID: first', 'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__') ],
    'who waits to be told to go on' => [ 201, sized(tag(), 'Expect: 100-continue') ],
);

subtest 'one request, one answer' => sub {
    for my $name (sort keys %one) {
        my ($status, $bytes) = @{ $one{$name} };
        my @answers = answers($bytes);
        is_deeply [ map { "@$_[0, 1]" } @answers ], [ "$status first", '200 last' ], $name or diag explain \@answers;
    }
};

subtest 'the counting counts' => sub {
    is_deeply [ map { $_->[1] } answers($hid . $hid) ], [ qw(hidden hidden last) ], 'two requests have two answers';
};

subtest 'HTTP/0.9 is one request, and the end' => sub {
    my $wire = Voltgate::Wire->connect($vg);
    $wire->send("GET /healthz\r\n$hid");
    ok $wire->ends(20);
    is scalar(() = $wire->{bytes} =~ /"status":"ok"/g), 1;
    unlike $wire->{bytes}, qr/hidden/;
};

subtest 'nothing hidden was heard' => sub {
    is scalar(grep { $_->{correlationId} eq 'hidden' } $vg->access_log), 2, 'but for the two that were told openly';
    is $vg->sql('select count(*) from charging.id_tag'), scalar(grep { $_->[0] == 201 } values %one), 'each tag was made once';
};

# --------------------------------------------------- what comes back in headers

subtest 'nothing that is given becomes a header' => sub {
    for my $name (qw(X-Correlation-ID traceparent Idempotency-Key Origin If-None-Match Last-Event-ID)) {
        for my $value ("a\rX-Evil: 1", "a%0d%0aX-Evil: 1", "a\x01b", "a\x7fb", "\xc4\x8aX-Evil: 1", "a b; X-Evil: 1", '<script>', 'x' x 300, "\xff\xfe") {
            my $wire = Voltgate::Wire->connect($vg);
            $wire->send(head("GET $api/auth/me HTTP/1.1", 'Host: a', $auth, "$name: $value", 'Connection: close'));
            $wire->ends(20);
            my ($head) = $wire->{bytes} =~ /\A(.*?)\r\n\r\n/s;
            unlike $head, qr/X-Evil|script|x{65}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]/i, "$name of " . substr $value =~ s/[^ -~]/./gr, 0, 20;
            unlike $head, qr/(?<!\r)\n|\r(?!\n)/, 'lines end as lines do';
        }
    }
};

# --------------------------------------------------------------------- HTTP/2

# A literal header without indexing, as RFC 7541 6.2.2 has it.
sub literal { my ($name, $value) = @_; return join '', "\0", map { pack('C', length $_) . $_ } $name, $value }
sub frame { my ($type, $flags, $stream, $payload) = @_; return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload }

# What one request over HTTP/2 comes to: its status, or reset, or gone.
sub over_h2 {
    my (@headers) = @_;
    my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $vg->port, SSL_hostname => 'localhost',
        SSL_ca_file => $vg->ca, SSL_alpn_protocols => ['h2'], Timeout => 10) or die "connect: $!\n";
    my $block = join '', map { literal(@$_) } @headers;
    $socket->syswrite("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '') . frame(1, 5, 1, $block));
    my $bytes = '';
    my $end   = time + 10;
    while (time < $end) {
        last if !$socket->pending && !IO::Select->new($socket)->can_read($end - time);
        $socket->sysread($bytes, 16384, length $bytes) or return 'gone';
        my $rest = $bytes;
        while (length $rest >= 9) {
            my ($high, $low, $type, $flags, $stream) = unpack 'CnCCN', $rest;
            my $size = ($high << 16) + $low;
            last if length $rest < 9 + $size;
            my $payload = substr $rest, 9, $size;
            return 'reset' if $type == 3 && $stream == 1;
            return 'gone'  if $type == 7;
            if ($type == 1) {
                my $first = ord $payload;
                my %known = (0x88 => 200, 0x89 => 204, 0x8b => 304, 0x8c => 400, 0x8d => 404, 0x8e => 500);
                return $known{$first} // ($payload =~ /\A\x08\x03(\d{3})/ ? $1 : "?" . unpack 'H8', $payload);
            }
            substr $rest, 0, 9 + $size, '';
        }
    }
    return 'silent';
}

subtest 'HTTP/2 with headers of HTTP/1.1, or none of its own' => sub {
    my @base = ([ ':method', 'GET' ], [ ':scheme', 'https' ], [ ':path', '/healthz' ], [ ':authority', 'a' ]);
    is over_h2(@base), 200, 'as it should be';
    my %bad = (
        'a capital letter'  => [ @base, [ 'X-Upper', 'a' ] ],
        'a CR in a value'   => [ @base, [ 'x', "a\r\nx-evil: 1" ] ],
        'an LF in a value'  => [ @base, [ 'x', "a\nb" ] ],
        'a NUL in a value'  => [ @base, [ 'x', "a\0b" ] ],
        'a colon in a name' => [ @base, [ 'x:y', 'a' ] ],
        'a blank in a name' => [ @base, [ 'x y', 'a' ] ],
        'an empty name'     => [ @base, [ '', 'a' ] ],
        'no path'           => [ grep { $_->[0] ne ':path' } @base ],
        'an empty path'     => [ (grep { $_->[0] ne ':path' } @base), [ ':path', '' ] ],
        'a path of CR LF'   => [ (grep { $_->[0] ne ':path' } @base), [ ':path', "/healthz HTTP/1.1\r\nHost: b" ] ],
        'no method'         => [ grep { $_->[0] ne ':method' } @base ],
        'two methods'       => [ @base, [ ':method', 'POST' ] ],
        'two paths'         => [ @base, [ ':path', '/info' ] ],
        'a method of blanks' => [ (grep { $_->[0] ne ':method' } @base), [ ':method', 'GET /info' ] ],
        'one that it does not have' => [ @base, [ ':evil', 'a' ] ],
        'two hosts'         => [ @base, [ 'host', 'b' ], [ 'host', 'c' ] ],
    );
    for my $name (sort keys %bad) {
        like over_h2(@{ $bad{$name} }), qr/^(?:400|reset|gone)$/, $name;
    }
    # taken for what they are: a header that means nothing here
    like over_h2(@base, [ 'transfer-encoding', 'chunked' ]), qr/^(?:200|400|reset|501)$/, 'chunks, which HTTP/2 has none of';
    is over_h2(@base, [ 'connection', 'close' ], [ 'upgrade', 'h2c' ]), 200, 'connection and upgrade mean nothing';
};

is $vg->get('/healthz')->{status}, 200, 'and it goes on';
unlike $vg->log, qr/exited on signal/;

done_testing;

# Who sends slowly, or much, costs little: the connection ends within the
# conf's time, memory stays bounded, and others are not delayed.

use strict;
use warnings;

use IO::Select;
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Wire;

my $vg   = Voltgate->start;
my $api  = '/api/v1';
my $auth = 'Authorization: Bearer ' . $vg->admin;
my $fat  = $ENV{VG_PRELOAD} ? 5 : 1;    # times as much memory: a sanitizer keeps what was freed

# the times of the conf, shorter
$vg->_conf(sub {
    my ($conf) = @_;
    $conf =~ s/^( *client_(?:header|body)_timeout +)\d+s;/${1}2s;/mg == 3 or die 'no times';
    return $conf;
});
$vg->reload;

sub head { my (@lines) = @_; return join '', map { "$_\r\n" } @lines, '' }

# Sends a byte of $drip every 0.2 s until the other side ends it: after how
# long; undef: it did not within so many seconds.
sub dripped {
    my ($wire, $drip, $seconds) = @_;
    my $begin = time;
    while (time - $begin < $seconds) {
        $wire->{socket}->syswrite($drip);
        return time - $begin if $wire->ends(0.2);
    }
    return;
}

subtest 'a header that does not end' => sub {
    my $wire = Voltgate::Wire->connect($vg);
    $wire->send("GET $api/stations HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    my $after = dripped($wire, 'x', 10);
    ok defined $after && $after < 5, 'is cut off, though something comes all the time' or diag $after // 'never';
    is $wire->{bytes}, '', 'without a word';
};

subtest 'a TLS handshake that does not go on' => sub {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $vg->port, Timeout => 5) or die $!;
    $socket->syswrite("\x16\x03\x01");
    my $begin = time;
    ok +IO::Select->new($socket)->can_read(10), 'is ended';
    ok !$socket->sysread(my $bytes, 10), 'with nothing';
    cmp_ok time - $begin, '<', 5, 'in time';
};

subtest 'a connection that says nothing' => sub {
    my $wire  = Voltgate::Wire->connect($vg);
    my $begin = time;
    ok $wire->ends(10), 'is ended';
    cmp_ok time - $begin, '<', 5;
};

subtest 'a body that stops' => sub {
    for my $way ('Content-Length: 100', 'Transfer-Encoding: chunked') {
        my $wire = Voltgate::Wire->connect($vg);
        $wire->send(head("POST $api/id-tags HTTP/1.1", 'Host: a', $auth, $way) . ($way =~ /chunked/ ? "64\r\n{" : '{'));
        my $begin = time;
        ok $wire->ends(10), "$way: is cut off";
        cmp_ok time - $begin, '<', 5;
    }
    ok $vg->wait_for(sub { 2 == grep { $_->{status} == 408 && $_->{route} eq 'POST /id-tags' } $vg->access_log }, 5), 'and logged as 408';
    is $vg->sql('select count(*) from charging.id_tag'), 0, 'nothing of it was taken';
};

subtest 'many of them at once, and others are not delayed' => sub {
    my $before = $vg->resident;
    my @slow = map {
        my $wire = Voltgate::Wire->connect($vg);
        $wire->send($_ % 2 ? "GET $api/stations HTTP/1.1\r\nHost: a\r\nX: "
            : head("POST $api/id-tags HTTP/1.1", 'Host: a', $auth, 'Content-Length: 1000000') . '{');
        $wire;
    } 1 .. 200;
    my @ms;
    for (1 .. 40) {
        my $begin = time;
        my $r = $vg->get("$api/stations");
        push @ms, 1000 * (time - $begin);
        is $r->{status}, 200 or last;
    }
    @ms = sort { $a <=> $b } @ms;
    cmp_ok $ms[ @ms / 2 ], '<', 250, 'a call takes no longer';
    my $grown = $vg->resident - $before;
    cmp_ok $grown, '<', $fat * 200 * 100, "each costs less than 100 KiB ($grown KiB for all)";
    my $left = grep { !$_->ends(5) } @slow;
    is $left, 0, 'and all of them are gone in time';
};

subtest 'headers that are too long, or too many' => sub {
    my %large = (
        'one of 9,000 bytes'  => [ 'X: ' . 'x' x 9_000 ],
        'a cookie of 9,000'   => [ 'Cookie: ' . 'x' x 9_000 ],
        '40,000 in all'       => [ map { "X$_: " . 'x' x 3_000 } 1 .. 13 ],
        '20,000 small ones'   => [ map { "X$_: a" } 1 .. 20_000 ],
        'a name of 9,000'     => [ 'X' x 9_000 . ': a' ],
    );
    for my $name (sort keys %large) {
        my $r = Voltgate::Wire->ask($vg, head("GET $api/stations HTTP/1.1", 'Host: a', @{ $large{$name} }));
        is $r->{status}, 400, $name;
        is $r->{headers}{'content-type'}, 'application/problem+json', "$name: a problem";
    }
    is +Voltgate::Wire->ask($vg, head("GET $api/stations HTTP/1.1", 'Host: a', $auth, map { "X$_: a" } 1 .. 500))->{status}, 200, '500 small ones are fine';
};

subtest 'who asks and does not read' => sub {
    my $before = $vg->resident;
    my @deaf = map {
        my $wire = Voltgate::Wire->connect($vg);
        $wire->send(head('GET /openapi.json HTTP/1.1', 'Host: a') x 50);
        $wire;
    } 1 .. 20;
    is $vg->get("$api/stations")->{status}, 200, 'others are answered';
    my $grown = $vg->resident - $before;
    cmp_ok $grown, '<', $fat * 20 * 2_000, "each costs one answer, not fifty ($grown KiB for all)";
    $_->drop for @deaf;
};

done_testing;

# What a charge point may send, and that nothing ends the connection that the
# protocol says shall not.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start;

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company,
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ],
});
$vg->post('/api/v1/charge-points', { id => $_, operatorId => $company,
    password => $password }) for qw(CP1 NEW);

my $boot = { chargePointVendor => 'Acme', chargePointModel => 'M1' };

sub connected {
    my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
    is $cp->call('BootNotification', $boot)->[2]{status}, 'Accepted';
    return $cp;
}

# the code of the CALLERROR to this text, or the payload of the result
sub code {
    my ($cp, $id, $text) = @_;
    $cp->send_raw($text);
    my $answer = $cp->wait_answer($id, 5) or return 'silence';
    return $answer->[0] == 4 ? $answer->[2] : 'result';
}

my @answered = (
    ['37 characters of id', 'x' x 37, '[2,"' . 'x' x 37 . '","Heartbeat",{}]', 'ProtocolError'],
    ['an unknown action', 'b', '[2,"b","Frobnicate",{}]', 'NotImplemented'],
    ['an action of the other side', 'c', '[2,"c","Reset",{"type":"Soft"}]', 'NotSupported'],
    ['three elements', 'd', '[2,"d","Heartbeat"]', 'FormationViolation'],
    ['five elements', 'e', '[2,"e","Heartbeat",{},{}]', 'FormationViolation'],
    ['an array for a payload', 'f', '[2,"f","Heartbeat",[]]', 'FormationViolation'],
    ['broken JSON behind an id', 'g', '[2,"g","Heartbeat",{]', 'FormationViolation'],
    ['a missing field', 'h', '[2,"h","BootNotification",{"chargePointVendor":"A"}]',
        'OccurenceConstraintViolation'],
    ['a field of the wrong type', 'i',
        '[2,"i","BootNotification",{"chargePointVendor":"A","chargePointModel":7}]',
        'TypeConstraintViolation'],
    ['a field that is too long', 'j', '[2,"j","BootNotification",{"chargePointVendor":"A",'
        . '"chargePointModel":"' . 'x' x 5000 . '"}]', 'PropertyConstraintViolation'],
    ['null for a payload', 'k', '[2,"k","Heartbeat",null]', 'result'],
    ['blanks', 'l', " [ 2 , \"l\" ,\"Heartbeat\" , { } ] ", 'result'],
);

my @silent = (
    ['no JSON', 'hello'],
    ['an object', '{"a":1}'],
    ['nothing', ''],
    ['an empty array', '[]'],
    ['a type of another version', '[6,"1","Heartbeat",{}]'],
    ['an id that is a number', '[2,1,"Heartbeat",{}]'],
    ['an id of 300 bytes', '[2,"' . 'x' x 300 . '","Heartbeat",{}]'],
    ['a result to nothing', '[3,"nothing",{}]'],
    ['an error to nothing', '[4,"nothing","GenericError","",{}]'],
    ['60,000 brackets', '[' x 60_000],
);

subtest 'answered' => sub {
    my $cp = connected();
    for (@answered) {
        my ($name, $id, $text, $code) = @$_;
        is code($cp, $id, $text), $code, $name;
    }
    ok $cp->call('Heartbeat', {}), 'and it is connected still';
    $cp->close;
};

subtest 'not answered' => sub {
    my $cp = connected();
    for (@silent) {
        my ($name, $text) = @$_;
        $cp->send_raw($text);
        $cp->send_call('after', 'Heartbeat', {});
        my $next = $cp->recv(5);
        is ref $next ? $next->[1] : $next, 'after', $name;
    }
    $cp->close;
};

subtest 'before it is accepted' => sub {
    my $cp = Voltgate::Charger->connect($vg, 'NEW', $password);
    is $cp->call('Heartbeat', {})->[2], 'SecurityError', 'a call before boot';
    is $cp->call('BootNotification', $boot)->[2]{status}, 'Pending';
    is $cp->call('Heartbeat', {})->[2], 'SecurityError', 'a call while pending';
    $cp->close;
};

subtest 'many at once come back in order' => sub {
    my $cp = connected();
    my $frame = sub { Protocol::WebSocket::Frame->new(masked => 1,
        buffer => qq([2,"n$_[0]","Heartbeat",{}]))->to_bytes };
    my $status = sub { Protocol::WebSocket::Frame->new(masked => 1,
        buffer => qq([2,"n$_[0]","StatusNotification",{"connectorId":1,)
            . q("errorCode":"NoError","status":"Available"}]))->to_bytes };
    $cp->send_bytes(join '', map { $_ % 2 ? $frame->($_) : $status->($_) } 1 .. 500);
    my @ids = map { my $m = $cp->recv(10); $m ? $m->[1] : 'none' } 1 .. 500;
    is_deeply \@ids, [map { "n$_" } 1 .. 500];
    $cp->close;
};

subtest 'an id that is being handled' => sub {
    my $cp = connected();
    my $call = Protocol::WebSocket::Frame->new(masked => 1,
        buffer => q([2,"twice","StatusNotification",{"connectorId":1,)
            . q("errorCode":"NoError","status":"Available"}]))->to_bytes;
    $cp->send_bytes($call . $call);
    my @answers = sort map { $_->[0] == 4 ? $_->[2] : 'result' }
        grep { defined } map { $cp->recv(5) } 1 .. 2;
    is_deeply \@answers, ['ProtocolError', 'result'];
    $cp->close;
};

# [name, bytes, code of the close frame]
my $frame = sub { return Protocol::WebSocket::Frame->new(@_) };
my @ended = (
    ['a binary frame', $frame->(masked => 1, type => 'binary', buffer => 'x')->to_bytes, 1003],
    ['a frame without a mask', $frame->(buffer => '[]')->to_bytes, 1002],
    ['a reserved bit', "\xc1\x80\0\0\0\0", 1002],
    ['a reserved opcode', "\x83\x80\0\0\0\0", 1002],
    ['a long ping', "\x89\xfe\x00\x7e\0\0\0\0" . 'x' x 126, undef],
    ['a continuation of nothing', "\x80\x80\0\0\0\0", 1002],
    ['no UTF-8', "\x81\x81\0\0\0\0\xff", 1007],
    ['more than 64 KiB', "\x81\xff" . pack('Q>', 65537) . "\0\0\0\0" . ' ' x 65537, 1009],
    ['more than can be', "\x81\xff" . pack('Q>', 2**62) . "\0\0\0\0[2", 1009],
    ['many fragments', "\x01\x81\0\0\0\0[" . "\x00\x80\0\0\0\0" x 300, undef],
);

subtest 'ended' => sub {
    for (@ended) {
        my ($name, $bytes, $code) = @$_;
        my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
        $cp->send_bytes($bytes);
        $cp->recv(5);
        ok $cp->closed, $name;
        is $cp->close_code, $code;
        $cp->drop;
    }
};

subtest 'bytes one at a time' => sub {
    my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
    $cp->send_bytes($_) for split //, $frame->(masked => 1,
        buffer => q([2,"slow","BootNotification",)
            . q({"chargePointVendor":"A","chargePointModel":"B"}]))->to_bytes;
    is $cp->wait_answer('slow', 5)->[2]{status}, 'Accepted';
    $cp->close;
};

# KiB of all workers
sub memory {
    my $kib = 0;
    for my $pid ($vg->workers) {
        open my $file, '<', "/proc/$pid/status" or next;
        /^VmRSS:\s+(\d+)/ and $kib += $1 while <$file>;
    }
    return $kib;
}

subtest 'pings without end, read by nobody' => sub {
    my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
    my $pings = $frame->(masked => 1, type => 'ping', buffer => 'x' x 100)->to_bytes x 2000;
    my ($before, $sent) = (memory(), 0);
    local $SIG{ALRM} = sub { die "full\n" };
    eval {
        alarm 3;
        while ($sent < 1000) { $cp->send_bytes($pings); $sent++ }
        alarm 0;
    };
    alarm 0;
    cmp_ok $sent, '<', 1000, "$sent times 2,000, then no more were taken";
    my $more = memory() - $before;
    cmp_ok $more, '<', 128_000, "$more KiB more";
    $cp->drop;
    is $vg->get('/healthz')->{status}, 200, 'and others are served';
};

# what is queued behind a close frame is never sent, and must not be waited for
subtest 'a close behind many answers' => sub {
    my $cp = connected();
    my $refused = $frame->(masked => 1, buffer => '[2,"1","Fly",{}]')->to_bytes;
    $cp->send_bytes($refused x 40 . $frame->(masked => 1, type => 'binary', buffer => 'x')->to_bytes);
    $cp->recv(5) while !$cp->closed;
    is $cp->close_code, 1003, 'is sent';
    is $vg->get('/healthz')->{status}, 200, 'and others are served' for 1 .. 4;
    $cp->drop;
};

done_testing;

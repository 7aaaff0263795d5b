# permessage-deflate with a client of other makers (npm's ws), and by hand
# what no client would send.

use strict;
use warnings;

use Compress::Raw::Zlib;
use File::Basename qw(dirname);
use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg       = Voltgate->start;
my $password = 'sixteen letters!';
my $json     = JSON::PP->new->canonical;

$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ { chargePointId => 'CP1', connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ],
});
$vg->post('/api/v1/charge-points', { id => 'CP1', password => $password,
    operatorId => '019393c0-0000-7000-8000-000000000001' });

my $boot = '[2,"b","BootNotification",{"chargePointVendor":"Acme","chargePointModel":"M1"}]';
my $none = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

sub ws {
    my ($options, @texts) = @_;

    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        local $ENV{PASSWORD} = $password;
        exec 'node', dirname(__FILE__) . '/deflate.js', 'wss://localhost:' . $vg->port . '/ocpp',
            'CP1', $vg->ca, $json->encode({ options => $options, texts => \@texts });
        die "node: $!\n";
    }
    my $line = <$out>;
    close $out or die "node: exit status $?\n";
    return $json->decode($line);
}

# a vendor's message of so many letters, which is answered
sub transfer { return { id => $_[0], size => $_[1] } }

subtest 'where it is offered' => sub {
    my $seen = ws({ threshold => 0 }, $boot, transfer('t', 50_000), transfer('u', 60_000));
    is $seen->{extensions}, $none, 'it is agreed on, with nothing to remember';
    is $json->decode($seen->{answers}[0])->[2]{status}, 'Accepted', 'a boot';
    is $json->decode($seen->{answers}[1])->[1], 't', 'a long message';
    is $json->decode($seen->{answers}[2])->[1], 'u', 'and one after it';

    my @many = map { qq([2,"$_","NoSuchAction",{}]) } 1 .. 200;
    my $pressed = ws({ threshold => 0 }, $boot, @many);
    my $plain   = ws(JSON::PP::false, $boot, @many);
    is $plain->{extensions}, '', 'where it is not, it is not';
    is_deeply [ @{ $pressed->{answers} }[ 1 .. 200 ] ], [ @{ $plain->{answers} }[ 1 .. 200 ] ],
        'both are told the same';
    like $pressed->{answers}[1], qr/NotImplemented/, 'an error';
    cmp_ok $pressed->{bytes}, '<', $plain->{bytes}, "$pressed->{bytes} bytes for $plain->{bytes}";
};

subtest 'what the client asks for' => sub {
    my $seen = ws({ serverMaxWindowBits => 10, clientMaxWindowBits => 9, threshold => 0 },
        $boot, transfer('t', 5_000));
    is $seen->{extensions}, "$none; server_max_window_bits=10", 'a smaller window';
    is $json->decode($seen->{answers}[1])->[1], 't', 'is kept to';
    is ws({ serverNoContextTakeover => JSON::PP::true, clientNoContextTakeover => JSON::PP::true },
        $boot)->{extensions}, $none;
};

subtest 'a message that unfolds to too much' => sub {
    my $seen = ws({ threshold => 0 }, transfer('t', 10_000_000));
    is $seen->{code}, 1009, 'ends the connection';
    is ws({ threshold => 0 }, transfer('t', 66_000))->{code}, 1009, 'also when it is little';
    is $json->decode(ws({ threshold => 0 }, $boot)->{answers}[0])->[2]{status}, 'Accepted',
        'and nobody else';
};

# one masked text frame with RSV1, of bytes as they are
sub frame {
    my ($bytes) = @_;
    my $length = length $bytes;
    return pack('CC', 0xc1, 0x80 | ($length < 126 ? $length : 126))
        . ($length < 126 ? '' : pack 'n', $length) . "\0\0\0\0$bytes";
}

sub pressed {
    my ($text) = @_;
    my ($deflate, $status) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15, -AppendOutput => 1);
    my $out = '';
    $deflate->deflate($text, $out);
    $deflate->flush($out, Z_SYNC_FLUSH);
    return substr $out, 0, -4;
}

sub connected {
    my ($offer) = @_;
    my $cp = Voltgate::Charger->connect($vg, 'CP1', $password,
        headers => { 'Sec-WebSocket-Extensions' => $offer });
    is $cp->status, 101;
    return $cp;
}

sub code {
    my ($offer, $bytes) = @_;
    my $cp = connected($offer);
    $cp->send_bytes($bytes);
    $cp->recv(5);
    ok $cp->closed;
    $cp->drop;
    return $cp->close_code;
}

subtest 'what no client would send' => sub {
    my $text = pressed('[2,"1","NoSuchAction",{}]');
    is code('permessage-deflate', frame("\xff" x 20)), 1007, 'no DEFLATE data';
    is code('permessage-deflate', frame(pressed("[2,\"\xff\"]"))), 1007, 'no UTF-8 inside';
    is code(undef, frame($text)), 1002, 'pressed, though nothing was agreed on';
    is code('permessage-deflate; server_max_window_bits=8', frame($text)), 1002,
        'nor with an offer that could not be taken';
    is code('permessage-deflate', pack('CC', 0xe1, 0x80) . "\0\0\0\0"), 1002, 'another bit';
    is code('permessage-deflate', pack('CC', 0xc9, 0x80) . "\0\0\0\0"), 1002, 'a pressed ping';
};

subtest 'in pieces' => sub {
    my $cp   = connected('permessage-deflate');
    my $text = pressed('[2,"1","Heartbeat",{}]');
    my @half = (substr($text, 0, 9), substr $text, 9);
    $cp->send_bytes(pack('CC', 0x41, 0x80 | length $half[0]) . "\0\0\0\0$half[0]");
    $cp->send_bytes(pack('CC', 0x80, 0x80 | length $half[1]) . "\0\0\0\0$half[1]");
    my $answer = $cp->recv(5);
    is ref $answer ? $answer->[1] : $answer, '1', 'the first alone says that it is pressed';
    $cp->close;
};

$vg->finish;
my $off = Voltgate->start(extra => { http => 'voltgate_ocpp_deflate off;' });
$off->post('/api/v1/charge-points', { id => 'CP1', password => $password,
    operatorId => '019393c0-0000-7000-8000-000000000001' });
my $cp = Voltgate::Charger->connect($off, 'CP1', $password,
    headers => { 'Sec-WebSocket-Extensions' => 'permessage-deflate' });
is $cp->status, 101;
is $cp->headers->{'sec-websocket-extensions'}, undef, 'it can be switched off';
$cp->close;

done_testing;

# Thousands of chargers that became WebSockets and then stop within a frame:
# they cost a bounded amount of memory, they end, and keep nobody out.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Socket qw(SOCK_STREAM AF_INET pack_sockaddr_in inet_aton);
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Charger;

# about 17 KiB each is held (half of it wslay's two buffers), and 24 are seen with
# what malloc keeps between them; fewer with sanitizers, which make each large and slow
my $COUNT = $ENV{VG_PRELOAD} ? 2_000 : 10_000;
my $KIB   = $ENV{VG_PRELOAD} ? 256   : 32;       # resident, of each, at most
my $PING  = 5;        # s

my ($files) = `sh -c 'ulimit -Hn'` =~ /(\d+)/;
cmp_ok $files, '>', $COUNT + 200, 'so many files may be open';
my $port = Voltgate::free_port();
my $vg   = Voltgate->start(env => { VG_WS => "127.0.0.1:$port" }, extra => { http => <<"CONF" });
voltgate_ocpp_ping       ${PING}s;
voltgate_ocpp_handshakes 100000 16384;
voltgate_ocpp_recorder   off;
CONF
my $password = 'sixteen letters!';
$vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001', connectors => [ {
        chargePointId => 'GOOD', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] });
$vg->patch('/api/v1/charge-points/GOOD', { password => $password, securityProfile => 1 });
$vg->sql(q{insert into stations.charge_point (id, operator_id, security_profile, salt, hash, created_at, updated_at)
    select 'HALF' || n, p.operator_id, p.security_profile, p.salt, p.hash, now(), now()
    from stations.charge_point p, generate_series(1, $1) n where p.id = 'GOOD'}, $COUNT);

sub connected { return $vg->sql('select count(*) from stations.link where connected') }

# a text frame of 60,000 bytes, masked, of which ten come
my $half = pack('CCn', 0x81, 0x80 | 126, 60_000) . 'mask' . '0123456789';
my $address = pack_sockaddr_in($port, inet_aton('127.0.0.1'));

sub half_open {
    my ($id) = @_;
    socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    connect($socket, $address) or die "connect: $!";
    syswrite $socket, "GET /ocpp/$id HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        . "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ocpp1.6\r\n"
        . 'Authorization: Basic ' . encode_base64("$id:$password", '') . "\r\n\r\n$half";
    return $socket;
}

my $cp = Voltgate::Charger->connect($vg, 'GOOD', $password);
is $cp->call('BootNotification', { chargePointVendor => 'a', chargePointModel => 'b' })->[2]{status}, 'Accepted',
    'a charge point is there';

my $before  = $vg->resident;
my @sockets = map { half_open("HALF$_") } 1 .. $COUNT;
my $upgraded = grep { my $head = ''; sysread $_, $head, 12; $head eq 'HTTP/1.1 101' } @sockets;
is $upgraded, $COUNT, 'all become WebSockets';
is $vg->sql('select count(*) from stations.link'), $COUNT + 1, 'and are known as connected';
my $each = ($vg->resident - $before) / $COUNT;
cmp_ok $each, '<', $KIB, sprintf '%.1f KiB each', $each;
my $start = time;
is $cp->call('Heartbeat', {})->[0], 3, 'who says whole frames is served';
cmp_ok time - $start, '<', 2, 'soon';
ok $vg->wait_for(sub { $cp->call('Heartbeat', {}); connected() == 1 }, 4 * $PING), 'they end, unasked';
is $cp->call('Heartbeat', {})->[0], 3, 'it stays';
$cp->close;

done_testing;

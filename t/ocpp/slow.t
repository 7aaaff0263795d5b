# Thousands of sockets that say little or nothing: they cost a bounded amount
# of memory, they end, and nobody else is kept out by them.

use strict;
use warnings;

use IO::Socket::INET;
use Socket qw(SOCK_STREAM AF_INET pack_sockaddr_in inet_aton);
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Charger;

my $EACH = 2500;    # of four kinds
my $KIB  = $ENV{VG_PRELOAD} ? 64 : 32;      # resident, of each, at most; a TLS hello that stops costs OpenSSL's state and a record

# two ends of each may be on this machine, and the parts of nginx
my ($files) = `sh -c 'ulimit -Hn'` =~ /(\d+)/;
my $vg = Voltgate->start(extra => { http => 'voltgate_ocpp_reconnects off;' });
my $password = 'sixteen letters!';
$vg->post('/api/v1/charge-points', { id => 'CP1', password => $password,
    operatorId => '019393c0-0000-7000-8000-000000000001' });

my $head = "GET /ocpp/CP1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n";

# what a client hello begins with: a record of 512 bytes, of which some come
my $hello = pack('H*', '1603010200010001fc0303') . ('a' x 40);

my %kinds = (
    'that say nothing'              => '',
    'that stop within a TLS hello'  => $hello,
    'that speak no TLS, unfinished' => $head,
    'that say one byte'             => "\x16",
);

subtest 'ten thousand of them' => sub {
    my (@sockets, $failed);
    my $address = pack_sockaddr_in($vg->port, inet_aton('127.0.0.1'));
    cmp_ok $files, '>', 4 * $EACH + 200, 'so many files may be open';
    my $before = $vg->resident;
    for my $kind (sort keys %kinds) {
        for (1 .. $EACH) {
            socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
            connect($socket, $address) or $failed++;
            syswrite $socket, $kinds{$kind} if length $kinds{$kind};
            push @sockets, $socket;
        }
    }
    is $failed, undef, 'all are taken';
    my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
    is $cp->status, 101, 'a charge point comes in beside them';
    my $start = time;
    ok $cp->call('BootNotification', { chargePointVendor => 'a', chargePointModel => 'b' }), 'is served';
    cmp_ok time - $start, '<', 5, 'soon';
    is $vg->get('/api/v1/charge-points/CP1')->{status}, 200, 'and so is the operator';
    my $more = ($vg->resident - $before) / (4 * $EACH);
    cmp_ok $more, '<', $KIB, sprintf '%.1f KiB each', $more;
    ok $vg->wait_for(sub {
        select undef, undef, undef, 0.5;
        # who is done with can be read, at its end
        @sockets = grep {
            my $bits = '';
            vec($bits, fileno $_, 1) = 1;
            !select $bits, undef, undef, 0;
        } @sockets;
        return !@sockets;
    }, 45), 'they are sent away';
    ok $cp->call('Heartbeat', {}), 'the charge point stays';
    $cp->close;
};

done_testing;

# Clients that hang up while their change is under way: it is finished without
# them, and nothing of theirs is touched any more.

use strict;
use warnings;

use IO::Socket::SSL;
use Test::More;

use Voltgate;

my $CLIENTS = 40;

my $COMPANY = '019393c0-0000-7000-8000-000000000007';

my $vg  = Voltgate->start;
my $key = $vg->post('/api/v1/api-keys', { name => 'k', role => 'admin' })->{json}{key};

sub connected {
    return IO::Socket::SSL->new(
        PeerAddr => '127.0.0.1', PeerPort => $vg->port, SSL_hostname => 'localhost',
        SSL_ca_file => $vg->ca, SSL_verifycn_name => 'localhost', Timeout => 10)
        || die "connect: $! $SSL_ERROR\n";
}

sub request {
    my ($method, $path, $headers, $body) = @_;
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost', "X-API-Key: $key", @$headers,
        'Content-Type: application/json', 'Content-Length: ' . length $body, '', $body;
}

sub station {
    my ($n) = @_;
    return qq({"name":"Left $n","location":{"lat":1,"lon":2},"address":{"country":"DE"},)
        . qq("timeZone":"Europe/Berlin","operatorId":"$COMPANY","metadata":{"fill":")
        . ('x' x 9000) . qq("},"connectors":[]});
}

# Runs $ask on as many connections, hangs up while $table is locked, and gives
# their memory to others, who fill it.
sub hang_up {
    my ($table, $ask) = @_;

    my @clients = map { connected() } 1 .. $CLIENTS;
    my $dbh = $vg->dbh;
    $dbh->begin_work;
    $dbh->do("lock table $table in access exclusive mode");
    $clients[$_]->syswrite($ask->($_)) for 0 .. $#clients;
    ok $vg->wait_for(sub { $vg->waiting > 1 }),
        'they wait';
    $_->close(SSL_no_shutdown => 1) for @clients;
    for (1 .. $CLIENTS) {
        my $other = connected();
        $other->syswrite(request('GET', '/healthz', [ 'X-Fill: ' . "\xff" x 7000 ], ''));
        $other->sysread(my $answer, 100);
        $other->close(SSL_no_shutdown => 1);
    }
    $dbh->commit;
    return;
}

my @workers = $vg->workers;

subtest 'a change is made without them' => sub {
    hang_up('stations.station', sub { request('POST', '/api/v1/stations', [], station($_[0])) });
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from stations.station where name like 'Left %'}) }),
        'some are in';
    is_deeply [ $vg->workers ], \@workers, 'no worker has died';
};

subtest 'a charger leaves while its password is looked up' => sub {
    hang_up('stations.charge_point', sub {
        request('GET', '/ocpp/LEFT', [ 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Protocol: ocpp1.6',
            'Authorization: Basic TEVGVDpzaXh0ZWVuIGxldHRlcnMh' ], '') });
    is $vg->get('/api/v1/stations')->{status}, 200;
    is_deeply [ $vg->workers ], \@workers, 'no worker has died';
};

sub swapped { return scalar(() = $vg->log =~ /plugin stations goes from/g) }

sub noted {
    return $vg->rows(q{select route, object, status from vg.audit where correlation_id = 'left-swap'});
}

subtest 'another version is taken into use without them, and the trail has it' => sub {
    my $before = swapped();
    my $client = connected();
    my $dbh = $vg->dbh;
    $dbh->begin_work;
    $dbh->do('lock table vg.migration in access exclusive mode');
    $client->syswrite(request('POST', '/api/v1/plugins/stations/reload', ['X-Correlation-ID: left-swap'], '{}'));
    ok $vg->wait_for(sub { $dbh->selectrow_array('select count(*) > 0 from pg_locks where not granted') }), 'it is tried';
    $client->close(SSL_no_shutdown => 1);
    $vg->client(fresh => 1)->get($vg->url('/healthz')) for 1 .. 20;    # each worker has seen that it left
    $dbh->commit;
    ok $vg->wait_for(sub { swapped() > $before }), 'it runs';
    $vg->wait_for(sub { noted() });
    is_deeply [ noted() ], [ { route => 'POST /plugins/{name}/reload', object => 'stations', status => 200 } ], 'by whom is known';
};

done_testing;

# The simulator: charge points that are none, against a gateway that is one.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Simulator;

my $vg = Voltgate->start;

my $api      = '/api/v1';
my $company  = '019393c0-0000-7000-8000-000000000006';
my $password = 'a password: of 24 bytes!';
my $file     = "$vg->{state}/passwords";

sub station {
    my ($name, @ids) = @_;
    my $r = $vg->post("$api/stations", {
        name => $name, location => { lat => 1, lon => 2 }, address => { country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => $company,
        connectors => [ map { { chargePointId => $_, connectorNumber => 1, type => 'IEC_62196_T2',
            powerType => 'AC_3_PHASE', maxPowerKw => 22 } } @ids ] });
    is $r->{status}, 201 or diag $r->{body};
    $vg->patch("$api/charge-points/$_", { password => $password }) for @ids;
    return @{ $r->{json}{connectors} };
}

my ($remote) = station('Remote', 'FAR');
station('Many', map { "SIM000$_" } 1 .. 3);
$vg->post("$api/id-tags", { idTag => $_ }) for 'SIMTAG', map { "SIMTAG000$_" } 1 .. 3;
$vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 4 }, 10)
    or die 'copies of stations did not arrive';

open my $out, '>', $file or die $!;
print {$out} "# comment\n\nSIM0002:$password\n*:$password\n";
close $out or die $!;

sub command  { return simulator($vg, $file, @_) }
sub simulate { return simulated(command(@_)) }

subtest 'three charge points charge, once' => sub {
    my ($status, @lines) = simulate('--prefix', 'SIM', '--count', 3, '--id-tag', 'SIMTAG',
        '--interval', 0, '--meter-values', 6, '--power-w', 11010, '--once');
    is $status, 0 or diag join "\n", @lines;
    # boot, 5 statuses, authorize, start, 6 readings, stop
    like $lines[-1], qr/^messages=45 seconds=\S+ rate=\d+ p50_ms=\d+\.\d{3} .* sessions=3 .*errors=0$/;
    is $vg->sql('select count(*) from charging.meter_value where energy_wh > 0'), 18;
    my @sessions = $vg->rows('select meter_start_wh, meter_stop_wh from charging.session');
    is scalar @sessions, 3;
    is $_->{meter_stop_wh} - $_->{meter_start_wh}, 1101, 'six minutes of 11010 W' for @sessions;
};

subtest 'what goes wrong is told, counted, and the exit status' => sub {
    my ($status, @lines) = simulate('--charge-point', 'SIM0001', '--id-tag', 'NOBODY', '--once');
    is $status, 1;
    like join("\n", @lines), qr/SIM0001 is not given leave to charge/;
    like $lines[-1], qr/ errors=1$/;

    ($status, @lines) = simulate('--charge-point', 'STRANGER', '--id-tag', 'SIMTAG', '--once');
    is $status, 1;
    like join("\n", @lines), qr/STRANGER lost its connection: HTTP\/1\.1 404/;

    for ([ 'ws://localhost:1//' => qr/SIM0001 lost its connection/ ], [ 'ws://localhost:1?x' => qr/a path that no charger has/ ]) {
        my ($url, $says) = @$_;
        ($status, @lines) = simulate('--url', $url, '--charge-point', 'SIM0001', '--id-tag', 'SIMTAG', '--once');
        is $status, 1, $url;
        like join("\n", @lines), $says;
    }

    my $other = "$vg->{state}/other.pem";
    is system('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'
        . " -subj /CN=localhost -keyout $other.key -out $other 2>/dev/null"), 0;
    ($status, @lines) = simulate('--ca', $other, '--charge-point', 'SIM0001', '--id-tag', 'SIMTAG', '--once');
    is $status, 1, 'a gateway with a strange certificate is not talked to';
    like $lines[0], qr/certificate/;
};

subtest 'the gateway begins and ends a session, and commands' => sub {
    my $pid = open(my $pipe, '-|', command('--charge-point', 'FAR', '--remote', '--interval', 1,
        '--meter-values', 0, '--once')) // die "fork: $!";
    ok $vg->wait_for(sub {
        ($vg->sql(q{select status from stations.connector_status where charge_point_id = 'FAR'}) // '')
            eq 'Preparing' }, 10), 'it is there';

    my $ask = sub {
        my ($action, $payload) = @_;
        my $r = $vg->post("$api/charge-points/FAR/commands", { action => $action, payload => $payload });
        return $r->{json}{result} // $r;
    };
    is $ask->(TriggerMessage => { requestedMessage => 'Heartbeat' })->{status}, 'Accepted';
    is $ask->(ClearCache => {})->{status}, 'Accepted';
    is $ask->(ChangeConfiguration => { key => 'Colour', value => 'red' })->{status}, 'NotSupported';
    my $settings = $ask->(GetConfiguration => { key => [ 'NumberOfConnectors', 'Colour' ] });
    is $settings->{configurationKey}[0]{value}, '1';
    is_deeply $settings->{unknownKey}, ['Colour'];
    is $ask->(GetLocalListVersion => {})->{listVersion}, 0;
    is $ask->(GetLog => { logType => 'DiagnosticsLog', requestId => 1,
        log => { remoteLocation => 'https://example.org/logs' } })->{status}, 502, 'NotImplemented';

    my $booted = sub { $vg->sql(q{select booted_at::text || (select status from stations.connector_status
        where charge_point_id = 'FAR') from stations.link where charge_point_id = 'FAR'}) };
    my $first = $booted->();
    is $ask->(Reset => { type => 'Soft' })->{status}, 'Accepted';
    ok $vg->wait_for(sub { $booted->() =~ /Preparing$/ && $booted->() ne $first }, 10), 'it boots again';

    my $session = $vg->post("$api/charging/sessions/start", { connectorId => $remote->{connectorId} // $remote->{id} })->{json};
    my $state = sub { $vg->get("$api/charging/sessions/$session->{id}")->{json}{status} };
    ok $vg->wait_for(sub { $state->() eq 'ACTIVE' }, 10), 'it charges';
    is $ask->(RemoteStartTransaction => { idTag => 'SIMTAG' })->{status}, 'Rejected', 'one at a time';

    $vg->reload;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from charging.meter_value
        where charge_point_id = 'FAR' and power_kw = 11}) > 1 }, 15), 'it goes on after a reload';

    is $vg->post("$api/charging/sessions/$session->{id}/end")->{status}, 202;
    chomp(my @lines = <$pipe>);
    close $pipe;
    is $? >> 8, 0, 'exit status' or diag join "\n", @lines;
    ok $vg->wait_for(sub { $state->() eq 'COMPLETED' }, 10), 'it is over';
    like $lines[-1], qr/ sessions=1 faults=0 commands=[1-9]\d* errors=0$/;
};

done_testing;

# The simulator as a fleet: all that are registered, the past, chance, scripts.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Simulator;

my $vg = Voltgate->start;

my $api      = '/api/v1';
my $company  = '019393c0-0000-7000-8000-000000000008';
my $password = 'a password: of 24 bytes!';
my $file     = "$vg->{state}/passwords";

sub station {
    my ($name, @connectors) = @_;
    my $r = $vg->post("$api/stations", {
        name => $name, location => { lat => 1, lon => 2 }, address => { country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => $company,
        connectors => [ map { { chargePointId => $_->[0], connectorNumber => $_->[1], type => 'IEC_62196_T2',
            powerType => 'AC_3_PHASE', maxPowerKw => 22 } } @connectors ] });
    is $r->{status}, 201 or diag $r->{body};
    return @{ $r->{json}{connectors} };
}

sub text {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    return $path;
}

sub command  { return simulator($vg, $file, @_) }
sub simulate { return simulated(command(@_)) }

station('Two', [ 'TWO', 1 ], [ 'TWO', 2 ]);
station('One', [ 'ONE', 1 ]);
station('Kept', [ 'KEPT', 1 ]);
my ($far) = station('Far', [ 'FAR', 1 ]);
for my $id ('KEPT', 'FAR') {
    is $vg->patch("$api/charge-points/$id", { password => $password })->{status}, 200;
}
text($file, "FAR:$password\n");
text("$vg->{state}/key", $vg->post("$api/api-keys", { name => 'sim', role => 'admin' })->{json}{key} . "\n");
$vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 5 }, 10)
    or die 'copies of stations did not arrive';

my @registered = ('--registered', '--key-file', "$vg->{state}/key", '--id-tag', 'FLEET');

subtest 'all that are registered charge, but not those whose password others have' => sub {
    my ($status, @lines) = simulate(@registered, '--once', '--interval', 0, '--meter-values', 2, '--power-w', 0);
    is $status, 0 or diag join "\n", @lines;
    like $lines[0], qr/^1 charge points are left out/, 'a password that is there is not changed';
    like $lines[-1], qr/ sessions=3 .*errors=0$/;
    my %made = map { split /:/, $_, 2 } split /\n/, do { local (@ARGV, $/) = $file; <> };
    is_deeply [ sort keys %made ], [ 'FAR', 'ONE', 'TWO' ], 'the passwords that were made are kept';
    is $vg->sql(q{select count(*) from charging.session where meter_stop_wh - meter_start_wh
        = 22000 * 7 / 10 * 120 / 3600}), 3, 'power is what their connectors may give';

    ($status, @lines) = simulate(@registered, '--once', '--interval', 0, '--meter-values', 1);
    is $status, 0, 'and again with what the file holds' or diag join "\n", @lines;
};

subtest 'the past is delivered as an offline charger would, and up to now' => sub {
    my $before = $vg->sql('select count(*) from charging.session');
    my @past = (@registered, '--once', '--history', '2d', '--interval', '5m', '--meter-values', 6,
        '--pause', '6h', '--spread', 20, '--measurands', 'power,voltage,current,temperature,soc', '--seed', 7);
    my ($status, @lines) = simulate(@past);
    is $status, 0 or diag join "\n", @lines;
    my ($sessions) = $lines[-1] =~ / sessions=(\d+)/;
    cmp_ok $sessions, '>', 10, "$sessions sessions";
    is $vg->sql('select count(*) from charging.session') - $before, $sessions;
    is $vg->sql(q{select count(*) from charging.session where started_at < now() - interval '1 hour'
        and 'clock' = any (flags)}), 0, 'its clock is believed';
    ok $vg->sql(q{select min(started_at) < now() - interval '36 hours' from charging.session}), 'from its beginning on';
    is $vg->sql('select count(*) from charging.session where stopped_at > now()'), 0, 'never ahead of now';
    is $vg->sql(q{select count(*) from charging.session where started_at < now() - interval '1 hour'
        and stopped_at <= started_at}), 0;
    is $vg->sql('select count(distinct connector_number) from charging.session where charge_point_id = $1', 'TWO'),
        2, 'connectors take turns';
    is $vg->sql(q{select count(distinct measurand) from charging.meter_value}), 6, 'all measurands';
    is $vg->sql(q{select count(*) from charging.meter_value where measurand = 'Voltage'
        and raw::numeric not between 217 and 243}), 0, 'within six sigma of 230 V';
    ok $vg->wait_for(sub { !$vg->sql(q{select count(*) from charging.session where status <> 'COMPLETED'}) }, 20),
        'all are complete';
};

subtest 'one seed is one story' => sub {
    my @told;
    for my $seed (3, 3, 4) {
        my $from = $vg->sql('select coalesce(max(transaction_id), 0) from charging.session');
        my ($status, @lines) = simulate('--charge-point', 'ONE,TWO', '--id-tag', 'FLEET', '--once', '--interval', 0,
            '--meter-values', 8, '--spread', 30, '--seed', $seed);
        is $status, 0 or diag join "\n", @lines;
        push @told, join ' ', map { "$_->{charge_point_id}:$_->{wh}" } $vg->rows(q{
            select charge_point_id, meter_stop_wh - meter_start_wh as wh from charging.session
            where transaction_id > $1 order by 1}, $from);
    }
    is $told[0], $told[1], $told[0];
    isnt $told[0], $told[2], 'and another is another';
};

subtest 'faults come, are told, and end' => sub {
    my ($status, @lines) = simulate('--charge-point', 'ONE', '--id-tag', 'FLEET0001', '--history', '1d', '--once',
        '--interval', '1m', '--meter-values', 5, '--pause', '30m', '--faults', 100, '--seed', 11);
    is $status, 0, 'a fault that is played is no error' or diag join "\n", @lines;
    my ($sessions, $faults) = $lines[-1] =~ / sessions=(\d+) faults=(\d+) /;
    is $sessions, $faults, 'each session had one';
    my %errors = map { $_->{error_code} => 1 }
        $vg->rows(q{select error_code from charging.connector_status where status = 'Faulted'});
    cmp_ok scalar keys %errors, '>', 2, join ' ', sort keys %errors;
    ok scalar(grep { /is cut off/ } @lines), 'and connections broke';
};

subtest 'a script is played line by line' => sub {
    my $script = text("$vg->{state}/script", <<'END');
# a car with a weak plug
boot
status Available
status Preparing
authorize FLEET0001
start FLEET0001
status Charging
power 6000
meter 2
status SuspendedEV
cut
heartbeat
status Charging
meter 1
status Faulted ConnectorLockFailure
stop EmergencyStop
wait 1
status Available
END
    my ($status, @lines) = simulate('--charge-point', 'ONE', '--id-tag', 'FLEET0001', '--script', $script, '--once',
        '--interval', 0);
    is $status, 0 or diag join "\n", @lines;
    like $lines[-1], qr/^messages=15 .* sessions=1 faults=0 commands=0 errors=0$/;
    my ($last) = $vg->rows(q{select meter_stop_wh - meter_start_wh as wh, stop_reason
        from charging.session order by transaction_id desc limit 1});
    is_deeply $last, { wh => 300, stop_reason => 'EmergencyStop' }, 'three minutes of 6 kW';

    text($script, "boot\nexplode\n");
    ($status, @lines) = simulate('--charge-point', 'ONE', '--id-tag', 'X', '--script', $script, '--once');
    is $status, 1;
    like $lines[0], qr/line 2 is none of a script/;
};

subtest 'each command of OCPP 1.6 is answered' => sub {
    my $pid = open(my $pipe, '-|', command('--charge-point', 'FAR', '--remote', '--interval', 1,
        '--meter-values', 0, '--delay-ms', 30)) // die "fork: $!";
    my $status = sub { $vg->sql(q{select status from stations.connector_status
        where charge_point_id = 'FAR' and number = 1}) // '' };
    ok $vg->wait_for(sub { $status->() eq 'Preparing' }, 10), 'it is there';
    my $ask = sub {
        my ($action, $payload) = @_;
        my $r = $vg->post("$api/charge-points/FAR/commands", { action => $action, payload => $payload });
        return $r->{json}{result} // $r;
    };
    my $soon = sub { my @t = gmtime(time + $_[0]); sprintf '%d-%02d-%02dT%02d:%02d:%02dZ',
        $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0] };

    is $ask->(ReserveNow => { connectorId => 1, expiryDate => $soon->(3600), idTag => 'FLEET0001', reservationId => 5 })
        ->{status}, 'Accepted';
    ok $vg->wait_for(sub { $status->() eq 'Reserved' }, 5), 'it is reserved';
    is $ask->(RemoteStartTransaction => { idTag => 'OTHER' })->{status}, 'Rejected', 'for one tag';
    is $ask->(ReserveNow => { connectorId => 1, expiryDate => $soon->(3600), idTag => 'X', reservationId => 6 })
        ->{status}, 'Occupied';
    is $ask->(CancelReservation => { reservationId => 6 })->{status}, 'Rejected';
    is $ask->(CancelReservation => { reservationId => 5 })->{status}, 'Accepted';
    ok $vg->wait_for(sub { $status->() eq 'Preparing' }, 5), 'it is free again';
    is $ask->(ReserveNow => { connectorId => 1, expiryDate => $soon->(2), idTag => 'X', reservationId => 7 })
        ->{status}, 'Accepted';
    ok $vg->wait_for(sub { $status->() eq 'Reserved' }, 5);
    ok $vg->wait_for(sub { $status->() eq 'Preparing' }, 5), 'and is let go in time';

    is $ask->(SendLocalList => { listVersion => 3, updateType => 'Full' })->{status}, 'Accepted';
    is $ask->(SendLocalList => { listVersion => 3, updateType => 'Differential' })->{status}, 'VersionMismatch';
    is $ask->(GetLocalListVersion => {})->{listVersion}, 3;
    is $ask->(ChangeConfiguration => { key => 'MeterValueSampleInterval', value => '2' })->{status}, 'Accepted';
    is $ask->(GetConfiguration => { key => ['MeterValueSampleInterval'] })->{configurationKey}[0]{value}, '2';
    is $ask->(ChangeConfiguration => { key => 'NumberOfConnectors', value => '2' })->{status}, 'Rejected';
    is $ask->(DataTransfer => { vendorId => 'org.openchargealliance.costmsg' })->{status}, 'Accepted';

    my $profile = { connectorId => 1, csChargingProfiles => { chargingProfileId => 1, stackLevel => 0,
        chargingProfilePurpose => 'TxDefaultProfile', chargingProfileKind => 'Relative',
        chargingSchedule => { chargingRateUnit => 'A', chargingSchedulePeriod => [ { startPeriod => 0, limit => 10 } ] } } };
    is $ask->(SetChargingProfile => $profile)->{status}, 'Accepted';
    is $ask->(GetCompositeSchedule => { connectorId => 1, duration => 60 })
        ->{chargingSchedule}{chargingSchedulePeriod}[0]{limit}, 6900;
    is $ask->(RemoteStartTransaction => { idTag => 'FLEET0001' })->{status}, 'Accepted';
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from charging.meter_value
        where charge_point_id = 'FAR' and power_kw = 6.9}) }, 10), 'it draws no more than it may';
    is $ask->(ClearChargingProfile => {})->{status}, 'Accepted';
    is $ask->(ClearChargingProfile => {})->{status}, 'Unknown';

    is $ask->(GetDiagnostics => { location => 'ftp://x/' })->{fileName}, 'simulated.log';
    ok $vg->wait_for(sub { ($vg->get("$api/charge-points/FAR")->{json}{diagnosticsStatus} // '') eq 'Uploaded' }, 5);
    is_deeply $ask->(UpdateFirmware => { location => 'ftp://x/', retrieveDate => $soon->(0) }), {};
    ok $vg->wait_for(sub { ($vg->get("$api/charge-points/FAR")->{json}{firmwareStatus} // '') eq 'Installed' }, 5);

    my $epoch = sub { return $vg->sql(q{select epoch from stations.link where charge_point_id = 'FAR'}) };
    my $before = $epoch->();
    kill USR1 => $pid;
    ok $vg->wait_for(sub { $epoch->() > $before }, 10), 'it is gone, and comes';
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from charging.session where charge_point_id = 'FAR'
        and status = 'ACTIVE'}) && $ask->(ClearCache => {})->{status} }, 10), 'it comes back after a power cut';
    is $ask->(UnlockConnector => { connectorId => 1 })->{status}, 'Unlocked';
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from charging.session where charge_point_id = 'FAR'
        and status = 'COMPLETED' and stop_reason = 'UnlockCommand'}) }, 10), 'and is unlocked';
    kill TERM => $pid;
    my @lines = <$pipe>;
    close $pipe;
    is $? >> 8, 0, 'exit status' or diag @lines;
};

done_testing;

# Charging profiles: sent to a charge point of other makers, which holds them
# against the schemas of OCPP 1.6; what it accepted; what they allow together.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Strict;

my $vg = Voltgate->start;

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my @connectors = map { { chargePointId => 'CP1', connectorNumber => $_,
    type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1, 2;
$vg->post('/api/v1/stations', { name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => \@connectors });
$vg->post('/api/v1/charge-points', { id => 'CP1', operatorId => $company, password => $password });
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 2 }), 'charging knows the place';

my $cp = Voltgate::Strict->connect($vg, 'CP1', $password);
is $cp->call('BootNotification', { chargePointVendor => 'Acme', chargePointModel => 'M1' })->{result}{status},
    'Accepted';
$cp->answers(SetChargingProfile => { status => 'Accepted' }, ClearChargingProfile => { status => 'Accepted' });

my $at = '/api/v1/charge-points/CP1';

sub profile {
    my ($purpose, $level, $schedule, %more) = @_;
    return { stackLevel => $level, chargingProfilePurpose => $purpose, chargingProfileKind => 'Absolute',
        %more, chargingSchedule => { chargingRateUnit => 'A', %$schedule } };
}

sub periods { return map { { startPeriod => $_->[0], limit => $_->[1] } } @_ }

sub set {
    my ($number, $profile, %more) = @_;
    return $vg->post('/api/v1/charging-profiles',
        { chargePointId => 'CP1', connectorNumber => $number, profile => $profile, %more });
}

sub held { return $vg->get('/api/v1/charging-profiles?chargePointId=CP1&held=true')->{json}{items} }

sub composite {
    my ($query) = @_;
    my $r = $vg->get("$at/composite-schedule?$query");
    return $r->{json}{chargingSchedule} // $r->{body};
}

sub limits { return [ map { [ $_->{startPeriod}, $_->{limit} ] } @{ $_[0]{chargingSchedulePeriod} } ] }

my $default;

subtest 'a profile is sent and kept, with its decimals' => sub {
    my $r = set(0, profile('TxDefaultProfile', 0, { startSchedule => '2026-11-01T01:00:00+01:00', duration => 999_999_999,
        chargingSchedulePeriod => [ { startPeriod => 0, limit => 6.1, numberPhases => 3 }, periods([ 60, 16 ]) ] }));
    is $r->{status}, 201 or diag $r->{body};
    is $r->{json}{status}, 'ACCEPTED';
    $default = $r->{json};
    my ($action, $payload) = $cp->asked;
    is $action, 'SetChargingProfile';
    is $payload->{connectorId}, 0;
    my $sent = $payload->{csChargingProfiles};
    is $sent->{chargingSchedule}{startSchedule}, '2026-11-01T00:00:00Z', 'times are UTC';
    is $sent->{chargingSchedule}{chargingSchedulePeriod}[0]{limit}, 6.1;
    cmp_ok $sent->{chargingProfileId}, '>', 0, 'with an id of ours';
    is $vg->sql('select min(rate)::text from charging.charging_period'), '6.1';
    like $vg->get("/api/v1/charging-profiles/$default->{id}")->{body}, qr/"limit" ?: ?6\.1\b/;
};

subtest 'what the charger refuses is written down, and not held' => sub {
    $cp->answers(SetChargingProfile => { status => 'NotSupported' });
    my $r = set(1, profile('TxDefaultProfile', 3, { startSchedule => '2026-11-01T00:00:00Z',
        chargingSchedulePeriod => [ periods([ 0, 32 ]) ] }));
    is $r->{json}{status}, 'NOT_SUPPORTED';
    is_deeply [ map { $_->{id} } @{ held() } ], [ $default->{id} ];
    $cp->answers(SetChargingProfile => ['InternalError', 'no']);
    is set(1, profile('TxDefaultProfile', 3, { chargingSchedulePeriod => [ periods([ 0, 32 ]) ] }))->{status}, 502;
    is $vg->sql('select count(*) from charging.charging_profile'), 2, 'an error leaves nothing';
    $cp->answers(SetChargingProfile => { status => 'Accepted' });
};

subtest 'the same purpose, level and connector replaces, so does the same id' => sub {
    my $schedule = { startSchedule => '2026-11-01T00:00:00Z', chargingSchedulePeriod => [ periods([ 0, 10 ]) ] };
    my $one = set(1, profile('TxDefaultProfile', 1, $schedule, chargingProfileId => 41))->{json};
    my $two = set(1, profile('TxDefaultProfile', 1, $schedule, chargingProfileId => 42))->{json};
    my $get = sub { $vg->get("/api/v1/charging-profiles/$_[0]{id}")->{json}{status} };
    is $get->($one), 'REPLACED';
    is $get->($two), 'ACCEPTED';
    my $three = set(2, profile('TxDefaultProfile', 7, $schedule, chargingProfileId => 42))->{json};
    is $get->($two), 'REPLACED';
    is $get->($three), 'ACCEPTED';
    is @{ held() }, 2;
};

subtest 'what OCPP does not allow is not sent' => sub {
    my %wrong = (
        'connectorNumber of a bound'    => [ 1, profile('ChargePointMaxProfile', 0, { startSchedule => '2026-11-01T00:00:00Z',
            chargingSchedulePeriod => [ periods([ 0, 10 ]) ] }), 'connectorNumber' ],
        'TxProfile without a session'   => [ 1, profile('TxProfile', 0, { chargingSchedulePeriod => [ periods([ 0, 1 ]) ] }),
            'sessionId' ],
        'Recurring without recurrency'  => [ 1, profile('TxDefaultProfile', 0, { startSchedule => '2026-11-01T00:00:00Z',
            chargingSchedulePeriod => [ periods([ 0, 1 ]) ] }, chargingProfileKind => 'Recurring'),
            'profile.recurrencyKind' ],
        'Relative with a start'         => [ 1, profile('TxDefaultProfile', 0, { startSchedule => '2026-11-01T00:00:00Z',
            chargingSchedulePeriod => [ periods([ 0, 1 ]) ] }, chargingProfileKind => 'Relative'),
            'profile.chargingSchedule.startSchedule' ],
        'periods out of order'          => [ 1, profile('TxDefaultProfile', 0, {
            chargingSchedulePeriod => [ periods([ 0, 1 ], [ 60, 2 ], [ 60, 3 ]) ] }),
            'profile.chargingSchedule.chargingSchedulePeriod[2]' ],
        'a first period that is late'   => [ 1, profile('TxDefaultProfile', 0, {
            chargingSchedulePeriod => [ periods([ 5, 1 ]) ] }), 'profile.chargingSchedule.chargingSchedulePeriod[0]' ],
        'two digits behind the point'   => [ 1, profile('TxDefaultProfile', 0, {
            chargingSchedulePeriod => [ periods([ 0, 1.25 ]) ] }), 'profile.chargingSchedule.chargingSchedulePeriod[0]' ],
    );
    for my $name (sort keys %wrong) {
        my ($number, $profile, $field) = @{ $wrong{$name} };
        my $r = set($number, $profile);
        is $r->{status}, 400, $name;
        is_deeply [ keys %{ $r->{json}{errors} } ], [$field], '... and where' or diag $r->{body};
    }
    my $r = set(1, profile('TxProfile', 0, { chargingSchedulePeriod => [ periods([ 0, 1 ]) ] }),
        sessionId => '019393c0-0000-7000-8000-0000000000ff');
    like $r->{json}{type}, qr/session_not_running/;
    while (my ($action) = $cp->asked(0)) { is $action, 'SetChargingProfile' }
    is_deeply $cp->wrong, [], 'and nothing that broke a schema ever was';
};

subtest 'together: the default, and the bound of the whole' => sub {
    is_deeply limits(composite('connectorNumber=1&duration=120&from=2026-11-01T00:00:00Z')), [ [ 0, 6.1 ], [ 60, 16 ] ];
    set(0, profile('ChargePointMaxProfile', 0, { startSchedule => '2026-11-01T00:00:00Z', chargingRateUnit => 'W',
        chargingSchedulePeriod => [ periods([ 0, 6900 ]) ] }));
    is_deeply limits(composite('connectorNumber=1&duration=120&from=2026-11-01T00:00:00Z&unit=A')),
        [ [ 0, 6.1 ], [ 60, 10 ] ], '6900 W are 10 A by three phases of 230 V';
    is_deeply limits(composite('connectorNumber=0&duration=10&from=2026-11-01T00:00:00Z&unit=W')), [ [ 0, 6900 ] ];
    is_deeply limits(composite('connectorNumber=2&duration=10&from=2026-11-01T00:00:00Z&unit=A')), [ [ 0, 10 ] ];
};

subtest 'each day at the station\'s time, also when its clock goes back' => sub {
    my $night = profile('TxDefaultProfile', 9, { startSchedule => '2026-10-01T20:00:00Z', duration => 3600,
        chargingSchedulePeriod => [ periods([ 0, 5 ]) ] }, chargingProfileKind => 'Recurring', recurrencyKind => 'Daily');
    is set(2, $night)->{status}, 201;
    my $on = sub { [ map { $_->[0] } grep { ($_->[1] // 0) == 5 } @{ limits(composite(
        "connectorNumber=2&duration=172800&from=2026-10-24T00:00:00Z&unit=A$_[0]")) } ] };
    is_deeply $on->(''), [ 72_000, 162_000 ], 'ten at night: 20:00Z, then 21:00Z';
    is_deeply $on->('&clock=UTC'), [ 72_000, 158_400 ], 'or by UTC, where a day has 24 hours';
};

my $session;

subtest 'a TxProfile is its transaction\'s, and ends with it' => sub {
    $vg->party('c');
    $vg->post('/api/v1/id-tags', { idTag => 'TAG1', customerId => 'c' });
    my $r = $cp->call('StartTransaction', { connectorId => 1, idTag => 'TAG1', meterStart => 0,
        timestamp => '2026-11-21T10:00:00Z' });
    my $transaction = $r->{result}{transactionId};
    ($session) = @{ $vg->get('/api/v1/charging/sessions?status=ACTIVE')->{json}{items} };
    my $mine = profile('TxProfile', 0, { chargingSchedulePeriod => [ periods([ 0, 8.5 ]) ] },
        chargingProfileKind => 'Relative');
    is set(2, $mine, sessionId => $session->{id})->{status}, 422, 'not at another connector';
    $r = set(1, $mine, sessionId => $session->{id});
    is $r->{status}, 201 or diag $r->{body};
    my $payload;
    while (my ($action, $p) = $cp->asked(0.2)) { $payload = $p }
    is $payload->{csChargingProfiles}{transactionId}, $transaction;
    is_deeply limits(composite('connectorNumber=1&duration=60&unit=A')), [ [ 0, 8.5 ] ];
    $cp->call('StopTransaction', { transactionId => $transaction, meterStop => 10, timestamp => '2026-11-21T10:10:00Z' });
    is $vg->get("/api/v1/charging-profiles/$r->{json}{id}")->{json}{status}, 'ENDED';
    isnt composite('connectorNumber=1&duration=60&unit=A')->{chargingSchedulePeriod}[0]{limit}, 8.5;
};

subtest 'the charger\'s own composite beside ours' => sub {
    my $theirs = { status => 'Accepted', connectorId => 1, scheduleStart => '2026-11-21T10:00:00Z', chargingSchedule =>
        { chargingRateUnit => 'A', chargingSchedulePeriod => [ { startPeriod => 0, limit => 9.5 } ] } };
    $cp->answers(GetCompositeSchedule => $theirs);
    my $r = $vg->post("$at/composite-schedule", { connectorNumber => 1, duration => 600, unit => 'A' });
    is $r->{status}, 200 or diag $r->{body};
    is_deeply $r->{json}{charger}, $theirs;
    is $r->{json}{chargingSchedule}{chargingRateUnit}, 'A';
    is $r->{json}{timeZone}, 'Europe/Berlin';
    my ($action, $payload) = $cp->asked;
    is_deeply $payload, { connectorId => 1, duration => 600, chargingRateUnit => 'A' };
};

subtest 'cleared one by one, or by what they are' => sub {
    my $count = @{ held() };
    my $r = $vg->post("/api/v1/charging-profiles/$default->{id}/clear");
    is_deeply $r->{json}, { status => 'Accepted', cleared => 1 };
    my ($action, $payload) = $cp->asked;
    is_deeply $payload, { id => $default->{profile}{chargingProfileId} };
    is $vg->get("/api/v1/charging-profiles/$default->{id}")->{json}{status}, 'CLEARED';
    $r = $vg->post('/api/v1/charging-profiles/clear', { chargePointId => 'CP1', purpose => 'TxDefaultProfile' });
    ($action, $payload) = $cp->asked;
    is_deeply $payload, { chargingProfilePurpose => 'TxDefaultProfile' };
    is $r->{json}{cleared}, 2;
    is_deeply [ map { $_->{profile}{chargingProfilePurpose} } @{ held() } ], ['ChargePointMaxProfile'];
};

subtest 'what an operator sends by hand is taken over' => sub {
    my $r = $vg->post("$at/commands", { action => 'SetChargingProfile', payload => { connectorId => 1,
        csChargingProfiles => { chargingProfileId => 77, %{ profile('TxDefaultProfile', 0,
            { chargingSchedulePeriod => [ periods([ 0, 7.5 ]) ] }) } } } });
    is $r->{status}, 200;
    ok $vg->wait_for(sub { grep { $_->{profile}{chargingProfileId} == 77 } @{ held() } });
    $vg->post("$at/commands", { action => 'ClearChargingProfile', payload => { id => 77 } });
    ok $vg->wait_for(sub { !grep { $_->{profile}{chargingProfileId} == 77 } @{ held() } });
};

subtest 'a TxProfile sent by hand names no transaction, and ends with the one that ran' => sub {
    my $start = sub { $cp->call('StartTransaction', { connectorId => 1, idTag => 'TAG1', meterStart => $_[0],
        timestamp => $_[1] })->{result}{transactionId} };
    my $transaction = $start->(20, '2026-11-21T11:00:00Z');
    is $vg->post("$at/commands", { action => 'SetChargingProfile', payload => { connectorId => 1,
        csChargingProfiles => { chargingProfileId => 78, %{ profile('TxProfile', 3,
            { chargingSchedulePeriod => [ periods([ 0, 6.5 ]) ] }, chargingProfileKind => 'Relative') } } } })->{status}, 200;
    my $mine;
    ok $vg->wait_for(sub { ($mine) = grep { $_->{profile}{chargingProfileId} == 78 } @{ held() } }), 'it is held';
    is $mine->{profile}{transactionId}, $transaction, 'for the transaction';
    my $composite = 'connectorNumber=1&duration=60&unit=A';
    is composite($composite)->{chargingSchedulePeriod}[0]{limit}, 6.5;
    $cp->call('StopTransaction', { transactionId => $transaction, meterStop => 30, timestamp => '2026-11-21T11:10:00Z' });
    is $vg->get("/api/v1/charging-profiles/$mine->{id}")->{json}{status}, 'ENDED';
    $transaction = $start->(30, '2026-11-21T12:00:00Z');
    isnt composite($composite)->{chargingSchedulePeriod}[0]{limit}, 6.5, 'the next one is not held down by it';
    $cp->call('StopTransaction', { transactionId => $transaction, meterStop => 40, timestamp => '2026-11-21T12:10:00Z' });
};

subtest 'others neither see nor send' => sub {
    my $who = sub { { Authorization => 'Bearer ' . $vg->token(role => 'operator', company => $_[0]) } };
    my $mine = $who->($company);
    my $other = $who->('019393c0-0000-7000-8000-000000000002');
    is $vg->get("/api/v1/charging-profiles/$default->{id}", $mine)->{status}, 200;
    is $vg->get("/api/v1/charging-profiles/$default->{id}", $other)->{status}, 404;
    is_deeply $vg->get('/api/v1/charging-profiles', $other)->{json}{items}, [];
    is $vg->get("$at/composite-schedule?connectorNumber=1&duration=60", $other)->{status}, 404;
    is $vg->post('/api/v1/charging-profiles/clear', { chargePointId => 'CP1' }, $other)->{status}, 404;
    is $vg->post("/api/v1/charging-profiles/$default->{id}/clear", undef, $other)->{status}, 404;
    is_deeply $cp->wrong, [];
};

done_testing;

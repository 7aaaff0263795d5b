# The saga of a start, where a charger is slow, silent, or does otherwise than
# it says; what goes well and what breaks in the kit is in t/sagas.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(extra => { http => 'voltgate_ocpp_call_timeout 1s; voltgate_setting charging.start_deadline 4;' });

my $password = 'sixteen letters!';
my $api      = '/api/v1';
my $station  = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 8 ] })->{json};
$vg->patch("$api/charge-points/CP1", { password => $password });
ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.connector') == 8 }, 10), 'copies have arrived';

my ($cp, %says, @asked);

sub connects {
    $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
    $cp->answer(sub {
        my ($action, $payload) = @_;
        push @asked, [ $action, $payload ];
        my $said = exists $says{$action} ? $says{$action} : 'Accepted';
        return defined $said ? { status => $said } : undef;
    });
    return;
}

connects();
is $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' })->[2]{status}, 'Accepted';

sub clock {
    my @t = gmtime;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

# the wish, and that the charger was asked: the session, and the CALL
sub wanted {
    my (%more) = @_;
    my $r = $vg->post("$api/charging/sessions/start", { stationId => $station->{id}, %more });
    is $r->{status}, 202 or diag $r->{body};
    my $call = $cp->serve(5);
    is $call->[2], 'RemoteStartTransaction';
    return wantarray ? ($r->{json}, $call->[1]) : $r->{json};
}

sub begins {
    my ($session, %more) = @_;
    return $cp->call(StartTransaction => { connectorId => $session->{connectorNumber}, idTag => $session->{idTag},
        meterStart => 1_000, timestamp => clock(), %more })->[2];
}

sub asked_to_start { return scalar grep { $_->[0] eq 'RemoteStartTransaction' && $_->[1]{idTag} eq $_[0]{idTag} } @asked }
sub asked_to_stop  { return scalar grep { $_->[0] eq 'RemoteStopTransaction' && $_->[1]{transactionId} == $_[0] } @asked }

# as if its time were over, or its charger had refused, in the moment in which it starts
sub begins_undone {
    my ($session, $error) = @_;
    ok $vg->wait_for(sub { saga($session)->{step} eq 'begun' && saga($session)->{status} eq 'RUNNING' }), 'it waits';
    $vg->dbh->begin_work;
    $vg->sql(q{update vg.saga set status = 'UNDOING', error = $2, version = version + 1 where id = $1}, $session->{id}, $error);
    my $start = begins($session);
    is $start->{idTagInfo}{status}, 'Accepted';
    return $start->{transactionId};
}

sub saga    { return $vg->get("$api/sagas/$_[0]{id}")->{json} }
sub session { return $vg->get("$api/charging/sessions/$_[0]{id}")->{json} }

# the charger serves what comes meanwhile
sub becomes {
    my ($session, $status, $seconds) = @_;
    return $vg->wait_for(sub { $cp->serve(0.05); saga($session)->{status} eq $status }, $seconds // 15);
}

sub ended {
    my ($session, $transaction) = @_;
    is $cp->call(StopTransaction => { transactionId => $transaction, meterStop => 2_000, timestamp => clock() })->[0], 3;
    ok $vg->wait_for(sub { session($session)->{status} eq 'COMPLETED' }, 10);
    return;
}

subtest 'a saga bears the id of its session, and says what became of each step' => sub {
    my $session = wanted();
    ok $vg->wait_for(sub { saga($session)->{step} eq 'begun' }), 'the charger has accepted';
    is saga($session)->{status}, 'RUNNING';
    my $start = begins($session);
    ok becomes($session, 'COMPLETED'), 'it has started';
    is saga($session)->{data}{begun}{status}, 'ACTIVE';
    is session($session)->{status}, 'ACTIVE';
    ended($session, $start->{transactionId});
};

subtest 'the names that others use begin the same saga' => sub {
    my $r = $vg->post('/sessions', { stationId => $station->{id} });
    is $r->{status}, 202;
    $cp->serve(5);
    my $start = begins($r->{json});
    ok becomes($r->{json}, 'COMPLETED');
    ended($r->{json}, $start->{transactionId});
};

subtest 'a charger that starts and never answers has started' => sub {
    local $says{RemoteStartTransaction} = undef;
    my $session = wanted();
    my $start   = begins($session);
    is $start->{idTagInfo}{status}, 'Accepted';
    ok becomes($session, 'COMPLETED'), 'its Start says it';
    is session($session)->{status}, 'ACTIVE';
    is asked_to_start($session), 1, 'it was asked once';
    ended($session, $start->{transactionId});
};

# as its worker left it, when nobody knows whether the charger was asked
sub interrupted {
    my ($session, %row) = @_;
    ok $vg->wait_for(sub { saga($session)->{step} eq 'begun' && saga($session)->{status} eq 'RUNNING' }), 'it waits';
    $vg->sql(q{update charging.session set deadline = now() + interval '1 hour' where id = $1}, $session->{id});
    return $vg->wait_for(sub { 0 + $vg->dbh->do(q{update vg.saga set step = 'remote_start', status = $2, tries = 0, problem = null,
        node = (select min(name) from vg.node), pid = $3, next_at = now() + interval '1 hour', version = version + 1
        where id = $1 and pid is null}, undef, $session->{id}, $row{status} // 'RUNNING', $row{pid}) });
}

subtest 'a charger that may have been asked is not asked again, though a pause comes' => sub {
    local $says{RemoteStartTransaction} = undef;
    my $dead    = 4_194_305; # beyond the kernel's largest
    my $session = wanted();
    $vg->dbh->do($_) for q{create function vg.held() returns trigger language plpgsql security definer as $$
        begin
            perform pg_catalog.pg_advisory_xact_lock_shared(4712);
            return new;
        end $$},
        "create trigger held before update on vg.saga for each row when (old.pid = $dead) execute function vg.held()";
    my $holder = $vg->_connect($vg->{owner_url});
    $holder->do('select pg_advisory_lock(4712)');
    ok interrupted($session, pid => $dead), 'its worker is gone';
    ok $vg->wait_for(sub { $vg->waiting(q{locktype = 'advisory' and w.objid = 4712}) }), 'another takes it';
    is $vg->post("$api/plugins/charging/pause")->{status}, 200, 'just when its plugin is paused';
    $holder->disconnect;
    ok $vg->wait_for(sub { (saga($session)->{problem} // '') eq 'plugin_paused' }), 'and leaves it';
    $vg->dbh->do($_) for 'drop trigger held on vg.saga', 'drop function vg.held()';
    is $vg->post("$api/plugins/charging/resume")->{status}, 200;
    ok $vg->wait_for(sub { $cp->serve(0.05); saga($session)->{step} eq 'begun' }, 15), 'it goes on';
    is asked_to_start($session), 1, 'the charger was asked once';
    my $start = begins($session);
    ok becomes($session, 'COMPLETED');
    ended($session, $start->{transactionId});
};

subtest 'nor when an operator takes its saga up' => sub {
    local $says{RemoteStartTransaction} = undef;
    my $session = wanted();
    ok interrupted($session, status => 'STUCK'), 'it is stuck';
    is $vg->post("$api/sagas/$session->{id}/retry")->{json}{status}, 'RUNNING';
    ok $vg->wait_for(sub { $cp->serve(0.05); saga($session)->{step} eq 'begun' }, 15), 'it goes on';
    is asked_to_start($session), 1, 'the charger was asked once';
    my $start = begins($session);
    ok becomes($session, 'COMPLETED');
    ended($session, $start->{transactionId});
};

subtest 'one that neither answers nor starts' => sub {
    local $says{RemoteStartTransaction} = undef;
    my $session = wanted();
    ok becomes($session, 'UNDONE', 20);
    is saga($session)->{error}, 'start_timeout', 'was given its whole time';
    is session($session)->{failure}, 'start_timeout';
    is session($session)->{status}, 'FAILED';
};

subtest 'a Start after that is seen: a session of its own, for who asked' => sub {
    my %driver  = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-1'));
    my $r = $vg->post("$api/charging/sessions/start", { stationId => $station->{id} }, \%driver);
    $cp->serve(5);
    my $session = $r->{json};
    ok becomes($session, 'UNDONE', 20);
    my $was   = saga($session);
    my $start = begins($session);
    is $start->{idTagInfo}{status}, 'Expired', 'the charger is told that its tag is over';
    my ($late) = $vg->rows('select * from charging.session where transaction_id = $1', $start->{transactionId});
    isnt $late->{id}, $session->{id};
    is $late->{status}, 'ACTIVE', 'it is there, and metered';
    is $late->{customer_id}, 'driver-1';
    ok scalar(grep { $_ eq 'late_start' } @{ $late->{flags} }), 'and marked';
    is_deeply saga($session), $was, 'the saga stays as it was';
    ended($late, $start->{transactionId});
};

subtest 'and so it is with a tag that is known' => sub {
    my $vehicle = '019393c0-0000-7000-8000-0000000000aa';
    $vg->party('driver-1', vehicles => [$vehicle]);
    is $vg->post("$api/id-tags", { idTag => 'KNOWN' })->{status}, 201;
    my $flagged = sub {
        my ($start) = @_;
        my ($row) = $vg->rows('select * from charging.session where transaction_id = $1', $start->{transactionId});
        return ($row, scalar grep { $_ eq 'late_start' } @{ $row->{flags} });
    };
    my $cancelled = sub {
        my $session = wanted(idTag => 'KNOWN', vehicleId => $vehicle);
        ok $vg->wait_for(sub { saga($session)->{step} eq 'begun' }), 'accepted';
        is $vg->post("$api/charging/sessions/$session->{id}/end")->{status}, 202;
        ok becomes($session, 'UNDONE'), 'and cancelled';
        return $session;
    };

    my $session = $cancelled->();
    my $start   = begins($session);
    is $start->{idTagInfo}{status}, 'Accepted', 'the charger is told what the tag deserves';
    my ($row, $late) = $flagged->($start);
    isnt $row->{id}, $session->{id};
    ok $late, 'it is marked';
    is $row->{vehicle_id}, $vehicle, 'for what was to be charged';
    ended($row, $start->{transactionId});

    $start = begins($session, meterStart => 2_000);
    ($row, $late) = $flagged->($start);
    ok !$late, 'the next is the driver\'s own';
    is $row->{vehicle_id}, undef;
    ended($row, $start->{transactionId});

    $session = $cancelled->();
    $start   = begins($session, timestamp => '2026-01-01T00:00:00Z');
    ($row, $late) = $flagged->($start);
    ok !$late, 'nor is one late that began before it was wanted';
    ended($row, $start->{transactionId});

    local $says{RemoteStartTransaction} = 'Rejected';
    $session = wanted(idTag => 'KNOWN', vehicleId => $vehicle);
    ok becomes($session, 'UNDONE');
    $start = begins($session, meterStart => 3_000);
    ($row, $late) = $flagged->($start);
    ok !$late, 'nor one that the charger had rejected';
    ended($row, $start->{transactionId});
};

subtest 'a Start that comes while the saga is undone is stopped' => sub {
    my $session     = wanted();
    my $transaction = begins_undone($session, 'overdue');
    $vg->dbh->commit;
    ok becomes($session, 'UNDONE', 20);
    ok $vg->wait_for(sub { $cp->serve(0.05); asked_to_stop($transaction) }), 'the charger is asked to stop';
    is session($session)->{status}, 'STOPPING';
    ended($session, $transaction);
    ok $vg->wait_for(sub { !$vg->sql('select count(*) from vg.job') }), 'and asked no more';
    is asked_to_stop($transaction), 1, 'it was asked once';
};

subtest 'it is asked until it stops: when it was away, and when it rejects that' => sub {
    my $session     = wanted();
    my $transaction = begins_undone($session, 'overdue');
    $cp->close;
    ok $vg->wait_for(sub { !$vg->get("$api/charge-points/CP1")->{json}{connected} }), 'it is away';
    $vg->dbh->commit;
    ok $vg->wait_for(sub { saga($session)->{status} eq 'UNDONE' }, 20);
    ok $vg->wait_for(sub { ($vg->sql('select error from vg.job') // '') =~ /^not_connected/ }), 'and cannot be asked';
    # nobody stops it in time
    $vg->sql(q{update charging.session set stop_deadline = now() where id = $1}, $session->{id});
    ok $vg->wait_for(sub { session($session)->{status} eq 'ACTIVE' }, 10);
    connects();
    local $says{RemoteStopTransaction} = 'Rejected';
    my $soon = sub { $vg->hurry; $cp->serve(0.05) };
    ok $vg->wait_for(sub { $soon->(); asked_to_stop($transaction) }, 20), 'it is back, and is asked';
    ok $vg->wait_for(sub { ($vg->sql('select error from vg.job') // '') =~ /^rejected/ }), 'it rejects that';
    is session($session)->{status}, 'ACTIVE';
    $says{RemoteStopTransaction} = 'Accepted';
    ok $vg->wait_for(sub { $soon->(); session($session)->{status} eq 'STOPPING' }, 20), 'asked again, it accepts';
    ended($session, $transaction);
    is $vg->sql('select count(*) from vg.job'), 0;
};

subtest 'what its charger rejected and its driver began goes on' => sub {
    local $says{RemoteStartTransaction} = undef;
    my ($session, $id) = wanted();
    my $start = begins($session);
    $cp->send_raw(qq([3,"$id",{"status":"Rejected"}]));
    ok becomes($session, 'COMPLETED'), 'the connector was busy with just this';
    is session($session)->{status}, 'ACTIVE';
    is asked_to_stop($start->{transactionId}), 0, 'nobody stops it';
    ended($session, $start->{transactionId});

    $says{RemoteStartTransaction} = 'Accepted';
    $session = wanted();
    my $transaction = begins_undone($session, 'rejected');
    $vg->dbh->commit;
    ok becomes($session, 'UNDONE', 20), 'nor between the refusal and the undo';
    is session($session)->{status}, 'ACTIVE';
    is $vg->sql('select count(*) from vg.job'), 0;
    is asked_to_stop($transaction), 0;
    ended($session, $transaction);
};


subtest 'a start that is cancelled ends its saga at once' => sub {
    my $session = wanted();
    ok $vg->wait_for(sub { saga($session)->{step} eq 'begun' });
    is $vg->post("$api/charging/sessions/$session->{id}/end")->{status}, 202;
    ok becomes($session, 'UNDONE', 3);
    is saga($session)->{error}, 'cancelled';
    is session($session)->{failure}, 'cancelled';
};

subtest 'one whose charger was not connected fails at once, and its connector is free' => sub {
    $cp->close;
    ok $vg->wait_for(sub { !$vg->get("$api/charge-points/CP1")->{json}{connected} });
    my $connector = $vg->sql('select min(connector_id::text) from charging.connector');
    for (1, 2) {
        my $r = $vg->post("$api/charging/sessions/start", { connectorId => $connector });
        is $r->{status}, 202 or diag $r->{body};
        ok $vg->wait_for(sub { saga($r->{json})->{status} eq 'UNDONE' }, 3);
        is session($r->{json})->{failure}, 'not_connected';
    }
    is $vg->sql(q{select count(*) from (select type from vg.event union all select type from vg.outbox) e where type = 'charging.session.failed.v1'}),
        $vg->sql(q{select count(*) from charging.session where status = 'FAILED'}), 'each failure is told once';
};

done_testing;

# A charge that is cut: by the death of the worker that holds the charger's
# socket, by PostgreSQL stopped under it, and by both, under load. The charger does what chargers
# do: it comes back and repeats what was not answered with success.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;
use Voltgate::Load;
use Voltgate::Worker;

my $vg = Voltgate->start(own_cluster => 1);

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $api      = '/api/v1';

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 5 ] })->{json};
$vg->patch("$api/charge-points/CP$_", { password => $password }) for 1 .. 5;

# 10.123 kWh at 0.37 are 3.74551, rounded 3.75; 19 % of that are 0.7125
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR',
    last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [
        { type => 'ENERGY', price => 0.37, vat => 19, step_size => 1 } ] } ] } });
$vg->party('driver-1');
is $vg->post("$api/id-tags", { idTag => 'TAG1', customerId => 'driver-1' })->{status}, 201, 'a tag';
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 5
        && $vg->sql('select count(*) from charging.tariff') == 1 }, 10), 'copies have arrived';

sub clock {
    my ($s) = @_;
    my @t = gmtime(time + ($s // 0));
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

# connects until it is let in, as chargers do
sub plugged {
    my ($name) = @_;
    my $cp;
    $vg->wait_for(sub {
        $cp = eval { Voltgate::Charger->connect($vg, $name, $password) } or return 0;
        return $cp->status == 101;
    }, 15) or die "$name was not let in\n";
    return $cp;
}

# Repeats a message, on a new connection if that is gone, until it is answered
# with success; what it was answered before.
sub insist {
    my ($name, $cp, $action, $payload) = @_;
    my @before;
    my $done = $vg->wait_for(sub {
        $$cp = plugged($name) if $$cp->closed;
        my $answer = $$cp->call($action => $payload, timeout => 12);
        return 1 if $answer && $answer->[0] == 3;
        push @before, $answer ? $answer->[2] : 'silence';
        return 0;
    }, 30);
    ok $done, "$action of $name is answered in the end";
    return @before;
}

# the worker on whose side the charger's connection ends
sub holder {
    my ($cp) = @_;
    return Voltgate::Worker->of($vg, $cp->{socket}) // die "nobody holds the socket\n";
}

# a session that has begun and was metered once
sub begun {
    my ($name) = @_;
    my $cp = plugged($name);
    $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });
    my $start = $cp->call(StartTransaction => { connectorId => 1, idTag => 'TAG1', meterStart => 1000,
        timestamp => clock() })->[2];
    is $start->{idTagInfo}{status}, 'Accepted', "$name charges";
    metered($cp, $start->{transactionId}, 1, 3000);
    return ($cp, $start->{transactionId});
}

sub metered {
    my ($cp, $transaction, $when, $wh) = @_;
    return is $cp->call(MeterValues => { connectorId => 1, transactionId => $transaction, meterValue => [
        { timestamp => clock($when), sampledValue => [ { value => "$wh" } ] } ] })->[0], 3, "$wh Wh";
}

sub stop_of { return { transactionId => $_[0], meterStop => 11123, timestamp => clock(3), reason => 'Local' } }

# one session of that charge point, complete, and one invoice, to the cent
sub settled {
    my ($name) = @_;
    my @sessions;
    ok $vg->wait_for(sub {
        @sessions = $vg->rows(q{select id, status, invoice_id from charging.session
            where charge_point_id = $1}, $name);
        return @sessions && $sessions[0]{status} eq 'COMPLETED' && $sessions[0]{invoice_id};
    }, 15), "the session of $name is complete and has its invoice";
    is scalar(@sessions), 1, 'it is one';
    my @invoices = $vg->rows('select net, tax, total, energy_kwh from billing.invoice where subject_id = $1',
        $sessions[0]{id});
    is scalar(@invoices), 1, 'so is the invoice';
    is $invoices[0]{net} + 0,   '3.75';
    is $invoices[0]{tax} + 0,   '0.71';
    is $invoices[0]{total} + 0, '4.46', 'to the cent';
    is $invoices[0]{energy_kwh} + 0, '10.123';
    is $vg->sql('select count(*) from charging.quarantine where charge_point_id = $1', $name), 0,
        'and nothing is doubted';
    return;
}

sub kill_holder {
    my ($cp) = @_;
    my $victim = holder($cp);
    $vg->kill_worker($victim);
    ok $vg->wait_for(sub { $cp->recv(0.1); $cp->closed }), 'its connection is gone';
    delete $vg->{client};
    return $victim;
}

subtest 'the worker that holds the socket dies in mid-session' => sub {
    my ($cp, $transaction) = begun('CP1');
    my $victim = kill_holder($cp);
    $cp = plugged('CP1');
    isnt holder($cp), $victim, 'another worker takes it';
    metered($cp, $transaction, 2, 8000);
    is_deeply [ insist(CP1 => \$cp, StopTransaction => stop_of($transaction)) ], [];
    settled('CP1');
};

subtest 'it dies while the Stop is being written' => sub {
    my ($cp, $transaction) = begun('CP2');
    my $held = $vg->dba;
    $held->begin_work;
    $held->do("select from charging.session where charge_point_id = 'CP2' for update");
    my $stop = stop_of($transaction);
    $cp->send_call('stop-1', StopTransaction => $stop);
    ok $vg->wait_for(sub { $vg->waiting }), 'it waits for the row';
    kill_holder($cp);
    $held->rollback;
    $cp = plugged('CP2');
    insist(CP2 => \$cp, StopTransaction => $stop);
    settled('CP2');
};

subtest 'PostgreSQL stops at once in mid-session' => sub {
    my ($cp, $transaction) = begun('CP3');
    my $stop = stop_of($transaction);
    $vg->pg_stop('immediate');
    my $answer = $cp->call(StopTransaction => $stop, timeout => 15);
    ok !$answer || $answer->[0] == 4 && $answer->[2] eq 'InternalError', 'a Stop then is not taken'
        or diag explain $answer;
    ok !$cp->closed, 'but the socket stays';
    $vg->pg_start;
    my @before = insist(CP3 => \$cp, StopTransaction => $stop);
    ok !(grep { $_ ne 'InternalError' && $_ ne 'silence' } @before), 'until then it was told to come again';
    insist(CP3 => \$cp, StopTransaction => $stop);
    settled('CP3');
};

subtest 'PostgreSQL stops at once while the Stop is under way' => sub {
    my ($cp, $transaction) = begun('CP4');
    my $stop = stop_of($transaction);
    $cp->send_call('stop-1', StopTransaction => $stop);
    $vg->pg_stop('immediate');
    my $answer = $cp->wait_answer('stop-1', 15);
    $vg->pg_start;
    if ($answer && $answer->[0] == 3) {
        isnt $vg->sql("select status from charging.session where charge_point_id = 'CP4'"), 'ACTIVE',
            'what was answered with success is there';
    } else {
        ok !$answer || $answer->[2] eq 'InternalError', 'what was not is told so';
    }
    insist(CP4 => \$cp, StopTransaction => $stop);
    settled('CP4');
};

# stations that others make meanwhile, each with its connector and its event
sub others {
    return Voltgate::Load->start($vg, 4, sub {
        my $name = join '-', 'L', @_;
        return (POST => "$api/stations", {
            name => $name, location => { lat => 1, lon => 2 }, address => { country => 'DE' },
            timeZone => 'UTC', operatorId => $company, connectors => [ { chargePointId => "CP-$name",
                connectorNumber => 1, type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } ] }, $name);
    });
}

subtest 'both, again and again, while others write' => sub {
    my ($cp, $transaction) = begun('CP5');
    my $load = others();
    for my $turn (1 .. 3) {
        ok $load->wait_calls(30, 201, 40), "stations are made, before blow $turn" or last;
        my $victim = holder($cp);
        my ($other) = grep { $_ != $victim } $vg->workers;
        $vg->kill_worker($victim);
        $vg->kill_worker($other) if $turn == 2;
        $vg->pg_stop($turn == 3 ? 'fast' : 'immediate');
        delete $vg->{client};
        ok $load->wait_calls(4, 503, 30), 'writers are told to come again';
        $vg->pg_start;
        $cp = plugged('CP5');
        insist(CP5 => \$cp, MeterValues => { connectorId => 1, transactionId => $transaction, meterValue => [
            { timestamp => clock(1), sampledValue => [ { value => 3000 + $turn . '' } ] } ] });
    }
    ok $load->wait_calls(10, 201, 40), 'all is well again, by itself';
    my @outcomes = $load->stop;
    note(Voltgate::Load->tally(@outcomes));
    my %stored = map { $_->{name} => 1 } $vg->rows(q{select name from stations.station where name like 'L-%'});
    my @told   = map { $_->{name} } grep { $_->{status} == 201 } @outcomes;
    is join(' ', grep { !$stored{$_} } @told), '', scalar(@told) . ' were acknowledged, all are there';
    is scalar(grep { $_->{status} !~ /^(?:201|503|504|599)$/ } @outcomes), 0, 'others may come again, or were cut off'
        or diag(Voltgate::Load->tally(@outcomes));
    ok $vg->wait_for(sub { $vg->sql('select not exists (select from vg.outbox) and (select count(*) from
        charging.connector) = (select count(*) from stations.connector)') }, 15), 'copies of all have arrived';
    is $vg->sql(q{select count(*) from stations.station s where 1 <> (select count(*) from vg.event e
        where e.type = 'station.created.v1' and e.aggregate_id = s.id::text)}), 0, 'each was told once';
    insist(CP5 => \$cp, StopTransaction => stop_of($transaction));
    settled('CP5');
};

is $vg->sql('select last_number from billing.issuer'), 5, 'five invoices, no number is missing';

done_testing;

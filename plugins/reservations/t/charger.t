# The charge point holds a reservation too, and who charges uses it.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(extra => { http => <<'END' });
    voltgate_setting reservations.ahead 30;
    voltgate_setting reservations.warning 900;
END

my $api      = '/api/v1';
my $password = 'sixteen letters!';

my $station = $vg->post("$api/stations", {
    name => 'C', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => 'CPC', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 2 ] })->{json};
my ($one, $two) = map { $_->{connectorId} }
    sort { $a->{connectorNumber} <=> $b->{connectorNumber} } @{ $station->{connectors} };
$vg->patch("$api/charge-points/CPC", { password => $password });
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
    elements => [
        { price_components => [ { type => 'FLAT', price => 4, vat => 20, step_size => 1 } ],
            restrictions => { reservation => 'RESERVATION_EXPIRES' } },
        { price_components => [ { type => 'TIME', price => 36, vat => 20, step_size => 1 } ],
            restrictions => { reservation => 'RESERVATION' } },
        { price_components => [ { type => 'FLAT', price => 0.5, vat => 20, step_size => 1 } ] } ] } });
$vg->party("driver-$_") for 1, 2;
$vg->post("$api/id-tags", { idTag => "Card-$_", customerId => "driver-$_" }) for 1, 2;
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from reservations.connector') == 2
        && $vg->sql('select count(*) from reservations.tariff') == 1
        && $vg->sql('select count(*) from reservations.id_tag') == 2
        && $vg->sql('select count(*) from charging.connector') == 2 }, 10), 'copies have arrived';

my %driver = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-1'));
my %other  = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-2'));

sub clock {
    my ($seconds) = @_;
    my @t = gmtime(time + $seconds);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}
sub reserve {
    my ($from, $to, %more) = @_;
    return $vg->post("$api/reservations", { connectorId => $one, startTime => clock($from), endTime => clock($to), %more },
        \%driver)->{json};
}
sub seen   { my ($id) = @_; return $vg->get("$api/reservations/$id")->{json} }
sub status { return seen($_[0])->{status} }
sub becomes {
    my ($id, $status) = @_;
    return $vg->wait_for(sub { status($id) eq $status }, 15);
}
# its time is up, four seconds after it began
sub lapse {
    my ($id) = @_;
    $vg->sql(q{update reservations.reservation set start_time = date_trunc('second', now()) - interval '4 seconds',
        expires_at = date_trunc('second', now()) where id = $1}, $id);
    return becomes($id, 'EXPIRED');
}
# as charging has heard of it
sub held { my ($id) = @_; return $vg->sql('select count(*) from charging.reservation where reservation_id = $1', $id) }
sub told {
    my ($id, $type) = @_;
    return $vg->sql('select payload::text from vg.event where aggregate_id = $1 and type = $2', $id, "reservation.$type.v1");
}

subtest 'a charger that is away is no error' => sub {
    my $r = reserve(0, 600);
    is $r->{status}, 'PENDING', 'it is asked first';
    ok becomes($r->{id}, 'CONFIRMED');
    is seen($r->{id})->{chargerStatus}, 'not_connected';
    is $vg->delete("$api/reservations/$r->{id}", \%driver)->{status}, 200;
};

my $says = 'Accepted';
my @asked;
my $cp = Voltgate::Charger->connect($vg, 'CPC', $password);
$cp->answer(sub { push @asked, [ @_[0, 1] ]; return { status => $says } });
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });

# a CALL of ours at the charger, within so many seconds
sub served {
    my ($seconds) = @_;
    @asked = ();
    $cp->serve($seconds // 10);
    return $asked[0];
}

subtest 'it is told, and told again when the driver changes their mind' => sub {
    my $r = reserve(10, 3000);
    my $call = served();
    is $call->[0], 'ReserveNow';
    is_deeply $call->[1], { connectorId => 1, idTag => 'Card-1', reservationId => $r->{ocppReservationId},
        expiryDate => $r->{expiresAt} };
    ok becomes($r->{id}, 'CONFIRMED');
    is seen($r->{id})->{chargerStatus}, 'Accepted';

    $vg->patch("$api/reservations/$r->{id}", { startTime => clock(20) }, \%driver);
    $call = served();
    is_deeply [ $call->[0], $call->[1]{reservationId} ], [ 'ReserveNow', $r->{ocppReservationId} ], 'moved a little: replaced';
    isnt $call->[1]{expiryDate}, $r->{expiresAt};

    $vg->wait_for(sub { (seen($r->{id})->{chargerStatus} // '') eq 'Accepted' });
    $vg->patch("$api/reservations/$r->{id}", { startTime => clock(5000), endTime => clock(6000) }, \%driver);
    is_deeply served(), [ 'CancelReservation', { reservationId => $r->{ocppReservationId} } ], 'moved far off: taken back';
    is $vg->delete("$api/reservations/$r->{id}", \%driver)->{status}, 200;

    $r = reserve(10, 600);
    served();
    $vg->wait_for(sub { (seen($r->{id})->{chargerStatus} // '') eq 'Accepted' });
    is $vg->delete("$api/reservations/$r->{id}", \%driver)->{status}, 200;
    is_deeply served(), [ 'CancelReservation', { reservationId => $r->{ocppReservationId} } ], 'cancelled: taken back';
    ok $vg->wait_for(sub { seen($r->{id})->{chargerStatus} eq 'Cancelled' });
};

subtest 'cancelled while the charger is being asked' => sub {
    my $r = reserve(0, 600);
    $cp->answer(sub {
        my ($action, $payload) = @_;
        push @asked, [ $action, $payload ];
        $vg->delete("$api/reservations/$r->{id}", \%driver) if $action eq 'ReserveNow';
        return { status => 'Accepted' };
    });
    is served()->[0], 'ReserveNow';
    is_deeply served(), [ 'CancelReservation', { reservationId => $r->{ocppReservationId} } ], 'it does not keep it';
    is status($r->{id}), 'CANCELLED';
    $cp->answer(sub { push @asked, [ @_[0, 1] ]; return { status => $says } });
};

subtest 'a charger without room, and one that knows no reservations' => sub {
    $says = 'Occupied';
    my $r = reserve(0, 600);
    served();
    ok becomes($r->{id}, 'CANCELLED'), 'what was only just asked for ends';
    is seen($r->{id})->{reason}, 'charger_occupied';
    is seen($r->{id})->{fee}, undef;

    # for a charger that is asked as its time comes
    my $far = reserve(5000, 6000);
    is $far->{status}, 'CONFIRMED';
    $vg->sql(q{update reservations.reservation set start_time = now(), holds_from = now(), expires_at = end_time
        where id = $1}, $far->{id});
    is served()->[0], 'ReserveNow', 'it is asked when it is time';
    ok $vg->wait_for(sub { (seen($far->{id})->{chargerStatus} // '') eq 'Occupied' });
    is status($far->{id}), 'CONFIRMED', 'what was promised stays';
    $says = 'Accepted';
    $vg->sql(q{update reservations.reservation set asked_at = asked_at - interval '1 minute' where id = $1}, $far->{id});
    is served()->[0], 'ReserveNow', 'and is asked again after a minute';
    ok $vg->wait_for(sub { seen($far->{id})->{chargerStatus} eq 'Accepted' });
    $vg->delete("$api/reservations/$far->{id}", \%driver);
    served();

    $says = 'Rejected';
    $r = reserve(0, 600);
    served();
    ok becomes($r->{id}, 'CONFIRMED');
    $says = 'Accepted';
    $vg->delete("$api/reservations/$r->{id}", \%driver);
};

subtest 'a start by the API' => sub {
    my $r = reserve(0, 600);
    served();
    ok becomes($r->{id}, 'CONFIRMED') && $vg->wait_for(sub { held($r->{id}) });
    my $start = sub { my ($who, %body) = @_; return $vg->post("$api/charging/sessions/start", \%body, $who) };
    my $no = $start->(\%other, connectorId => $one);
    is $no->{status}, 409, 'not by somebody else';
    like $no->{json}{type}, qr/connector_reserved$/;
    is $start->(\%other, reservationId => $r->{id})->{status}, 404, 'nor in their name';
    is $start->(\%driver, reservationId => $r->{id}, connectorId => $two)->{status}, 409, 'nor elsewhere';
    is $start->(\%other, stationId => $station->{id})->{json}{connectorId}, $two, 'of a station the one that is not reserved';
    is served()->[0], 'RemoteStartTransaction';

    my $session = $start->(\%driver, reservationId => $r->{id});
    is $session->{status}, 202, 'by its driver';
    is $session->{json}{connectorId}, $one, 'where it is';
    is $session->{json}{idTag}, 'Card-1', 'with the tag that the charger knows';
    is $session->{json}{reservationId}, $r->{id};
    is served()->[1]{idTag}, 'Card-1';
    is status($r->{id}), 'CONFIRMED', 'a wish is not yet a use';
    my $t = $cp->call(StartTransaction => { connectorId => 1, idTag => 'Card-1', meterStart => 0, timestamp => clock(0),
        reservationId => $r->{ocppReservationId} })->[2];
    ok becomes($r->{id}, 'ACTIVE');
    is seen($r->{id})->{sessionId}, $session->{json}{id};
    ok told($r->{id}, 'used');
    $cp->call(StopTransaction => { transactionId => $t->{transactionId}, meterStop => 10, timestamp => clock(1) });
    ok becomes($r->{id}, 'COMPLETED');
    ok $vg->wait_for(sub { told($r->{id}, 'completed') && !held($r->{id}) }), 'and nothing is held any more';
};

subtest 'somebody else charges there all the same' => sub {
    my $r = reserve(0, 600);
    served();
    ok becomes($r->{id}, 'CONFIRMED') && $vg->wait_for(sub { held($r->{id}) });
    my $t = $cp->call(StartTransaction => { connectorId => 1, idTag => 'Card-2', meterStart => 0, timestamp => clock(0) })->[2];
    cmp_ok $t->{transactionId}, '>', 0, 'their energy is counted';
    is $t->{idTagInfo}{status}, 'Accepted', 'their card is as good as ever';
    my $flags = $vg->sql('select array_to_string(flags, $2) from charging.session where transaction_id = $1',
        $t->{transactionId}, ' ');
    is $flags, 'reserved_for_other', 'and it is noted';
    ok $vg->wait_for(sub { $vg->sql('select obstructed from reservations.reservation where id = $1', $r->{id}) });
    ok lapse($r->{id});
    is seen($r->{id})->{reason}, 'connector_taken';
    is seen($r->{id})->{fee}, undef, 'who found it taken does not pay';
    $cp->call(StopTransaction => { transactionId => $t->{transactionId}, meterStop => 10, timestamp => clock(1) });
};

subtest 'who charged there before goes on' => sub {
    my $t = $cp->call(StartTransaction => { connectorId => 1, idTag => 'Card-2', meterStart => 0, timestamp => clock(0) })->[2];
    my $shown = sub {
        my ($status) = @_;
        $cp->call(StatusNotification => { connectorId => 1, errorCode => 'NoError', status => $status });
        return $vg->wait_for(sub { $status eq ($vg->sql(
            'select status from reservations.connector where connector_id = $1', $one) // '') });
    };
    ok $shown->('Charging');
    my ($r, $other) = map { reserve(3600 * $_, 3600 * $_ + 600) } 1, 2;
    $vg->sql(q{update reservations.reservation set holds_from = now() - interval '5 seconds' where id = $1}, $r->{id});
    ok lapse($r->{id});
    is seen($r->{id})->{reason}, 'connector_taken';
    is seen($r->{id})->{fee}, undef, 'who finds the connector taken does not pay';

    $vg->sql(q{update reservations.reservation set start_time = now() - interval '4 seconds' where id = $1}, $other->{id});
    is $vg->delete("$api/reservations/$other->{id}", \%driver)->{json}{fee}, undef, 'nor who gives up because of that';
    $cp->call(StopTransaction => { transactionId => $t->{transactionId}, meterStop => 10, timestamp => clock(1) });
    ok $shown->('Available');
};

subtest 'nobody comes' => sub {
    my $r = reserve(0, 600);
    served();
    ok $vg->wait_for(sub { told($r->{id}, 'expiring') }, 10), 'the driver is warned';
    ok lapse($r->{id});
    my $over = seen($r->{id});
    is $over->{reason}, 'not_used';
    cmp_ok $over->{fee}, '==', 4.04, 'four for not coming, four seconds of 36 an hour';
    cmp_ok $over->{feeInclVat}, '==', 4.848;
    ok $vg->wait_for(sub { told($r->{id}, 'expired') });
    like told($r->{id}, 'expired'), qr/"fee": 4\.04\b/;

    $r = reserve(0, 600);
    served();
    $cp->call(StatusNotification => { connectorId => 1, errorCode => 'GroundFailure', status => 'Faulted' });
    ok $vg->wait_for(sub { 'Faulted' eq ($vg->sql(
        'select status from reservations.connector where connector_id = $1', $one) // '') });
    ok lapse($r->{id});
    is seen($r->{id})->{fee}, undef, 'nobody pays for a connector that is out of order';
    is seen($r->{id})->{reason}, 'connector_unavailable';
};

done_testing;

# Money that is held for a reservation, and what becomes of it.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(hold => 1);

my $api      = '/api/v1';
my $password = 'sixteen letters!';
my $station  = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 9 ] })->{json};
my %connector = map { $_->{connectorNumber} => $_->{connectorId} } @{ $station->{connectors} };
$vg->patch("$api/charge-points/CP1", { password => $password });

# an hour: 22 kWh at 0.50, and 2.00 for the booking; with 19 % that is 15.47
$vg->post("$api/pricing", { connectorId => $connector{$_}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => "T$_", currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
    elements => [
        { price_components => [ { type => 'FLAT', price => 2, step_size => 1 } ], restrictions => { reservation => 'RESERVATION' } },
        { price_components => [ { type => 'FLAT', price => 3, step_size => 1 } ],
            restrictions => { reservation => 'RESERVATION_EXPIRES' } },
        { price_components => [ { type => 'ENERGY', price => 0.5, step_size => 1 } ] } ] } }) for 1 .. 8;
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from reservations.connector') == 9 && $vg->sql('select count(*) from reservations.tariff') == 8
        && $vg->sql('select count(*) from charging.tariff') == 8 }, 10), 'copies have arrived';

my (%says, @asked);
my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->answer(sub { push @asked, [ @_[0, 1] ]; return { status => $says{ $_[0] } // 'Accepted' } });
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });

my $drivers = 0;

# a driver with so much credit: as headers, and by name
sub driver {
    my ($credit) = @_;
    my $name = 'booker-' . ++$drivers;
    $vg->sql('select billing.payer_known($1, null)', $name);
    $vg->sql(q{select billing.move('TOP_UP', gen_random_uuid(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $2, 'EUR', now(), 'test')},
        $name, $credit) if $credit;
    return ({ Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $name) }, $name);
}

sub clock {
    my @t = gmtime(time + $_[0]);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

# for an hour, in so many seconds
sub reserve {
    my ($as, $connector, $in, %more) = @_;
    my $r = $vg->post("$api/reservations", { connectorId => $connector{$connector}, startTime => clock($in),
        endTime => clock($in + 3600), %more }, $as);
    return $r;
}

sub balance {
    my ($kind, $name) = @_;
    return 0 + $vg->sql('select coalesce(sum(balance), 0) from billing.account where kind = $1 and owner = $2', $kind, $name);
}
sub hold    { return ($vg->rows('select * from billing.hold where subject = $1', $_[0]))[0] || { status => '', amount => 0 } }
sub booking { return ($vg->rows('select * from reservations.reservation where id = $1', $_[0]))[0] }
sub served  { my ($sub, $s) = @_; return $vg->wait_for(sub { $cp->serve(0.05); $sub->() }, $s // 15) }
sub held    { my ($id, $amount) = @_; return served(sub { hold($id)->{status} eq 'HELD' && hold($id)->{amount} == $amount }) }
sub books   { return is_deeply [ map { $vg->rows("select * from billing.$_") } qw(fault hold_fault) ], [], 'the books balance' }

subtest 'nobody books with neither credit nor card, but where it costs nothing' => sub {
    my ($as) = driver(0);
    my $r = reserve($as, 1, 7200);
    is $r->{status}, 402;
    like $r->{json}{type}, qr/payment_required/;
    is reserve($as, 9, 7200)->{status}, 201, 'no tariff, no price';
};

subtest 'all that it may cost is held, and let go when it is cancelled in time' => sub {
    my ($as, $name) = driver(20);
    my $id = reserve($as, 1, 7200)->{json}{id};
    ok held($id, 15.47), 'booking and session, with tax' or diag explain hold($id);
    is balance(CREDIT => $name), 4.53;
    is $vg->get("$api/billing/holds?subject=$id", $as)->{json}{items}[0]{subjectKind}, 'RESERVATION';
    is $vg->delete("$api/reservations/$id", $as)->{status}, 200;
    ok served(sub { hold($id)->{status} eq 'RELEASED' });
    is balance(CREDIT => $name), 20;
    books();
};

subtest 'cancelled too late its fee is captured, the rest is back' => sub {
    my ($as, $name) = driver(20);
    my $id = reserve($as, 2, 600)->{json}{id};
    ok held($id, 15.47);
    my $r = $vg->delete("$api/reservations/$id", $as);
    is $r->{json}{fee}, 2;
    ok served(sub { hold($id)->{status} eq 'CAPTURED' }) or diag explain hold($id);
    is 0 + hold($id)->{captured}, 2.38;
    is balance(CREDIT => $name), 17.62;
    is balance(HELD => $name), 0;
    is balance(RECEIVABLE => $name), 0;
    books();
};

subtest 'expired: so is that fee' => sub {
    my ($as, $name) = driver(20);
    my $id = reserve($as, 3, 3000)->{json}{id};
    ok held($id, 15.47);
    $vg->sql(q{update reservations.reservation set holds_from = now(), start_time = now() - interval '1 hour', expires_at = now() where id = $1}, $id);
    ok served(sub { hold($id)->{status} eq 'CAPTURED' }) or diag explain [ hold($id), booking($id) ];
    is booking($id)->{status}, 'EXPIRED';
    is 0 + booking($id)->{fee}, 5, 'the booking, and that it lapsed';
    is 0 + hold($id)->{captured}, 5.95;
    is balance(CREDIT => $name), 14.05;
    books();
};

subtest 'what cannot be held is cancelled, and serves who waits; who waits holds nothing' => sub {
    my ($as, $name)    = driver(15.46);
    my ($next, $other) = driver(20);
    my $id = reserve($as, 4, 7200)->{json}{id};
    my $r  = reserve($next, 4, 7200, waitlist => \1);
    ok served(sub { booking($id)->{status} eq 'CANCELLED' });
    is booking($id)->{reason}, 'payment_required';
    is booking($id)->{fee}, undef, 'at no cost';
    is hold($id)->{status}, 'REFUSED';
    is balance(CREDIT => $name), 15.46;
    my $second = $r->{json}{id};
    ok served(sub { booking($second)->{status} eq 'CONFIRMED' }), 'the next has it';
    ok held($second, 15.47), 'and is held for it now';
    books();
};

subtest 'moved to be longer or shorter it is held anew' => sub {
    my ($as, $name) = driver(40);
    my $id = reserve($as, 5, 7200)->{json}{id};
    ok held($id, 15.47);
    is $vg->patch("$api/reservations/$id", { endTime => clock(7200 + 7200) }, $as)->{status}, 200;
    ok served(sub { abs(hold($id)->{amount} - 28.56) < 0.02 }), 'two hours' or diag explain hold($id);
    is $vg->patch("$api/reservations/$id", { endTime => clock(7200 + 1800) }, $as)->{status}, 200;
    ok served(sub { abs(hold($id)->{amount} - 8.93) < 0.02 }), 'half of one' or diag explain hold($id);
    is balance(HELD => $name), 0 + hold($id)->{amount};
    books();
};

sub start {
    my ($as, $id) = @_;
    my $r = $vg->post("$api/charging/sessions/start", { reservationId => $id }, $as);
    is $r->{status}, 202 or diag $r->{body};
    return $r->{json}{id};
}

subtest 'a session takes the hold over, and brings it to its size' => sub {
    my ($as, $name) = driver(16);
    my $id = reserve($as, 6, 20)->{json}{id};
    ok held($id, 15.47);
    ok served(sub { $vg->sql('select count(*) from charging.reservation where reservation_id = $1', $id) }), 'charging knows it';
    my $session = start($as, $id);
    ok served(sub { hold($session)->{status} eq 'HELD' });
    is hold($id)->{status}, 'RELEASED', 'there is no second one';
    is hold($id)->{taken_by}, $session;
    is balance(HELD => $name), 0 + hold($session)->{amount};
    cmp_ok hold($session)->{amount}, '<', 15.47, 'without the booking';
    cmp_ok hold($session)->{amount}, '>', 12, 'but the time that is left';
    my ($row) = $vg->rows('select * from charging.session where id = $1', $session);
    ok served(sub { grep { $_->[0] eq 'RemoteStartTransaction' } @asked });
    my $begun = $cp->call(StartTransaction => { connectorId => 6, idTag => $row->{id_tag}, meterStart => 0, timestamp => clock(0) });
    ok served(sub { booking($id)->{status} eq 'ACTIVE' });
    $cp->call(StopTransaction => { transactionId => $begun->[2]{transactionId}, meterStop => 4000, timestamp => clock(1) });
    ok served(sub { hold($session)->{status} eq 'CAPTURED' }) or diag explain hold($session);
    is balance(HELD => $name), 0;
    is balance(CREDIT => $name), 16 - hold($session)->{captured};
    ok served(sub { booking($id)->{status} eq 'COMPLETED' });
    books();
};

subtest 'a start that fails gives it back to the reservation' => sub {
    my ($as, $name) = driver(16);
    my $id = reserve($as, 7, 20)->{json}{id};
    ok held($id, 15.47);
    ok served(sub { $vg->sql('select count(*) from charging.reservation where reservation_id = $1', $id) });
    local @says{qw(RemoteStartTransaction)} = ('Rejected');
    my $session = start($as, $id);
    ok served(sub { hold($session)->{status} eq 'RELEASED' }) or diag explain hold($session);
    ok held($id, 15.47), 'whole' or diag explain hold($id);
    is hold($id)->{taken_by}, undef;
    $vg->delete("$api/reservations/$id", $as);
    ok served(sub { hold($id)->{status} eq 'CAPTURED' }), 'and its fee is captured of it';
    is balance(CREDIT => $name), 13.62;
    books();
};

done_testing;

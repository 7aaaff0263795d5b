# Money that is held on a card: the provider says yes or no some time later.
# What is held of credit is in hold.t.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(hold => 1, extra => { http => 'voltgate_setting charging.hold_look 1;' });

my $api      = '/api/v1';
my $password = 'sixteen letters!';
my $station  = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 8 ] })->{json};
my %connector = map { $_->{connectorNumber} => $_->{connectorId} } @{ $station->{connectors} };
$vg->patch("$api/charge-points/CP1", { password => $password });

# 22 kWh at 0.50 and 19 % make 13.09
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'ENERGY', price => 0.5, step_size => 1 } ] } ] } });
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 8 && $vg->sql('select count(*) from charging.tariff') == 1 }, 10),
    'copies have arrived';

my @asked;
my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->answer(sub { push @asked, [ @_[0, 1] ]; return { status => 'Accepted' } });
$cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });

my $drivers = 0;

# a driver with a card, as headers; and its name
sub driver {
    my ($token) = @_;
    my $name = 'carded-' . ++$drivers;
    my $as   = { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $name) };
    my $r    = $vg->post("$api/billing/payment-methods", { provider => 'sandbox', token => $token }, $as);
    is $r->{status}, 201 or diag $r->{body};
    return ($as, $name);
}

sub balance {
    my ($kind, $name) = @_;
    return 0 + $vg->sql('select coalesce(sum(balance), 0) from billing.account where kind = $1 and owner = $2', $kind, $name);
}

sub clock {
    my @t = gmtime(time + ($_[0] // 0));
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

sub session { return ($vg->rows('select * from charging.session where id = $1', $_[0]))[0] }
sub hold    { return ($vg->rows('select * from billing.hold where subject = $1', $_[0]))[0] || { status => '' } }
sub intents { return $vg->rows(q{select i.* from billing.intent i join billing.hold h on h.id = i.subject
    where h.subject = $1 order by i.created_at}, $_[0]) }
sub served  { my ($sub, $s) = @_; return $vg->wait_for(sub { $cp->serve(0.05); $sub->() }, $s // 15) }
sub stops   { return scalar grep { $_->[0] eq 'RemoteStopTransaction' && $_->[1]{transactionId} == $_[0] } @asked }
sub flagged { return scalar grep { $_ eq $_[1] } @{ session($_[0])->{flags} } }
sub books   { return is_deeply [ $vg->rows('select * from billing.fault') ], [], 'the books balance' }

sub wanted {
    my ($as, $connector) = @_;
    my $r = $vg->post("$api/charging/sessions/start", { connectorId => $connector{$connector} }, $as);
    is $r->{status}, 202 or diag $r->{body};
    return $r->{json}{id};
}

sub begins {
    my ($id) = @_;
    my $session = session($id);
    ok served(sub { grep { $_->[0] eq 'RemoteStartTransaction' && $_->[1]{idTag} eq $session->{id_tag} } @asked }),
        'the charger is asked' or diag explain session($id);
    return $cp->call(StartTransaction => { connectorId => $session->{connector_number}, idTag => $session->{id_tag},
        meterStart => 0, timestamp => clock(-3600) })->[2]{transactionId};
}

sub ends {
    my ($id, $transaction, $wh) = @_;
    $cp->call(StopTransaction => { transactionId => $transaction, meterStop => $wh, timestamp => clock() });
    return ok served(sub { session($id)->{status} eq 'COMPLETED' }), 'it is over';
}

my $moment = -3000;

sub metered {
    my ($transaction, $connector, $wh) = @_;
    $moment += 60;
    $cp->call(MeterValues => { connectorId => $connector, transactionId => $transaction, meterValue => [ {
        timestamp => clock($moment), sampledValue => [ { value => "$wh" } ] } ] });
    return;
}

subtest 'a card holds it, is captured for exactly what it was, and pays the invoice' => sub {
    my ($as, $name) = driver('tok_visa');
    my $id = wanted($as, 1);
    my $transaction = begins($id);
    is hold($id)->{status}, 'HELD';
    is 0 + hold($id)->{amount}, 13.09;
    my ($intent) = intents($id);
    is $intent->{status}, 'AUTHORISED';
    ends($id, $transaction, 1000);
    ok served(sub { (intents($id))[0]{status} eq 'CAPTURED' }) or diag explain [ intents($id) ];
    is 0 + (intents($id))[0]{captured}, 0.6;
    ok served(sub { $vg->sql('select status from billing.invoice where subject_id = $1', $id) eq 'PAID' }), 'paid'
        or diag explain [ $vg->rows('select * from billing.invoice where subject_id = $1', $id) ];
    is balance(RECEIVABLE => $name), 0;
    is 0 + hold($id)->{captured}, 0.6;
    books();
};

subtest 'a card that says no ends the start' => sub {
    my ($as, $name) = driver('tok_declined');
    my $id = wanted($as, 2);
    ok served(sub { session($id)->{status} eq 'FAILED' });
    is session($id)->{failure}, 'payment_declined';
    is hold($id)->{status}, 'REFUSED';
    my $r = $vg->get("$api/sagas/$id")->{json};
    is $r->{error}, 'payment_declined';
    is scalar(grep { $_->[1]{idTag} && $_->[1]{idTag} eq session($id)->{id_tag} } @asked), 0, 'the charger was not asked';
};

subtest 'what was held on a card is let go when the start is cancelled' => sub {
    my ($as, $name) = driver('tok_visa');
    my $id = wanted($as, 2);
    ok served(sub { hold($id)->{status} eq 'HELD' });
    $vg->post("$api/charging/sessions/$id/end", undef, $as);
    ok served(sub { ((intents($id))[0] || { status => '' })->{status} eq 'CANCELLED' }) or diag explain [ intents($id) ];
    is hold($id)->{status}, 'RELEASED';
    is balance(RECEIVABLE => $name), 0;
};

subtest 'it is raised by a second payment, both are captured; at a no it is used up, and stopped' => sub {
    my ($as, $name) = driver('tok_visa');
    my $id = wanted($as, 3);
    my $transaction = begins($id);
    metered($transaction, 3, 18_000);
    ok served(sub { hold($id)->{amount} == 26.18 }), 'raised' or diag explain hold($id);
    is scalar(intents($id)), 2;
    $vg->sql(q{update billing.method set token = 'tok_declined' where payer = $1}, $name);
    metered($transaction, 3, 36_000);
    ok served(sub { (session($id)->{hold_status} // '') eq 'EXHAUSTED' }), 'then the card says no';
    metered($transaction, 3, 42_000);
    ok served(sub { stops($transaction) }), 'stopped';
    ok flagged($id, 'hold_used_up');
    $vg->sql(q{update billing.method set token = 'tok_visa' where payer = $1}, $name);
    ends($id, $transaction, 42_000);
    ok served(sub { 2 == grep { $_->{status} eq 'CAPTURED' } intents($id) }) or diag explain [ intents($id) ];
    is 0 + hold($id)->{captured}, 24.99;
    ok served(sub { balance(RECEIVABLE => $name) == 0 }), 'nothing is owed';
    books();
};

subtest 'a card that holds and does not pay leaves the invoice owed' => sub {
    my ($as, $name) = driver('tok_expires');
    my $id = wanted($as, 4);
    my $transaction = begins($id);
    ends($id, $transaction, 1000);
    ok served(sub { hold($id)->{failure} }), 'and the hold says so' or diag explain hold($id), [ intents($id) ];
    is 0 + hold($id)->{captured}, 0;
    is $vg->sql('select status from billing.invoice where subject_id = $1', $id), 'ISSUED';
    is balance(RECEIVABLE => $name), -0.6;
    books();
};

subtest 'what a charger began is stopped when the card says no' => sub {
    my (undef, $name) = driver('tok_declined');
    $vg->sql(q{insert into charging.id_tag (id_tag, customer_id, status, created_at, updated_at)
        values ('CARDED', $1, 'Accepted', now(), now())}, $name);
    my $transaction = $cp->call(StartTransaction => { connectorId => 5, idTag => 'CARDED', meterStart => 0,
        timestamp => clock() })->[2]{transactionId};
    my $id = $vg->sql('select id from charging.session where transaction_id = $1', $transaction);
    ok served(sub { stops($transaction) }) or diag explain session($id);
    ok flagged($id, 'hold_refused');
    ends($id, $transaction, 10);
};

done_testing;

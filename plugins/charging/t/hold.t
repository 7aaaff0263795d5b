# Money that is held for a session, from credit: before the charger is asked,
# while it charges, and on each way out. What cards do is in hold_card.t.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(hold => 1, extra => { http => "voltgate_setting charging.hold_look 1;
    voltgate_setting charging.start_deadline 20;" });

my $api      = '/api/v1';
my $password = 'sixteen letters!';
my $station  = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. 8 ] })->{json};
my %connector = map { $_->{connectorNumber} => $_->{connectorId} // $_->{id} } @{ $station->{connectors} };
$vg->patch("$api/charge-points/CP1", { password => $password });

# 22 kWh at 0.50 and 19 % make 13.09
sub priced {
    my ($connector, $price, $id) = @_;
    $vg->post("$api/pricing", { connectorId => $connector{$connector}, tariff => {
        country_code => 'DE', party_id => 'VGT', id => $id, currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
        elements => [ { price_components => [ { type => 'ENERGY', price => $price, step_size => 1 } ] } ] } });
    return;
}
priced($_, 0.5, "T$_") for 1 .. 6;
priced(7, 0, 'T7');
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == 8 && $vg->sql('select count(*) from charging.tariff') == 7 }, 10),
    'copies have arrived';

my (%says, @asked);
my $cp = Voltgate::Charger->connect($vg, 'CP1', $password);
$cp->answer(sub { push @asked, [ @_[0, 1] ]; return { status => $says{ $_[0] } // 'Accepted' } });
is $cp->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' })->[2]{status}, 'Accepted';

my $drivers = 0;

# a driver with so much credit, as headers; and its name
sub driver {
    my ($credit) = @_;
    my $name = 'holder-' . ++$drivers;
    $vg->sql(q{select billing.move('TOP_UP', gen_random_uuid(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $2, 'EUR', now(), 'test')},
        $name, $credit) if $credit;
    return ({ Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $name) }, $name);
}

sub balance {
    my ($kind, $name) = @_;
    return 0 + ($vg->sql('select coalesce(sum(balance), 0) from billing.account where kind = $1 and owner = $2', $kind, $name));
}

sub clock {
    my @t = gmtime(time + ($_[0] // 0));
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

sub session { return ($vg->rows('select * from charging.session where id = $1', $_[0]))[0] }
sub hold    { return ($vg->rows('select * from billing.hold where subject = $1', $_[0]))[0] || {} }
sub served  { my ($sub, $s) = @_; return $vg->wait_for(sub { $cp->serve(0.05); $sub->() }, $s // 10) }
sub started { return scalar grep { $_->[0] eq 'RemoteStartTransaction' && $_->[1]{idTag} eq $_[0] } @asked }
sub stops   { return scalar grep { $_->[0] eq 'RemoteStopTransaction' && $_->[1]{transactionId} == $_[0] } @asked }
sub flagged { return scalar grep { $_ eq $_[1] } @{ session($_[0])->{flags} } }
sub books   { return is_deeply [ $vg->rows('select * from billing.fault') ], [], 'the books balance' }

sub wanted {
    my ($as, $connector, %more) = @_;
    my $r = $vg->post("$api/charging/sessions/start", { connectorId => $connector{$connector}, %more }, $as);
    is $r->{status}, 202 or diag $r->{body};
    return $r->{json}{id};
}

sub begins {
    my ($id) = @_;
    my $session = session($id);
    ok served(sub { started($session->{id_tag}) }), 'the charger is asked' or diag explain session($id);
    my $start = $cp->call(StartTransaction => { connectorId => $session->{connector_number}, idTag => $session->{id_tag},
        meterStart => 0, timestamp => clock(-3600) });
    return $start->[2]{transactionId};
}

sub ends {
    my ($id, $transaction, $wh) = @_;
    $cp->call(StopTransaction => { transactionId => $transaction, meterStop => $wh, timestamp => clock() });
    return ok served(sub { session($id)->{status} eq 'COMPLETED' }), 'it is over';
}

subtest 'nobody starts with neither credit nor card' => sub {
    my ($as) = driver(0);
    my $r = $vg->post("$api/charging/sessions/start", { connectorId => $connector{1} }, $as);
    is $r->{status}, 402, 'and hears it at once' or diag $r->{body};
    like $r->{json}{type}, qr/payment_required/;
    is $vg->sql('select count(*) from charging.session'), 0, 'there is no session';
};

subtest 'what it is expected to cost is held, before the charger is asked' => sub {
    my ($as, $name) = driver(20);
    my $id = wanted($as, 1);
    my $transaction = begins($id);
    is 0 + hold($id)->{amount}, 13.09, 'with tax';
    is hold($id)->{status}, 'HELD';
    is balance(CREDIT => $name), 6.91;
    is balance(HELD => $name), 13.09;
    ends($id, $transaction, 1000);
    ok !flagged($id, 'unheld');
    ok served(sub { hold($id)->{status} eq 'CAPTURED' }), 'and captured by its invoice' or diag explain hold($id);
    is 0 + hold($id)->{captured}, 0.6, 'exactly: 1 kWh at 0.50 and 19 %';
    is balance(CREDIT => $name), 19.4, 'the rest is back';
    is balance(HELD => $name), 0;
    is balance(RECEIVABLE => $name), 0, 'nothing is owed';
    my ($invoice) = $vg->rows('select * from billing.invoice where id = $1', hold($id)->{invoice_id});
    ok served(sub { $vg->sql('select status from billing.invoice where id = $1', $invoice->{id}) eq 'PAID' }), 'and it is paid';
    is $vg->get("$api/billing/holds?subject=$id", $as)->{json}{items}[0]{parts}[0]{source}, 'CREDIT', 'its driver sees it';
    books();
};

subtest 'credit that does not suffice is refused' => sub {
    my ($as, $name) = driver(13.08);
    my $id = wanted($as, 2);
    ok served(sub { session($id)->{status} eq 'FAILED' }) or diag explain session($id);
    is session($id)->{failure}, 'payment_required';
    is hold($id)->{status}, 'REFUSED';
    is balance(CREDIT => $name), 13.08;
    is started(session($id)->{id_tag}), 0, 'the charger was not asked';
    is $vg->post("$api/charging/sessions/start", { connectorId => $connector{2} })->{status}, 202, 'its connector is free';
    $cp->serve(2);
    books();
};

for my $way ([ 'rejected', sub { $says{RemoteStartTransaction} = 'Rejected' } ],
    [ 'cancelled', undef, sub { $vg->post("$api/charging/sessions/$_[0]/end", undef, $_[1]) } ],
    [ 'start_timeout', undef, sub { $vg->sql(q{update charging.session set deadline = now() where id = $1}, $_[0]) } ])
{
    my ($failure, $before, $after) = @$way;
    subtest "a start that fails gives back what was held: $failure" => sub {
        my ($as, $name) = driver(20);
        local @says{qw(RemoteStartTransaction)} = ();
        $before->() if $before;
        my $id = wanted($as, 3);
        ok served(sub { started(session($id)->{id_tag}) }), 'the charger was asked';
        $after->($id, $as) if $after;
        ok served(sub { session($id)->{status} eq 'FAILED' }, 15);
        is session($id)->{failure}, $failure;
        ok served(sub { hold($id)->{status} eq 'RELEASED' });
        is balance(CREDIT => $name), 20;
        is balance(HELD => $name), 0;
        books();
    };
}

subtest 'a free session holds nothing' => sub {
    my ($as, $name) = driver(0);
    my $id = wanted($as, 7);
    my $transaction = begins($id);
    is session($id)->{hold_status}, 'NONE';
    is hold($id)->{id}, undef;
    ends($id, $transaction, 1000);
};

my $minute = -3000;    # two readings are of two moments

sub metered {
    my ($transaction, $connector, $wh) = @_;
    $minute += 60;
    $cp->call(MeterValues => { connectorId => $connector, transactionId => $transaction, meterValue => [ {
        timestamp => clock($minute), sampledValue => [ { value => "$wh" } ] } ] });
    return;
}

# how often billing was asked for more
sub told { return $vg->sql(q{select count(*) from vg.event where type = 'charging.session.metered.v1' and aggregate_id = $1}, $_[0]) }

# a timer of charging has its turn, and so have the others: all have one period here
sub turns {
    my $turn = sub { $vg->sql(q{select next_at from vg.timer where name like 'charging/session_expire/%'}) };
    for (1 .. $_[0]) {
        my $before = $turn->();
        ok served(sub { $turn->() ne $before }), 'it is looked at again';
    }
    return;
}

subtest 'it is raised while there is credit, then the session is stopped, once' => sub {
    my ($as, $name) = driver(30);
    my $id = wanted($as, 4);
    my $transaction = begins($id);
    is 0 + hold($id)->{amount}, 13.09;
    metered($transaction, 4, 17_000);
    ok served(sub { session($id)->{hold_look_at} gt '2026' && !told($id) }), '10.11 of it is no reason';
    metered($transaction, 4, 18_000);
    ok served(sub { hold($id)->{amount} == 26.18 }), 'at 10.71 as much again' or diag explain hold($id);
    metered($transaction, 4, 36_000);
    ok served(sub { hold($id)->{amount} == 30 }), 'then what there is';
    metered($transaction, 4, 41_000);
    ok served(sub { (session($id)->{hold_status} // '') eq 'EXHAUSTED' }), 'then no more';
    is stops($transaction), 0, 'it goes on while some of it is left: 24.40 are 81 %';
    metered($transaction, 4, 48_000);
    ok served(sub { stops($transaction) }), 'at 28.56 it is stopped';
    ok flagged($id, 'hold_used_up'), 'and says why';
    metered($transaction, 4, 48_050);
    turns(3);
    is stops($transaction), 1, 'it was asked once';
    ends($id, $transaction, 48_100);
    ok served(sub { hold($id)->{status} eq 'CAPTURED' });
    is 0 + hold($id)->{captured}, 28.62;
    is balance(CREDIT => $name), 1.38;
    is balance(RECEIVABLE => $name), 0;
    books();
};

# a charger starts by itself, on a tag of the driver
sub shown {
    my ($name, $connector) = @_;
    my $tag = uc $name;
    $vg->sql(q{insert into charging.id_tag (id_tag, customer_id, status, created_at, updated_at)
        values ($1, $2, 'Accepted', now(), now())}, $tag, $name);
    my $start = $cp->call(StartTransaction => { connectorId => $connector, idTag => $tag, meterStart => 0, timestamp => clock() });
    is $start->[2]{idTagInfo}{status}, 'Accepted';
    my $transaction = $start->[2]{transactionId};
    return ($vg->sql('select id from charging.session where transaction_id = $1', $transaction), $transaction);
}

subtest 'what a charger began asks for its hold behind it' => sub {
    my (undef, $name) = driver(20);
    my ($id, $transaction) = shown($name, 5);
    ok served(sub { (session($id)->{hold_status} // '') eq 'HELD' }), 'held' or diag explain session($id);
    is balance(HELD => $name), 13.09;
    ends($id, $transaction, 2000);
    ok served(sub { hold($id)->{status} eq 'CAPTURED' });
    is balance(CREDIT => $name), 18.81;
    books();
};

subtest 'and is stopped if there is nothing to hold' => sub {
    my (undef, $name) = driver(0);
    my ($id, $transaction) = shown($name, 6);
    ok served(sub { stops($transaction) }), 'the charger is asked to stop';
    ok flagged($id, 'hold_refused'), 'and why is said';
    ends($id, $transaction, 10);
    is stops($transaction), 1, 'once';
    ok served(sub { $vg->sql('select count(*) from billing.invoice where customer_id = $1', $name) }), 'what flowed is invoiced';
    books();
};

subtest 'where no tariff is known, what the setting says' => sub {
    my ($as, $name) = driver(30);
    my $id = wanted($as, 8);
    my $transaction = begins($id);
    is balance(HELD => $name), 25;
    ends($id, $transaction, 1000);
};

done_testing;

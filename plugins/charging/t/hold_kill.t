# Starts with holds while workers are killed: whatever comes of a start, what
# is held for it is used or goes back, once.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(hold => 1, extra => { http => 'voltgate_setting charging.start_deadline 15;' });

my $api      = '/api/v1';
my $count    = 12;
my $password = 'sixteen letters!';
my $station  = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
        type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. $count ] })->{json};
$vg->patch("$api/charge-points/CP1", { password => $password });
$vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
    country_code => 'DE', party_id => 'VGT', id => 'T1', currency => 'EUR', last_updated => '2026-01-01T00:00:00Z',
    elements => [ { price_components => [ { type => 'ENERGY', price => 0.5, step_size => 1 } ] } ] } });
ok $vg->wait_for(sub {
    $vg->sql('select count(*) from charging.connector') == $count && $vg->sql('select count(*) from charging.tariff') == 1 }, 10),
    'copies have arrived';

my $cp;

# it comes back when its worker dies, as chargers do
sub plugged {
    return $cp if $cp && !$cp->closed;
    $vg->wait_for(sub {
        my $new = eval { Voltgate::Charger->connect($vg, 'CP1', $password) } or return 0;
        return $new->status == 101 ? $cp = $new : 0;
    }, 15) or die "it was not let in\n";
    $cp->answer(sub { return { status => 'Accepted' } });
    return $cp;
}
plugged()->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' });

sub clock {
    my @t = gmtime;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

# half of them with credit for one, half with a card
sub driver {
    my ($n) = @_;
    my $name = "killed-$n";
    my $as   = { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $name) };
    if ($n % 2) {
        $vg->post("$api/billing/payment-methods", { provider => 'sandbox', token => 'tok_visa' }, $as);
    } else {
        $vg->sql(q{select billing.move('TOP_UP', gen_random_uuid(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, 20, 'EUR', now(), 'test')}, $name);
    }
    return $as;
}
my @drivers = map { driver($_) } 1 .. $count;

srand 7;
my @ids;
for my $as (@drivers) {
    my $r;
    $vg->wait_for(sub {
        delete $vg->{client};
        $r = eval { $vg->post("$api/charging/sessions/start", { stationId => $station->{id} },
            { %$as, 'Idempotency-Key' => 'k' . @ids }) };
        $r && $r->{status} == 202 }, 20) or BAIL_OUT('no start is taken: ' . ($r ? "$r->{status} $r->{body}" : ''));
    push @ids, $r->{json}{id};
    my @workers = $vg->workers;
    $vg->kill_worker($workers[ rand @workers ]) if @workers && @ids % 2;
    eval { plugged()->serve(rand 0.2) };
}

# those that came so far begin and end
my %done;
ok $vg->wait_for(sub {
    eval { plugged()->serve(0.05); 1 } or return 0;
    for my $s ($vg->rows(q{select * from charging.session where status in ('STARTING', 'ACTIVE')})) {
        next if $s->{status} eq 'STARTING' && !$s->{accepted_at};
        my $transaction = $s->{transaction_id};
        if (!$transaction) {
            my $start = eval { plugged()->call(StartTransaction => { connectorId => $s->{connector_number},
                idTag => $s->{id_tag}, meterStart => 0, timestamp => clock() }, timeout => 5) } or next;
            $transaction = $start->[2]{transactionId};
        }
        eval { plugged()->call(StopTransaction => { transactionId => $transaction, meterStop => 1000, timestamp => clock() },
            timeout => 5) } if $transaction;
    }
    return !$vg->sql(q{select count(*) from charging.session where status not in ('COMPLETED', 'FAILED')});
}, 50), 'each start comes to an end' or diag explain [ $vg->rows('select id, status, hold_status, failure from charging.session') ];

my ($completed) = $vg->sql(q{select count(*) from charging.session where status = 'COMPLETED'});
diag "of $count $completed were charged, the others failed";
cmp_ok $completed, '>', 0, 'some were charged';
ok $vg->wait_for(sub { !$vg->sql(q{select count(*) from billing.hold where status in ('PENDING', 'HELD')})
    && !$vg->sql(q{select count(*) from billing.invoice where status <> 'PAID'})
    && !$vg->sql('select count(*) from vg.job where dead_at is null') }, 40), 'each hold is captured or released'
    or diag explain [ $vg->rows('select subject, status, amount, failure from billing.hold') ];
is $vg->sql(q{select count(*) from billing.invoice}), $completed, 'each that was charged has its invoice';
is 0 + $vg->sql(q{select coalesce(sum(balance), 0) from billing.account where kind in ('HELD', 'RECEIVABLE')}), 0,
    'nothing is held or owed';
is 0 + $vg->sql(q{select coalesce(sum(captured), 0) from billing.hold h join charging.session s on s.id = h.subject
    where s.status = 'FAILED'}), 0, 'what failed was not paid';
is_deeply [ map { $vg->rows("select * from billing.$_") } qw(fault hold_fault) ], [], 'the books balance';

done_testing;

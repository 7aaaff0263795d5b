# A whole charge, from a tag held to a charger to the invoice, with a charge
# point that nobody here wrote (charge.js) on one side and the API on the
# other. What the invoice says is held against OCPI's arithmetic, done here
# once more in integers. The plugins in Lua take part: one of the charge points
# says kWh and calls them Wh, prices surge while both are taken, and receipts
# are mailed.

use strict;
use warnings;

use File::Basename qw(dirname);
use IO::Select;
use IPC::Open2 qw(open2);
use JSON::PP ();
use Math::BigFloat;
use Math::BigInt;
use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Child qw(reaped);
use Voltgate::Sink;
use Voltgate::Worker;

my $PASSWORD = 'sixteen letters!';
my $COMPANY  = '019393c0-0000-7000-8000-000000000001';
my $START_WH = 41_250;

# the second has a firmware of which quirks knows that its register is in kWh and says Wh
my %KIND = (
    'JOURNEY-1' => { chargePointVendor => 'Nobody', chargePointModel => 'Here' },
    'JOURNEY-2' => { chargePointVendor => 'OpenEVSE', chargePointModel => 'Advanced Series', firmwareVersion => '4.2.2' },
);

my $json  = JSON::PP->new->canonical;
my $exact = JSON::PP->new->allow_bignum; # decimals stay what their digits say
my $sink  = Voltgate::Sink->start;
my $vg    = Voltgate->start(extra => { http => $sink->target('mail')
    . ' voltgate_setting notifications.mail mail; voltgate_setting notifications.from house@example.com;' });
my $api   = '/api/v1';
my (@chargers, %connector);

# ------------------------------------------------------------ the charger

# The connection is made by the worker that is asked for.
sub charger {
    my ($identity, $worker) = @_;

    my $self = { identity => $identity, got => [], lines => '' };
    local $ENV{PASSWORD} = $PASSWORD;
    $self->{pid} = open2($self->{out}, $self->{in}, 'node', dirname(__FILE__) . '/charge.js',
        'wss://127.0.0.1:' . $vg->port . '/ocpp', $identity, $vg->ca);
    push @chargers, $self;
    my $open;
    Voltgate::Worker->only($vg, $worker, sub { $open = heard($self, 'open') });
    is(Voltgate::Worker->of($vg, $open->{open}), $worker, "$identity is connected to the worker");
    return $self;
}

# The next line that holds one of these; lines of other kinds are kept.
sub heard {
    my ($self, @kinds) = @_;

    my $end = time + 20;
    while (1) {
        for my $i (0 .. $#{ $self->{got} }) {
            next if !grep { exists $self->{got}[$i]{$_} } @kinds;
            return splice @{ $self->{got} }, $i, 1;
        }
        my $left = $end - time;
        if ($left <= 0 || !IO::Select->new($self->{out})->can_read($left)
            || !sysread $self->{out}, $self->{lines}, 65536, length $self->{lines})
        {
            die "$self->{identity} did not say: @kinds\n";
        }
        while ($self->{lines} =~ s/^(.*)\n//) { push @{ $self->{got} }, $json->decode($1) }
    }
}

sub says {
    my ($self, $action, $payload) = @_;

    syswrite $self->{in}, $json->encode({ call => $action, payload => $payload }) . "\n";
    my $line = heard($self, 'result', 'error');
    die "$action: $line->{error}\n" if exists $line->{error};
    return $line->{result};
}

sub wrong { return map { $_->{wrong} // () } @{ $_[0]{got} } }

# its exit status
sub leave {
    my ($self) = @_;

    close $self->{in};
    return reaped($self->{pid}, 20);
}

END {
    my $status = $?;
    leave($_) for splice @chargers;
    $? = $status;
}

# ------------------------------------------------------------ the workers

# A kept connection to the worker.
sub client_of {
    my ($worker) = @_;

    my $client = $vg->client(fresh => 1);
    Voltgate::Worker->only($vg, $worker, sub { $client->get($vg->url('/healthz')) });
    is(Voltgate::Worker->of($vg, $client->{handle}{fh}), $worker, 'a client of the worker');
    return $client;
}

# ---------------------------------------------------------- the arithmetic

# Money here is an integer of 10^-12 of the currency.
my %TARIFF = (flat => '0.70', low => '0.45', low_wh => 10_000, high => '0.63', step_wh => 250,
    parking => '3.00', step_s => 300, vat => 19, parking_vat => 7);

sub pico {
    my ($text) = @_;
    my ($whole, $part) = split /[.]/, $text;
    return Math::BigInt->new($whole . substr(($part // '') . '0' x 12, 0, 12));
}

sub up { return int(($_[0] + $_[1] - 1) / $_[1]) * $_[1] }

# half up, to so many decimals
sub rounded {
    my ($amount, $decimals) = @_;
    my $unit = Math::BigInt->new(10)->bpow(12 - $decimals);
    return (($amount + $unit / 2) / $unit) * $unit;
}

# rate of VAT => what is taxed at it
sub net {
    my ($wh, $parked_s) = @_;

    my $low  = $wh < $TARIFF{low_wh} ? $wh : $TARIFF{low_wh};
    my $step = up($wh, $TARIFF{step_wh}) - $wh;
    my $high = $wh - $low;
    ($high ? $high : $low) += $step;
    return (
        $TARIFF{vat} => pico($TARIFF{flat})
            + (pico($TARIFF{low}) * $low + pico($TARIFF{high}) * $high) / 1000,
        $TARIFF{parking_vat} => pico($TARIFF{parking}) * up($parked_s, $TARIFF{step_s}) / 3600,
    );
}

sub cost_of {
    my %net = net(@_);
    my $sum = Math::BigInt->new(0);
    $sum += $_ for values %net;
    return rounded($sum, 4);
}

# what that gives while prices of energy are 1.5 times what was set
sub surged {
    my ($sub) = @_;
    local @TARIFF{qw(low high)} = ('0.675', '0.945');
    return $sub->();
}

# One rounding to cents for each rate, and one for its tax.
sub invoice_of {
    my %net = net(@_);
    my %sum = map { $_ => Math::BigInt->new(0) } qw(net tax);
    for my $rate (keys %net) {
        my $base = rounded($net{$rate}, 2);
        $sum{net} += $base;
        $sum{tax} += rounded($base * $rate / 100, 2);
    }
    return (%sum, total => $sum{net} + $sum{tax});
}

# ---------------------------------------------------------------- the API

my %driver = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-1'));

# what the driver is shown, its numbers exact
sub shown { return $exact->decode($vg->get("$api/$_[0]", \%driver)->{body}) }

# the session, once it is so
sub session_when {
    my ($id, $so) = @_;

    my $session;
    $vg->wait_for(sub {
        $session = shown("charging/sessions/$id");
        return $so->($session);
    }, 15) or diag $json->allow_bignum->allow_blessed->convert_blessed->encode($session);
    return $session;
}

sub invoice_for {
    my ($id) = @_;

    my @items;
    $vg->wait_for(sub { @items = @{ shown("billing/invoices?sessionId=$id")->{items} } }, 15);
    is scalar(@items), 1, 'there is one invoice';
    return $items[0];
}

sub digits { return Math::BigFloat->new($_[0] // 'NaN')->bstr }
sub money  { return Math::BigFloat->new($_[0])->bmul('0.000000000001')->bstr }

sub money_is {
    my ($got, $pico, $name) = @_;
    return is(digits($got), money($pico), $name);
}

# what so many kWh would cost from the next second on, once it is so much
sub quote_is {
    my ($kwh, $pico, $name) = @_;

    my $quote;
    $vg->wait_for(sub {
        $quote = $vg->post("$api/pricing/quote", { connectorId => $connector{'JOURNEY-1'}, start_date_time => at(1),
            end_date_time => at(600), charging_periods => [
                { start_date_time => at(1), dimensions => [ { type => 'ENERGY', volume => $kwh } ] } ] });
        return $quote->{status} == 200 && digits($exact->decode($quote->{body})->{total_cost}{excl_vat}) eq money($pico);
    }, 15) or diag $quote->{body};
    return money_is($exact->decode($quote->{body})->{total_cost}{excl_vat}, $pico, $name);
}

# seconds from now, as a charger writes it
sub at {
    my @t = gmtime(time + $_[0]);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02d.000Z', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

sub sample {
    my ($when, $wh) = @_;
    return { timestamp => $when, sampledValue => [ {
        value => "$wh", context => 'Sample.Periodic', measurand => 'Energy.Active.Import.Register',
        unit => 'Wh' } ] };
}

# a station with two charge points of one connector each, and what it costs
sub ground {
    my $station = $vg->post("$api/stations", {
        name => 'Harbour', location => { lat => 54.3, lon => 10.1 },
        address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => $COMPANY,
        connectors => [ map { { chargePointId => $_, connectorNumber => 1,
            type => 'IEC_62196_T2_COMBO', powerType => 'DC', maxPowerKw => 200 } } qw(JOURNEY-1 JOURNEY-2) ],
    });
    is $station->{status}, 201, 'a station';
    is $vg->patch("$api/charge-points/$_", { password => $PASSWORD })->{status}, 200, "$_ has a password"
        for qw(JOURNEY-1 JOURNEY-2);
    is $vg->post("$api/pricing", { stationId => $station->{json}{id}, tariff => tariff() })->{status}, 201, 'a tariff';
    ok $vg->wait_for(sub { $vg->sql('select count(*) from dynamic_pricing.place') == 2 }, 15), 'dynamic_pricing has heard of them';
    is $vg->post("$api/pricing/rules", { stationId => $station->{json}{id}, minMultiplier => 1, maxMultiplier => 2, holdSeconds => 0,
        occupancy => [ { enterPercent => 100, leavePercent => 50, multiplier => 1.5 } ] })->{status}, 201, 'a rule: prices surge where all is taken';
    is $vg->post("$api/customers", { id => 'driver-1', name => 'Dana', email => 'dana@example.com' })->{status}, 201, 'a customer';
    is $vg->post("$api/id-tags", { idTag => 'CARD-1', customerId => 'driver-1' })->{status}, 201, 'a card';
    ok $vg->wait_for(sub {
        $vg->sql('select count(*) from charging.connector') == 2
            && $vg->sql('select count(*) from charging.tariff') == 1 }, 15), 'charging has heard of them';
    return map { $_->{chargePointId} => $_->{connectorId} } @{ $station->{json}{connectors} };
}

sub tariff {
    my $part = sub {
        my ($type, $price, $vat, $step) = @_;
        return { type => $type, price => $price + 0, vat => $vat, step_size => $step };
    };
    return {
        country_code => 'DE', party_id => 'VGT', id => 'JOURNEY', currency => 'EUR',
        last_updated => '2026-01-01T00:00:00Z',
        elements => [
            { price_components => [ $part->('ENERGY', $TARIFF{low}, $TARIFF{vat}, $TARIFF{step_wh}) ],
              restrictions => { max_kwh => $TARIFF{low_wh} / 1000 } },
            { price_components => [
                $part->('FLAT', $TARIFF{flat}, $TARIFF{vat}, 1),
                $part->('ENERGY', $TARIFF{high}, $TARIFF{vat}, $TARIFF{step_wh}),
                $part->('PARKING_TIME', $TARIFF{parking}, $TARIFF{parking_vat}, $TARIFF{step_s}) ] },
        ],
    };
}

my $ahead = 0; # s, of the clock: the tariff is hardly older than these charges

# a session that the API starts, of a charger that says so many, and its transaction
sub started {
    my ($cp, $meter) = @_;

    my $r = $vg->post("$api/charging/sessions/start", { connectorId => $connector{ $cp->{identity} } }, \%driver);
    is $r->{status}, 202;
    my $asked = heard($cp, 'asked');
    is $asked->{asked}, 'RemoteStartTransaction';
    is $asked->{payload}{connectorId}, 1;
    my $tag = $asked->{payload}{idTag};
    like $tag, qr/^[\x21-\x7e]{1,20}$/, 'with a tag of its own that OCPP can carry';
    isnt $tag, 'CARD-1';

    is says($cp, Authorize => { idTag => $tag })->{idTagInfo}{status}, 'Accepted';
    my $start = says($cp, StartTransaction => {
        connectorId => 1, idTag => $tag, meterStart => $meter, timestamp => at($ahead += 2) });
    is $start->{idTagInfo}{status}, 'Accepted';
    is shown("charging/sessions/$r->{json}{id}")->{transactionId}, $start->{transactionId}, 'it is that session';
    return { id => $r->{json}{id}, transaction => $start->{transactionId}, tag => $tag };
}

# the API ends it, where the charger says so many
sub ended {
    my ($cp, $session, $meter) = @_;

    is $vg->post("$api/charging/sessions/$session->{id}/end", undef, \%driver)->{status}, 202;
    is_deeply heard($cp, 'asked'), { asked => 'RemoteStopTransaction', payload => { transactionId => $session->{transaction} } };
    says($cp, StopTransaction => { transactionId => $session->{transaction},
        meterStop => $meter, timestamp => at($ahead += 2), reason => 'Remote' });
    my $over = session_when($session->{id}, sub { $_[0]{status} eq 'COMPLETED' });
    is $over->{stopReason}, 'Remote';
    is_deeply $over->{flags}, [], 'nothing was odd';
    isnt says($cp, Authorize => { idTag => $session->{tag} })->{idTagInfo}{status}, 'Accepted', 'its tag worked once';
    return;
}

sub billed {
    my ($session, $wh, $name) = @_;
    my %due = invoice_of($wh, 0);
    my $invoice = invoice_for($session->{id});
    money_is($invoice->{$_}, $due{$_}, "$name: its $_") for qw(net tax total);
    return;
}

# the mails of that subject to the driver
sub mails { my ($subject) = @_; return grep { $_->{subject} =~ $subject } $sink->mails('dana@example.com') }

# ------------------------------------------------------------- the journey

%connector = ground();
my @workers   = $vg->workers;
my %at        = (one => charger('JOURNEY-1', $workers[0]), two => charger('JOURNEY-2', $workers[1]));

subtest 'chargers boot and say how they are' => sub {
    for my $cp (@at{qw(one two)}) {
        is says($cp, BootNotification => $KIND{ $cp->{identity} })->{status}, 'Accepted';
        says($cp, StatusNotification => {
            connectorId => 1, errorCode => 'NoError', status => 'Available', timestamp => at(-60) });
    }
};

my $early;
subtest 'started by the API: kWh that say Wh are taken as what they are' => sub {
    quote_is(8, cost_of(8_000, 0), 'a quote');
    $early = started($at{two}, 361);
    says($at{two}, MeterValues => { connectorId => 1, transactionId => $early->{transaction}, meterValue => [ sample(at($ahead += 2), 366) ] });
    my $running = session_when($early->{id}, sub { $_[0]{energyKwh} == 5 });
    money_is($running->{cost}, cost_of(5_000, 0), 'the cost so far');
    is $vg->sql('select raw from charging.meter_value where session_id = $1', $early->{id}), '366', 'the digits are the charger\'s';
    like $vg->log, qr/quirks: openevse_kwh: StartTransaction of JOURNEY-2 is put right/, 'the log says why';
};

# A tariff holds from when it was set, so this charge lies ahead of the clock
# by as much as chargers' clocks may, which is ten minutes.
subtest 'a card at the charger: what it took is what the invoice says' => sub {
    my $cp    = $at{one};
    my $state = sub {
        my ($status, $when) = @_;
        says($cp, StatusNotification => {
            connectorId => 1, errorCode => 'NoError', status => $status, timestamp => $when });
    };
    my ($begin, $full, $end) = map { at(1 + $_) } 0, 300, 541;

    is says($cp, Authorize => { idTag => 'NOBODY' })->{idTagInfo}{status}, 'Invalid', 'a stranger\'s card';
    is says($cp, Authorize => { idTag => 'CARD-1' })->{idTagInfo}{status}, 'Accepted', 'the driver\'s';
    my $start = says($cp, StartTransaction => {
        connectorId => 1, idTag => 'CARD-1', meterStart => $START_WH, timestamp => $begin });
    is $start->{idTagInfo}{status}, 'Accepted';
    $state->(Charging => $begin);

    my ($listed) = @{ shown('charging/sessions')->{items} };
    my $id = $listed->{id};
    is $listed->{transactionId}, $start->{transactionId}, 'the driver sees the session';
    quote_is(8, surged(sub { cost_of(8_000, 0) }), 'all is taken: the next quote is dearer');

    # one message with two samples, then one with one
    says($cp, MeterValues => { connectorId => 1, transactionId => $start->{transactionId}, meterValue => [
        sample(at(60), $START_WH + 1_500), sample(at(120), $START_WH + 3_111) ] });
    my $early = session_when($id, sub { $_[0]{energyKwh} == 3.111 });
    is $early->{status}, 'ACTIVE';
    money_is($early->{cost}, cost_of(3_111, 0), 'the cost so far');

    says($cp, MeterValues => { connectorId => 1, transactionId => $start->{transactionId}, meterValue => [
        sample($full, $START_WH + 13_337) ] });
    my $later = session_when($id, sub { $_[0]{energyKwh} == 13.337 });
    money_is($later->{cost}, cost_of(13_337, 0), 'and later, beyond the first 10 kWh');

    $state->(SuspendedEV => $full);
    is session_when($id, sub { $_[0]{status} eq 'SUSPENDED' })->{status}, 'SUSPENDED', 'the car is full';

    says($cp, StopTransaction => { transactionId => $start->{transactionId}, idTag => 'CARD-1',
        meterStop => $START_WH + 13_337, timestamp => $end, reason => 'Local' });
    my $over = session_when($id, sub { $_[0]{status} eq 'COMPLETED' && $_[0]{invoiceId} });
    is $over->{status}, 'COMPLETED';
    is $over->{durationSeconds}, 541;
    is_deeply $over->{flags}, [], 'nothing was odd';
    money_is($over->{cost}, cost_of(13_337, 241), 'the cost');

    my $invoice = invoice_for($id);
    my %due     = invoice_of(13_337, 241);
    is $invoice->{id}, $over->{invoiceId}, 'which the session names';
    is $invoice->{currency}, 'EUR';
    money_is($invoice->{$_}, $due{$_}, "its $_") for qw(net tax total);
    is scalar @{ $invoice->{taxes} }, 2, 'two rates of tax';

    # the receipt, and the invoice's mail: what they say is what the API says, to the digit
    my ($receipt, $mailed);
    ok $vg->wait_for(sub { ($receipt) = mails(qr/^Your charge: 13\.337 kWh$/); ($mailed) = mails(qr/^Invoice /); $receipt && $mailed }, 15),
        'both are mailed' or diag join ', ', map { $_->{subject} } $sink->mails;
    my ($cost) = $receipt->{text} =~ /It costs (\d+\.\d\d+) EUR/;
    is digits($cost), digits($over->{costInclVat}), 'the receipt, with its cost';
    like $mailed->{text}, qr/^Invoice \Q$invoice->{number}\E over \Q@{[ sprintf '%.2f', $invoice->{total}->bstr ]}\E EUR/, 'so is the invoice';
    my $told;
    $vg->wait_for(sub { ($told) = grep { $_->{template} eq 'session.completed' } @{ shown('notifications?channel=EMAIL')->{items} }; $told->{sentAt} }, 15);
    is $told->{status}, 'SENT', 'the driver finds it among notifications';
    is $receipt->{id}, "<$told->{id}\@example.com>", 'it is that one';
};

subtest 'who began before pays what was said then, who begins now the surge' => sub {
    my $cp = $at{two};
    ended($cp, $early, 374);
    billed($early, 13_000, 'before');
    quote_is(8, surged(sub { cost_of(8_000, 0) }), 'the other place is not free yet: it is as dear');

    ok $vg->wait_for(sub { $vg->sql('select count(*) from charging.tariff') == 2 }, 15), 'charging has heard of it';
    my $late = started($cp, 374);
    is $vg->delete("$api/pricing/rules/" . $vg->get("$api/pricing/rules")->{json}{items}[0]{id})->{status}, 204;
    quote_is(8, cost_of(8_000, 0), 'without the rule: as it was set');
    ended($cp, $late, 382);
    surged(sub { billed($late, 8_000, 'a session keeps a surge, too') });

    ok $vg->wait_for(sub { mails(qr/^Your charge: (?:13|8) kWh$/) == 2 }, 15), 'each has its receipt'
        or diag join ', ', map { $_->{subject} } $sink->mails;
};

subtest 'a command finds the charger, whichever worker is asked' => sub {
    for my $worker (@workers) {
        my $client = client_of($worker);
        local $vg->{client} = $client;
        for my $cp (@at{qw(one two)}) {
            my $r = $vg->post("$api/charge-points/$cp->{identity}/commands",
                { action => 'GetConfiguration', payload => { key => ["by $worker"] } });
            is $r->{status}, 200 or diag $r->{body};
            is_deeply $r->{json}, { action => 'GetConfiguration', result => { unknownKey => ["by $worker"] } };
            is_deeply heard($cp, 'asked')->{payload}, { key => ["by $worker"] }, "$cp->{identity} was asked";

            $r = $vg->post("$api/charge-points/$cp->{identity}/commands", { action => 'ClearCache', payload => {} });
            is $r->{status}, 502, 'an error of the charger\'s is told';
            is heard($cp, 'asked')->{asked}, 'ClearCache';
        }
        is(Voltgate::Worker->of($vg, $client->{handle}{fh}), $worker, 'all by one connection');
    }
    is $vg->post("$api/charge-points/JOURNEY-3/commands", { action => 'ClearCache', payload => {} })->{status}, 404;
};

subtest 'what was told says whose it is' => sub {
    my %told = map { $_->{type} => $_ } $vg->rows(q{select e.type, count(*) as events,
            count(*) filter (where e.payload ->> 'operatorId' = $1) as operators,
            count(*) filter (where e.payload ->> 'customerId' = 'driver-1') as customers
        from vg.event e group by e.type}, $COMPANY);
    for my $type (qw(station.created charging.session.started charging.transaction.stopped charging.session.completed
        invoice.created connector.status_changed))
    {
        my $of = $told{"$type.v1"} || { events => 0, operators => -1 };
        is $of->{operators}, $of->{events}, "$type: its operator's";
        is $of->{customers}, $of->{events}, "$type: its driver's" if $type =~ /^(?:charging|invoice)/;
    }
};

is_deeply [ map { wrong($_) } @chargers ], [], 'each message was as OCPP 1.6 has it';
is leave($_), 0, "$_->{identity} leaves" for splice @chargers;
is $vg->sql('select count(*) from billing.fault'), 0, 'the books are right';
unlike $vg->log, qr/\.lua:\d+|goes on without it/, 'no fault in Lua';

done_testing;

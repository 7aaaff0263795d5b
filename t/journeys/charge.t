# A whole charge, from a tag held to a charger to the invoice, with a charge
# point that nobody here wrote (charge.js) on one side and the API on the
# other. What the invoice says is held against OCPI's arithmetic, done here
# once more in integers.

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
use Voltgate::Sink;
use Voltgate::Worker;

my $PASSWORD = 'sixteen letters!';
my $COMPANY  = '019393c0-0000-7000-8000-000000000001';
my $START_WH = 41_250;

my $json  = JSON::PP->new->canonical;
my $exact = JSON::PP->new->allow_bignum; # decimals stay what their digits say
my $sink  = Voltgate::Sink->start;
my $vg    = Voltgate->start(extra => { http => $sink->target('mail')
    . ' voltgate_setting notifications.mail mail; voltgate_setting notifications.from house@example.com;' });
my $api   = '/api/v1';
my @chargers;

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
    only($worker, sub { $open = heard($self, 'open') });
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
    waitpid $self->{pid}, 0;
    return $?;
}

END {
    my $status = $?;
    leave($_) for splice @chargers;
    $? = $status;
}

# ------------------------------------------------------------ the workers

sub stopped {
    open my $stat, '<', "/proc/$_[0]/stat" or return;
    return <$stat> =~ /\) T /;
}

# Runs sub while no other worker can take a connection.
sub only {
    my ($worker, $sub) = @_;

    my @others = grep { $_ != $worker } $vg->workers;
    kill 'STOP', @others;
    # a signal that is on its way stops nobody from accepting once more
    $vg->wait_for(sub { !grep { !stopped($_) } @others }) or die 'a worker does not stop';
    my $done = eval { $sub->(); 1 };
    kill 'CONT', @others;
    die $@ if !$done;
    return;
}

# A kept connection to the worker.
sub client_of {
    my ($worker) = @_;

    my $client = $vg->client(fresh => 1);
    only($worker, sub { $client->get($vg->url('/healthz')) });
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

sub money_is {
    my ($got, $pico, $name) = @_;

    my $due = Math::BigFloat->new($pico)->bmul('0.000000000001');
    return is(Math::BigFloat->new($got // 'NaN')->bstr, $due->bstr, $name);
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
    is $vg->post("$api/pricing", { stationId => $station->{json}{id}, tariff => tariff() })->{status}, 201,
        'a tariff';
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

# ------------------------------------------------------------- the journey

my %connector = ground();
my @workers   = $vg->workers;
my %at        = (one => charger('JOURNEY-1', $workers[0]), two => charger('JOURNEY-2', $workers[1]));

subtest 'chargers boot and say how they are' => sub {
    for my $cp (@at{qw(one two)}) {
        my $boot = says($cp, BootNotification => { chargePointVendor => 'Nobody', chargePointModel => 'Here' });
        is $boot->{status}, 'Accepted';
        says($cp, StatusNotification => {
            connectorId => 1, errorCode => 'NoError', status => 'Available', timestamp => at(-60) });
    }
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
    my %mail;
    $vg->wait_for(sub { %mail = map { $_->{subject} => $_ } $sink->mails('dana@example.com'); keys %mail == 2 }, 15);
    my $receipt = $mail{'Your charge: 13.337 kWh'};
    ok $receipt, 'the receipt is mailed' or diag join ', ', keys %mail;
    like $receipt->{text}, qr/It costs (\d+\.\d\d+) EUR/, 'with its cost';
    my ($cost) = $receipt->{text} =~ /It costs (\S+) EUR/;
    is $cost + 0, shown("charging/sessions/$id")->{costInclVat} + 0;
    my $cents = sprintf '%.2f', $invoice->{total}->bstr;
    like $mail{"Invoice $invoice->{number}"}{text}, qr/ over \Q$cents\E EUR/, 'so is the invoice';
};

subtest 'started and ended by the API' => sub {
    my $cp = $at{two};
    my $r  = $vg->post("$api/charging/sessions/start", { connectorId => $connector{'JOURNEY-2'} }, \%driver);
    is $r->{status}, 202;
    my $id = $r->{json}{id};

    my $asked = heard($cp, 'asked');
    is $asked->{asked}, 'RemoteStartTransaction';
    is $asked->{payload}{connectorId}, 1;
    my $tag = $asked->{payload}{idTag};
    like $tag, qr/^[\x21-\x7e]{1,20}$/, 'with a tag of its own that OCPP can carry';
    isnt $tag, 'CARD-1';

    is says($cp, Authorize => { idTag => $tag })->{idTagInfo}{status}, 'Accepted';
    # ahead of the clock: the tariff is hardly older than this charge
    my $start = says($cp, StartTransaction => {
        connectorId => 1, idTag => $tag, meterStart => 500, timestamp => at(2) });
    is $start->{idTagInfo}{status}, 'Accepted';
    is shown("charging/sessions/$id")->{transactionId}, $start->{transactionId}, 'it is that session';

    $r = $vg->post("$api/charging/sessions/$id/end", undef, \%driver);
    is $r->{status}, 202;
    $asked = heard($cp, 'asked');
    is $asked->{asked}, 'RemoteStopTransaction';
    is_deeply $asked->{payload}, { transactionId => $start->{transactionId} };

    says($cp, StopTransaction => { transactionId => $start->{transactionId},
        meterStop => 8_000, timestamp => at(3), reason => 'Remote' });
    is session_when($id, sub { $_[0]{status} eq 'COMPLETED' })->{stopReason}, 'Remote', 'it is over';
    my %due = invoice_of(7_500, 0);
    money_is(invoice_for($id)->{total}, $due{total}, 'whose total is right');

    isnt says($cp, Authorize => { idTag => $tag })->{idTagInfo}{status}, 'Accepted', 'its tag worked once';
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

done_testing;

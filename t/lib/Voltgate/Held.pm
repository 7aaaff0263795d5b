package Voltgate::Held;

# A station whose sessions are held: connectors 1 to so many of the charge
# point CP1, 22 kW each, a driver with credit or a card, and what became of
# holds. An hour at 0.50 a kWh and 19 % makes 13.09.
#
#   my $held = Voltgate::Held->new($vg, connectors => 8);
#   $held->priced(1 .. 6);                       # or ->priced([7], 0), or a tariff's elements
#   my ($as, $name) = $held->driver(credit => 20);
#   my $id = $held->wanted($as, 1);              # by the API: 202, the session's id
#   my $transaction = $held->begins($id);        # the charger was asked, and has started
#   $held->metered($transaction, 1, 18_000);
#   $held->ends($id, $transaction, 18_000);
#   is $held->hold($id)->{status}, 'CAPTURED';
#   $held->books;

use strict;
use warnings;

use Test::More;

use Voltgate::Charger;

my $API      = '/api/v1';
my $PASSWORD = 'sixteen letters!';
my $OPERATOR = '019393c0-0000-7000-8000-000000000001';

# connectors: how many; silent => 1: nobody plugs its charge point in yet
sub new {
    my ($class, $vg, %opts) = @_;

    my $self = bless { vg => $vg, says => {}, asked => [], drivers => 0, tariffs => 0, minute => -3000 }, $class;
    $self->{station} = $vg->post("$API/stations", {
        name => 'Harbour', location => { lat => 1, lon => 2 },
        address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
        timeZone => 'Europe/Berlin', operatorId => $OPERATOR,
        connectors => [ map { { chargePointId => 'CP1', connectorNumber => $_,
            type => 'IEC_62196_T2', powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1 .. $opts{connectors} ] })->{json};
    $self->{connector} = { map { $_->{connectorNumber} => $_->{connectorId} } @{ $self->{station}{connectors} } };
    $vg->patch("$API/charge-points/CP1", { password => $PASSWORD });
    $self->plugged->call(BootNotification => { chargePointVendor => 'v', chargePointModel => 'm' }) if !$opts{silent};
    return $self;
}

sub station   { return $_[0]{station}{id} }
sub connector { return $_[0]{connector}{ $_[1] } }

# its charge point, which comes back when its worker died, as they do
sub plugged {
    my ($self) = @_;
    return $self->{cp} if $self->{cp} && !$self->{cp}->closed;
    $self->{vg}->wait_for(sub {
        my $cp = eval { Voltgate::Charger->connect($self->{vg}, 'CP1', $PASSWORD) } or return 0;
        return $cp->status == 101 ? $self->{cp} = $cp : 0;
    }, 15) or die "it was not let in\n";
    $self->{cp}->answer(sub {
        push @{ $self->{asked} }, [ @_[0, 1] ];
        return { status => $self->{says}{ $_[0] } // 'Accepted' };
    });
    return $self->{cp};
}

sub unplug { my ($self) = @_; $self->{cp}->close if $self->{cp}; delete $self->{cp}; return }

# says(RemoteStartTransaction => 'Rejected'); without a word: Accepted again
sub says { my ($self, $action, $word) = @_; $self->{says}{$action} = $word; return }

# priced([numbers], price a kWh, or elements of an OCPI tariff), and charging has heard of it
sub priced {
    my ($self, $numbers, $price, $currency) = @_;
    my $elements = ref $price ? $price
        : [ { price_components => [ { type => 'ENERGY', price => $price // 0.5, step_size => 1 } ] } ];
    for my $number (@$numbers) {
        $self->{vg}->post("$API/pricing", { connectorId => $self->{connector}{$number}, tariff => {
            country_code => 'DE', party_id => 'VGT', id => 'T' . ++$self->{tariffs}, currency => $currency // 'EUR',
            last_updated => '2026-01-01T00:00:00Z', elements => $elements } });
    }
    my $connectors = keys %{ $self->{connector} };
    return ok $self->{vg}->wait_for(sub {
        $self->{vg}->sql('select count(*) from charging.connector') == $connectors
            && $self->{vg}->sql('select count(*) from charging.tariff') == $self->{tariffs} }, 10), 'copies have arrived';
}

# a driver, as headers and by name: credit => 20, card => 'tok_visa'
sub driver {
    my ($self, %has) = @_;
    my $name = 'holder-' . ++$self->{drivers};
    $self->{vg}->sql('select billing.payer_known($1, null)', $name);
    my $as = { Authorization => 'Bearer ' . $self->{vg}->token(role => 'driver', subject => $name) };
    $self->credit($name, $has{credit}) if $has{credit};
    $self->card($as, $has{card})       if $has{card};
    return ($as, $name);
}

sub credit {
    my ($self, $name, $amount, $currency) = @_;
    $self->{vg}->sql(q{select billing.move('TOP_UP', gen_random_uuid(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $2, $3, now(),
        'test')}, $name, $amount, $currency // 'EUR');
    return;
}

sub card {
    my ($self, $as, $token) = @_;
    my $r = $self->{vg}->post("$API/billing/payment-methods", { provider => 'sandbox', token => $token, default => \1 }, $as);
    is $r->{status}, 201 or diag $r->{body};
    return $r->{json}{id};
}

sub balance {
    my ($self, $kind, $name) = @_;
    return 0 + $self->{vg}->sql('select coalesce(sum(balance), 0) from billing.account where kind = $1 and owner = $2', $kind, $name);
}

sub clock {
    my ($self, $seconds) = @_;
    my @t = gmtime(time + ($seconds // 0));
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

sub session { return ($_[0]{vg}->rows('select * from charging.session where id = $1', $_[1]))[0] }
sub hold    { return ($_[0]{vg}->rows('select * from billing.hold where subject = $1', $_[1]))[0] || { status => '', amount => 0 } }

# payments of its parts, in their order
sub intents {
    return $_[0]{vg}->rows(q{select i.* from billing.hold h join billing.hold_part p on p.hold_id = h.id
        join billing.intent i on i.id = p.intent_id where h.subject = $1 order by p.position}, $_[1]);
}

# until it is so, while the charge point goes on answering
sub served {
    my ($self, $sub, $seconds) = @_;
    return $self->{vg}->wait_for(sub { eval { $self->plugged->serve(0.05); 1 } or return 0; $sub->() }, $seconds // 15);
}
sub becomes { my ($self, $id, $status, $seconds) = @_; return $self->served(sub { $self->hold($id)->{status} eq $status }, $seconds) }

sub started { my ($self, $tag) = @_; return scalar grep { $_->[0] eq 'RemoteStartTransaction' && $_->[1]{idTag} eq $tag } @{ $self->{asked} } }
sub stops   { my ($self, $t) = @_; return scalar grep { $_->[0] eq 'RemoteStopTransaction' && $_->[1]{transactionId} == $t } @{ $self->{asked} } }
sub flagged { my ($self, $id, $flag) = @_; return scalar grep { $_ eq $flag } @{ $self->session($id)->{flags} } }

sub books {
    my ($self) = @_;
    return is_deeply [ map { $self->{vg}->rows("select * from billing.$_") } qw(fault hold_fault) ], [], 'the books balance';
}

# wanted(headers, number, more of the body): 202, the session's id
sub wanted {
    my ($self, $as, $number, %more) = @_;
    my $r = $self->{vg}->post("$API/charging/sessions/start", { connectorId => $self->{connector}{$number}, %more }, $as);
    is $r->{status}, 202 or diag $r->{body};
    return $r->{json}{id};
}

# the charger was asked, and says that it has started an hour ago; the transaction
sub begins {
    my ($self, $id) = @_;
    my $session = $self->session($id);
    ok $self->served(sub { $self->started($session->{id_tag}) }), 'the charger is asked' or diag explain $self->session($id);
    return $self->plugged->call(StartTransaction => { connectorId => $session->{connector_number}, idTag => $session->{id_tag},
        meterStart => 0, timestamp => $self->clock(-3600) })->[2]{transactionId};
}

# a charger starts by itself, on a tag of the driver: session, transaction
sub shown {
    my ($self, $name, $number, $at) = @_;
    my $tag = uc $name;
    $self->{vg}->sql(q{insert into charging.id_tag (id_tag, customer_id, status, created_at, updated_at)
        values ($1, $2, 'Accepted', now(), now()) on conflict do nothing}, $tag, $name);
    my $start = $self->plugged->call(StartTransaction => { connectorId => $number, idTag => $tag, meterStart => 0,
        timestamp => $self->clock($at) });
    is $start->[2]{idTagInfo}{status}, 'Accepted';
    my $transaction = $start->[2]{transactionId};
    return ($self->{vg}->sql('select id from charging.session where transaction_id = $1', $transaction), $transaction);
}

# its register, a minute after the last
sub metered {
    my ($self, $transaction, $number, $wh) = @_;
    $self->{minute} += 60;
    $self->plugged->call(MeterValues => { connectorId => $number, transactionId => $transaction, meterValue => [ {
        timestamp => $self->clock($self->{minute}), sampledValue => [ { value => "$wh" } ] } ] });
    return;
}

sub ends {
    my ($self, $id, $transaction, $wh) = @_;
    $self->plugged->call(StopTransaction => { transactionId => $transaction, meterStop => $wh, timestamp => $self->clock });
    return ok $self->served(sub { $self->session($id)->{status} eq 'COMPLETED' }), 'it is over';
}

1;

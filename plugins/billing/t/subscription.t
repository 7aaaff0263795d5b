# Subscriptions: subscribed to, renewed, changed, ended; and made again from
# their events.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg      = Voltgate->start;
my $plans   = '/api/v1/billing/plans';
my $url     = '/api/v1/billing/subscriptions';
my $issuer  = '019393c0-0000-7000-8000-000000000001';
my $fleet   = '019393c0-0000-7000-8000-000000000002';
my $json    = JSON::PP->new->canonical;

sub offer {
    my ($name, $price, %more) = @_;
    my $r = $vg->post($plans, { name => $name, operatorId => $issuer, price => $price, currency => 'EUR', cycle => 'MONTHLY',
        country => 'DE', timeZone => 'Europe/Berlin', includedKwh => 50, %more });
    is $r->{status}, 201, "a plan for $price" or diag $r->{body};
    return $r->{json};
}

sub subscription { return $vg->get("$url/$_[0]")->{json} }
sub becomes { my ($id, $status) = @_; return $vg->wait_for(sub { subscription($id)->{status} eq $status }, 15)
    || diag explain subscription($id) }

# each row is what its events alone make of it, with snapshots and without
sub rebuilt {
    is $vg->sql(q{select count(*) from billing.subscription s
        where s.state is distinct from billing.subscription_rebuilt(s.id, false)
            or s.state is distinct from billing.subscription_rebuilt(s.id, true)}), 0, 'events alone make the same of all';
    return;
}

my $small = offer('Small', 10);
my $large = offer('Large', 25.5, includedKwh => 200);

subtest 'plans' => sub {
    is $vg->get("$plans/$small->{id}")->{json}{price}, 10;
    is_deeply [ map { $_->{name} } @{ $vg->get("$plans?operatorId=$issuer")->{json}{items} } ], [qw(Large Small)];
    is $vg->post($plans, { name => 'x', operatorId => $issuer, price => 1.001, currency => 'EUR', cycle => 'MONTHLY',
        country => 'DE', timeZone => 'UTC' })->{status}, 422, 'a tenth of a cent is no price';
    my $nowhere = $vg->post($plans, { name => 'x', operatorId => $issuer, price => 1, currency => 'EUR', cycle => 'MONTHLY',
        country => 'DE', timeZone => 'Europe/Nowhere' });
    is "$nowhere->{status} $nowhere->{json}{type}", '422 https://voltgate.dev/problems/time_zone_unknown';
    my $driver = { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'd') };
    is $vg->post($plans, { name => 'x', price => 1, currency => 'EUR', cycle => 'MONTHLY', country => 'DE',
        timeZone => 'UTC' }, $driver)->{status}, 403, 'a driver makes none';
};

subtest 'a plan that is none' => sub {
    my %good = (name => 'x', operatorId => $issuer, price => 1, currency => 'EUR', cycle => 'MONTHLY', country => 'DE', timeZone => 'UTC');
    my @wrong = (
        [ currency => 'eur' ], [ currency => 'EURO' ], [ country => 'de' ], [ country => 'D1' ], [ cycle => 'WEEKLY' ],
        [ price => -1 ], [ price => 1e9 ], [ includedKwh => -1 ], [ includedKwh => '1.0000001' ], [ discountPercent => 100.1 ],
        [ discountPercent => 1.00001 ], [ discountPercent => -1 ],
    );
    for (@wrong) {
        my ($field, $value) = @$_;
        $value = $value =~ /^-?[\d.e]+$/ ? 0 + $value : $value;
        my $r = $vg->post($plans, { %good, $field => $value });
        is "$r->{status} " . join(' ', keys %{ $r->{json}{errors} // {} }), "400 $field", "$field $value";
        next if !exists { price => 1, includedKwh => 1, discountPercent => 1 }->{$field};
        is $vg->patch("$plans/$small->{id}", { $field => $value })->{status}, 400, 'nor by a change';
    }
    is $vg->patch("$plans/$small->{id}", { price => 0.001 })->{status}, 422;
    is $vg->post($plans, { %good, currency => 'JPY', price => 1.5 })->{status}, 422, 'half a yen';
    is $vg->get("$plans/$small->{id}")->{json}{revision}, 1;
};

subtest 'an operator subscribes its own customers' => sub {
    my $as   = sub { return { Authorization => 'Bearer ' . $vg->token(role => 'operator', subject => 'o', company => $_[0]) } };
    my $free = offer('Free', 0);
    my ($mine, $theirs) = map { $vg->post('/api/v1/customers', { name => 'C' }, $as->($_))->{json}{id} } $issuer, $fleet;
    my $ask = sub { my $r = $vg->post($url, { planId => $free->{id}, @_ }, $as->($issuer)); return $r->{status} };
    is $ask->(customerId => $mine), 202;
    is $ask->(customerId => $theirs), 404, 'not another\'s';
    is $ask->(customerId => '019393c0-0000-7000-8000-00000000dead'), 404, 'nor one that nobody knows';
    is $ask->(companyId => $fleet), 403, 'nor a company';
    is $ask->(), 400, 'nor nobody';
    is $vg->sql('select count(*) from billing.subscription'), 1;
    rebuilt();
};

subtest 'when it begins' => sub {
    my $free = offer('Later', 0);
    my $at = sub { my $r = $vg->post($url, { planId => $free->{id}, customerId => 'c', startAt => $vg->sql('select vg.z(now() + $1::interval)', $_[0]) });
        return $r->{status} };
    is $at->('11 months'), 202;
    is $at->('13 months'), 422, 'within a year';
    is $at->('-1 minute'), 422, 'and not before now';
    is $vg->post($url, { planId => $free->{id}, customerId => 'c', startAt => 'soon' })->{status}, 400;
    $vg->patch("$plans/$free->{id}", { status => 'RETIRED' });
    is $vg->post($url, { planId => $free->{id}, customerId => 'c' })->{json}{type}, 'https://voltgate.dev/problems/plan_unknown';
    $vg->sql(q{update billing.subscription set next_at = now() where status = 'SCHEDULED'});
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from billing.subscription where status = 'SCHEDULED'}) == 0 }, 15);
    my ($id) = map { $_->{id} } $vg->rows(q{select id from billing.subscription where customer_id = 'c'});
    ok becomes($id, 'ACTIVE'), 'what was begun before the plan was retired goes on';
};

subtest 'a fleet subscribes, and pays by account' => sub {
    my $as = { Authorization => 'Bearer ' . $vg->token(role => 'fleet_manager', subject => 'f', company => $fleet) };
    my $r  = $vg->post($url, { planId => $small->{id} }, $as);
    is $r->{status}, 202 or diag $r->{body};
    my $id = $r->{json}{id};
    is $r->{json}{status}, 'PENDING';
    ok becomes($id, 'ACTIVE'), 'it is active';
    my ($invoice) = @{ $vg->get('/api/v1/billing/invoices')->{json}{items} };
    is_deeply [ @$invoice{qw(subjectKind subjectId companyId)} ], [ 'SUBSCRIPTION', $id, $fleet ];
    cmp_ok $invoice->{total}, '==', 11.9, 'with tax';
    is $invoice->{lines}[0]{kind}, 'SUBSCRIPTION';
    is_deeply [ map { $_->{type} } @{ $vg->get("$url/$id/events", $as)->{json}{items} } ], [qw(CREATED INVOICED ACTIVATED)];
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'subscription.created.v1' and aggregate_id = $1}, $id) == 1 }, 10),
        'which is told';
    rebuilt();
};

done_testing;

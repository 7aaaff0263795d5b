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
    is $vg->sql(q{select count(*) from vg.event where type = 'subscription.created.v1' and aggregate_id = $1}, $id), 1;
    rebuilt();
};

done_testing;

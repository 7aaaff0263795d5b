# Subscriptions that are paid by card: the sandbox's, which takes it or says no;
# the first invoice, and those of renewals and of dunning.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Subscriber;

my $vg   = Voltgate->start;
my $s    = Voltgate::Subscriber->new($vg);
my $url  = '/api/v1/billing/subscriptions';
my $plan = $s->offer('Small', 10);

# a customer who has such a card
sub customer {
    my ($name, $token) = @_;
    my $r = $vg->post('/api/v1/billing/payment-methods', { provider => 'sandbox', token => $token, customerId => $name });
    die "$r->{status} $r->{body}\n" if $r->{status} != 201;
    $vg->patch("/api/v1/billing/payment-methods/$r->{json}{id}", { default => JSON::PP::true() });
    return $r->{json}{id};
}

sub subscribes {
    my ($customer, %more) = @_;
    my $r = $vg->post($url, { planId => $plan->{id}, customerId => $customer, %more });
    is $r->{status}, 202 or diag $r->{body};
    return $r->{json}{id};
}

sub balance {
    my ($kind, $owner) = @_;
    return 0 + $vg->sql('select coalesce(sum(balance), 0) from billing.account where kind = $1 and owner = $2', $kind, $owner);
}

subtest 'the card takes it' => sub {
    customer('good', 'tok_good');
    my $id = subscribes('good');
    ok $s->becomes($id, 'ACTIVE', 30);
    is balance(RECEIVABLE => 'good'), 0, 'nothing is owed';
    cmp_ok $vg->sql(q{select captured from billing.intent where payer = 'good'}), '==', 11.9;
    is_deeply [ $s->history($id) ], [qw(CREATED INVOICED ACTIVATED)];
};

subtest 'the card says no: nothing is left of it' => sub {
    customer('declined', 'tok_declined');
    my $id = subscribes('declined');
    ok $s->becomes($id, 'FAILED', 30);
    is $s->show($id)->{failure}, 'payment_declined';
    is balance(RECEIVABLE => 'declined'), 0, 'nothing is owed';
    is $vg->sql('select status from billing.invoice where subject_id = $1', $id), 'CREDITED', 'its invoice is credited';
    is $vg->sql(q{select count(*) from (select type, aggregate_id from vg.outbox union all select type, aggregate_id from vg.event) e
        where type like 'subscription.%' and aggregate_id = $1}, $id), 0, 'nobody was told';
    is $vg->get("/api/v1/sagas/$id")->{json}{status}, 'UNDONE';
};

subtest 'it is paid with what it names' => sub {
    my $bad  = customer('two', 'tok_declined');
    my $good = $vg->post('/api/v1/billing/payment-methods', { provider => 'sandbox', token => 'tok_good', customerId => 'two' })->{json}{id};
    $vg->patch("/api/v1/billing/payment-methods/$bad", { default => JSON::PP::true() });
    is $vg->sql(q{select method_id from billing.payer where id = 'two'}), $bad, 'and not with what else is paid with';
    ok $s->becomes(subscribes('two', methodId => $good), 'ACTIVE', 30);
};

subtest 'who is erased subscribes no more' => sub {
    customer('leaves', 'tok_good');
    my $id = subscribes('leaves');
    ok $s->becomes($id, 'ACTIVE', 30);
    my $erasure = $vg->sql('select vg.uuid7()');
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('accounts', 'customer.erasure_requested.v1', 'leaves', $1, 'test', '')},
        qq({"erasureId": "$erasure", "customerId": "leaves", "round": 1}));
    ok $s->becomes($id, 'CANCELLED', 15);
    is $s->show($id)->{reason}, 'erased';
    is $vg->sql('select next_at from billing.subscription where id = $1', $id), undef, 'it is never billed again';
};

subtest 'nothing to pay with' => sub {
    my $r = $vg->post($url, { planId => $plan->{id}, customerId => 'bare' });
    is "$r->{status} $r->{json}{type}", '402 https://voltgate.dev/problems/payment_required';
    $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', 'bare', 5, 'EUR', now(), 'test')});
    my $id = subscribes('bare');
    ok $s->becomes($id, 'FAILED', 30), 'credit that is short';
    is $s->show($id)->{failure}, 'payment_required';
    is balance(CREDIT => 'bare'), 5, 'and it is all there again';
    is balance(RECEIVABLE => 'bare'), 0;
};

subtest 'to begin later' => sub {
    customer('patient', 'tok_good');
    my $start = $vg->sql(q{select vg.z(date_trunc('second', now()) + interval '6 seconds')});
    my $id = subscribes('patient', startAt => $start);
    is $s->show($id)->{status}, 'SCHEDULED';
    ok $s->becomes($id, 'ACTIVE', 30);
    is $s->show($id)->{periodStart}, $start;
    is $vg->post($url, { planId => $plan->{id}, customerId => 'patient', startAt => '2020-01-01T00:00:00Z' })->{status}, 422,
        'not in the past';
};

subtest 'a renewal that the card refuses' => sub {
    customer('broke', 'tok_declined');
    my $id = $s->since($plan, $vg->sql(q{select vg.z(date_trunc('day', now()) - interval '1 month 2 hours')}), customer => 'broke');    # over, also where clocks went back since
    ok $s->becomes($id, 'PAST_DUE', 30);
    is $s->show($id)->{failure}, 'card_declined', 'as its provider says';
    $vg->wait_for(sub { $s->ring($id) if $s->show($id)->{status} eq 'PAST_DUE'; $s->show($id)->{status} eq 'CANCELLED' }, 40);
    is_deeply [ $s->history($id) ], [ qw(CREATED INVOICED ACTIVATED RENEWED PAYMENT_FAILED), (qw(RETRIED PAYMENT_FAILED)) x 3,
        'CANCELLED' ];
    is $vg->sql(q{select count(*) from billing.intent where payer = 'broke'}), 4, 'it was asked four times';
};

$s->rebuilt;

done_testing;

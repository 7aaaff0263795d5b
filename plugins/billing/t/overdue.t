# Subscriptions on a company's account, whose invoices are not paid in time.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Subscriber;

my $vg    = Voltgate->start(extra => { http => 'voltgate_setting billing.dunning "1d 3d cancel";' });
my $s     = Voltgate::Subscriber->new($vg);
my $fleet = '019393c0-0000-7000-8000-000000000002';
my $plan  = $s->offer('Fleet', 10);

sub invoice { my ($id) = @_; my ($i) = $vg->rows('select * from billing.invoice where subject_id = $1 order by id desc limit 1', $id); return $i }
sub waits { my ($id) = @_; return $vg->wait_for(sub { $vg->sql('select count(*) from billing.overdue where subscription_id = $1', $id) }, 10) }

# its invoices are due, and are looked at now
sub due {
    my ($id) = @_;
    waits($id) or die "nothing is due\n";
    $vg->sql('update billing.overdue set look_at = now() where subscription_id = $1', $id);
    return look();
}
sub look { $vg->sql(q{update vg.timer set next_at = now() where name like '%subscription_overdue%'}); return 1 }

# its clock rings until it has such a history
sub passes {
    my ($id, $pattern) = @_;
    return $vg->wait_for(sub { return 1 if join(' ', $s->history($id)) =~ $pattern; $s->ring($id); return 0 }, 20)
        || diag explain [ $s->history($id), $s->show($id) ];
}

sub paid {
    my ($invoice) = @_;
    $vg->sql(q{select billing.payer_known(null, $1)}, $invoice->{company_id});
    $vg->sql(q{select billing.move('PAYMENT', $1, 'test', 'PROVIDER', 'sandbox', 'RECEIVABLE', $2, $3, 'EUR', now(), 'test')},
        $invoice->{id}, $invoice->{company_id}, $invoice->{total});
    my $told = $vg->sql('select billing.invoice_paid($1, $2, now())', $invoice->{id}, $invoice->{total});
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        select 'billing', e ->> 'type', e ->> 'aggregateId', e -> 'payload', 'test', '' from jsonb_array_elements($1::jsonb) e}, $told);
    return;
}

subtest 'it is due fourteen days later, and until then all is well' => sub {
    my $id = $s->bought($plan, $fleet);
    ok waits($id);
    is $vg->sql(q{select o.look_at = i.issued_at + interval '14 days' and i.due_at = o.look_at from billing.overdue o
        join billing.invoice i on i.id = o.invoice_id where o.subscription_id = $1}, $id), 1;
    look();
    ok $vg->wait_for(sub { $vg->sql(q{select next_at > now() from vg.timer where name like '%subscription_overdue%'}) }, 15), 'it was looked at';
    ok waits($id), 'and is not overdue';
    is $s->show($id)->{status}, 'ACTIVE';
};

subtest 'not paid by then, paid after a step' => sub {
    my $id = $s->bought($plan, $fleet);
    due($id);
    ok $s->becomes($id, 'PAST_DUE', 20);
    my $shown = $s->show($id);
    is $shown->{failure}, 'overdue';
    is $shown->{invoiceId}, invoice($id)->{id};
    is $shown->{includedKwhLeft}, 0, 'and gives nothing meanwhile';
    is $vg->sql(q{select extract(epoch from (state ->> 'nextAt')::timestamptz - (state ->> 'unpaidSince')::timestamptz)::int
        from billing.subscription where id = $1}, $id), 86400;
    ok passes($id, qr/PAYMENT_FAILED RETRIED PAYMENT_FAILED$/);
    is $s->show($id)->{status}, 'PAST_DUE';
    paid(invoice($id));
    ok $s->becomes($id, 'ACTIVE', 15), 'paid: it is active again';
    is $s->show($id)->{$_}, undef, "no $_" for qw(invoiceId unpaidSince dunningStep failure);
    is $s->show($id)->{includedKwhLeft}, 50;
    is $vg->sql('select next_at = (state ->> \'periodEnd\')::timestamptz from billing.subscription where id = $1', $id), 1;
};

subtest 'never paid: it ends, and nothing was taken' => sub {
    my $rich = '019393c0-0000-7000-8000-000000000003';
    $vg->sql('select billing.payer_known(null, $1)', $rich);
    $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, 50, 'EUR', now(), 'test')}, $rich);
    $vg->post('/api/v1/billing/payment-methods', { provider => 'sandbox', token => 'tok_good', companyId => $rich });
    my $id = $s->bought($plan, $rich);
    due($id);
    ok passes($id, qr/CANCELLED$/);
    is_deeply [ $s->history($id) ], [ qw(CREATED INVOICED ACTIVATED PAYMENT_FAILED), (qw(RETRIED PAYMENT_FAILED)) x 2, 'CANCELLED' ];
    is $s->show($id)->{reason}, 'unpaid';
    cmp_ok $vg->sql(q{select balance from billing.account where owner = $1 and kind = 'CREDIT'}, $rich), '==', 50;
    is $vg->sql('select count(*) from billing.intent where payer = $1', $rich), 0, 'no card was asked';
    is $vg->sql('select count(*) from billing.overdue where subscription_id = $1', $id), 0, 'it is not looked at any more';
};

subtest 'paid in time, or credited, or over: nothing happens' => sub {
    my ($paid, $credited, $over) = map { $s->bought($plan, $fleet) } 1 .. 3;
    waits($_) for $paid, $credited, $over;
    paid(invoice($paid));
    is $vg->post('/api/v1/billing/invoices/' . invoice($credited)->{id} . '/credit-notes', {})->{status}, 201;
    is $vg->delete("/api/v1/billing/subscriptions/$over?when=NOW")->{status}, 200;
    $vg->sql('update billing.overdue set look_at = now() where subscription_id = any ($1)', [ $paid, $credited, $over ]);
    look();
    ok $vg->wait_for(sub { $vg->sql('select count(*) from billing.overdue where subscription_id = any ($1)', [ $paid, $credited, $over ]) == 0 }, 20);
    is_deeply [ map { $s->show($_)->{status} } $paid, $credited, $over ], [qw(ACTIVE ACTIVE CANCELLED)];
};

subtest 'credited: nothing is owed, and it goes on' => sub {
    my $id = $s->bought($plan, $fleet);
    due($id);
    ok $s->becomes($id, 'PAST_DUE', 20);
    is $vg->post('/api/v1/billing/invoices/' . invoice($id)->{id} . '/credit-notes', {})->{status}, 201;
    ok $s->becomes($id, 'ACTIVE', 15);
};

subtest 'two that are overdue: one after the other' => sub {
    my $id = $s->bought($plan, $fleet);
    is $vg->patch("/api/v1/billing/subscriptions/$id", { planId => $s->offer('Larger', 30)->{id} })->{status}, 200;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from billing.overdue where subscription_id = $1', $id) == 2 }, 10);
    due($id);
    ok $s->becomes($id, 'PAST_DUE', 20);
    my %by = map { $_->{id} => $_ } $vg->rows('select * from billing.invoice where subject_id = $1', $id);
    my $first = delete $by{ $s->show($id)->{invoiceId} };
    paid($first);
    ok $s->becomes($id, 'ACTIVE', 15);
    due($id);
    ok $s->becomes($id, 'PAST_DUE', 20);
    my ($second) = values %by;
    is $s->show($id)->{invoiceId}, $second->{id};
    paid($second);
    ok $s->becomes($id, 'ACTIVE', 15);
};

$s->rebuilt;

my $strict = Voltgate->start(extra => { http => 'voltgate_setting billing.payment_days 0; voltgate_setting billing.dunning cancel;' });
subtest 'due at once, and no step: it ends with that' => sub {
    my $t = Voltgate::Subscriber->new($strict);
    my $id = $strict->post('/api/v1/billing/subscriptions', { planId => $t->offer('Strict', 10)->{id}, companyId => $fleet })->{json}{id};
    ok $t->becomes($id, 'CANCELLED', 40);
    is_deeply [ $t->history($id) ], [qw(CREATED INVOICED ACTIVATED PAYMENT_FAILED CANCELLED)];
};

done_testing;

# What the clock does to subscriptions: cycles are billed once each, in time or
# late; what is not paid is asked for again, and ends.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Subscriber;

my $vg    = Voltgate->start(extra => { http => 'voltgate_setting billing.dunning "1d 3d 7d cancel";' });
my $s     = Voltgate::Subscriber->new($vg);
my $small = $s->offer('Small', 10);
my $large = $s->offer('Large', 25.5);
my $fleet = '019393c0-0000-7000-8000-000000000002';

# A month that is over also where clocks went back meanwhile is one and two hours.
sub ago { my ($what) = @_; return $vg->sql(q{select vg.z(date_trunc('day', now()) - $1::interval)}, $what) }

sub invoices {
    my ($id) = @_;
    return $vg->rows(q{select part, total, paid, due_at, issuer, sequence from billing.invoice where subject_id = $1
        order by supplied_from}, $id);
}

sub credit {
    my ($payer, $amount) = @_;
    $vg->sql(q{select billing.payer_known($1, null)}, $payer);
    $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $2, 'EUR', now(), 'test')},
        $payer, $amount);
    return 1;
}

subtest 'the house was away for three months: each cycle is billed once' => sub {
    my $id = $s->since($small, ago('3 months 10 days'), company => $fleet);
    ok $vg->wait_for(sub { invoices($id) == 3 }, 15) or diag explain $s->show($id);
    my $shown = $s->show($id);
    is $shown->{period}, 3;
    is_deeply [ map { $_->{part} } invoices($id) ], [ map { $vg->sql(q{select vg.z(billing.cycle_moment($1, 'Europe/Berlin',
        'MONTHLY', $2))}, $shown->{anchor}, $_) } 1 .. 3 ];
    is_deeply [ $s->history($id) ], [qw(CREATED INVOICED ACTIVATED RENEWED RENEWED RENEWED)];
    is $vg->sql('select next_at > now() from billing.subscription where id = $1', $id), 1, 'and then it is at rest';
};

subtest 'paid by credit' => sub {
    credit('rich', 100);
    my $id = $s->since($small, ago('1 month 2 hours'), customer => 'rich');
    ok $vg->wait_for(sub { join(' ', $s->history($id)) =~ /RENEWED PAID$/ }, 15) or diag explain [ $s->history($id) ];
    is $s->show($id)->{status}, 'ACTIVE';
    is $s->show($id)->{invoiceId}, undef;
    cmp_ok +(invoices($id))[0]{paid}, '==', 11.9;
};

# its clock rings until it has such a history
sub passes {
    my ($id, $pattern) = @_;
    return $vg->wait_for(sub {
        return 1 if join(' ', $s->history($id)) =~ $pattern;
        $s->ring($id) if $vg->sql(q{select count(*) from billing.invoice i join billing.subscription s on s.invoice_id = i.id
            where s.id = $1 and i.due_at is not null}, $id);
        return 0;
    }, 20) || diag explain [ $s->history($id), $s->show($id) ];
}

subtest 'never paid: three more tries, and the end' => sub {
    my $id = $s->since($small, ago('1 month 2 hours'), customer => 'poor');
    ok passes($id, qr/RENEWED PAYMENT_FAILED/), 'nobody could be asked';
    my $shown = $s->show($id);
    is $shown->{status}, 'PAST_DUE';
    is $shown->{failure}, 'payment_required';
    is $vg->sql(q{select extract(epoch from (state ->> 'nextAt')::timestamptz - (state ->> 'unpaidSince')::timestamptz)::int
        from billing.subscription where id = $1}, $id), 86400, 'a day later it is asked for again';
    ok passes($id, qr/CANCELLED/), 'it ends';
    is_deeply [ $s->history($id) ], [ qw(CREATED INVOICED ACTIVATED RENEWED PAYMENT_FAILED), (qw(RETRIED PAYMENT_FAILED)) x 3,
        'CANCELLED' ];
    is $s->show($id)->{reason}, 'unpaid';
    is scalar(invoices($id)), 1, 'no other cycle was billed';
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'subscription.cancelled.v1'
        and aggregate_id = $1}, $id) == 1 }, 10), 'which is told once';
    is $vg->sql('select next_at from billing.subscription where id = $1', $id), undef, 'and it is at rest';
};

subtest 'paid when it is over: that begins nothing' => sub {
    my ($id) = map { $_->{id} } $vg->rows(q{select id from billing.subscription where customer_id = 'poor'});
    my $seen = $s->show($id)->{version};
    $vg->sql(q{select billing.invoice_collect(i.id, now(), 'test') from billing.invoice i where i.subject_id = $1}, $id)
        if credit('poor', 50);
    my $invoice = $vg->sql('select id from billing.invoice where subject_id = $1', $id);
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('billing', 'invoice.updated.v1', $1, $2, 'test', '')}, $invoice, qq({"invoiceId": "$invoice"}));
    ok $vg->wait_for(sub { $vg->sql(q{select not exists (select from vg.outbox) and not exists (
        select from vg.cursor c where c.consumer = 'billing' and c.pos < (select max(e.pos) from vg.event e))}) }, 10);
    is_deeply [ @{ $s->show($id) }{qw(status version)} ], [ 'CANCELLED', $seen ];
};

subtest 'paid at the second try' => sub {
    my $id = $s->since($small, ago('1 month 2 hours'), customer => 'late');
    ok passes($id, qr/RETRIED PAYMENT_FAILED$/);
    credit('late', 50);
    ok passes($id, qr/RETRIED PAYMENT_FAILED RETRIED PAID$/);
    is $s->show($id)->{status}, 'ACTIVE';
    is $s->show($id)->{dunningStep}, undef;
    cmp_ok $vg->sql(q{select balance from billing.account where owner = 'late' and kind = 'CREDIT'}), '==', 38.1;
};

subtest 'paid after cycles in which it gave nothing: those are nobody\'s, the one that runs is billed' => sub {
    my $id = $s->since($small, ago('4 months 10 days'), customer => 'slow');
    ok passes($id, qr/RENEWED PAYMENT_FAILED/);
    my $paid = sub { return $vg->sql(q{select count(*) from billing.invoice where subject_id = $1 and paid = total}, $id) };
    credit('slow', 100);
    ok passes($id, qr/RETRIED PAID/), 'paid';
    ok $vg->wait_for(sub { $paid->() == 2 }, 15), 'and so is one more' or diag explain [ $s->history($id), invoices($id) ];
    my $shown = $s->show($id);
    is_deeply [ @$shown{qw(status period)} ], [ 'ACTIVE', 4 ];
    is_deeply [ map { $_->{part} } invoices($id) ], [ map { $vg->sql(q{select vg.z(billing.cycle_moment($1, 'Europe/Berlin',
        'MONTHLY', $2))}, $shown->{anchor}, $_) } 1, 4 ];
    is $shown->{includedKwhLeft}, 50, 'which gives all that it includes';
    is $vg->sql(q{select count(*) from billing.allowance where subscription_id = $1}, $id), 3, 'the others give nothing';
};

subtest 'what was planned holds from the next cycle on; what was to end ends' => sub {
    my $down = $s->planned($large, ago('1 month 2 hours'), $s->show($s->since($small, ago('1 day'), company => $fleet))->{terms},
        company => $fleet);
    $s->ring($down);
    ok $vg->wait_for(sub { $s->show($down)->{planId} eq $small->{id} }, 15);
    cmp_ok +(invoices($down))[-1]{total}, '==', 11.9;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'subscription.downgraded.v1'
        and aggregate_id = $1}, $down) == 1 }, 10), 'which is told';

    my $ends = $s->since($small, ago('10 days'), company => $fleet);
    is $vg->delete("/api/v1/billing/subscriptions/$ends")->{status}, 200;
    is $s->show($ends)->{status}, 'ACTIVE';
    is $s->show($ends)->{cancelAt}, $s->show($ends)->{periodEnd};
};

$s->rebuilt;
is $vg->sql(q{select max(last_number) - (select count(*) from billing.invoice) from billing.issuer}), 0, 'no number is missing';

done_testing;

# What billing holds of a customer: all of it is in an export, each row once,
# however small the pages; erased goes what no law wants; and what is old goes.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg  = Voltgate->start(extra => { http => "
    voltgate_setting accounts.erasure_again 1;" });
my $api = '/api/v1';
my ($issuer) = '019393c0-0000-7000-8000-000000000001';

sub made {
    my ($path, $body, $status) = @_;
    my $r = $vg->post("$api$path", $body);
    $r->{status} == ($status // 201) or die "$path: $r->{status} $r->{body}";
    return $r->{json};
}

my $count = 0;

sub session {
    my ($customer, %more) = @_;
    my $id = sprintf '019393c0-0000-7000-8000-0000000002%02d', ++$count;
    my ($start, $end) = map { $vg->sql('select vg.z(now() - $1::interval)', $_) } '2 hours', '1 hour';    # old ones go
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('charging', 'charging.session.completed.v1', $1, $2, 'test', '')}, $id, JSON::PP->new->canonical->encode({
        sessionId => $id, operatorId => $issuer, customerId => $customer, country => 'DE', timeZone => 'Europe/Berlin', energyKwh => 10,
        startTime => $start, endTime => $end,
        costs => { currency => 'EUR', lines => [ { type => 'ENERGY', price => 0.5, volume => 10, unit => 'kWh', excl_vat => 5 } ] }, %more }));
    my $invoice;
    $vg->wait_for(sub { ($invoice) = @{ $vg->get("$api/billing/invoices?sessionId=$id")->{json}{items} }; $invoice && $invoice->{dueAt} }, 10)
        or die 'no invoice';
    return $invoice;
}

# a past of somebody, with a bit of everything
sub past {
    my ($name) = @_;
    my $id = made('/customers', { name => $name, email => "$count\@example.com" })->{id};
    my %to = (customerId => $id);
    made('/billing/payment-methods', { %to, provider => 'sandbox', token => "tok_$id", default => JSON::PP::true });
    my $paid = made('/billing/credits/top-up', { %to, amount => 8, currency => 'EUR' }, 202);
    $vg->wait_for(sub { $vg->get("$api/billing/payments/$paid->{id}")->{json}{status} eq 'CAPTURED' }, 20) or die 'no credit';
    my $invoice = session($id);
    made("/billing/invoices/$invoice->{id}/credit-notes", { amount => 1, reason => "for $name" });
    made('/billing/invoices', { %to, issuer => $issuer, currency => 'EUR', lines => [ { text => "a word of $name", quantity => 1, price => 1 } ] });
    my $plan = made('/billing/plans', { name => 'P', operatorId => $issuer, price => 1, currency => 'EUR', cycle => 'MONTHLY', country => 'DE', timeZone => 'Europe/Berlin' });
    my $subscription = made('/billing/subscriptions', { %to, planId => $plan->{id} }, 202);
    $vg->wait_for(sub { $vg->get("$api/billing/subscriptions/$subscription->{id}")->{json}{status} eq 'ACTIVE' }, 20) or die 'not active';
    $vg->sql(q{select (billing.hold_open('SESSION', vg.uuid7(), null, $1, null, $2, 'EUR', 1, 1, now() + interval '1 day', now(), 'test')).id}, $id, $issuer);
    $vg->sql(q{select billing.hold_release(h.subject, now(), 'test') from billing.hold h where h.customer_id = $1}, $id);
    return $id;
}

my ($anna, $ben) = (past('Anna Alt'), past('Ben Bleibt'));
my %there = (invoice => q{select id from billing.invoice where customer_id = $1 union all select id from billing.draft where customer_id = $1},
    creditNote => 'select id from billing.credit_note where customer_id = $1', hold => 'select id from billing.hold where customer_id = $1',
    payment => 'select id from billing.intent where customer_id = $1', paymentMethod => 'select id from billing.method where payer = $1',
    credit => 'select id from billing.payer where id = $1', subscription => 'select id from billing.subscription where customer_id = $1',
    creditMovement => q{select e.transfer_id || '-' || e.account_id as id from billing.entry e join billing.account a on a.id = e.account_id
        where a.owner = $1 and a.kind in ('CREDIT', 'HELD')}, use => 'select session_id as id from billing.used where customer_id = $1');

# The statement by itself, as accounts asks: pages of so many rows
sub exported {
    my ($customer, $most) = @_;
    open my $in, '<', "$Voltgate::ROOT/plugins/billing/sql/queries/customer_export.sql" or die $!;
    my $text = do { local $/ = undef; <$in> };
    $text =~ s/(?<!:):customerId\b/\$1::text/g;
    $text =~ s/(?<!:):after\b/\$2::text/g;
    $text =~ s/(?<!:):most\b/\$3::int/g;
    my ($after, @rows);
    for (1 .. 100) {
        my $page = JSON::PP->new->decode(scalar $vg->sql($text, $customer, $after, $most));
        push @rows, @{ $page->{rows} };
        $after = $page->{next} // return @rows;
    }
    die 'it does not end';
}

subtest 'all of it is exported, once' => sub {
    for my $most (1, 2, 7, 500) {
        my %seen;
        push @{ $seen{ $_->{kind} } }, $_->{row}{id} // $_->{row}{sessionId} // $_->{row}{payer}{id} for exported($anna, $most);
        is_deeply { map { $_ => [ sort @{ $seen{$_} } ] } keys %seen },
            { map { $_ => [ sort map { $_->{id} } $vg->rows($there{$_}, $anna) ] } keys %there }, "in pages of $most";
    }
    my $text = JSON::PP->new->canonical->encode([ exported($anna, 500) ]);
    like $text, qr/$_/, $_ for 'for Anna Alt', 'a word of Anna Alt';
    unlike $text, qr/$_/, "no $_" for $ben, 'Ben Bleibt', "tok_$anna", '"token"';
    is_deeply [ exported('nobody', 500) ], [];
};

subtest 'erased goes what no law wants' => sub {
    my $erasure = $vg->delete("$api/customers/$anna")->{json}{erasureId};
    my $r = $vg->erased($erasure);
    is $r->{status}, 'COMPLETED' or diag explain $r;
    my ($part) = grep { $_->{plugin} eq 'billing' } @{ $r->{plugins} };
    my ($gone, $kept) = ({ %{ $part->{erased} } }, $part->{kept});
    delete $gone->{answer};
    is_deeply $gone, { hold => 1, paymentMethod => 1, use => 1, draft => 1 };
    is_deeply $kept, { invoice => 2, creditNote => 1, payment => 1, subscription => 1 };
    is_deeply { map { $_ => scalar(() = $vg->rows($there{$_}, $anna)) } grep { !/credit/ } keys %there },
        { invoice => 2, hold => 0, payment => 1, paymentMethod => 0, subscription => 1, use => 0 };
    is $vg->sql('select count(*) from billing.used where customer_id is null'), 1, 'what was used stays, nobody\'s';
    is $vg->sql('select status from billing.subscription where customer_id = $1', $anna), 'CANCELLED';
    is_deeply { map { $_ => scalar(() = $vg->rows($there{$_}, $ben)) } keys %there },
        { invoice => 3, creditNote => 1, hold => 1, payment => 1, paymentMethod => 1, credit => 1, subscription => 1, use => 1,
        creditMovement => scalar(() = $vg->rows($there{creditMovement}, $ben)) }, 'of others nothing';
    is_deeply [ $vg->rows('select * from billing.fault') ], [], 'the books stand';
};

# An invoice of so long ago, and notes that credited it since
sub old {
    my ($issued, @notes) = @_;
    my $dbh = $vg->dbh;
    $dbh->begin_work;
    my $id = $vg->sql(q{select billing.invoice_issue('SESSION', vg.uuid7(), '', 'old', 'old', null, '{"currency": "EUR", "minorUnits": 2,
        "net": 10, "tax": 1.9, "total": 11.9, "taxUnknown": false, "lines": [{"type": "ENERGY", "taxRate": 19, "amount": 10}],
        "taxes": [{"rate": 19, "base": 10, "amount": 1.9}]}', '{"country": "DE"}', now() - $1::interval, 'test') ->> 'aggregateId'}, $issued);
    $vg->sql(q{select billing.credit_note_issue(vg.uuid7(), $1, '[{"position": 1, "amount": 1}]', null, null, now() - $2::interval, 'test')}, $id, $_) for @notes;
    $dbh->commit;
    return $id;
}

sub rows_of {
    my ($id) = @_;
    return join ' ', map { $vg->sql("select count(*) from billing.$_", $id) } 'invoice where id = $1', 'invoice_line where invoice_id = $1',
        'invoice_tax where invoice_id = $1', 'invoice_party where invoice_id = $1', 'credit_note where invoice_id = $1',
        map { "credit_note_$_ p join billing.credit_note n on n.id = p.credit_note_id where n.invoice_id = \$1" } qw(line tax);
}

subtest 'what is old goes, an invoice with what corrected it' => sub {
    my $gone  = old('13 years', '12 years', '11 years 1 month');
    my $plain = old('13 years');
    my $stays = old('13 years', '12 years', '9 years');
    my $young = old('3 years', '2 years');
    is rows_of($gone), '1 1 1 1 2 2 2', 'it is there';
    my $orphans = sub { return $vg->sql(q{select (select count(*) from billing.credit_note_line l where not exists (select from billing.credit_note n where n.id = l.credit_note_id))
        + (select count(*) from billing.credit_note_tax l where not exists (select from billing.credit_note n where n.id = l.credit_note_id))}) };
    $vg->sql(q{insert into billing.used (session_id, month, ended_at, energy_kwh, seconds) values
        ('019393c0-0000-7000-8000-000000000301', '2020-01-01', now() - interval '3 years 1 day', 1, 1),
        ('019393c0-0000-7000-8000-000000000302', '2020-01-01', now() - interval '2 years 360 days', 1, 1)});
    $vg->sql(q{insert into billing.draft (id, issuer, customer_id, currency, lines, created_at)
        select vg.uuid7(), 'old', 'old', 'EUR', '[]', now() - i::interval from unnest(array['13 months', '11 months']) i});
    $vg->stop_gateway;
    $vg->start_gateway;
    ok $vg->wait_for(sub { rows_of($gone) eq '0 0 0 0 0 0 0' && rows_of($plain) eq '0 0 0 0 0 0 0' }, 120), 'more than ten years beyond the year of the last of them'
        or diag rows_of($gone), ' ', rows_of($plain);
    is $orphans->(), 0, 'with all its parts';
    is rows_of($stays), '1 1 1 1 2 2 2', 'what was corrected within them stays whole';
    is rows_of($young), '1 1 1 1 1 1 1';
    ok $vg->wait_for(sub { $vg->sql(q{select string_agg(right(session_id::text, 3), ' ') from billing.used where session_id::text like '%3__'}) eq '302' }, 60), 'what was used, after three years';
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from billing.draft where issuer = 'old'}) == 1 }, 60), 'a draft, after one';
    is_deeply [ $vg->rows('select * from billing.fault') ], [], 'the books keep what was moved';
};

done_testing;

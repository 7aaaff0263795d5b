# How invoices get paid once they are issued: when they are due, credit first,
# then a card.

use strict;
use warnings;

use JSON::PP ();
use POSIX    ();
use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $url = '/api/v1/billing/invoices';

my $issuer = '019393c0-0000-7000-8000-000000000001';
my $fleet  = '019393c0-0000-7000-8000-0000000000f1';
my $count  = 0;

sub subject { return sprintf '019393c0-0000-7000-8000-0000001%05d', $_[0] }

sub told {
    my ($type, %payload) = @_;
    my ($plugin, $id) = $type =~ /^reservation/ ? (reservations => $payload{reservationId}) : (charging => $payload{sessionId});
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ($1, $2, $3, $4, 'test', '')}, $plugin, $type, $id, JSON::PP->new->canonical->encode(\%payload));
    return $id;
}

# a session of 5.00 EUR, 5.95 with German VAT; its settled invoice
sub invoiced {
    my (%more) = @_;
    my $id = told('charging.session.completed.v1', sessionId => subject(++$count), operatorId => $issuer, country => 'DE',
        startTime => '2026-11-21T01:00:00Z', endTime => '2026-11-21T02:00:00Z', energyKwh => 10,
        costs => { currency => 'EUR', lines => [
            { type => 'ENERGY', price => 0.5, volume => 10, unit => 'kWh', excl_vat => 5 } ] }, %more);
    return settled($id);
}

sub settled {
    my ($id) = @_;
    my $invoice;
    $vg->wait_for(sub { ($invoice) = @{ $vg->get("$url?subjectId=$id")->{json}{items} }; $invoice && $invoice->{dueAt} }, 10)
        or die "not settled: $id\n";
    return $invoice;
}

sub credit {
    my ($payer, $amount) = @_;
    $vg->sql(q{select billing.payer_known($1, null)}, $payer);
    $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $2, 'EUR', now(), 'test')},
        $payer, $amount);
    return;
}

sub balance {
    my ($kind, $owner) = @_;
    return $vg->sql(q{select coalesce(sum(a.balance), 0) from billing.account a where a.kind = $1 and a.owner = $2}, $kind, $owner);
}

sub told_of {
    my ($id) = @_;
    my $types;
    $vg->wait_for(sub { ($types) = $vg->sql(q{select string_agg(e.type, ' ' order by e.pos) from vg.event e where e.aggregate_id = $1}, $id);
        ($types // '') =~ /created/ && !$vg->sql('select count(*) from vg.outbox') }, 10);
    return $types;
}

subtest 'credit pays all of it' => sub {
    credit('rich', 10);
    my $invoice = invoiced(customerId => 'rich');
    is $invoice->{status}, 'PAID';
    cmp_ok $invoice->{paid}, '==', 5.95;
    cmp_ok balance(CREDIT => 'rich'), '==', 4.05;
    cmp_ok balance(RECEIVABLE => 'rich'), '==', 0;
    is told_of($invoice->{id}), 'invoice.created.v1 invoice.updated.v1 invoice.paid.v1';
};

subtest 'credit as far as it goes, the rest is due at once' => sub {
    credit('poor', 2);
    my $invoice = invoiced(customerId => 'poor');
    is $invoice->{status}, 'OVERDUE', 'nothing else pays';
    cmp_ok $invoice->{paid}, '==', 2;
    is $invoice->{dueAt}, $invoice->{issuedAt};
    cmp_ok balance(RECEIVABLE => 'poor'), '==', -3.95;
    is_deeply [ map { $_->{id} } @{ $vg->get("$url?status=OVERDUE&customerId=poor")->{json}{items} } ], [ $invoice->{id} ];
    is scalar @{ $vg->get("$url?status=ISSUED&customerId=poor")->{json}{items} }, 0;
};

# what is held for a session, of credit
sub held {
    my ($payer, $session, $amount) = @_;
    my ($id) = $vg->sql(q{insert into billing.hold (id, subject_kind, subject, payer, customer_id, issuer, currency, amount, wanted,
        status, expires_at, created_at, updated_at)
        values (vg.uuid7(), 'SESSION', $1, $2, $2, $3, 'EUR', $4, $4, 'HELD', now() + interval '1 hour', now(), now()) returning id},
        $session, $payer, $issuer, $amount);
    $vg->sql(q{insert into billing.hold_part (hold_id, position, source, amount, status) values ($1, 1, 'CREDIT', $2, 'HELD')},
        $id, $amount);
    $vg->sql(q{select billing.move('HOLD', $1, '1', 'CREDIT', $2, 'HELD', $2, $3, 'EUR', now(), 'test')}, $id, $payer, $amount);
    return;
}

subtest 'what is held pays first, and what is too much goes back' => sub {
    credit('holder', 30);
    held('holder', subject($count + 1), 20);
    cmp_ok balance(HELD => 'holder'), '==', 20;
    my $invoice = invoiced(customerId => 'holder');
    is $invoice->{status}, 'PAID';
    cmp_ok balance(HELD => 'holder'), '==', 0;
    cmp_ok balance(CREDIT => 'holder'), '==', 24.05;

    held('holder', subject($count + 1), 2);
    is invoiced(customerId => 'holder')->{status}, 'PAID', 'what is held is too little: credit pays the rest';
    cmp_ok balance(CREDIT => 'holder'), '==', 18.1;
};

subtest 'a session that was free lets go of what was held' => sub {
    credit('free', 30);
    held('free', subject(80_001), 20);
    told('charging.session.completed.v1', sessionId => subject(80_001), operatorId => $issuer, customerId => 'free');
    invoiced(customerId => 'free');
    cmp_ok balance(HELD => 'free'), '==', 20, 'not one that is not priced yet';
    told('charging.session.priced.v1', sessionId => subject(80_001), operatorId => $issuer, customerId => 'free',
        costs => { currency => 'EUR', lines => [] });
    ok $vg->wait_for(sub { balance(HELD => 'free') == 0 }, 10);
    cmp_ok balance(CREDIT => 'free'), '==', 24.05;
};

subtest 'a card is asked for what credit does not cover' => sub {
    credit('carded', 1);
    my $method = $vg->post('/api/v1/billing/payment-methods',
        { provider => 'sandbox', token => 'tok_settle', customerId => 'carded', default => JSON::PP::true });
    is $method->{status}, 201 or diag $method->{body};
    my $invoice = invoiced(customerId => 'carded');
    my ($intent) = $vg->rows(q{select i.* from billing.intent i where i.subject = $1}, $invoice->{id});
    is "$intent->{purpose} $intent->{wanted}", 'INVOICE CAPTURED';
    cmp_ok $intent->{amount}, '==', 4.95;
    is $intent->{method_id}, $method->{json}{id};
};

# of one commit, so that the provider says nothing meanwhile
subtest 'what a payment under way will pay is asked of nobody else' => sub {
    credit('hasty', 1);
    is $vg->post('/api/v1/billing/payment-methods', { provider => 'sandbox', token => 'tok_settle', customerId => 'hasty' })->{status}, 201;
    for my $case ([ settle => q{select billing.invoice_settle($1, 14, now(), 'test')} ], [ again => q{select billing.invoice_collect($1, now(), 'test')} ]) {
        my ($name, $what) = @$case;
        for my $amount (10, 7) {
            $vg->dbh->begin_work;
            my $id = $vg->sql(q{select billing.invoice_issue('SESSION', vg.uuid7(), '', $1, 'hasty', null, '{"currency": "EUR", "minorUnits": 2, "net": 10, "tax": 0,
                "total": 10, "taxUnknown": false, "lines": [], "taxes": [{"rate": 0, "base": 10, "amount": 0}]}', '{}', now(), 'test') ->> 'aggregateId'}, $issuer);
            $vg->sql(q{select billing.intent_open(vg.uuid7(), 'INVOICE', $1, 'hasty', 'hasty', null, $2, null, $3, 'EUR', 'CAPTURED', now(), 'test')}, $id, $issuer, $amount);
            $vg->sql($what, $id);
            cmp_ok $vg->sql(q{select sum(i.amount) + (select v.paid from billing.invoice v where v.id = i.subject)
                from billing.intent i where i.subject = $1 group by i.subject}, $id), '==', 10, "$name: beside $amount";
            $vg->dbh->rollback;
        }
    }
};

subtest 'on account it is due later, and nothing is taken' => sub {
    credit($fleet, 50);
    $vg->sql(q{update billing.payer set terms = 'ACCOUNT', kind = 'COMPANY' where id = $1}, $fleet);
    my $invoice = invoiced(customerId => 'rich', companyId => $fleet);
    is $invoice->{status}, 'ISSUED';
    cmp_ok $invoice->{paid}, '==', 0;
    is $vg->sql(q{select $1::timestamptz - $2::timestamptz = interval '14 days'}, $invoice->{dueAt}, $invoice->{issuedAt}), 1,
        'in 14 days';
    cmp_ok balance(RECEIVABLE => $fleet), '==', -5.95;
};

# Nobody hears of it: it is due when this says
subtest 'who has it as it was sees that it is overdue by now' => sub {
    my $id = $vg->sql(q{select billing.invoice_issue('SESSION', vg.uuid7(), '', $1, 'waits', null, '{"currency": "EUR", "minorUnits": 2, "net": 1, "tax": 0,
        "total": 1, "taxUnknown": false, "lines": [], "taxes": [{"rate": 0, "base": 1, "amount": 0}]}', '{}', now(), 'test') ->> 'aggregateId'}, $issuer);
    $vg->sql(q{update billing.invoice set due_at = now() + interval '6 s', version = version + 1 where id = $1}, $id);
    my $was = $vg->get("$url/$id");
    is $was->{json}{status}, 'ISSUED';
    is $vg->get("$url/$id", { 'If-None-Match' => $was->{headers}{etag} })->{status}, 304;
    my $r;
    ok $vg->wait_for(sub { $r = $vg->get("$url/$id", { 'If-None-Match' => $was->{headers}{etag} }); $r->{status} != 304 }, 20);
    is $r->{json}{status}, 'OVERDUE';
    is $r->{json}{version}, $was->{json}{version}, 'though it is the same version';
    isnt $r->{headers}{etag}, $was->{headers}{etag};
};

subtest 'nobody is known: it is owed' => sub {
    my $invoice = invoiced();
    is $invoice->{status}, 'OVERDUE';
    cmp_ok balance(RECEIVABLE => '-'), '==', -5.95;
};

subtest 'settled once, told how often' => sub {
    credit('again', 100);
    my $invoice = invoiced(customerId => 'again');
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        select 'billing', e.type, e.aggregate_id, e.payload, 'test', '' from vg.event e
        where e.aggregate_id = $1 and e.type = 'invoice.created.v1'}, $invoice->{id}) for 1 .. 3;
    my $last = invoiced(customerId => 'again');
    cmp_ok balance(CREDIT => 'again'), '==', 100 - 2 * 5.95;
    is $vg->get("$url/$invoice->{id}")->{json}{version}, $invoice->{version};
};

subtest 'the fee of a reservation that was not used' => sub {
    credit('late', 20);
    my %reservation = (operatorId => $issuer, customerId => 'late', startTime => '2026-11-21T01:00:00Z',
        endTime => '2026-11-21T02:00:00Z', currency => 'EUR', fee => 3);
    my @lines = ({ type => 'TIME', reservation => 'RESERVATION_EXPIRES', price => 3, volume => 1, unit => 'h', vat => 10, excl_vat => 3 });
    my $id = told('reservation.expired.v1', reservationId => subject(90_001), %reservation,
        costs => { currency => 'EUR', lines => [ @lines, { type => 'MIN_PRICE', excl_vat => 7 } ] });
    my $invoice = settled($id);
    is $invoice->{subjectKind}, 'RESERVATION';
    is $invoice->{sessionId}, undef;
    is $invoice->{lines}[0]{kind}, 'RESERVATION';
    cmp_ok $invoice->{total}, '==', 3.3, 'no least price';
    is $invoice->{status}, 'PAID';
    told('reservation.cancelled.v1', reservationId => subject(90_002), %reservation, fee => 0, costs => { currency => 'EUR', lines => [] });
    told('reservation.cancelled.v1', reservationId => subject(90_003), %reservation, fee => undef, costs => undef);
    told('reservation.cancelled.v1', reservationId => $id, %reservation, costs => { currency => 'EUR', lines => \@lines });
    invoiced(customerId => 'late');
    is $vg->sql(q{select count(*) from billing.invoice i where i.subject_kind = 'RESERVATION'}), 1, 'no fee, no invoice';
    is_deeply [ $vg->rows('select p.consumer, p.type, p.error from vg.parked p where p.consumer = \'billing\'') ], [], 'each was heard';
};

subtest 'what is paid beyond what is owed is the payer\'s credit' => sub {
    my $invoice = invoiced(customerId => 'eager');
    my $before = balance(CREDIT => 'eager');
    $vg->sql(q{select billing.move('PAYMENT', vg.uuid7(), 'p', 'PROVIDER', 'sandbox', 'RECEIVABLE', 'eager', 10, 'EUR', now(), 'test')});
    $vg->sql(q{select billing.invoice_paid($1, 10, now())}, $invoice->{id});
    my $paid = $vg->get("$url/$invoice->{id}")->{json};
    is $paid->{status}, 'PAID';
    cmp_ok $paid->{paid}, '==', 5.95;
    cmp_ok balance(CREDIT => 'eager') - $before, '==', 4.05;
    cmp_ok balance(RECEIVABLE => 'eager'), '==', 0;
};

subtest 'the books are right' => sub {
    is_deeply [ $vg->rows('select * from billing.fault') ], [];
    is_deeply [ $vg->rows(q{select i.payer from billing.invoice i
        join billing.account a on a.kind = 'RECEIVABLE' and a.owner = coalesce(i.payer, '-') and a.currency = i.currency
        group by i.payer, a.balance having a.balance <> -sum(i.total - i.paid - i.credited)}) ], [], 'what is owed is what is open';
};

done_testing;

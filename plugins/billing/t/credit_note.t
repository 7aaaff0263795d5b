# Credit notes: what is taken back of an invoice, to the last unit, and what
# was paid for it.

use strict;
use warnings;

use JSON::PP ();
use List::Util ();
use Test::More;

use Voltgate;
use Voltgate::Load;

my $vg  = Voltgate->start;
my $api = '/api/v1/billing';

my $issuer = '019393c0-0000-7000-8000-000000000001';
my %as = map { $_->[0] => { Authorization => 'Bearer ' . $vg->token(role => $_->[1], subject => $_->[0], company => $_->[2]) } }
    ([ us => 'operator', $issuer ], [ other => 'operator', '019393c0-0000-7000-8000-000000000002' ], [ dana => 'driver' ]);

# of three rates: 0.03 and 0.01, 10.01 and 1.90, 5.55 and 0.39: 17.89 in all
my @lines = ({ text => 'a', quantity => 1, price => 10.01, taxRate => 19 }, { text => 'b', quantity => 3, price => 1.85, taxRate => 7 },
    { text => 'c', quantity => 1, price => 0.03, taxRate => 25 });

my $currency = 'EUR';

sub invoice {
    my ($customer, @of) = @_;
    my $draft = $vg->post("$api/invoices", { issuer => $issuer, customerId => $customer, currency => $currency,
        lines => @of ? \@of : \@lines });
    my $r = $vg->post("$api/invoices/$draft->{json}{id}/capture", undef, $as{us});
    $r->{status} == 200 or die $r->{body};
    my $settled;
    $vg->wait_for(sub { ($settled = now_of($r->{json}{id}))->{dueAt} }, 10) or die 'not settled';
    return $settled;
}

sub now_of { return $vg->get("$api/invoices/$_[0]")->{json} }

sub credited {
    my ($invoice, %what) = @_;
    return $vg->post("$api/invoices/$invoice->{id}/credit-notes", \%what, $as{us});
}

sub top_up {
    my ($payer, $amount) = @_;
    $vg->sql(q{select billing.payer_known($1, null)}, $payer);
    $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $2, 'EUR', now(), 'test')},
        $payer, $amount);
    return;
}

sub balance { return $vg->sql(q{select coalesce(sum(a.balance), 0) from billing.account a where a.kind = $1 and a.owner = $2}, @_) }

# the sums of all credit notes of an invoice are the invoice's, rate by rate
sub wholly {
    my ($invoice) = @_;
    my $id = $invoice->{id};
    is_deeply [ $vg->rows(q{select t.rate, sum(t.base) as base, sum(t.amount) as amount from billing.credit_note_tax t
            join billing.credit_note n on n.id = t.credit_note_id where n.invoice_id = $1 group by t.rate order by t.rate}, $id) ],
        [ $vg->rows('select t.rate, t.base, t.amount from billing.invoice_tax t where t.invoice_id = $1 order by t.rate', $id) ],
        'to the last unit of each rate';
    is now_of($id)->{status}, 'CREDITED';
    return;
}

subtest 'the whole of it' => sub {
    my $invoice = invoice('dana');
    cmp_ok $invoice->{total}, '==', 17.89;
    my $note = credited($invoice, reason => 'The cable was found');
    is $note->{status}, 201 or diag $note->{body};
    is_deeply [ @{ $note->{json} }{qw(number invoiceId reason)} ], [ 'CN-00000001', $invoice->{id}, 'The cable was found' ];
    cmp_ok $note->{json}{total}, '==', 17.89;
    wholly($invoice);
    cmp_ok balance(RECEIVABLE => 'dana'), '==', 0, 'nothing is owed';
    my $more = credited($invoice);
    is $more->{status}, 409;
    like $more->{json}{type}, qr/credit_too_high$/;
    is credited($invoice, amount => 0.01)->{status}, 409;
};

subtest 'in parts, by amounts: the parts are the whole' => sub {
    my $invoice = invoice('dana');
    for my $amount (0.01, 0.01, 0.02, 3.33, 0.07, 5, 9.44) {
        my $r = credited($invoice, amount => $amount);
        is $r->{status}, 201 or diag $r->{body};
        cmp_ok $r->{json}{total}, '==', $amount;
    }
    is credited($invoice, amount => 0.02)->{status}, 409, 'a cent more than is left';
    is now_of($invoice->{id})->{status}, 'OVERDUE';
    is credited($invoice, amount => 0.01)->{status}, 201;
    wholly($invoice);
};

subtest 'in parts, by lines' => sub {
    my $invoice = invoice('dana');
    my $r = credited($invoice, lines => [ { position => 2, amount => 1.11 }, { position => 1 } ]);
    is $r->{status}, 201 or diag $r->{body};
    is_deeply [ map { "$_->{rate} $_->{base} $_->{amount}" } @{ $r->{json}{taxes} } ], [ '19 10.01 1.9', '7 1.11 0.08' ];
    is_deeply [ map { "$_->{position} $_->{ofLine} $_->{amount}" } @{ $r->{json}{lines} } ], [ '1 2 1.11', '2 1 10.01' ];
    is credited($invoice, lines => [ { position => 1, amount => 0.01 } ])->{status}, 409, 'nothing of that rate is left';
    is credited($invoice, lines => [ { position => 9 } ])->{status}, 422, 'no such line';
    is credited($invoice, lines => [ { position => 2, amount => 5.56 } ])->{status}, 422, 'more than the line';
    is credited($invoice, lines => [ { position => 2, amount => 0.001 } ])->{status}, 422, 'no amount of money';
    is credited($invoice, amount => 0.001)->{status}, 422;
    is credited($invoice, amount => 1, lines => [ { position => 1 } ])->{status}, 400;
    is credited($invoice, lines => [ { position => 2, amount => 4.44 } ])->{json}{tax}, 0.31, 'the last of a rate has the rest of its tax';
    is credited($invoice)->{status}, 201;
    wholly($invoice);
};

subtest 'in parts, in currencies of other digits' => sub {
    my @rates = ([ JPY => 0, 1, 2, 50, 99 ], [ KWD => 3, 0.001, 0.001, 0.333, 20.002 ]);
    for my $of (@rates) {
        $currency = $of->[0];
        my ($digits, @amounts) = @$of[ 1 .. $#$of ];
        my $invoice = invoice('dana', { text => 'a', quantity => 3, price => 33.5, taxRate => 10 }, { text => 'b', quantity => 1, price => 51.4995, taxRate => 8 });
        my $left = $invoice->{total};
        for my $amount (@amounts) {
            my $r = credited($invoice, amount => $amount);
            is $r->{status}, 201 or diag $r->{body};
            cmp_ok $r->{json}{total}, '==', $amount, "$currency $amount";
            cmp_ok $r->{json}{net} + $r->{json}{tax}, '==', $amount;
        }
        is credited($invoice, amount => 10**-($digits + 1))->{status}, 422, 'finer than the currency';
        my $rest = credited($invoice)->{json};
        is sprintf("%.${digits}f", $rest->{total}), sprintf("%.${digits}f", $left - List::Util::sum(@amounts)), 'the rest';
        wholly($invoice);
    }
    $currency = 'EUR';
};

subtest 'what a subscription gives back is a credit note, too: no more tax than there is' => sub {
    for my $nets ([3.33], [ 3.33, 3.33, 3.33 ], [ 0.01, 9.98 ], [ 12 ]) {
        my $invoice = invoice('dana', { text => 'a cycle', quantity => 1, price => 9.99, taxRate => 19 });
        my $back = 0;
        for my $net (@$nets) {
            $back += $vg->sql(q{select billing.invoice_less($1, $2, 'a test', now(), 'test') ->> 'net'}, $invoice->{id}, $net);
        }
        my $is = now_of($invoice->{id});
        is sprintf('%.2f', $is->{credited}), sprintf('%.2f', $vg->sql(q{select sum(t.credited_base + t.credited_amount) from billing.invoice_tax t
            where t.invoice_id = $1}, $invoice->{id})), "@$nets: the row of the rate has it";
        cmp_ok sprintf('%.2f', $back), '<=', 9.99;
        my $rest = credited($invoice);
        is $rest->{status}, $back < 9.985 ? 201 : 409, 'the rest can be credited, and no more';
        wholly($invoice);
    }
};

subtest 'what credit paid goes back to credit' => sub {
    top_up('rich', 20);
    my $invoice = invoice('rich');
    is $invoice->{status}, 'PAID';
    is credited($invoice, amount => 7.89)->{json}{refunds}[0]{to}, 'CREDIT';
    cmp_ok balance(CREDIT => 'rich'), '==', 10;
    is now_of($invoice->{id})->{status}, 'PAID', 'what is left of it is paid';
    credited($invoice);
    cmp_ok balance(CREDIT => 'rich'), '==', 20;
    cmp_ok now_of($invoice->{id})->{paid}, '==', 0;
    wholly($invoice);
};

subtest 'what was not paid is not given back' => sub {
    top_up('half', 10);
    my $invoice = invoice('half');
    is_deeply credited($invoice, amount => 7.89)->{json}{refunds}, [], 'it was still owed';
    is now_of($invoice->{id})->{status}, 'PAID', 'and so it is paid';
    # in one snapshot, for the clerk carries it from the one to the other
    is $vg->sql(q{select count(*) from (select type, aggregate_id from vg.outbox union all select type, aggregate_id from vg.event) e
        where e.type = 'invoice.paid.v1' and e.aggregate_id = $1}, $invoice->{id}), 1;
    cmp_ok credited($invoice, amount => 1)->{json}{refunds}[0]{amount}, '==', 1;
    cmp_ok balance(CREDIT => 'half'), '==', 1;
};

subtest 'what a card paid goes back to the card' => sub {
    my $method = $vg->post("$api/payment-methods", { provider => 'sandbox', token => 'tok_note', customerId => 'carded',
        default => JSON::PP::true });
    is $method->{status}, 201 or diag $method->{body};
    top_up('carded', 2);
    my $invoice = invoice('carded');
    ok $vg->wait_for(sub { now_of($invoice->{id})->{status} eq 'PAID' }, 20), 'the card has paid the rest';
    my $note = credited($invoice, amount => 16)->{json};
    my ($intent) = $vg->rows('select i.id, i.to_refund from billing.intent i where i.subject = $1', $invoice->{id});
    is_deeply [ map { "$_->{to} $_->{amount}" } @{ $note->{refunds} } ], [ "$intent->{id} 15.89", 'CREDIT 0.11' ];
    cmp_ok $intent->{to_refund}, '==', 15.89;
    my $again = credited($invoice)->{json};
    is_deeply [ map { "$_->{to} $_->{amount}" } @{ $again->{refunds} } ], ['CREDIT 1.89'], 'nothing goes back twice';
    ok $vg->wait_for(sub { now_of($invoice->{id})->{paid} == 0 }, 20), 'the card has it back';
    cmp_ok balance(RECEIVABLE => 'carded'), '==', 0;
    cmp_ok balance(CREDIT => 'carded'), '==', 2;
    wholly($invoice);
};

subtest 'many at once: never above, and no number is missing' => sub {
    my $invoice = invoice('dana', { text => 'x', quantity => 1, price => 10, taxRate => 19 });
    my $before  = $vg->sql('select i.last_credit from billing.issuer i where i.issuer = $1', $issuer);
    my @said = Voltgate::Load->start($vg, 8, sub { (POST => "$api/invoices/$invoice->{id}/credit-notes", { amount => 1 }, 'note', $as{us}) },
        calls => 3)->wait;
    is scalar(@said), 24;
    is scalar(grep { $_->{status} == 201 } @said), 11, '11.90 has eleven units in it';
    is scalar(grep { $_->{status} == 409 } @said), 13 or diag(Voltgate::Load->tally(@said));
    is credited($invoice)->{status}, 201;
    wholly($invoice);
    is $vg->sql('select i.last_credit from billing.issuer i where i.issuer = $1', $issuer), $before + 12;
    is $vg->sql(q{select count(*) from billing.credit_note n where n.issuer = $1}, $issuer), $before + 12;
};

subtest 'whose it is' => sub {
    my $invoice = invoice('dana');
    my $path = "$api/invoices/$invoice->{id}/credit-notes";
    is $vg->post($path, {}, $as{other})->{status}, 404;
    is $vg->post($path, {}, $as{dana})->{status}, 403, 'whom it credits may read it';
    my $note = $vg->post($path, {}, $as{us})->{json};
    is $vg->get("$api/credit-notes/$note->{id}", $as{dana})->{status}, 200;
    is $vg->get("$api/credit-notes/$note->{id}", $as{other})->{status}, 404;
    is_deeply [ map { $_->{id} } @{ $vg->get("$api/credit-notes?invoiceId=$invoice->{id}", $as{dana})->{json}{items} } ], [ $note->{id} ];
    is_deeply $vg->get("$api/credit-notes", $as{other})->{json}{items}, [];
    is credited({ id => $issuer })->{status}, 404;
};

subtest 'a credit note does not change' => sub {
    my $refused = sub {
        my $dbh = $vg->dbh;
        local $@ = '';
        $dbh->begin_work;
        eval { $dbh->do($_) for @_; 1 };
        $dbh->rollback;
        return $@ =~ /does not change|credit_too_high/ ? 1 : "went, or failed otherwise: $@";
    };
    is $refused->($_), 1, $_ for 'update billing.credit_note set net = 0, total = tax', 'delete from billing.credit_note',
        'update billing.credit_note_tax set base = 0', 'delete from billing.credit_note_tax', 'delete from billing.credit_note_line',
        'insert into billing.credit_note_tax (credit_note_id, rate, base, amount) select n.id, 99, 1, 1 from billing.credit_note n',
        'update billing.invoice_tax set credited_base = 0, credited_amount = 0', 'update billing.invoice_tax set credited_base = base + 1';
};

subtest 'the books are right' => sub {
    is_deeply [ $vg->rows('select * from billing.fault') ], [];
    is_deeply [ $vg->rows(q{select i.payer from billing.invoice i
        join billing.account a on a.kind = 'RECEIVABLE' and a.owner = i.payer and a.currency = i.currency
        group by i.payer, a.balance having a.balance <> -sum(i.total - i.paid - i.credited)}) ], [], 'what is owed is what is open';
    is $vg->sql(q{select sum(e.amount) from billing.entry e join billing.account a on a.id = e.account_id where a.kind = 'TAX'}),
        $vg->sql('select sum(t.amount - t.credited_amount) from billing.invoice_tax t'), 'taxes are what is left of them';
};

done_testing;

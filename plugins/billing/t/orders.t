# What may happen to the money of one invoice, in any order: payments that come
# late, are given up, given back by the operator or at the provider's desk, which
# may be undone; credit notes of a part and of the whole; credit that is used
# meanwhile. After each order all that is under way comes to its end, and then
# books, invoice, taxes and payments say the same.
# Long: hundreds of orders.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg = Voltgate->start(plugins => ['billing']);
$vg->stop_gateway;                           # what is pushed here is said here
my $dbh = $vg->dbh;
my $most = 4;
$dbh->do('set jit = off');

my ($OTHER, $SESSION) = map { "019393c0-0000-7000-8000-00000000000$_" } 2, 3;
my $CARD;
my $method = '019393c0-0000-7000-8000-0000000000aa';
my $notes;

sub call { my ($query, @values) = @_; return ($dbh->selectrow_array($dbh->prepare_cached("select $query"), undef, @values))[0] }

# 11.90 of two rates: 5 is held on a card, 2 is credit, which came by another
# payment; a card is asked for the rest
my $bill = '{"currency": "EUR", "minorUnits": 2, "taxUnknown": false, "net": 10.20, "tax": 1.70, "total": 11.90,
    "lines": [{"type": "ENERGY", "price": 1, "volume": 8, "unit": "kWh", "taxRate": 19, "amount": 8.21},
        {"type": "TIME", "price": 1, "volume": 1.99, "unit": "h", "taxRate": 7, "amount": 1.99}],
    "taxes": [{"rate": 19, "base": 8.21, "amount": 1.56}, {"rate": 7, "base": 1.99, "amount": 0.14}]}';

sub ground {
    $dbh->do(q{insert into billing.method (id, payer, provider, token, created_at) values ($1, 'p', 'sandbox', 't', now())}, undef, $method);
    call(q{billing.payer_known('p', null)});
    $dbh->do(q{update billing.payer set method_id = $1}, undef, $method);
    call(q{billing.invoice_issue('SESSION', $1, '', 'issuer', 'p', null, '{"currency": "EUR", "minorUnits": 2, "taxUnknown": false,
        "net": 100, "tax": 0, "total": 100, "lines": [], "taxes": [{"rate": 0, "base": 100, "amount": 0}]}', '{}', now(), 'test')}, $OTHER);
    call(q{(billing.hold_open('SESSION', $1, null, 'p', null, 'issuer', 'EUR', 5, 1, now() + interval '1 day', now(), 'test')).id}, $SESSION);
    said(hold(), 'AUTHORISED', 0, 0);
    call(q{billing.move('TOP_UP', gen_random_uuid(), '', 'PROVIDER', 'sandbox', 'CREDIT', 'p', 2, 'EUR', now(), 'test')});
    my $id = call(q{billing.invoice_issue('SESSION', $1, '', 'issuer', 'p', null, $2::jsonb, '{}', now(), 'test') ->> 'aggregateId'}, $SESSION, $bill);
    call('billing.invoice_settle($1, 14, now(), $2)', $id, 'test');
    $CARD = call(q{id from billing.intent where purpose = 'INVOICE'});
    return $id;
}

sub hold { return ($dbh->selectrow_array(q{select id from billing.intent where purpose = 'HOLD'}))[0] }

sub intent { return $dbh->selectrow_hashref('select * from billing.intent where id = $1', undef, $_[0]) }

sub said {
    my ($id, $status, $captured, $refunded) = @_;
    call(q{billing.intent_said($1, jsonb_build_object('op', 'LOOK', 'verdict', 'READ', 'status', $2::text, 'ref', 'ref-' || $5::text,
        'captured', $3::numeric, 'refunded', $4::numeric), now(), 'test')}, $id, $status, $captured, $refunded, $id);
    return 1;
}

sub captured {
    my ($id) = @_;
    my $i = intent($id);
    return $i->{captured} == 0 && said($id, 'CAPTURED', $i->{to_capture} // $i->{amount}, 0);
}

sub credited {
    my ($invoice, $amount) = @_;
    call('billing.credit_note_issue($1, $2, null, $3, null, now(), $4)', sprintf('019393c0-0000-7000-8000-0000000001%02d', ++$notes),
        $invoice, $amount, 'test');
    return 1;
}

# false: there is nothing to do
my %ops = (
    card     => sub { captured($CARD) },
    held     => sub { captured(hold()) },
    given_up => sub { call(q{billing.intent_wish($1, 'CANCELLED', null, null, now())}, $CARD); 1 },
    back     => sub { call('count(billing.intent_wish(i.id, null, null, i.captured, now())::text)
        from (select t.id, t.captured from billing.intent t where t.captured > t.to_refund order by t.id offset 0) i') },
    desk     => sub { my $i = intent($CARD); $i->{captured} > $i->{refunded} && said($CARD, 'CAPTURED', ($i->{captured}) x 2) },
    undone   => sub { my $i = intent($CARD); $i->{refunded} > 0 && said($CARD, 'CAPTURED', $i->{captured}, 0) },
    whole    => sub { credited($_[0]) },
    part     => sub { credited($_[0], 7.37) },
    used     => sub { call(q{count(billing.invoice_paid(v.id, billing.credit_use('p', v.id, 100, 'EUR', now(), 'test'), now()))
        from billing.invoice v where v.subject_id = $1}, $OTHER) },
);

# what may be refused, of each; all else is a fault
my %refused = (part => 'credit_too_high', back => 'credit_short', desk => 'credit_short', given_up => 'credit_short');

# the providers do what is wanted of them
sub end {
    for my $i ($CARD, hold()) {
        my $is = intent($i);
        captured($i) if $is->{wanted} eq 'CAPTURED' && $is->{captured} == 0;
        said($i, 'CANCELLED', 0, 0) if $is->{wanted} eq 'CANCELLED' && $is->{captured} == 0;
        $is = intent($i);
        said($i, 'CAPTURED', $is->{captured}, $is->{to_refund}) if $is->{captured} > 0;
    }
    return;
}

my %wrong = (
    'books'     => q{select * from billing.fault},
    'unsettled' => q{select purpose, status, wanted, captured, to_refund, refunded from billing.intent where not settled},
    'owed is what is open' => q{select a.balance, o.open from billing.account a, (select sum(total - paid - credited) as open from billing.invoice) o
        where a.kind = 'RECEIVABLE' and a.owner = 'p' and a.balance <> - o.open},
    'held is nothing' => q{select a.balance from billing.account a where a.kind = 'HELD' and a.balance <> 0},
    'more is paid than owed' => q{select total, paid, credited from billing.invoice where paid > total - credited},
    'credited is what notes and rates say' => q{select i.credited from billing.invoice i
        where i.credited <> (select coalesce(sum(n.total), 0) from billing.credit_note n where n.invoice_id = i.id)
            or i.credited <> (select coalesce(sum(t.credited_base + t.credited_amount), 0) from billing.invoice_tax t where t.invoice_id = i.id)},
    'rates are their notes' => q{select t.rate, t.credited_base, t.credited_amount from billing.invoice_tax t
        where (t.credited_base, t.credited_amount) <> (select coalesce(sum(c.base), 0), coalesce(sum(c.amount), 0) from billing.credit_note_tax c
            join billing.credit_note n on n.id = c.credit_note_id where n.invoice_id = t.invoice_id and c.rate = t.rate)},
    'what the issuer has is what is not credited' => q{select a.kind, sum(e.amount) from billing.account a join billing.entry e on e.account_id = a.id
        where a.kind in ('REVENUE', 'TAX') group by a.kind having sum(e.amount) <> (select case a.kind when 'TAX'
            then sum(t.amount - t.credited_amount) else sum(t.base - t.credited_base) end from billing.invoice_tax t)},
    'the payer is out of what it is to pay' => q{select s.given, s.owes from (select
            2 + (select sum(captured - refunded) from billing.intent) as given,
            (select sum(balance) from billing.account where owner = 'p' and kind in ('CREDIT', 'HELD'))
            + (select sum(paid) from billing.invoice) as owes) s
        where s.given <> s.owes},
);

my $wrong = join ' union all ', map { "(select '$_', f::text from ($wrong{$_}) f)" } sort keys %wrong;

# Whether it did something. What is refused leaves nothing. A credit note knows
# its parts by their transaction, so it is made in no other within it.
my (%met, %idle);
my $ended = 0;

sub done {
    my ($name, $invoice) = @_;
    return $ops{$name}->($invoice)
        if $name =~ /whole|part/ && call('credited <= total - $2 from billing.invoice where id = $1', $invoice, $name eq 'part' ? 7.37 : 0);
    $dbh->do('savepoint before');
    my $did = eval { $ops{$name}->($invoice) };
    my $why = $@ && ($dbh->pg_error_field('constraint') || $@);
    $dbh->do('rollback to savepoint before') if $why;
    $dbh->do('release savepoint before');
    die $why if $why && $why ne ($refused{$name} // '');
    $met{$name}++ if $why;
    return $did;
}

# One order; what is wrong after it. One in which something does nothing is
# another without it.
my $invoice = ground();

sub fault_of {
    my (@order) = @_;
    my (@faults, @before);
    $dbh->begin_work;
    $notes = 0;
    for my $name (@order) {
        push @before, $name;
        $idle{"@before"} ||= eval { !done($name, $invoice) } || 0;
        push @faults, $@ if $@;
        last if $@ || $idle{"@before"};
    }
    if (!@faults && @before == @order && !$idle{"@order"}) {
        eval { end(); 1 } or push @faults, "in the end: $@";
        push @faults, map { "@$_" } @{ $dbh->selectall_arrayref($dbh->prepare_cached($wrong)) } if !@faults;
        $ended++;
    }
    $dbh->rollback;
    return @faults;
}

sub idle {
    my (@order) = @_;
    return scalar grep { $idle{"@order[0 .. $_]"} } 0 .. $#order;
}

sub orders {
    my ($left, @names) = @_;
    return [] if !$left;
    return ([], map { my $first = $_; map { [ $first, @$_ ] } orders($left - 1, grep { $_ ne $first } @names) } @names);
}

my @orders = $ENV{ORDER} ? [ split ' ', $ENV{ORDER} ] : orders($most, sort keys %ops);
my $failed = 0;
{
    local $dbh->{PrintError} = 0;
    for my $order (@orders) {
        next if idle(@$order);
        my @faults = fault_of(@$order) or next;
        $failed++ < 10 and diag join "\n    ", "@$order:", @faults;
    }
}
is $failed, 0, "$ended orders, each to its right end";
cmp_ok $ended, '>', 400, 'many do something with each step';
cmp_ok $met{$_} // 0, '>', 0, "$_ was refused now and then" for sort keys %refused;

done_testing;

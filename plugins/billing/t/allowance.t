# What a plan gives sessions: the energy that its cycle includes, used once; a
# discount on the rest; and whose sessions, and which, have it.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;
use Voltgate::Subscriber;

my $vg     = Voltgate->start;
my $s      = Voltgate::Subscriber->new($vg);
my $issuer = $Voltgate::Subscriber::ISSUER;
my $json   = JSON::PP->new->canonical;
my $plan   = $s->offer('Forty', 10, includedKwh => 40, discountPercent => 10);
my $number = 0;

sub ago { my ($what) = @_; return $vg->sql(q{select vg.z(date_trunc('second', now()) - $1::interval)}, $what) }

# A session of so many kWh at 0.50, that ended so long ago; its invoice, once
# it was heard, or undef.
sub told {
    my ($kwh, %more) = @_;
    my $type = delete $more{type} // 'completed';
    my $id   = delete $more{id} // sprintf '019393c0-0000-7000-8000-0000000%05d', ++$number;
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('charging', $3, $1, $2, 'test', '')}, $id, $json->encode({
        sessionId => $id, operatorId => $issuer, country => 'DE', timeZone => 'Europe/Berlin',
        startTime => ago('2 hours'), endTime => ago('1 minute'), energyKwh => $kwh,
        costs => { currency => 'EUR', lines => [
            { type => 'ENERGY', price => 0.5, volume => $kwh, unit => 'kWh', excl_vat => $kwh / 2 } ] },
        %more }), "charging.session.$type.v1");
    return $id;
}

sub heard {
    return $vg->wait_for(sub { $vg->sql(q{select not exists (select from vg.outbox) and exists (
        select from vg.cursor c where c.consumer = 'billing' and c.pos >= (select max(e.pos) from vg.event e))
        and not exists (select from vg.parked)}) }, 15);
}

sub invoice {
    my ($id) = @_;
    heard() or diag explain $vg->rows('select * from vg.parked');
    my ($found) = @{ $vg->get("/api/v1/billing/invoices?sessionId=$id")->{json}{items} };
    return $found;
}

sub charged { return invoice(told(@_)) }

sub left { my ($id) = @_; my $left = $s->show($id)->{includedKwhLeft}; return defined $left ? 0 + $left : undef }

sub lines { my ($invoice) = @_; return [ map { join ' ', map { defined ? $_ : '-' } $_->{kind}, map { defined ? $_ + 0 : '-' }
    @$_{qw(price volume amount)} } @{ $invoice->{lines} } ] }

subtest 'it is used up, and the rest is cheaper' => sub {
    my $id = $s->since($plan, ago('10 days'), customer => 'ada');
    is left($id), 40;
    is charged(30, customerId => 'ada'), undef, 'nothing is to be paid';
    is left($id), 10;
    my $invoice = charged(30, customerId => 'ada');
    is_deeply lines($invoice), [ 'ENERGY 0.5 30 15', 'INCLUDED 0.5 -10 -5', 'DISCOUNT - 10 -1' ];
    cmp_ok $invoice->{net}, '==', 9;
    cmp_ok $invoice->{total}, '==', 10.71, 'taxed as what it is then';
    is left($id), 0;
    is_deeply lines(charged(10, customerId => 'ada')), [ 'ENERGY 0.5 10 5', 'DISCOUNT - 10 -0.5' ], 'the discount stays';
};

subtest 'told again it is used once' => sub {
    my $id = $s->since($plan, ago('10 days'), customer => 'bob');
    my $session = told(15, customerId => 'bob');
    told(15, customerId => 'bob', id => $session) for 1 .. 2;
    told(15, customerId => 'bob', id => $session, type => 'priced');
    ok heard();
    is left($id), 25;
    my $paid = told(30, customerId => 'bob');
    told(30, customerId => 'bob', id => $paid) for 1 .. 2;
    my $invoice = invoice($paid);
    cmp_ok $invoice->{net}, '==', 2.25;
    is left($id), 0;
};

subtest 'of the cycle in which it ended, also when it is priced late' => sub {
    my $id  = $s->since($plan, ago('1 month 10 days'), company => '019393c0-0000-7000-8000-000000000002');
    ok $vg->wait_for(sub { $s->show($id)->{period} == 1 }, 15);
    my %whose = (companyId => '019393c0-0000-7000-8000-000000000002', customerId => 'ada', startTime => ago('15 days'));
    my $late = told(25, %whose, endTime => ago('14 days'), costs => undef);
    ok heard();
    is left($id), 40, 'without a price it uses nothing';
    is invoice(told(25, %whose, endTime => ago('14 days'), id => $late, type => 'priced')), undef;
    is left($id), 40, 'this cycle has all of it still';
    is $vg->sql('select used_kwh from billing.allowance where subscription_id = $1 order by starts_at limit 1', $id), 25;
    is charged(40, %whose, endTime => ago('1 minute')), undef, 'who pays is the company: it is its subscription';
    is left($id), 0;
    is $vg->sql(q{select sum(kwh) from billing.allowance_use where subscription_id = $1}, $id), 65;
};

subtest 'whose it is not' => sub {
    my $id = $s->since($plan, ago('10 days'), customer => 'eve');
    my %none = (
        'another customer'          => { customerId => 'mallory' },
        'on a company\'s account'   => { customerId => 'eve', companyId => '019393c0-0000-7000-8000-000000000009' },
        'at another operator'       => { customerId => 'eve', operatorId => '019393c0-0000-7000-8000-000000000009' },
        'in another currency'       => { customerId => 'eve', costs => { currency => 'HUF', lines => [
            { type => 'ENERGY', price => 100, volume => 10, unit => 'kWh', excl_vat => 1000 } ] } },
        'before it began'           => { customerId => 'eve', endTime => ago('11 days') },
        'nobody'                    => { customerId => undef },
    );
    is_deeply [ map { $_->{kind} } @{ charged(10, %{ $none{$_} })->{lines} } ], ['ENERGY'], $_ for sort keys %none;
    is left($id), 40;
};

subtest 'while it is not paid for, and when it is over' => sub {
    my $id = $s->since($plan, ago('10 days'), customer => 'dan');
    $vg->sql('update billing.subscription set next_at = null where id = $1', $id);
    $s->append($id, 'PAYMENT_FAILED', { failure => 'test', unpaidSince => ago('1 day'), nextAt => '2099-01-01T00:00:00Z' });
    is left($id), 0, 'nothing is left for now';
    is_deeply [ map { $_->{kind} } @{ charged(10, customerId => 'dan')->{lines} } ], ['ENERGY'];
    $s->append($id, 'PAID', {});
    is left($id), 40, 'it is paid';
    is charged(10, customerId => 'dan'), undef;
    is $vg->delete("/api/v1/billing/subscriptions/$id?when=NOW")->{json}{status}, 'CANCELLED';
    is left($id), 0;
    is_deeply [ map { $_->{kind} } @{ charged(5, customerId => 'dan', endTime => $vg->sql('select vg.z(now())'))->{lines} } ], ['ENERGY'];
    is charged(3, customerId => 'dan', endTime => ago('1 hour')), undef, 'what ended before it has it still';
    is $vg->sql(q{select sum(used_kwh) from billing.allowance where subscription_id = $1}, $id), 13;
};

subtest 'ended or changed at once: what was given back is not used by what is heard later' => sub {
    my $id  = $s->since($plan, ago('10 days'), customer => 'fox');
    my $was = $s->show($id);
    my $gone = sub { return $vg->sql(q{select extract(epoch from now() - $1::timestamptz) / extract(epoch from $2::timestamptz - $1::timestamptz)},
        @$was{qw(periodStart periodEnd)}) };
    is $vg->delete("/api/v1/billing/subscriptions/$id?when=NOW")->{status}, 200;
    my $invoice = charged(40, customerId => 'fox', endTime => ago('1 hour'));
    cmp_ok abs(-$invoice->{lines}[1]{volume} - 40 * $gone->()), '<', 0.01, "ten days' part of it alone: $invoice->{lines}[1]{volume}";

    my $other = $s->since($plan, ago('10 days'), customer => 'hen');
    my $year  = $s->offer('Year', 200, cycle => 'ANNUAL', includedKwh => 100);
    is $vg->patch("/api/v1/billing/subscriptions/$other", { planId => $year->{id}, when => 'NOW' })->{status}, 200;
    $invoice = charged(40, customerId => 'hen', endTime => ago('1 hour'));
    cmp_ok abs(-$invoice->{lines}[1]{volume} - 40 * $gone->()), '<', 0.01, 'of the old cycle, too';
    is left($other), 100, 'and nothing of the new one';
};

subtest 'of two subscriptions: first what ends first' => sub {
    my $later  = $s->since($plan, ago('5 days'), customer => 'two');
    my $sooner = $s->since($s->offer('More', 20, includedKwh => 10, discountPercent => 20), ago('10 days'), customer => 'two');
    my $invoice = charged(60, customerId => 'two');
    is left($sooner), 0;
    is left($later), 0;
    cmp_ok $invoice->{net}, '==', 4, 'and the higher discount';
};

subtest 'credited: never more than is left of it' => sub {
    my $id = $s->since($plan, ago('10 days'), customer => 'cleo');
    my $invoice = charged(50, customerId => 'cleo');
    my $note = sub { return $vg->post("/api/v1/billing/invoices/$invoice->{id}/credit-notes", @_) };
    cmp_ok $invoice->{net}, '==', 4.5;
    is $note->({ lines => [ { position => 1 } ] })->{json}{type}, 'https://voltgate.dev/problems/credit_too_high',
        'not the energy without what was included';
    is $note->({ lines => [ { position => 2 } ] })->{json}{type}, 'https://voltgate.dev/problems/credit_too_high', 'nor that alone';
    my $r = $note->({ lines => [ map { { position => $_ } } 1 .. 3 ] });
    is $r->{status}, 201 or diag $r->{body};
    cmp_ok $r->{json}{net}, '==', 4.5;
    is $vg->sql('select status from billing.invoice where id = $1', $invoice->{id}), 'CREDITED';
};

subtest 'on paper' => sub {
    my $id = $s->since($plan, ago('10 days'), customer => 'pat');
    my $invoice = charged(50, customerId => 'pat');
    my ($r, $file) = (undef, "$vg->{state}/allowance.pdf");
    ok $vg->wait_for(sub { $r = $vg->get("/api/v1/billing/invoices/$invoice->{id}.pdf"); $r->{status} == 200 }, 15);
    open my $out, '>:raw', $file or die "$file: $!\n";
    print {$out} $r->{body};
    close $out or die "$file: $!\n";
    open my $in, '-|', "pdftotext -layout $file -" or die "pdftotext: $!\n";
    my $text = join '', <$in>;
    close $in or die "pdftotext: $?\n";
    like $text, qr/Included in the subscription +-40 kWh +0\.50 +19 % +-20\.00/;
    like $text, qr/Discount by the subscription +10 % +19 % +-0\.50/;
};

subtest 'what was used is what sessions used, and never more than there was' => sub {
    is $vg->sql(q{select count(*) from billing.allowance a where a.used_kwh <> coalesce((select sum(u.kwh)
        from billing.allowance_use u where (u.subscription_id, u.starts_at) = (a.subscription_id, a.starts_at)), 0)}), 0;
    is $vg->sql('select count(*) from vg.parked'), 0;
};

$s->rebuilt;

done_testing;

# What is paid in advance: shown, paid in, given back, lapsed, told when low.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg  = Voltgate->start(plugins => ['billing'], extra => { http => 'voltgate_setting billing.credit_lifetime 3650d;' });
my $api = '/api/v1/billing';

my $company = '019393c0-0000-7000-8000-000000000001';
my %as = map { $_ => { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => $_) } } qw(dana emil);
$as{fleet} = { Authorization => 'Bearer ' . $vg->token(role => 'fleet_manager', subject => 'f', company => $company) };

# What payments do when a provider has said yes, at a time of the test's.
sub paid_in {
    my ($payer, $amount, $at, $currency) = @_;
    $vg->sql('select billing.payer_known($1, null)', $payer);
    return $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $2, $3, $4, 'test')},
        $payer, $amount, $currency // 'EUR', $at // '2026-01-01T00:00:00Z');
}

sub used {
    my ($payer, $amount, $invoice) = @_;
    return $vg->sql(q{select billing.credit_use($1, coalesce($3, vg.uuid7()), $2, 'EUR', now(), 'test')}, $payer, $amount, $invoice);
}

sub credit { return $vg->get("$api/credits", $as{ $_[0] })->{json}{balances} }
sub faults { return scalar $vg->rows('select * from billing.fault') }

subtest 'nobody has paid anything yet' => sub {
    is_deeply $vg->get("$api/credits", $as{dana})->{json},
        { customerId => 'dana', companyId => undef, lowMark => undef, balances => [] };
    is_deeply $vg->get("$api/credits", $as{fleet})->{json}{companyId}, $company, 'a fleet manager\'s is its company\'s';
    is $vg->get("$api/credits")->{status}, 404, 'an admin\'s own is none';
    is $vg->get("$api/credits?customerId=dana")->{json}{customerId}, 'dana';
    is $vg->get("$api/credits?customerId=dana", $as{emil})->{status}, 404, 'another\'s is not seen';
    is_deeply $vg->get("$api/credits/transactions", $as{dana})->{json}{items}, [];
};

subtest 'a balance for each currency, with its digits' => sub {
    paid_in('dana', 20);
    paid_in('dana', 500, undef, 'JPY');
    $vg->sql(q{select billing.move('HOLD', vg.uuid7(), '', 'CREDIT', 'dana', 'HELD', 'dana', 7.5, 'EUR', now(), 'test')});
    like $vg->get("$api/credits", $as{dana})->{body}, qr/"available" *: *12\.50, *"held" *: *7\.50, *"owed" *: *0\.00/;
    my ($eur, $jpy) = @{ credit('dana') };
    is "$eur->{currency} $jpy->{currency} $jpy->{available}", 'EUR JPY 500';
};

subtest 'each movement is listed, newest first' => sub {
    my $invoice = '019393c0-0000-7000-8000-0000000000aa';
    cmp_ok used('dana', 2.25, $invoice), '==', 2.25;
    my $list = $vg->get("$api/credits/transactions?currency=EUR", $as{dana})->{json}{items};
    is_deeply [ map { join ' ', $_->{account}, $_->{kind}, $_->{amount} + 0, $_->{balance} + 0 } @$list ],
        [ 'CREDIT PAYMENT -2.25 10.25', 'HELD HOLD 7.5 7.5', 'CREDIT HOLD -7.5 12.5', 'CREDIT TOP_UP 20 20' ];
    is $list->[0]{reference}, $invoice;
    my @pages;
    my $cursor = '';
    for (1 .. 9) {
        my $page = $vg->get("$api/credits/transactions?limit=2$cursor", $as{dana})->{json};
        push @pages, map { $_->{id} } @{ $page->{items} };
        last if !defined $page->{nextCursor};
        $cursor = "&cursor=$page->{nextCursor}";
    }
    is_deeply \@pages, [ map { $_->{id} } @{ $vg->get("$api/credits/transactions", $as{dana})->{json}{items} } ],
        'in pages the same';
    is scalar @pages, 5;
    is_deeply $vg->get("$api/credits/transactions?cursor=x", $as{dana})->{json}{items}, [], 'behind no place is nothing';
    is_deeply $vg->get("$api/credits/transactions?customerId=dana", $as{emil})->{json}{items}, [];
};

subtest 'credit pays as far as it goes' => sub {
    my $invoice = '019393c0-0000-7000-8000-0000000000ab';
    paid_in('emil', 5);
    cmp_ok used('emil', 8, $invoice), '==', 5, 'not more than there is';
    cmp_ok used('emil', 3, $invoice), '==', 0;
    paid_in('emil', 1);
    cmp_ok used('emil', 3, $invoice), '==', 1, 'the same invoice again, when there is more';
    my ($eur) = @{ credit('emil') };
    cmp_ok $eur->{available}, '==', 0;
    cmp_ok $eur->{owed}, '==', -6, 'paid, of an invoice that these books have not seen issued';
    is faults(), 0;
};

subtest 'low is told once for each time that it becomes so' => sub {
    my $told = sub { [ map { 0 + $_ } map { $_->{balance} } $vg->rows(q{select payload ->> 'balance' as balance from
        (select id, type, payload from vg.outbox union all select pos, type, payload from vg.event) e
        where type = 'credits.low.v1' and payload ->> 'customerId' = 'gina' order by balance desc}) ] };
    my $settings = "$api/payers/gina";
    is $vg->get($settings)->{status}, 404;
    paid_in('gina', 10);
    is $vg->patch($settings, { lowMark => 4 })->{json}{lowMark}, 4;
    used('gina', 6);
    is_deeply $told->(), [], 'at its mark it is not low';
    $vg->sql(q{select billing.move('HOLD', vg.uuid7(), '', 'CREDIT', 'gina', 'HELD', 'gina', 3, 'EUR', now(), 'test')});
    is_deeply $told->(), [], 'what is held is its own still';
    used('gina', 0.5);
    is_deeply $told->(), [3.5];
    used('gina', 0.1);
    is_deeply $told->(), [3.5], 'lower yet is nothing new';
    paid_in('gina', 5);
    used('gina', 5);
    is_deeply $told->(), [ 3.5, 3.4 ], 'above and below again is';
    ok $vg->wait_for(sub { !$vg->sql(q{select count(*) from vg.outbox where type = 'credits.low.v1'}) }, 10), 'and into the log';
};

subtest 'how one pays is one\'s own to see and to say' => sub {
    is $vg->get("$api/payers/dana", $as{dana})->{json}{kind}, 'CUSTOMER';
    is $vg->get("$api/payers/dana", $as{emil})->{status}, 404;
    is $vg->patch("$api/payers/dana", { lowMark => 1 }, $as{emil})->{status}, 404;
    is $vg->patch("$api/payers/dana", { lowMark => -1 }, $as{dana})->{status}, 400;
    my $r = $vg->patch("$api/payers/dana", { lowMark => 9 }, $as{dana});
    is $r->{json}{lowMark}, 9 or diag $r->{body};
};

subtest 'what cannot be paid in' => sub {
    my %wrong = (
        'nothing'              => [ { amount => 0, currency => 'EUR' }, 422 ],
        'less'                 => [ { amount => -1, currency => 'EUR' }, 400 ],
        'half a cent'          => [ { amount => 1.005, currency => 'EUR' }, 422 ],
        'half a yen'           => [ { amount => 1.5, currency => 'JPY' }, 422 ],
        'of no currency'       => [ { amount => 1, currency => 'eur' }, 400 ],
        'in words'             => [ { amount => '1', currency => 'EUR' }, 400 ],
        'too much'             => [ { amount => 1e6 + 1, currency => 'EUR' }, 400 ],
        'for another'          => [ { amount => 1, currency => 'EUR', customerId => 'emil' }, 404 ],
        'by no way'            => [ { amount => 1, currency => 'EUR' }, 402 ],
    );
    for my $what (sort keys %wrong) {
        my ($body, $status) = @{ $wrong{$what} };
        my $r = $vg->post("$api/credits/top-up", $body, $as{dana});
        is $r->{status}, $status, $what or diag $r->{body};
    }
};

# A method, and payments that have paid in by it, the later ones behind the others.
sub payments {
    my ($payer, @amounts) = @_;
    $vg->sql('select billing.payer_known($1, null)', $payer);
    my $method = $vg->sql(q{insert into billing.method (id, payer, provider, token, created_at)
        values (vg.uuid7(), $1, 'sandbox', $2, now()) returning id}, $payer, "tok_$payer");
    $vg->sql('update billing.payer set method_id = $2 where id = $1', $payer, $method);
    my $n = 0;
    return map {
        my $id = $vg->sql(q{insert into billing.intent (id, payer, customer_id, purpose, subject, method_id, provider, amount,
            captured, currency, wanted, status, pushed_at, created_at, updated_at)
            select i.id, $1, $1, 'TOP_UP', i.id, $2, 'sandbox', $3, $3, 'EUR', 'CAPTURED', 'CAPTURED', now(), now() + $4 * interval '1 s', now()
            from vg.uuid7() as i (id) returning id}, $payer, $method, $_, $n++);
        $vg->sql(q{select billing.move('TOP_UP', $2, '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $3, 'EUR', now(), 'test')},
            $payer, $id, $_);
        $id;
    } @amounts;
}

subtest 'credit that was not used goes back to where it came from' => sub {
    my ($first, $second) = payments('hugo', 10, 5);
    my %hugo = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'hugo'));
    my $back = sub { $vg->post("$api/credits/refunds", { currency => 'EUR', @_ }, \%hugo) };
    used('hugo', 3);
    is $back->(amount => 12.01)->{status}, 402, 'not more than there is';
    is $back->(amount => 0)->{status}, 422;
    is $back->(amount => 0.001)->{status}, 422;
    is $back->(amount => 1, currency => 'USD')->{status}, 402;
    is $vg->post("$api/credits/refunds", { currency => 'EUR', customerId => 'hugo' }, $as{dana})->{status}, 404;
    my $r = $back->(amount => 7);
    is $r->{status}, 202 or diag $r->{body};
    is_deeply $r->{json}{refunds}, [ { paymentId => $second, amount => 5 }, { paymentId => $first, amount => 2 } ],
        'by the newest payment first';
    is_deeply [ map { $_->{to_refund} + 0 } $vg->rows('select to_refund from billing.intent where payer = $1 order by created_at', 'hugo') ],
        [ 2, 5 ], 'which is wished of the payments';
    my $has = sub { my ($eur) = @{ $vg->get("$api/credits", \%hugo)->{json}{balances} }; return $eur->{ $_[0] } + 0 };
    is $has->('available'), 5, 'and cannot be spent from then on';
    ok $vg->wait_for(sub { $has->('held') == 0 }, 20), 'until the provider has it';
    is $has->('available'), 5;
    is $vg->sql(q{select string_agg(refunded::float::text, ' ' order by created_at) from billing.intent where payer = 'hugo'}), '2 5';
    is $back->()->{json}{amount}, 5, 'all that is left';
    is $back->()->{status}, 402, 'then there is none';
    paid_in('hugo', 4);
    is $back->()->{json}{amount}, 3, 'as much as the methods have paid in';
    is $back->()->{status}, 409, 'what came otherwise goes back to none of them';
    is faults(), 0;
};

subtest 'a top-up is a payment that is wished for' => sub {
    payments('ines');
    my $r = $vg->post("$api/credits/top-up", { amount => 25, currency => 'EUR', customerId => 'ines' }, { 'Idempotency-Key' => 'top' });
    is $r->{status}, 202 or diag $r->{body};
    is $r->{json}{status}, 'PENDING';
    is $vg->post("$api/credits/top-up", { amount => 25, currency => 'EUR', customerId => 'ines' }, { 'Idempotency-Key' => 'top' })->{body},
        $r->{body}, 'once for a key';
    ok $vg->wait_for(sub { $vg->sql('select status from billing.intent where id = $1', $r->{json}{id}) eq 'CAPTURED' }, 20), 'it is made';
    my ($eur) = @{ $vg->get("$api/credits?customerId=ines")->{json}{balances} };
    cmp_ok $eur->{available}, '==', 25, 'and is credit';
    is $vg->sql('select count(*) from billing.intent where payer = $1', 'ines'), 1;

    $vg->sql(q{update billing.method set token = 'tok_declined' where payer = 'ines'});
    my $no = $vg->post("$api/credits/top-up", { amount => 1, currency => 'EUR', customerId => 'ines' });
    ok $vg->wait_for(sub { $vg->sql('select status from billing.intent where id = $1', $no->{json}{id}) eq 'FAILED' }, 20), 'or declined';
    ($eur) = @{ $vg->get("$api/credits?customerId=ines")->{json}{balances} };
    cmp_ok $eur->{available}, '==', 25, 'which is no credit';
    is faults(), 0;
};

# the hours of one day; credit lives until noon of the next
subtest 'credit that was not used in time lapses, the oldest first' => sub {
    my $lapse = sub { my ($before) = @_; $vg->sql(q{select billing.credit_lapse(a.id, $2, now(), 'test') from billing.account a
        where a.owner = $1 and a.kind = 'CREDIT'}, 'jo', "2026-01-0$before") + 0 };
    my $lot = sub { $vg->sql(q{select to_char(lot_at at time zone 'UTC', 'DD') from billing.account where owner = 'jo' and kind = 'CREDIT'}) };
    paid_in('jo', $_, "2026-01-0${_}T00:00:00Z") for 1 .. 5;
    used('jo', 2);
    is $lapse->('1T12:00:00Z'), 0, 'the first was used';
    is $lot->(), '02', 'of the second a part';
    is $lapse->('2T12:00:00Z'), 1, 'which is gone with the second day';
    is $lapse->('2T12:00:00Z'), 0, 'once';
    $vg->sql(q{select billing.move('HOLD', $1, '', 'CREDIT', 'jo', 'HELD', 'jo', 5, 'EUR', now(), 'test')}, $company);
    is $lapse->('4T12:00:00Z'), 2, 'what is held is the oldest, and stays';
    is $vg->sql(q{select balance from billing.account where owner = 'jo' and kind = 'HELD'}), '5.00';
    $vg->sql(q{select billing.move('RELEASE', $1, '', 'HELD', 'jo', 'CREDIT', 'jo', 3, 'EUR', now(), 'test')}, $company);
    is $lapse->('4T12:00:00Z'), 3, 'until it is let go';
    is $vg->sql(q{select billing.move('PAYMENT', $1, '', 'HELD', 'jo', 'RECEIVABLE', 'jo', 2, 'EUR', now(), 'test')}, $company), 1;
    is $lapse->('4T12:00:00Z'), 0;
    is $lot->(), '05';
    is $lapse->('9T00:00:00Z'), 5, 'the rest, in the end';
    is $lot->(), undef, 'then there is none to look at';
    paid_in('jo', 1, '2026-01-06T00:00:00Z');
    is $lot->(), '06';
    is faults(), 0;
};

subtest 'by itself, after the time that the conf says' => sub {
    paid_in('kim', 2, '2015-12-31T00:00:00Z');
    paid_in('kim', 3);
    ok $vg->wait_for(sub { $vg->sql(q{select sum(e.amount) from billing.entry e join billing.account a on a.id = e.account_id
        join billing.transfer t on t.id = e.transfer_id where a.owner = 'kim' and t.kind = 'EXPIRY'}) }, 20);
    my ($eur) = @{ $vg->get("$api/credits?customerId=kim")->{json}{balances} };
    cmp_ok $eur->{available}, '==', 3;
    is $vg->get("$api/credits/transactions?customerId=kim")->{json}{items}[0]{kind}, 'EXPIRY', 'and is listed';
    is faults(), 0;
};

done_testing;

# Invoices of sessions, by the event alone: charging need not be there.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $url = '/api/v1/billing/invoices';

my $issuer  = '019393c0-0000-7000-8000-000000000001';
my $session = '019393c0-0000-7000-8000-0000000000%02d';

# The outbox takes an event under a plugin's name only from that plugin's role.
sub completed {
    my ($n, %more) = @_;
    my $payload = JSON::PP->new->canonical->encode({
        sessionId => sprintf($session, $n), operatorId => $issuer, customerId => 'driver-1', country => 'DE',
        startTime => '2026-11-21T01:00:00Z', endTime => '2026-11-21T02:00:00Z', energyKwh => 10,
        costs => { currency => 'EUR', total_cost => { excl_vat => 5 }, lines => [
            { type => 'ENERGY', element => 0, price => 0.5, volume => 10, unit => 'kWh', excl_vat => 5 } ] },
        %more });
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('charging', 'charging.session.completed.v1', $1, $2, 'test', '')}, sprintf($session, $n), $payload);
    return;
}

sub invoices { return @{ $vg->get($url . ($_[0] // ''))->{json}{items} } }

subtest 'one for a session, told how often' => sub {
    completed(1) for 1 .. 3;
    completed(2);
    ok $vg->wait_for(sub { invoices() == 2 }, 10);
    my ($invoice) = invoices('?sessionId=' . sprintf $session, 1);
    is $invoice->{number}, 'INV-00000001';
    cmp_ok $invoice->{net}, '==', 5;
    cmp_ok $invoice->{tax}, '==', 0.95;
    cmp_ok $invoice->{total}, '==', 5.95;
    is $invoice->{lines}[0]{type}, 'ENERGY';
    is $vg->get("$url/$invoice->{id}")->{json}{number}, $invoice->{number};
};

subtest 'nothing to pay, not priced, nobody to pay: none, and no number' => sub {
    completed(3, costs => { currency => 'EUR', lines => [] });
    completed(4, costs => undef);
    completed(5, operatorId => undef);
    completed(6);
    ok $vg->wait_for(sub { invoices() == 3 }, 10);
    is join(',', sort map { $_->{number} } invoices()), 'INV-00000001,INV-00000002,INV-00000003';
    is $vg->sql('select count(*) from vg.parked'), 0, 'each was heard';
};

subtest 'taxed by the day on which it ended, where it ended' => sub {
    my %estonia = (country => 'EE', timeZone => 'Europe/Tallinn');
    completed(7, %estonia, endTime => '2025-06-30T20:59:59Z');
    completed(8, %estonia, endTime => '2025-06-30T21:00:00Z');    # midnight there
    completed(9, %estonia, endTime => '2025-06-30T21:00:00Z', country => 'EST', timeZone => undef);
    completed(10, country => 'XX');
    ok $vg->wait_for(sub { invoices() == 7 }, 10);
    is_deeply [ map { (invoices('?sessionId=' . sprintf $session, $_))[0]{taxes}[0]{rate} } 7 .. 10 ],
        [ 22, 24, 22, 0 ];
    ok +(invoices('?sessionId=' . sprintf $session, 10))[0]{taxUnknown};
};

subtest 'the books have it' => sub {
    is_deeply [ $vg->rows('select * from billing.fault') ], [];
    is $vg->sql(q{select -sum(a.balance) from billing.account a where a.kind = 'RECEIVABLE'}),
        $vg->sql('select sum(i.total) from billing.invoice i'), 'all is owed';
    for my $of ([ REVENUE => 'net' ], [ TAX => 'tax' ]) {
        is $vg->sql(q{select sum(e.amount) from billing.entry e join billing.account a on a.id = e.account_id where a.kind = $1},
            $of->[0]), $vg->sql("select sum(i.$of->[1]) from billing.invoice i"), "$of->[0] has what is $of->[1]";
    }
};

subtest 'whose it is' => sub {
    my ($one) = invoices();
    my $other = '019393c0-0000-7000-8000-000000000009';
    completed(11, customerId => 'driver-2', companyId => $other);
    ok $vg->wait_for(sub { invoices() == 8 }, 10);
    my $sees = sub {
        my %as = (Authorization => 'Bearer ' . $vg->token(subject => 'o', @_));
        my $list = $vg->get($url, \%as)->{json}{items} // [];
        return $vg->get("$url/$one->{id}", \%as)->{status} . ' ' . @$list;
    };
    is $sees->(role => 'driver', subject => 'driver-1'), '200 7';
    is $sees->(role => 'driver', subject => 'driver-2'), '404 1';
    is $sees->(role => 'operator', company => $issuer), '200 8', 'those that it issued';
    is $sees->(role => 'operator', company => $other), '404 0', 'not those on its account';
    is $sees->(role => 'fleet_manager', company => $other), '404 1', 'those on its account';
    is $sees->(role => 'operator'), '404 0', 'nobody\'s operator has none';
    is $sees->(role => 'partner', company => $issuer), '403 0';
};

subtest 'issued is issued' => sub {
    my $refused = sub {
        my $dbh = $vg->dbh;
        local $@ = '';
        $dbh->begin_work;
        eval { $dbh->do($_) for @_; 1 };
        $dbh->rollback;
        return $@ =~ /an issued invoice does not change/ ? 1 : "went, or failed otherwise: $@";
    };
    my $line = q{insert into billing.invoice_line (invoice_id, position, kind, type, tax_rate, amount)
        select i.id, 99, 'ENERGY', 'ENERGY', 0, 1 from billing.invoice i};
    is $refused->('update billing.invoice set total = 0, net = 0, tax = 0'), 1;
    is $refused->("update billing.invoice set version = version + 1, $_"), 1, "not by $_" for "number = 'X'",
        'issuer = null', 'customer_id = null', 'payer = null', "subject_kind = 'MANUAL'", 'issued_at = now()',
        'issued_by = pg_current_xact_id()';
    is $refused->('update billing.invoice set credited = 1, version = version + 1',
        'update billing.invoice set credited = 0, version = version + 1'), 1, 'what was credited stays';
    is $refused->('delete from billing.invoice'), 1;
    is $refused->('delete from billing.invoice_line'), 1;
    is $refused->('update billing.invoice_tax set amount = 0'), 1;
    is $refused->($line), 1, 'no line is added';
    is $refused->('update billing.invoice set version = version + 1', $line), 1,
        'nor in a transaction that moves the invoice';
    is $refused->(q{update billing.invoice set due_at = now()}, $line), 1;
    is $refused->('update billing.invoice set version = version + 1',
        'update billing.invoice set version = version - 1', $line), 1;
};

done_testing;

# Invoices of sessions, by the event alone: charging need not be there.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $url = '/api/v1/billing/invoices';

my $issuer  = '019393c0-0000-7000-8000-000000000001';
my $session = '019393c0-0000-7000-8000-00000000000%d';

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
};

subtest 'whose it is' => sub {
    my ($one) = invoices();
    my $as = sub { +{ Authorization => 'Bearer ' . $vg->token(@_) } };
    is $vg->get("$url/$one->{id}", $as->(role => 'driver', subject => 'driver-1'))->{status}, 200;
    is $vg->get("$url/$one->{id}", $as->(role => 'driver', subject => 'driver-2'))->{status}, 404;
    is $vg->get("$url/$one->{id}", $as->(role => 'operator', subject => 'o', company => $issuer))->{status}, 200;
    is $vg->get("$url/$one->{id}",
        $as->(role => 'operator', subject => 'o', company => '019393c0-0000-7000-8000-000000000009'))->{status}, 404;
};

subtest 'issued is issued' => sub {
    ok !eval { $vg->sql('update billing.invoice set total = 0, net = 0, tax = 0'); 1 };
    ok !eval { $vg->sql('delete from billing.invoice_line'); 1 };
};

done_testing;

# Payments by the calls that clients make, in the sandbox: what is asked, what
# becomes of it, and that the books say the same.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg  = Voltgate->start(plugins => [qw(billing)]);
my $api = '/api/v1/billing';
my ($false, $true) = (JSON::PP::false, JSON::PP::true);

sub as { my ($role, %claims) = @_; return { Authorization => 'Bearer ' . $vg->token(role => $role, %claims) } }

my $issuer = '019393c0-0000-7000-8000-000000000001';
my $driver = as('driver', subject => 'driver-1');

sub charge {
    my ($what, $who) = @_;
    return $vg->post("$api/charge", { currency => 'EUR', %$what }, $who // $driver);
}

# once it is settled
sub settled {
    my ($id) = @_;
    my $is;
    ok $vg->wait_for(sub { $is = $vg->get("$api/payments/$id")->{json}; $is->{settled} }, 10), 'settled' or diag explain $is;
    return $is;
}

sub balance {
    my ($kind, $owner) = @_;
    return $vg->sql(q{select coalesce(trim_scale(sum(e.amount)), 0) from billing.account a join billing.entry e on e.account_id = a.id
        where a.kind = $1 and a.owner = $2}, $kind, $owner // 'driver-1') + 0;
}

sub method {
    my ($token, $payer) = @_;
    return $vg->post("$api/payment-methods", { provider => 'sandbox', token => $token }, $payer // $driver)->{json}{id};
}

subtest 'without a method there is no way to pay' => sub {
    my $r = charge({ amount => 1 });
    is $r->{status}, 402;
    like $r->{json}{type}, qr/payment_required/;
};

my $ok       = method('tok_ok');
my $declined = method('tok_declined');

subtest 'a charge is accepted, captured, and the payer\'s credit' => sub {
    my $r = charge({ amount => 12.5 });
    is $r->{status}, 202 or diag $r->{body};
    is $r->{json}{status}, 'PENDING';
    my $is = settled($r->{json}{id});
    is "$is->{status} $is->{captured} $is->{provider} $is->{methodId}", "CAPTURED 12.5 sandbox $ok";
    is balance('CREDIT'), 12.5;
    is balance('PROVIDER', 'sandbox'), -12.5;
    is $vg->sql(q{select count(*) from vg.event where type = 'payment.succeeded.v1' and payload ->> 'paymentId' = $1}, $is->{id})
        || $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'payment.succeeded.v1'}) }, 5), 1, 'and told';
};

subtest 'an amount is that amount, however it is written' => sub {
    my $r = $vg->post("$api/charge", '{"amount": 2.500, "currency": "EUR", "methodId": "' . $ok . '"}', { %$driver, 'Content-Type' => 'application/json' });
    is $r->{status}, 202 or diag $r->{body};
    is settled($r->{json}{id})->{captured}, 2.5;
    is $vg->post("$api/refunds", '{"amount": 2.5000, "paymentId": "' . $r->{json}{id} . '"}', { %$driver, 'Content-Type' => 'application/json' })->{status}, 202;
    is settled($r->{json}{id})->{refunded}, 2.5;
};

subtest 'one that is declined is nothing' => sub {
    my $is = settled(charge({ amount => 3, methodId => $declined })->{json}{id});
    is "$is->{status} $is->{failure} $is->{captured}", 'FAILED card_declined 0';
    is balance('CREDIT'), 12.5;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'payment.failed.v1' and payload ->> 'reason' = 'card_declined'}) }, 5), 'and told';
};

subtest 'authorised, then given up' => sub {
    my $is = settled(charge({ amount => 5, capture => $false })->{json}{id});
    is "$is->{status} $is->{captured}", 'AUTHORISED 0';
    is $vg->post("$api/refunds", { paymentId => $is->{id} }, $driver)->{status}, 409, 'there is nothing to give back';
    my $r = $vg->post("$api/cancel", { paymentId => $is->{id} }, $driver);
    is $r->{status}, 202 or diag $r->{body};
    is settled($is->{id})->{status}, 'CANCELLED';
    is $vg->post("$api/cancel", { paymentId => $is->{id} }, $driver)->{status}, 202, 'twice is once';
    is balance('CREDIT'), 12.5, 'nothing moved';
};

subtest 'authorised, then captured: all of it, or a part' => sub {
    my $capture = sub { my ($id, %more) = @_; my $r = $vg->post("$api/capture", { paymentId => $id, %more }, $driver); return $r->{status} };
    my ($whole, $part) = map { settled(charge({ amount => 5, capture => $false })->{json}{id})->{id} } 1, 2;
    is $capture->($whole, amount => $_->[0]), $_->[1], "$_->[0] of 5" for [ 0, 400 ], [ 5.01, 422 ], [ 1.001, 422 ];
    is $capture->($whole), 202;
    is settled($whole)->{captured}, 5;
    is $capture->($whole), 409, 'once';
    is $capture->($part, amount => 2), 202;
    is settled($part)->{captured}, 2, 'the rest is let go';
    is balance('CREDIT'), 19.5;
    is $vg->post("$api/refunds", { paymentId => $_ }, $driver)->{status}, 202 for $whole, $part;
    settled($_) for $whole, $part;
    my $failed = settled(charge({ amount => 5, capture => $false, methodId => $declined })->{json}{id});
    is $capture->($failed->{id}), 409, 'what failed is not to be had';
};

subtest 'given back, in parts, never more than was captured' => sub {
    my $is = settled(charge({ amount => 10 })->{json}{id});
    is $vg->post("$api/cancel", { paymentId => $is->{id} }, $driver)->{status}, 409, 'it is too late to cancel';
    is $vg->post("$api/refunds", { paymentId => $is->{id}, amount => 4 }, $driver)->{status}, 202;
    is settled($is->{id})->{refunded}, 4;
    is $vg->post("$api/refunds", { paymentId => $is->{id}, amount => 6.01 }, $driver)->{status}, 409;
    is $vg->post("$api/refunds", { paymentId => $is->{id} }, $driver)->{status}, 202, 'what is left';
    is settled($is->{id})->{refunded}, 10;
    is $vg->post("$api/refunds", { paymentId => $is->{id} }, $driver)->{status}, 409;
    is balance('CREDIT'), 12.5;
    is balance('HELD'), 0;
};

subtest 'credit that was used is not given back' => sub {
    my $is = settled(charge({ amount => 10 })->{json}{id});
    $vg->sql(q{select billing.move('HOLD', vg.uuid7(), 'x', 'CREDIT', 'driver-1', 'HELD', 'driver-1', 20, 'EUR', now(), 'test')});
    my $r = $vg->post("$api/refunds", { paymentId => $is->{id} }, $driver);
    is $r->{status}, 402 or diag $r->{body};
    is $vg->get("$api/payments/$is->{id}")->{json}{toRefund}, 0, 'and its provider is not asked';
    $vg->sql(q{select billing.move('RELEASE', vg.uuid7(), 'x', 'HELD', 'driver-1', 'CREDIT', 'driver-1', 20, 'EUR', now(), 'test')});
};

subtest 'an invoice is paid once, by whoever of those who see it asks' => sub {
    my $invoice = $vg->sql(q{insert into billing.invoice (id, issuer, sequence, number, subject_kind, subject_id, part, customer_id, currency,
        minor_units, net, tax, total, tax_unknown, issued_at) values (vg.uuid7(), $1, 9, 'OWED-9', 'SESSION', vg.uuid7(), '', 'driver-1', 'EUR',
        2, 7, 0, 7, false, now()) returning id}, $issuer);
    $vg->sql(q{select billing.move('INVOICE', $1, 'net', 'RECEIVABLE', 'driver-1', 'REVENUE', $2, 7, 'EUR', now(), 'test')}, $invoice, $issuer);
    my $operator = as('operator', subject => 'o', company => $issuer);
    is charge({ amount => 7.01, invoiceId => $invoice })->{status}, 409, 'not more than is owed';
    is charge({ amount => 7, invoiceId => $invoice, currency => 'USD' })->{status}, 422;
    is charge({ amount => 7, invoiceId => $invoice }, as('driver', subject => 'driver-2'))->{status}, 404;
    my $held = charge({ amount => 2, invoiceId => $invoice, capture => $false }, $operator)->{json};
    is settled($held->{id})->{status}, 'AUTHORISED';
    is charge({ amount => 5, invoiceId => $invoice })->{status}, 409, 'one payment of it at a time';
    is $vg->post("$api/cancel", { paymentId => $held->{id} }, $driver)->{status}, 403, 'its payer may not give it up';
    is $vg->post("$api/cancel", { paymentId => $held->{id} }, $operator)->{status}, 202;
    is settled($held->{id})->{status}, 'CANCELLED';
    my $is = settled(charge({ amount => 7, invoiceId => $invoice })->{json}{id});
    is "$is->{status} $is->{purpose} $is->{operatorId}", "CAPTURED INVOICE $issuer";
    is $vg->get("$api/invoices/$invoice", $driver)->{json}{status}, 'PAID';
    is balance('RECEIVABLE'), 0;
    is charge({ amount => 1, invoiceId => $invoice })->{status}, 404, 'it is paid';
    is $vg->post("$api/refunds", { paymentId => $is->{id} }, $driver)->{status}, 403, 'nor give it back';
    is $vg->post("$api/refunds", { paymentId => $is->{id}, amount => 3 }, $operator)->{status}, 202;
    is settled($is->{id})->{refunded}, 3;
    is $vg->get("$api/invoices/$invoice", $driver)->{json}{paid}, 4, 'it is owed again';
    is balance('RECEIVABLE'), -3;
};

subtest 'what is wrong is said' => sub {
    is charge({ amount => 0 })->{status}, 400;
    is charge({ amount => -1 })->{status}, 400;
    is charge({ amount => '1.005' + 0 })->{status}, 422, 'more digits than the currency has';
    is charge({ amount => 1.5, currency => 'JPY' })->{status}, 422;
    is charge({ amount => 1, currency => 'eur' })->{status}, 400;
    is charge({ amount => 1, customerId => 'driver-2' })->{status}, 403, 'another\'s card';
    is charge({ amount => 1, methodId => method('tok_x', as('driver', subject => 'driver-2')) })->{status}, 402, 'another\'s method';
    is charge({ amount => 1 }, as('operator', subject => 'o', company => $issuer))->{status}, 403, 'an operator has no credit here';
    is charge({ amount => 1 }, as('admin', subject => 'a'))->{status}, 422, 'an admin says for whom';
    is charge({ amount => 1, customerId => 'driver-1' }, as('admin', subject => 'a'))->{status}, 202;
    is $vg->post("$api/refunds", { paymentId => $ok }, $driver)->{status}, 404;
    is $vg->post("$api/cancel", { paymentId => $ok }, $driver)->{status}, 404;
};

# the same call by so many clients at once, each on a connection of its own: how often each status came
sub at_once {
    my ($count, $path, $body, $headers) = @_;
    my (@pipes, %got);
    for (1 .. $count) {
        my $pid = open(my $pipe, '-|') // die "fork: $!";
        if (!$pid) {
            delete $vg->{client};
            syswrite STDOUT, $vg->post("$api/$path", $body, { %$driver, %{ $headers || {} } })->{status};
            kill KILL => $$;    # no END of the harness here
        }
        push @pipes, $pipe;
    }
    for my $pipe (@pipes) {
        $got{ readline $pipe }++;
        close $pipe;
    }
    return \%got;
}

subtest 'one key is one charge, one refund, one cancellation, whichever worker hears it' => sub {
    my $made = sub { return $vg->sql(q{select count(*) from billing.intent where payer = 'driver-1'}) };
    my $had  = $made->();
    my $got  = at_once(8, 'charge', { amount => 8, currency => 'EUR' }, { 'Idempotency-Key' => 'once' });
    is $made->(), $had + 1, 'one charge';
    is(($got->{202} // 0) + ($got->{409} // 0), 8, 'which all are told, or that it runs') or diag explain $got;
    my $r = $vg->post("$api/charge", { amount => 8, currency => 'EUR' }, { %$driver, 'Idempotency-Key' => 'once' });
    is "$r->{status} $r->{headers}{'idempotent-replayed'}", '202 true', 'and again';
    my $id = $r->{json}{id};
    settled($id);
    is $vg->post("$api/charge", { amount => 9, currency => 'EUR' }, { %$driver, 'Idempotency-Key' => 'once' })->{status}, 422, 'another one is none';
    $got = at_once(8, 'refunds', { paymentId => $id, amount => 2 }, { 'Idempotency-Key' => 'back' });
    is(($got->{202} // 0) + ($got->{409} // 0), 8, 'refunded') or diag explain $got;
    is settled($id)->{refunded}, 2, 'once';
    my $held = charge({ amount => 3, capture => $false })->{json}{id};
    settled($held);
    $got = at_once(8, 'cancel', { paymentId => $held }, { 'Idempotency-Key' => 'gone' });
    is(($got->{202} // 0) + ($got->{409} // 0), 8, 'cancelled') or diag explain $got;
    is settled($held)->{status}, 'CANCELLED';
};

subtest 'amounts that are none' => sub {
    my $had = $vg->sql('select count(*) from billing.intent');
    my $try = sub { my ($path, $rest, $amount) = @_; return $vg->post("$api/$path", qq({$rest,"amount":$amount}), { %$driver, 'Content-Type' => 'application/json' }) };
    for my $amount ('0', '-0', '0.000', '-5', '0.001', '5.005', '1e-3', '1000000000.01', '1e30', '9' x 400, '0.' . '0' x 300 . '1', '"5"', 'null', 'true', '[5]', '{"a":5}', 'NaN', '05') {
        my $r = $try->(charge => '"currency":"EUR"', $amount);
        like $r->{status}, qr/^4(00|22)$/, 'charge ' . substr $amount, 0, 20 or diag $r->{body};
    }
    is $vg->sql('select count(*) from billing.intent'), $had, 'nothing came of it';
    my $id = settled(charge({ amount => 10 })->{json}{id})->{id};
    for my $amount ('0', '-5', '0.001', '5.005', '1000000000.01', '1e30', '9' x 400, '"5"', '[5]') {
        my $r = $try->(refunds => qq("paymentId":"$id"), $amount);
        like $r->{status}, qr/^4(00|09|22)$/, 'refund ' . substr $amount, 0, 20 or diag $r->{body};
    }
    is settled($id)->{toRefund}, 0;
};

subtest 'of ten refunds at once as many come about as there is money' => sub {
    my $is = settled(charge({ amount => 10 })->{json}{id});
    is_deeply at_once(10, 'refunds', { paymentId => $is->{id}, amount => 3 }), { 202 => 3, 409 => 7 };
    is settled($is->{id})->{refunded}, 9;
};

subtest 'the books stand' => sub {
    is $vg->sql('select count(*) from billing.fault'), 0;
    ok $vg->wait_for(sub { !$vg->sql('select count(*) from vg.job') }, 10), 'and nothing is left to do'
        or diag explain $vg->dbh->selectall_arrayref('select key, payload, tries, error from vg.job');
    is $vg->sql('select count(*) from vg.parked'), 0;
};

done_testing;

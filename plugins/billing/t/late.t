# What comes at once with something else, or later than was thought: two pushes
# of one payment, an authorisation of what had failed, a refund that a provider
# takes back, a dispute.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate::Payments;

my $p = Voltgate::Payments->start(webhooks => 1);
my ($vg, $provider) = @$p{qw(vg provider)};
my $api = '/api/v1/billing';

sub shows { my ($cell) = @_; my $is = $p->is_so($cell); return join ' ', map { $_ // '-' } @$is{qw(status failure)}, $is->{captured} * 100, $is->{refunded} * 100 }
sub of_intent { my ($cell, $column) = @_; return $vg->sql("select $column from billing.intent where id = \$1", $cell->{id}) }

subtest 'wished for while it is authorised: authorised once' => sub {
    my @cells = map { $p->begun($_, 'hold', 'none') } qw(stripe razorpay);
    $p->settle(@cells);
    is shows($_), 'AUTHORISED - 0 0', "$_->{shape}: held" for @cells;
    @cells = map { $p->begun($_, 'authorise', 'slow', capture => JSON::PP::false) } qw(stripe razorpay);
    for my $cell (@cells) {
        ok $vg->wait_for(sub { $provider->intent($cell->{id}) }, 10), "$cell->{shape} is authorising it";
        $p->wish($cell, 'CAPTURED');
        $p->wish($cell, 'CAPTURED', $cell->{amount} / 100);
    }
    $p->settle(@cells);
    for my $cell (@cells) {
        is shows($cell), "CAPTURED - $cell->{amount} 0", "$cell->{shape}: captured";
        is_deeply $p->theirs($cell), { net => $cell->{amount}, times => 1, open => 0, made => 1 }, 'there, too, by one payment';
    }
    $p->agree;
};

subtest 'given up while nobody knows whether it was captured: all of it is given back' => sub {
    my @cells = map { $p->begun($_, 'capture', 'silent') } qw(stripe razorpay);
    for my $cell (@cells) {
        ok $vg->wait_for(sub { $p->theirs($cell)->{times} }, 10), "$cell->{shape} has captured it";
        $p->wish($cell, 'CANCELLED');
    }
    $p->settle(@cells);
    for my $cell (@cells) {
        is shows($cell), "CAPTURED - $cell->{amount} $cell->{amount}", "$cell->{shape}: captured, and given back";
        is $p->theirs($cell)->{net}, 0, 'there, too';
    }
    $p->agree;
};

subtest 'a webhook that comes while it is looked at is not forgotten' => sub {
    my $cell = $p->begun('stripe', 'capture', 'none');
    $p->settle($cell);
    $provider->fault('slow', op => 'look', shape => 'stripe', amount => $cell->{amount}, ms => 800);
    $vg->sql('update billing.intent set doubt = true where id = $1', $cell->{id});
    $p->pushed($cell);
    ok $vg->wait_for(sub { !$provider->faults }, 10), 'it is looked at';
    my $r = HTTP::Tiny->new(default_headers => { Authorization => 'Bearer ' . $provider->secret('stripe') })
        ->post_form($provider->url('/stripe/v1/refunds'), { payment_intent => of_intent($cell, 'provider_ref'), amount => 400 });
    ok $r->{success}, 'meanwhile a part is given back there' or diag $r->{content};
    $p->settle($cell);
    ok $vg->wait_for(sub { of_intent($cell, 'refunded') == 4 }, 10), 'and we know' or diag shows($cell);
    $p->agree;
};

subtest 'a look that is older than what was written clears no doubt' => sub {
    my $cell = $p->begun('stripe', 'capture', 'none');
    $p->settle($cell);
    $vg->dbh->begin_work;    # who else has doubts looks meanwhile
    $vg->sql('update billing.intent set doubt = true, version = version + 1 where id = $1', $cell->{id});
    my $said = sub { $vg->sql('select billing.intent_said($1, $2, now(), $3)', $cell->{id},
        qq({"op": "LOOK", "verdict": "READ", "status": "CAPTURED", "captured": @{[ $cell->{amount} / 100 ]}, "refunded": 0, "version": $_[0]}), 'test') };
    my $version = of_intent($cell, 'version');
    $said->($version - 1);
    ok of_intent($cell, 'doubt'), 'of an older row';
    $said->(of_intent($cell, 'version'));
    ok !of_intent($cell, 'doubt'), 'of this one';
    $vg->dbh->rollback;
};

# Nothing moved for a quarter of an hour: it is asked for under another key, but
# not while the last one may lie there still.
subtest 'what was asked for a moment ago is not asked for under another key' => sub {
    for my $shape (qw(stripe razorpay)) {
        my $cell = $p->begun($shape, 'refund', 'none');
        $p->settle($cell);
        $provider->fault('late', op => 'refund', shape => $shape, amount => $cell->{amount}, ms => 3000);
        $vg->sql('update billing.intent set waits = 10 where id = $1', $cell->{id});
        $p->later($cell);
        $p->settle($cell);
        ok $vg->wait_for(sub { !$provider->faults && !$provider->late }, 10), 'the late one has come about';
        is $p->theirs($cell)->{net}, $cell->{amount} - 300, "$shape: it is given back once" or diag explain [ $vg->rows('select * from billing.intent where id = $1', $cell->{id}) ];
    }
    $p->agree;
};

# what is wanted at the provider, beside us
sub beside {
    my ($path, $form) = @_;
    my $r = HTTP::Tiny->new(default_headers => { Authorization => 'Bearer ' . $provider->secret('stripe') })
        ->post_form($provider->url("/stripe/v1/$path"), $form);
    $r->{success} or die "$path: $r->{content}";
    return JSON::PP::decode_json($r->{content});
}

sub turned_up {
    my ($cell) = @_;
    return beside('payment_intents', { amount => $cell->{amount}, currency => 'eur', payment_method => 'pm_ok', confirm => 'true',
        capture_method => 'manual', 'metadata[intent]' => $cell->{id} });
}

subtest 'an authorisation of what had failed is let go' => sub {
    my $cell = $p->begun('stripe', 'authorise', 'refuse');
    $p->settle($cell);
    is shows($cell), 'FAILED parameter_unknown 0 0', 'refused, and unknown there';
    turned_up($cell);
    ok $vg->wait_for(sub { $p->theirs($cell)->{open} == 0 }, 20), 'the card is not blocked' or diag explain $p->theirs($cell);
    $p->settle($cell);
    is_deeply $p->theirs($cell), { net => 0, times => 0, open => 0, made => 1 };
    is $p->is_so($cell)->{status}, 'CANCELLED', 'and it is said so';
    $p->agree;
};

subtest 'money that was taken of what had failed counts' => sub {
    my $cell = $p->begun('stripe', 'authorise', 'refuse');
    $p->settle($cell);
    $provider->webhooks(undef);
    my $there = turned_up($cell);
    $p->hear;
    beside("payment_intents/$there->{id}/capture", {});
    ok $vg->wait_for(sub { $p->is_so($cell)->{status} eq 'CAPTURED' }, 20), 'captured' or diag explain $p->is_so($cell);
    $p->settle($cell);
    $p->agree;
};

sub credit { return $vg->sql(q{select balance * 100 from billing.account where owner = $1 and kind = 'CREDIT'}, "driver-$_[0]") + 0 }

subtest 'what a provider takes back of a refund comes in again, once' => sub {
    for my $shape (qw(stripe razorpay)) {
        my $cell = $p->begun($shape, 'refund', 'none');
        $p->settle($cell);
        my $before = credit(substr $shape, 0, 1);
        my $refund = sub { return $vg->post("$api/refunds", { paymentId => $cell->{id}, amount => 3 }, $p->as($shape)) };
        is $refund->()->{status}, 202;
        $p->settle($cell);
        is shows($cell), "CAPTURED - $cell->{amount} 300", "$shape: given back";
        for my $n (1 .. 2) {
            is credit(substr $shape, 0, 1), $before - 300;
            $provider->take_back(of_intent($cell, 'provider_ref'));
            ok $vg->wait_for(sub { of_intent($cell, 'refunded') == 0 }, 20), 'taken back' or diag shows($cell);
            $p->settle($cell);
            is shows($cell), "CAPTURED refund_returned $cell->{amount} 0", 'it is shown';
            is $p->is_so($cell)->{toRefund}, 0, 'and is not tried again by itself';
            is credit(substr $shape, 0, 1), $before, 'who paid has it as credit';
            my @last = grep { $_->{type} eq 'refund.failed' && $_->{shape} eq $shape } $provider->sent;
            $provider->send($shape, $last[-1]{id}) for 1 .. 2;
            $vg->post("$api/payments/$cell->{id}/retry", undef);
            $p->settle($cell);
            is credit(substr $shape, 0, 1), $before, 'once';
            $p->agree;
            is $refund->()->{status}, 202, 'it may be asked for again';
            $p->settle($cell);
            is $p->theirs($cell)->{net}, $cell->{amount} - 300, 'and is given back';
        }
        $p->agree;
    }
};

subtest 'what is taken back of an invoice\'s refund is paid onto it again' => sub {
    my $issuer  = '019393c0-0000-7000-8000-000000000001';
    my $invoice = $vg->sql(q{insert into billing.invoice (id, issuer, sequence, number, subject_kind, subject_id, part, customer_id, currency,
        minor_units, net, tax, total, tax_unknown, issued_at) values (vg.uuid7(), $1, 9, 'OWED-9', 'SESSION', vg.uuid7(), '', 'driver-s', 'EUR',
        2, 7, 0, 7, false, now()) returning id}, $issuer);
    $vg->sql(q{select billing.move('INVOICE', $1, 'net', 'RECEIVABLE', 'driver-s', 'REVENUE', $2, 7, 'EUR', now(), 'test')}, $invoice, $issuer);
    my $cell = $p->begun('stripe', 'capture', 'none', minor => 700, invoiceId => $invoice);
    $p->settle($cell);
    my $paid = sub { return join ' ', $vg->dbh->selectrow_array('select status, trim_scale(paid) from billing.invoice where id = $1', undef, $invoice) };
    is $paid->(), 'PAID 7';
    is $vg->post("$api/refunds", { paymentId => $cell->{id}, amount => 3 })->{status}, 202;
    $p->settle($cell);
    is $paid->(), 'ISSUED 4', 'it is owed again';
    $provider->take_back(of_intent($cell, 'provider_ref'));
    ok $vg->wait_for(sub { $paid->() eq 'PAID 7' }, 20), 'and is not, since the card did not take it' or diag $paid->();
    $p->settle($cell);
    $p->agree;
};

subtest 'a dispute is shown, and moves nothing by itself' => sub {
    my @cells = map { $p->begun($_, 'capture', 'none') } qw(stripe razorpay);
    $p->settle(@cells);
    is $p->is_so($_)->{disputed}, undef for @cells;
    $provider->dispute(of_intent($_, 'provider_ref')) for @cells;
    ok $vg->wait_for(sub { !grep { !$p->is_so($_)->{disputed} } @cells }, 20), 'told';
    is $p->is_so($cells[0])->{disputed}, 'charge.dispute.created';
    is $p->is_so($cells[1])->{disputed}, 'payment.dispute.created';
    $p->settle(@cells);
    $p->agree;
};

done_testing;

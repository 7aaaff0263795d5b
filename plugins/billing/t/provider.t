# Payments at their providers: what a card says no to, what is given up while
# nobody knows whether it was authorised, wishes that meet what is under way,
# workers that die in the middle, providers that do.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate::Payments;

my $p = Voltgate::Payments->start;
my ($vg, $provider) = @$p{qw(vg provider)};
my $api = '/api/v1/billing';

sub shows { my ($cell) = @_; my $is = $p->is_so($cell); return join ' ', map { $_ // '-' } @$is{qw(status failure)}, $is->{captured} * 100, $is->{refunded} * 100 }

# since when its provider has done it
sub acted { my ($op) = @_; return $provider->books->{calls}{$op} // 0 }

subtest 'a card that is declined, short, or expires' => sub {
    my %cards = (
        stripe   => [ 'pm_1_declined', 'generic_decline', 'pm_1_short', 'pm_1_expires' ],
        razorpay => [ 'cust_1/token_1_declined', 'card_declined', 'cust_1/token_1_short', 'cust_1/token_1_expires' ],
    );
    for my $shape (sort keys %cards) {
        my ($declined, $word, $short, $expires) = @{ $cards{$shape} };
        my @cells = map { $p->begun($shape, 'authorise', 'none', methodId => $p->method($shape, $_)) } $declined, $expires;
        my $short_id = $p->method($shape, $short);
        push @cells, map { $p->begun($shape, 'authorise', 'none', minor => $_, methodId => $short_id) } 5000, 5001;
        $p->settle(@cells);
        is shows($cells[0]), "FAILED $word 0 0", "$shape: declined";
        is shows($cells[1]), 'CANCELLED - 0 0', "$shape: expired";
        is shows($cells[2]), 'CAPTURED - 5000 0', "$shape: as much as there is";
        is shows($cells[3]), 'FAILED insufficient_funds 0 0', "$shape: more than there is";
    }
    $p->agree;
};

subtest 'given up while nobody knows whether it was authorised' => sub {
    my @cells = map { $p->begun($_, 'authorise', 'silent') } qw(stripe razorpay);
    for my $cell (@cells) {
        ok $vg->wait_for(sub { $provider->intent($cell->{id}) }, 10), "$cell->{shape} has authorised it";
        is shows($cell), 'PENDING - 0 0', 'and has not said so';
        is $vg->post("$api/cancel", { paymentId => $cell->{id} }, $p->as($cell->{shape}))->{status}, 202;
    }
    $p->settle(@cells);
    for my $cell (@cells) {
        is shows($cell), 'CANCELLED - 0 0', "$cell->{shape}: cancelled";
        is_deeply $p->theirs($cell), { net => 0, times => 0, open => 0, made => 1 }, 'there, too';
    }
    $p->agree;
};

subtest 'a refund that grows while its first answer is lost is given back once' => sub {
    for my $shape (qw(stripe razorpay)) {
        my $cell = $p->begun($shape, 'capture', 'none');
        $p->settle($cell);
        $provider->fault('silent', op => 'refund', shape => $shape, amount => $cell->{amount});
        is $vg->post("$api/refunds", { paymentId => $cell->{id}, amount => 3 }, $p->as($shape))->{status}, 202;
        ok $vg->wait_for(sub { $p->theirs($cell)->{net} == $cell->{amount} - 300 }, 10), "$shape has given back 3.00";
        is $vg->post("$api/refunds", { paymentId => $cell->{id}, amount => 2 }, $p->as($shape))->{status}, 202;
        $p->settle($cell);
        is shows($cell), "CAPTURED - $cell->{amount} 500";
        is $p->theirs($cell)->{net}, $cell->{amount} - 500, 'there, too';
    }
    $p->agree;
};

subtest 'cancelled while it is captured: all of it is given back' => sub {
    my @cells = map { $p->begun($_, 'capture', 'slow') } qw(stripe razorpay);
    for my $cell (@cells) {
        ok $vg->wait_for(sub { $p->theirs($cell)->{times} }, 10), "$cell->{shape} has captured it";
        $p->wish($cell, 'CANCELLED');
    }
    $p->settle(@cells);
    is shows($_), "CAPTURED - $_->{amount} $_->{amount}", $_->{shape} for @cells;
    $p->agree;
};

subtest 'workers that die while a provider acts' => sub {
    my @cells;
    for my $shape (qw(stripe razorpay)) {
        push @cells, map { $p->begun($shape, $_, 'slow') } qw(authorise capture);
    }
    ok $vg->wait_for(sub { $provider->faults == 0 }, 10), 'it is acting';
    my @workers = $vg->workers;
    $vg->kill_worker($_) for @workers;
    ok $vg->wait_for(sub { my @now = $vg->workers; @now == 2 && !grep { my $w = $_; grep { $_ == $w } @workers } @now }, 10), 'others are there';
    $p->settle(@cells);
    is shows($_), "CAPTURED - $_->{amount} 0", "$_->{shape}, $_->{step}" for @cells;
    is $p->theirs($_)->{times}, 1, 'captured once' for @cells;
    $p->agree;
};

subtest 'a provider that dies and comes again' => sub {
    my @cells = map { $p->begun($_ % 2 ? 'stripe' : 'razorpay', 'capture', 'none') } 1 .. 20;
    $provider->kill;
    sleep 0.5;
    $provider->restart;
    $p->settle(@cells);
    is shows($_), "CAPTURED - $_->{amount} 0", "$_->{shape}" for @cells;
    is $p->theirs($_)->{times}, 1 for @cells;
    $p->agree;
};

subtest 'what nobody can settle is shown, and tried again' => sub {
    $provider->fault('error', op => 'any', shape => 'stripe', times => 1000);
    my $cell = $p->begun('stripe', 'capture', 'none');
    ok $vg->wait_for(sub {
        $vg->hurry;
        $vg->sql('select count(*) from vg.job where dead_at is not null and payload ->> $2 = $1', $cell->{id}, 'intentId');
    }, 30), 'its job is given up';
    my @shown = @{ $vg->get("$api/payments?settled=false", $p->as('stripe'))->{json}{items} };
    is_deeply [ map { $_->{id} } @shown ], [ $cell->{id} ], 'it is shown';
    is $shown[0]{status}, 'PENDING';
    $provider->mend;
    $vg->sql(q{update billing.intent set pushed_at = now() - interval '11 minutes' where id = $1}, $cell->{id});
    ok $vg->wait_for(sub { $p->is_so($cell)->{settled} }, 30), 'a sweep finds it' or diag explain $p->is_so($cell);
    is shows($cell), "CAPTURED - $cell->{amount} 0";
    $p->agree;
};

subtest 'a key that holds no more loses no payment; the next one is read by a reload, and stands nowhere' => sub {
    my $put = sub { open my $out, '>', $provider->secret_file('stripe') or die $!; print {$out} $_[0]; close $out or die $!; $vg->reload };
    $put->('sk_test_of_yesterday');
    my $cell = $p->begun('stripe', 'capture', 'none');
    ok $vg->wait_for(sub { $vg->log =~ /AUTHORISE is not known to be done, status 401/ }, 20), 'it is refused, and asked again';
    is shows($cell), 'PENDING - 0 0';
    $put->($provider->secret('stripe'));
    $vg->hurry;
    $p->settle($cell);
    is shows($cell), "CAPTURED - $cell->{amount} 0";
    my $secret = join '|', map { quotemeta } 'sk_test_of_yesterday', map { ($provider->secret($_), $provider->webhook_secret($_)) } qw(stripe razorpay);
    unlike $vg->log, qr/$secret/, 'in no log';
    is `grep -rlaE '$secret' $vg->{state}/log $vg->{state}/conf $vg->{run} 2>/dev/null`, '', 'in no file of ours';
    for my $pid ($vg->workers) {
        open my $said, '<', "/proc/$pid/cmdline" or die $!;
        unlike do { local $/ = undef; <$said> }, qr/$secret/, 'in no argument';
    }
    unlike $vg->get($_)->{body}, qr/$secret/, "not at $_" for '/metrics', '/openapi.json', '/info', "$api/payments/$cell->{id}";
    $p->agree;
};

done_testing;

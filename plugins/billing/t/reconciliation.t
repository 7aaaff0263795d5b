# Our books against the provider's: what is the same is said by totals, and
# each kind of difference by its name. The provider's books are made wrong, or
# ours have what it does not know.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();
use POSIX qw(strftime);
use Test::More;

use Voltgate;
use Voltgate::Provider;

my $provider = Voltgate::Provider->start;
my $vg       = Voltgate->start(extra => { http => 'voltgate_setting billing.providers "stripe razorpay";' . $provider->conf });
my $api      = '/api/v1/billing';

$vg->wait_for(sub { time % 86_400 < 86_280 }, 130);    # all of it is of one day
my $today     = strftime '%Y-%m-%d', gmtime;
my $yesterday = strftime '%Y-%m-%d', gmtime time - 86_400;

my $driver = { Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'driver-1') };
my %method = map { $_->[0] => $vg->post("$api/payment-methods", { provider => $_->[0], token => $_->[1] }, $driver)->{json}{id} }
    [ stripe => 'pm_ok' ], [ razorpay => 'cus_1/token_ok' ];

sub charged {
    my ($shape, @amounts) = @_;
    my @made = map { $vg->post("$api/charge", { amount => $_, currency => 'EUR', methodId => $method{$shape} }, $driver)->{json}{id} } @amounts;
    my @state;
    $vg->wait_for(sub { @state = map { $vg->get("$api/payments/$_")->{json}{status} } @made; !grep { $_ ne 'CAPTURED' } @state }, 60)
        or die "not captured: @state\n";
    return @made;
}

sub ref_of { return $vg->sql('select provider_ref from billing.intent where id = $1', $_[0]) }

sub reconciled {
    my ($shape, $day) = @_;
    my $r = $vg->post("$api/reconciliation", { date => $day, provider => $shape });
    is $r->{status}, 202, "$shape $day: it is fetched" or diag $r->{body};
    my $is;
    $vg->wait_for(sub { $is = $vg->get("$api/reconciliation?date=$day&provider=$shape")->{json}{items}[0]; $is->{status} ne 'RUNNING' }, 30);
    is $is->{status}, 'DONE', 'wholly' or diag explain $is;
    return $is;
}

sub total { my ($rows, $what) = @_; my ($t) = grep { $_->{what} eq $what } @$rows; return $t ? "$t->{count} $t->{amount} $t->{currency}" : '' }

# name and what of each, but those of payments that are not asked about
sub named {
    my ($is, @about) = @_;
    my %about = map { $_ => 1 } @about;
    return join ', ', sort map { "$_->{name} $_->{what}" } grep { !@about || $about{ $_->{paymentId} // $_->{ref} } } @{ $is->{differences} };
}

# By itself, as at each start: a day that came later would know what is forged below.
ok $vg->wait_for(sub { $vg->sql(q{select count(*) filter (where status = 'DONE') from billing.reconciliation}) == 14 }, 60),
    'seven days of both are fetched';

my %of;
subtest 'what is the same has no difference' => sub {
    is $vg->get("$api/reconciliation?date=$today")->{status}, 404, 'not fetched yet';
    $of{stripe}   = [ charged(stripe => map { 10 + $_ } 1 .. 23) ];
    $of{razorpay} = [ charged(razorpay => 5, 6) ];
    is $vg->post("$api/refunds", { paymentId => $of{$_}[0], amount => 2.5 })->{status}, 202 for qw(stripe razorpay);
    ok $vg->wait_for(sub { $vg->sql('select count(*) from billing.intent where refunded = 2.5') == 2 }, 30), 'refunded';
    for my $case ([ stripe => '23 506 EUR' ], [ razorpay => '2 11 EUR' ]) {
        my ($shape, $sum) = @$case;
        my $is = reconciled($shape, $today);
        is total($is->{ours}, 'CHARGE'), $sum, 'ours';
        is total($is->{theirs}, 'CHARGE') =~ s/\.0+ / /r, $sum, 'theirs';
        is total($is->{$_}, 'REFUND') =~ s/0 E/ E/r, '1 2.5 EUR', "refunds of $_" for qw(ours theirs);
        is_deeply $is->{differences}, [], 'and nothing differs' or diag explain $is->{differences};
        cmp_ok $is->{pages}, '>', 1, 'in pages';
    }
};

my $http = HTTP::Tiny->new(default_headers => { Authorization => 'Bearer ' . $provider->secret('stripe') });
my $json = JSON::PP->new;

# at the provider, beside us
sub beside {
    my ($intent) = @_;
    my $r = $http->post_form($provider->url('/stripe/v1/payment_intents'), { amount => 700, currency => 'eur', payment_method => 'pm_ok',
        confirm => 'true', capture_method => 'manual', 'metadata[intent]' => $intent // '' });
    my $ref = $json->decode($r->{content})->{id} or die $r->{content};
    $http->post_form($provider->url("/stripe/v1/payment_intents/$ref/capture"), {})->{success} or die;
    return $ref;
}

# an intent of ours of which nothing came
sub failed {
    return $vg->sql(q{insert into billing.intent (id, payer, purpose, subject, method_id, provider, amount, currency, wanted, status,
        pushed_at, created_at, updated_at) values (vg.uuid7(), 'driver-1', 'CHARGE', vg.uuid7(), $1, 'stripe', 7, 'EUR', 'CAPTURED', 'FAILED',
        now(), now(), now()) returning id}, $method{stripe});
}

# what is made wrong => the payment, and what it is called
my @forged = (
    [ 'an amount' => sub { my $id = $of{stripe}[1]; $provider->edit(ref => ref_of($id), captured => 1); return $id }, 'AMOUNT_DIFFERS CHARGE' ],
    [ 'an amount by one cent' => sub { my $id = $of{stripe}[2]; $provider->edit(ref => ref_of($id), captured => 1301); return $id }, 'AMOUNT_DIFFERS CHARGE' ],
    [ 'a currency' => sub { my $id = $of{stripe}[3]; $provider->edit(ref => ref_of($id), currency => 'usd'); return $id }, 'CURRENCY_DIFFERS CHARGE' ],
    [ 'what they have not' => sub { my $id = $of{stripe}[4]; $provider->edit(ref => ref_of($id), captured => 0); return $id }, 'MISSING_THERE CHARGE' ],
    [ 'what we have not' => sub { return beside() }, 'MISSING_HERE CHARGE' ],
    [ 'what failed here' => sub { my $id = failed(); beside($id); return $id }, 'STATUS_DIFFERS CHARGE' ],
    [ 'what was charged twice' => sub { my $id = $of{stripe}[5]; beside($id); return $id }, 'DOUBLED CHARGE' ],
    [ 'what is disputed' => sub { my $id = $of{stripe}[7]; $provider->dispute(ref_of($id)); return $id }, 'DISPUTED DISPUTE' ],
    [ 'a refund that was taken back, of which nobody has told us' => sub { my $id = $of{stripe}[0]; $provider->take_back(ref_of($id)); return $id },
        'MISSING_THERE REFUND' ],
    [ 'what came to us in another currency' => sub { my $id = $of{stripe}[8]; $provider->edit(ref => ref_of($id), settles => 'gbp'); return $id }, '' ],
    [ 'what was charged before midnight' => sub { my $id = $of{stripe}[6]; $provider->edit(ref => ref_of($id), moved => time - 86_400); return $id },
        'MISSING_THERE CHARGE' ],
);
subtest 'each difference has its name' => sub {
    my @ids = map { $_->[1]->() } @forged;
    my $is  = reconciled(stripe => $today);
    is named($is, $ids[$_]), $forged[$_][2], $forged[$_][0] for 0 .. $#forged;
    is scalar @{ $is->{differences} }, scalar(grep { $_->[2] } @forged), 'and there is no other' or diag explain $is->{differences};
    my ($twice) = grep { $_->{name} eq 'DOUBLED' } @{ $is->{differences} };
    is $twice->{ours} + 7, $twice->{theirs} + 0, 'with both sides';

    my $before = reconciled(stripe => $yesterday);
    is named($before), 'OTHER_DAY CHARGE', 'the day before has it';
    is named($vg->get("$api/reconciliation?date=$today&provider=stripe")->{json}{items}[0], $ids[-1]), 'OTHER_DAY CHARGE', 'which is seen from here, too';
};

subtest 'who reads of one that failed here has its provider asked' => sub {
    my ($id) = map { $_->{paymentId} } grep { $_->{name} eq 'STATUS_DIFFERS' } @{ $vg->get("$api/reconciliation?date=$today&provider=stripe")->{json}{items}[0]{differences} };
    is $vg->post("$api/payments/$id/retry", undef)->{status}, 202;
    ok $vg->wait_for(sub { $vg->get("$api/payments/$id")->{json}{status} eq 'CAPTURED' }, 20), 'captured, as it says'
        or diag explain $vg->get("$api/payments/$id")->{json};
};

subtest 'of the other shape, too' => sub {
    my $id = $of{razorpay}[1];
    $provider->edit(ref => ref_of($id), captured => 599);
    is named(reconciled(razorpay => $today)), 'AMOUNT_DIFFERS CHARGE';
    $provider->edit(ref => ref_of($id), captured => 0);
    is named(reconciled(razorpay => $today)), 'MISSING_THERE CHARGE', 'fetched anew';
};

subtest 'a provider that has bad days' => sub {
    $provider->edit(ref => ref_of($of{razorpay}[1]), captured => 600);
    $provider->fault('error', op => 'look', shape => 'razorpay', times => 2);
    is named(reconciled(razorpay => $today)), '', 'is asked again';
    $vg->sql(q{update billing.reconciliation set status = 'RUNNING', run = gen_random_uuid() where provider = 'razorpay' and day = $1}, $today);
    my $jobs = $vg->sql(q{select count(*) from vg.job where kind = 'reconciliation.fetch'});
    is $vg->post("$api/reconciliation", { date => $today, provider => 'razorpay' })->{status}, 202;
    is $vg->sql(q{select count(*) from vg.job where kind = 'reconciliation.fetch'}), $jobs, 'one at a time';
};

sub due { my ($at) = @_; return $vg->sql(q{select string_agg(day::text, ' ' order by day) from billing.reconciliation_due('stripe', $1)}, $at) // '' }

subtest 'each day is wanted once, from 02:00 UTC on' => sub {
    $vg->dbh->begin_work;    # retention takes such old ones away as it sees them
    my $had = sub { my ($day, $status, $at) = @_; $vg->sql(q{insert into billing.reconciliation (provider, day, run, status, started_at)
        values ('stripe', $1, gen_random_uuid(), $2, $3)}, $day, $status, $at) };
    is due('2023-03-26T03:00:00Z'), join(' ', map { "2023-03-$_" } 19 .. 25), 'nobody was there for a week';
    $had->("2023-03-$_", 'DONE', '2023-03-25T02:05Z') for 18 .. 24;
    is due('2023-03-26T01:59:59Z'), '', 'the clocks go forward: not yet';
    is due('2023-03-26T02:00:00Z'), '2023-03-25', 'now';
    is due('2023-03-26T23:59:59Z'), '2023-03-25', 'until it is there';
    $had->('2023-03-25', 'RUNNING', '2023-03-26T02:00Z');
    is due('2023-03-26T07:00:00Z'), '', 'while it is fetched, it is not fetched';
    is due('2023-03-26T08:00:01Z'), '2023-03-25', 'what stands still begins anew';
    $vg->sql(q{update billing.reconciliation set status = 'FAILED' where day = '2023-03-25'});
    is due('2023-03-27T02:00:00Z'), '2023-03-25 2023-03-26', 'and so does what could not be had';
    $vg->sql(q{update billing.reconciliation set status = 'DONE' where day = '2023-03-25'});
    is due('2023-03-26T08:00:01Z'), '', 'once it is there it is not fetched again';
    $had->("2023-10-$_", 'DONE', '2023-10-28T02:05Z') for 21 .. 27;
    is due('2023-10-29T01:59:00Z'), '', 'the clocks go back: not yet';
    is due('2023-10-29T02:00:00Z'), '2023-10-28';
    $vg->dbh->rollback;
};

subtest 'and is fetched without being asked' => sub {
    $vg->sql(q{delete from billing.reconciliation where provider = 'razorpay'});
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from billing.reconciliation where provider = 'razorpay' and status = 'DONE'}) >= 7 }, 50), 'a week'
        or diag explain $vg->dbh->selectall_arrayref('select provider, day, status, reason from billing.reconciliation');
};

subtest 'an export of many pages, that changes while it is read' => sub {
    my $day  = '2022-05-05';
    my $run  = $vg->sql(q{insert into billing.reconciliation (provider, day, run, status, started_at)
        values ('razorpay', $1, gen_random_uuid(), 'RUNNING', now()) returning run}, $day);
    my $at   = $vg->sql(q{select extract(epoch from timestamptz '2022-05-05T12:00Z')::bigint});
    my $page = sub { return $json->encode({ items => [ map { { entity_id => "pay_$_", type => 'payment', amount => 100, currency => 'INR', created_at => $at + 0 } } @_ ] }) };
    my $heard = sub { my ($part, $cursor, $text, $of) = @_; return $vg->sql(q{select concat_ws(' ', j ->> 'part', j ->> 'cursor') from
        billing.export_heard('razorpay', $1, $2, $3, $4, $5, now()) j}, $day, $of // $run, $part, $cursor, $text) };
    is $heard->(0, undef, $page->(1 .. 50)), '0 50', 'a full page has another one behind it';
    is $heard->(0, undef, $page->(1 .. 50), '01939333-0000-7000-8000-0000000000ff'), '', 'of an older run none is taken';
    is $heard->(0, '50', $page->(49 .. 60)), '1', 'what slipped to the next page counts once; India\'s next day follows';
    is $heard->(1, undef, $page->()), '', 'that was all';
    is $vg->sql(q{select status || ' ' || pages from billing.reconciliation where day = $1}, $day), 'DONE 3';
    is $vg->sql(q{select count(*) || ' ' || sum(amount) from billing.provider_entry where day = $1}, $day), '60 60.00';
};

subtest 'what is wrong is told' => sub {
    my $try = sub { $vg->post("$api/reconciliation", { provider => 'stripe', date => $today, @_ }) };
    is $try->(date => $_)->{status}, 400, $_ for '2026-02-29', '2026-13-01', '2026-00-10', '2026-1-1', '2026/01/01', 'yesterday!', '2026-01-32';
    is $try->(provider => $_)->{status}, 400, $_ for 'sandbox', 'paypal', '';
    is $vg->get("$api/reconciliation?date=2026-02-30")->{status}, 400;
    is $vg->get("$api/reconciliation")->{status}, 400;
    is $vg->get("$api/reconciliation?date=$today", $driver)->{status}, 403, 'not a driver';
    is $vg->post("$api/reconciliation", { date => $today, provider => 'stripe' }, $driver)->{status}, 403;
};

is $vg->sql('select count(*) from billing.fault'), 0, 'our own books are right';

done_testing;

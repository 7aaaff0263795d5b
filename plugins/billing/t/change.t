# Another plan within a cycle, and an end before it: what that costs, and what
# is given back, against sums of our own.

use strict;
use warnings;

use Math::BigInt;
use Test::More;

use Voltgate;
use Voltgate::Subscriber;

my $vg    = Voltgate->start;
my $s     = Voltgate::Subscriber->new($vg);
my $url   = '/api/v1/billing/subscriptions';
my $small = $s->offer('Small', 10);
my $large = $s->offer('Large', 25.5);
my $fleet = '019393c0-0000-7000-8000-000000000002';

sub ago { my ($what) = @_; return $vg->sql(q{select vg.z(date_trunc('day', now()) - $1::interval)}, $what) }

# cents that are left of a price when the last event came
sub left {
    my ($id, $cents) = @_;
    my ($elapsed, $whole) = map { Math::BigInt->new($_) } split /,/, $vg->sql(q{
        select (extract(epoch from e.at - (s.state ->> 'periodStart')::timestamptz) * 1000000)::bigint || ',' ||
            (extract(epoch from (s.state ->> 'periodEnd')::timestamptz - (s.state ->> 'periodStart')::timestamptz) * 1000000)::bigint
        from billing.subscription s join billing.event_store e on e.aggregate = s.id and e.version = s.version
        where s.id = $1}, $id);
    my $used = $elapsed->copy->bmul(2 * $cents)->badd($whole)->bdiv($whole->copy->bmul(2));
    return $cents - $used->numify;
}

sub invoices { my ($id) = @_; return $vg->rows(q{select * from billing.invoice where subject_id = $1 order by id}, $id) }
sub patch { my ($id, %body) = @_; return $vg->patch("$url/$id", \%body) }
sub told { my ($id, $type) = @_; return $vg->wait_for(sub { $vg->sql('select count(*) from vg.event where type = $1
    and aggregate_id = $2', "subscription.$type.v1", $id) == 1 }, 10) }

subtest 'up: at once, for the difference of what is left' => sub {
    my $id = $s->since($small, ago('9 days 7 hours'), company => $fleet);
    my $r  = patch($id, planId => $large->{id});
    is $r->{status}, 200 or diag $r->{body};
    is $r->{json}{planId}, $large->{id};
    my ($invoice) = invoices($id);
    cmp_ok $invoice->{net}, '==', (left($id, 2550) - left($id, 1000)) / 100, "$invoice->{net} net";
    is_deeply [ $s->history($id) ], [qw(CREATED INVOICED ACTIVATED UPGRADED)];
    ok told($id, 'upgraded'), 'which is told';
    is patch($id, planId => $large->{id})->{status}, 200, 'the one that it has changes nothing';
    is scalar($s->history($id)), 4;
};

subtest 'down: with the next cycle, unless at once is asked for' => sub {
    my $id = $s->since($large, ago('5 days'), company => $fleet);
    is patch($id, planId => $small->{id})->{json}{planned}{planId}, $small->{id};
    is $s->show($id)->{planId}, $large->{id};
    is patch($id, planId => $large->{id})->{json}{planned}, undef, 'thought better of';
    is scalar(invoices($id)), 0, 'nothing is invoiced';

    my $paid = $s->bought($large, $fleet);
    my ($whole) = invoices($paid);
    is patch($paid, planId => $small->{id}, when => 'NOW')->{status}, 200;
    my $credit = left($paid, 2550) - left($paid, 1000);
    my ($after) = invoices($paid);
    my $tax = int($credit * 19 / 100 + 0.5);
    cmp_ok $after->{credited}, '==', ($credit + $tax) / 100, "$after->{credited} of $whole->{total} is credited";
    ok told($paid, 'downgraded');
    is scalar(invoices($paid)), 1;
};

subtest 'its end: with the cycle, or at once for the rest of it' => sub {
    my $id = $s->bought($small, $fleet);
    is $vg->delete("$url/$id")->{json}{cancelAt}, $s->show($id)->{periodEnd};
    is $vg->delete("$url/$id?when=NOW")->{json}{status}, 'CANCELLED';
    my ($invoice) = invoices($id);
    my $credit = left($id, 1000);
    cmp_ok $invoice->{credited}, '==', ($credit + int($credit * 19 / 100 + 0.5)) / 100;
    ok told($id, 'cancelled');
    is $vg->delete("$url/$id")->{status}, 409, 'over is over';
    is patch($id, planId => $large->{id})->{json}{type}, 'https://voltgate.dev/problems/subscription_over';
};

subtest 'what was paid by credit becomes credit' => sub {
    $vg->sql(q{select billing.payer_known('rich', null)});
    $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', 'rich', 50, 'EUR', now(), 'test')});
    my $r  = $vg->post($url, { planId => $small->{id}, customerId => 'rich' });
    my $id = $r->{json}{id};
    ok $s->becomes($id, 'ACTIVE');
    is patch($id, planId => $large->{id})->{status}, 200;
    ok $vg->wait_for(sub { join(' ', $s->history($id)) =~ /UPGRADED PAID$/ }, 10), 'the difference is paid';
    is $vg->delete("$url/$id?when=NOW")->{status}, 200;
    my ($credited) = $vg->sql('select sum(credited) from billing.invoice where subject_id = $1', $id);
    cmp_ok $credited, '>', 30, "$credited of 30.35 is back, a few seconds being used";
    cmp_ok $vg->sql(q{select balance from billing.account where owner = 'rich' and kind = 'CREDIT'}), '==', 50 - 30.35 + $credited;
    cmp_ok $vg->sql(q{select balance from billing.account where owner = 'rich' and kind = 'RECEIVABLE'}), '==', 0;
};

subtest 'refused' => sub {
    my $id = $s->since($small, ago('5 days'), company => $fleet);
    for my $unlike ($s->offer('Other', 5, currency => 'SEK'), $s->offer('Theirs', 5, operatorId => $fleet)) {
        is patch($id, planId => $unlike->{id})->{json}{type}, 'https://voltgate.dev/problems/plan_unlike', $unlike->{name};
    }
    is patch($id, planId => $fleet)->{json}{type}, 'https://voltgate.dev/problems/plan_unknown';
    is patch($id, methodId => $fleet)->{json}{type}, 'https://voltgate.dev/problems/payment_required';
    is $vg->patch("$url/$id", { planId => $large->{id} }, { 'If-Match' => '"99"' })->{status}, 412;
    is $vg->delete("$url/$id", { 'If-Match' => '"99"' })->{status}, 412;
    $vg->patch("/api/v1/billing/plans/$large->{id}", { status => 'RETIRED' });
    is patch($id, planId => $large->{id})->{json}{type}, 'https://voltgate.dev/problems/plan_unknown', 'one that is retired';
    is scalar(invoices($id)), 0, 'and nothing came of it';
};

$s->rebuilt;

done_testing;

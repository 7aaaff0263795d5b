# A plan of another cycle, at once and with the next; a change of what a cycle
# includes; and what a year's plan is worth on any of its days.

use strict;
use warnings;

use JSON::PP ();
use Math::BigInt;
use POSIX ();
use Test::More;

use Voltgate;
use Voltgate::Subscriber;

my $vg     = Voltgate->start;
my $s      = Voltgate::Subscriber->new($vg);
my $url    = '/api/v1/billing/subscriptions';
my $fleet  = '019393c0-0000-7000-8000-000000000002';
my $month  = $s->offer('Month', 10, includedKwh => 50);
my $more   = $s->offer('More', 20, includedKwh => 200, discountPercent => 5);
my $year   = $s->offer('Year', 100, cycle => 'ANNUAL', includedKwh => 600);

sub ago { my ($what) = @_; return $vg->sql(q{select vg.z(date_trunc('second', now()) - $1::interval)}, $what) }
sub patch { my ($id, %body) = @_; return $vg->patch("$url/$id", \%body) }
sub invoices { my ($id) = @_; return $vg->rows('select * from billing.invoice where subject_id = $1 order by id', $id) }

# data of its last event of that type
sub happened {
    my ($id, $type) = @_;
    return JSON::PP->new->decode($vg->sql('select data from billing.event_store where aggregate = $1 and type = $2
        order by version desc limit 1', $id, $type));
}

# cents of a price that are left where the cycle was when its last event came
sub left {
    my ($id, $cents, $began, $ends) = @_;
    my ($elapsed, $whole) = map { Math::BigInt->new($_) } split /,/, $vg->sql(q{
        select (extract(epoch from e.at - $2::timestamptz) * 1000000)::bigint || ',' ||
            (extract(epoch from $3::timestamptz - $2::timestamptz) * 1000000)::bigint
        from billing.event_store e where e.aggregate = $1 order by e.version desc limit 1}, $id, $began, $ends);
    return $cents - $elapsed->copy->bmul(2 * $cents)->badd($whole)->bdiv($whole->copy->bmul(2))->numify;
}

sub uses {
    my ($id, $kwh) = @_;
    $vg->sql('update billing.allowance set used_kwh = $2 where subscription_id = $1', $id, $kwh);
    return;
}

subtest 'a year: each of its days is worth as much' => sub {
    for my $days (1, 36, 37, 100, 120, 200, 360) {
        my $id = $s->since($year, ago("$days days"), company => $fleet);
        my $was = $s->show($id);
        is $vg->delete("$url/$id?when=NOW")->{json}{status}, 'CANCELLED', "after $days days";
        my $left = left($id, 10000, @$was{qw(periodStart periodEnd)});
        cmp_ok happened($id, 'CANCELLED')->{credit}, '==', $left / 100, $left / 100;
    }
};

subtest 'another cycle at once' => sub {
    my $id  = $s->bought($month, $fleet);
    my $was = $s->show($id);
    my $r   = patch($id, planId => $year->{id}, when => 'NOW');
    is $r->{status}, 200 or diag $r->{body};
    my $is = $r->{json};
    isnt $is->{anchor}, $was->{anchor}, 'a new one begins now';
    is $is->{period}, 0;
    is $is->{periodStart}, $is->{anchor};
    is $is->{periodEnd}, $vg->sql(q{select vg.z(billing.cycle_moment($1, 'Europe/Berlin', 'ANNUAL', 1))}, $is->{anchor});
    is $vg->sql('select vg.z(next_at) from billing.subscription where id = $1', $id), $is->{periodEnd};
    my ($old, $new) = invoices($id);
    cmp_ok $new->{net}, '==', 100, 'for the whole price';
    is $new->{part}, 'change-4';
    my $left = left($id, 1000, @$was{qw(periodStart periodEnd)});
    cmp_ok $old->{credited}, '==', ($left + int($left * 19 / 100 + 0.5)) / 100, "$left cents of the old one are given back";
    is $is->{includedKwhLeft}, 600;
    is $vg->sql('select vg.z(min(ends_at)) from billing.allowance where subscription_id = $1', $id), $is->{periodStart}, 'what the old one gave is over';
    is_deeply [ $s->history($id) ], [qw(CREATED INVOICED ACTIVATED DOWNGRADED)], 'a year of it costs less';
    isnt patch($id, planId => $month->{id})->{json}{periodStart}, $is->{periodStart}, 'and back: a dearer one is at once';
    is scalar(invoices($id)), 3;
    cmp_ok +(invoices($id))[1]{credited}, '>', 118.9, 'all but seconds of the year';
};

subtest 'another cycle with the next' => sub {
    my $terms = sub { return JSON::PP->new->decode($vg->sql('select billing.plan_terms($1, 1)', $_[0]{id})) };
    my $id    = $s->planned($month, ago('1 month 2 hours'), $terms->($year), company => $fleet);
    my $was   = $s->show($id);
    $s->ring($id);
    ok $vg->wait_for(sub { $s->show($id)->{planId} eq $year->{id} }, 15);
    my $is = $s->show($id);
    is_deeply [ @$is{qw(anchor periodStart period)} ], [ @$was{qw(periodEnd periodEnd)}, 0 ], 'it begins where the old one ends';
    is $is->{periodEnd}, $vg->sql(q{select vg.z(billing.cycle_moment($1, 'Europe/Berlin', 'ANNUAL', 1))}, $is->{anchor});
    cmp_ok +(invoices($id))[0]{net}, '==', 100;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'subscription.downgraded.v1'
        and aggregate_id = $1}, $id) == 1 }, 10), 'which is told';

    my $up = $s->planned($month, ago('1 month 2 hours'), $terms->($more), company => $fleet);
    $s->ring($up);
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'subscription.upgraded.v1'
        and aggregate_id = $1}, $up) == 1 }, 15), 'and what is dearer as such';
};

subtest 'in another country, by another clock' => sub {
    my $id   = $s->bought($month, $fleet);
    my $away = $s->offer('Away', 12, country => 'AT', timeZone => 'Europe/Vienna');
    is patch($id, planId => $away->{id})->{status}, 200;
    my (undef, $new) = invoices($id);
    is $new->{country}, 'AT';
    cmp_ok $new->{total}, '==', 14.4, 'taxed there';
};

subtest 'what was wished last holds' => sub {
    my $id = $s->bought($year, $fleet);
    ok patch($id, planId => $month->{id}, when => 'PERIOD_END')->{json}{planned};
    is $vg->delete("$url/$id")->{json}{planned}, undef, 'it ends, and goes on under nothing';
    my $on = patch($id, planId => $month->{id}, when => 'PERIOD_END')->{json};
    is $on->{cancelAt}, undef, 'it goes on';
    ok $on->{planned};
};

subtest 'energy that was used is not given back' => sub {
    my $id = $s->bought($month, $fleet);
    uses($id, 40);
    is $s->show($id)->{includedKwhLeft}, 10;
    is $vg->delete("$url/$id?when=NOW")->{status}, 200;
    cmp_ok happened($id, 'CANCELLED')->{credit}, '==', 2, 'of 10.00 for 50 kWh';

    my $up = $s->bought($month, $fleet);
    uses($up, 50);
    is patch($up, planId => $more->{id})->{status}, 200;
    my $net = (invoices($up))[1]{net};
    cmp_ok $net, '>', 19.9, "all of it was used: $net is due for what is left of 20.00";
    my $left = $s->show($up)->{includedKwhLeft};
    cmp_ok $left, '>', 199.9, "and all of the larger plan's energy is left: $left";
    is_deeply [ map { 0 + $_ } split /,/, $vg->sql(q{select discount_percent || ',' || used_kwh from billing.allowance where subscription_id = $1}, $up) ],
        [ 5, 50 ], 'with its discount';
    cmp_ok $vg->sql(q{select included_kwh - used_kwh from billing.allowance where subscription_id = $1}, $up), '==', $left;

    my $half = $s->since($month, $vg->sql(q{select vg.z(billing.cycle_moment(date_trunc('second', now()), 'Europe/Berlin', 'MONTHLY', -1)
        + interval '15 days')}), company => $fleet);
    my $was = $s->show($half);
    is patch($half, planId => $more->{id})->{status}, 200;
    my ($elapsed, $whole) = split /,/, $vg->sql(q{select extract(epoch from e.at - $2::timestamptz) || ',' || extract(epoch from $3::timestamptz - $2::timestamptz)
        from billing.event_store e where e.aggregate = $1 order by e.version desc limit 1}, $half, @$was{qw(periodStart periodEnd)});
    cmp_ok abs($s->show($half)->{includedKwhLeft} - (50 * $elapsed + 200 * ($whole - $elapsed)) / $whole), '<', 1e-6, 'of each plan its part';
};

subtest 'who uses it meanwhile is seen' => sub {
    my $id = $s->bought($month, $fleet);
    my $session = $vg->_connect($vg->{owner_url});
    $session->begin_work;
    $session->do('update billing.allowance set used_kwh = 50 where subscription_id = $1', undef, $id);
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $_->{InactiveDestroy} = 1 for $vg->{dbh}, $session;
        my $r = $vg->delete("$url/$id?when=NOW");
        print STDERR "# $r->{status} $r->{body}\n" if $r->{status} != 409;
        POSIX::_exit($r->{status} == 409 ? 0 : 1);
    }
    ok $vg->wait_for(sub { $vg->waiting }, 10), 'it waits';
    $session->commit;
    waitpid $pid, 0;
    is $? >> 8, 0, 'and is refused: it was reckoned without that';
    is $s->show($id)->{status}, 'ACTIVE';
};

$s->rebuilt;

done_testing;

# One subscription that cannot be billed holds up no other: it is tried by
# itself, then parked, and shown; and what holds beside the run: its rows may be
# somebody's, and its clock may be wrong.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Subscriber;

my $vg = Voltgate->start(extra => { http => "voltgate_setting billing.dunning \"1d 3d 7d cancel\";\nvoltgate_job subscription.renew tries=2;" });
my $s     = Voltgate::Subscriber->new($vg);
my $small = $s->offer('Small', 10);
my $fleet = '019393c0-0000-7000-8000-000000000002';
my $url   = '/api/v1/billing/subscriptions';

# A month that is over also where clocks went back meanwhile is one and two hours.
sub ago { my ($what) = @_; return $vg->sql(q{select vg.z(date_trunc('day', now()) - $1::interval)}, $what) }

sub invoices { my ($id) = @_; return $vg->sql('select count(*) from billing.invoice where subject_id = $1', $id) }

# due, with other terms planned: what is wrong with them
sub due_with {
    my ($company, %terms) = @_;
    my $id = $s->at_rest($small, ago('1 month 2 hours'), company => $company);
    $s->append($id, 'CHANGE_PLANNED', { planned => { %{ $s->show($id)->{terms} }, %terms } }) if %terms;
    return $id;
}

# all of them at once
sub ring_all { $vg->sql(q{update billing.subscription set next_at = now() where next_at is not null and id = any($1)}, [@_]); return }

sub stuck { my ($id) = @_; return $s->show($id)->{stuck} }


subtest 'whatever is wrong with one, the others of its batch are billed' => sub {
    $vg->sql(q{alter table billing.invoice add constraint not_there check (company_id is distinct from 'poison')});
    my %bad = (
        zone       => due_with('of-zone', timeZone => 'Mars/Olympus_Mons'),
        amount     => due_with('of-amount', price => 1e30, planId => $vg->sql('select vg.uuid7()')),
        price      => due_with('of-price', price => 'free', planId => $vg->sql('select vg.uuid7()')),
        plan       => due_with('of-plan', planId => 'none'),
        cycle      => due_with('of-cycle', cycle => 'WEEKLY'),
        constraint => due_with('poison'),
    );
    my @good = map { due_with("good-$_") } 1 .. 20;
    ring_all(values %bad, @good);
    ok $vg->wait_for(sub { @good == grep { invoices($_) == 1 } @good }, 15), 'the others are billed'
        or diag join ' ', map { invoices($_) } @good;
    for my $what (sort keys %bad) {
        ok $vg->wait_for(sub { (stuck($bad{$what}) || {})->{parked} }, 30), "$what: parked after two tries"
            or diag explain $s->show($bad{$what});
        is invoices($bad{$what}), 0, 'and not billed';
        is $vg->sql('select next_at from billing.subscription where id = $1', $bad{$what}), undef, 'the clock leaves it alone';
    }
    is stuck($bad{constraint})->{failure}, 'not_there', 'what failed has its name';
    is_deeply [ sort map { $_->{id} } @{ $vg->get("$url?stuck=true&limit=50")->{json}{items} } ], [ sort values %bad ], 'a list shows them';
    is $vg->sql(q{select count(*) from vg.job where kind = 'subscription.renew' and dead_at is not null}), scalar(keys %bad), 'and dead jobs';
    my ($dead) = $vg->get('/metrics')->{body} =~ /^(\S*job\S*subscription\.renew\S*dead\S* \d+)/m;
    like $dead, qr/ 6$/, "and the metrics: $dead";
    is $vg->sql('select count(*) from billing.fault'), 0, 'and nothing is half done';

    # what was wrong is put right
    $vg->sql('alter table billing.invoice drop constraint not_there');
    is $vg->post("$url/$bad{constraint}/retry")->{status}, 202;
    ok $vg->wait_for(sub { invoices($bad{constraint}) == 1 && !stuck($bad{constraint}) }, 15), 'and it goes on'
        or diag explain $s->show($bad{constraint});
    is_deeply [ $s->history($bad{constraint}) ], [qw(CREATED INVOICED ACTIVATED RENEWED)];

    is $vg->delete("$url/$bad{zone}")->{status}, 200;
    ring_all($bad{zone});
    ok $s->becomes($bad{zone}, 'CANCELLED'), 'or it is ended';
    is stuck($bad{zone}), undef;
    $s->append($bad{price}, 'PLAN_KEPT', {});
    ring_all($bad{price});
    ok $vg->wait_for(sub { invoices($bad{price}) == 1 }, 15), 'or it is changed, and the clock sees it again';
    is $vg->post("$url/019393c0-0000-7000-8000-00000000dead/retry")->{status}, 404;
};

subtest 'who is changing one has it to the end' => sub {
    my @ids = map { due_with("busy-$_") } 1 .. 3;
    my $dbh = $vg->_connect($vg->{owner_url});
    $dbh->begin_work;
    $dbh->do('select from billing.subscription where id = $1 for update', undef, $ids[0]);
    $vg->sql(q{update billing.subscription set next_at = now() where id = any($1)}, [ @ids[ 1, 2 ] ]);
    $dbh->do('update billing.subscription set next_at = now() where id = $1', undef, $ids[0]);
    ok $vg->wait_for(sub { 2 == grep { invoices($_) == 1 } @ids[ 1, 2 ] }, 15), 'the run passes over it';
    $dbh->do(q{select billing.subscription_append($1, 3, 'CANCELLED', '{"reason": "requested"}', 'test', now(), 'test')}, undef, $ids[0]);
    $dbh->commit;
    $vg->sql(q{update billing.subscription set next_at = now() where id = $1 and next_at is not null}, $ids[0]);
    my $after = due_with('after');
    ring_all($after);
    ok $vg->wait_for(sub { invoices($after) == 1 }, 15);
    is invoices($ids[0]), 0, 'and what was cancelled meanwhile is not billed';
};

subtest 'who ends one while its cycle begins ends the cycle that begins' => sub {
    my $id  = due_with('ends');
    my $dbh = $vg->_connect($vg->{owner_url});
    $dbh->begin_work;
    my ($events) = $dbh->selectrow_array(q{select cardinality(t.events) from billing.subscription s
        cross join lateral billing.subscriptions_turn(array[s], jsonb_build_object(billing.subscription_price(
            s.state, (s.state ->> 'periodEnd')::timestamptz), null), '{}', now(), 'test') t
        where s.id = $1}, undef, $id);
    is $events, 0, 'for nothing, as it happens';
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        my $r = $vg->delete("$url/$id");
        require POSIX;
        POSIX::_exit($r->{status} == 200 ? 0 : 1);
    }
    ok $vg->wait_for(sub { $vg->waiting }, 10), 'the call waits';
    $dbh->commit;
    waitpid $pid, 0;
    is $?, 0, 'and is answered';
    my $shown = $s->show($id);
    is_deeply [ $s->history($id) ], [qw(CREATED INVOICED ACTIVATED RENEWED CANCEL_PLANNED)];
    is $shown->{cancelAt}, $shown->{periodEnd};
    is $shown->{period}, 1;
};

subtest 'a clock that is ahead bills nothing before its time' => sub {
    my $id  = $s->since($small, ago('10 days'), company => $fleet);
    my $run = sub {
        $vg->sql(q{select billing.subscription_run(jsonb_build_object(billing.subscription_price(s.state,
            (s.state ->> 'periodEnd')::timestamptz), null), '{"steps": [], "cancels": false}', 250, now() + $2::interval, 'test')
            from billing.subscription s where s.id = $1}, $id, $_[0]);
        return scalar grep { $_ eq 'RENEWED' } $s->history($id);
    };
    is $run->('1 year'), 0;
    is $s->show($id)->{period}, 0;
};

$s->rebuilt;

done_testing;

# The monthly run on two nodes at once, while workers and PostgreSQL are killed:
# each subscription is billed once, told once and settled once. The bench
# `subscription` does the same with 100,000.
# Long: PostgreSQL and workers are killed meanwhile.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use Voltgate;
use Voltgate::Subscriber;

my $COUNT = 3000;
my $vg    = Voltgate->start(own_cluster => 1);
my $s     = Voltgate::Subscriber->new($vg);
my $plan  = $s->offer('Small', 10, timeZone => 'UTC');
$s->cohort($plan, 'fleet-', $COUNT);
my $other = Voltgate->start(beside => $vg);

# undef while nobody can be asked
sub billed { return eval { local $SIG{__WARN__} = sub { }; $vg->sql(q{select count(*) from billing.invoice where company_id like 'fleet-%'}) } }

# in the midst of it, or the test proves nothing
sub at_least {
    my ($n, $what, $do) = @_;
    my $seen = 0;
    ok $vg->wait_for(sub { ($seen = billed() // $seen) >= $n }, 120), "$n are billed" or return;
    $do->();
    cmp_ok $seen, '<', $COUNT, "$what at $seen";
    return;
}

$vg->sql(q{update billing.subscription set next_at = now() where company_id like 'fleet-%'});
at_least(1, 'a worker is killed', sub { $vg->kill_worker(($vg->workers)[0], 'KILL') });
at_least($COUNT / 4, 'one of the other node', sub { $other->kill_worker(($other->workers)[-1], 'KILL') });
at_least($COUNT / 2, 'PostgreSQL crashes', sub { $vg->pg_stop('immediate'); $vg->pg_start });

ok $vg->wait_for(sub { (billed() // 0) >= $COUNT }, 120), 'all are billed';
ok $vg->wait_for(sub { $vg->sql(q{select not exists (select from billing.invoice where due_at is null)
    and not exists (select from vg.outbox)}) }, 120), 'and settled';
is $vg->sql(q{select count(*) from (select subject_id from billing.invoice where company_id like 'fleet-%'
    group by subject_id having count(*) = 1) once}), $COUNT, 'once each';
is $vg->sql(q{select count(*) from billing.event_store e join billing.subscription b on b.id = e.aggregate
    where e.type = 'RENEWED' and b.company_id like 'fleet-%'}), $COUNT, 'of one cycle';
is $vg->sql(q{select count(*) from billing.subscription where company_id like 'fleet-%' and next_at > now()}), $COUNT, 'and rest until the next';
is $vg->sql(q{select count(*) from vg.event where type = 'invoice.created.v1'}), $COUNT, 'each is told once';
is $vg->sql('select max(sequence) - count(*) from billing.invoice where issuer = $1', $Voltgate::Subscriber::ISSUER), 0, 'no number is missing';
is $vg->sql(q{select count(*) from billing.invoice i where (select count(*) from billing.transfer t where t.reference = i.id) <> 2}), 0,
    'each moved its net and its tax';
$s->rebuilt;

done_testing;

# How many a month: counted by all workers and nodes, written down in batches,
# remembered over a stop, and gone with the month.

use strict;
use warnings;

use Test::More;
use Time::Local qw(timegm);

use Voltgate::Till qw(somebody key from ask left figure);

my $conf = <<'END';
voltgate_plan partner rate=1000r/s burst=1000;
voltgate_plan driver rate=1000r/s burst=1000 quota=5/month;
END
my $vg = Voltgate::Till->start(http => $conf);

my $month = 'date_trunc(\'month\', now() at time zone \'UTC\')::date';

sub used { my ($id) = @_; return $vg->sql("select sum(used) from vg.quota where id = \$1 and month = $month", $id) // 0 }

# s until the month is over, UTC
sub rest {
    my ($year, $at) = (gmtime)[ 5, 4 ];
    return timegm(0, 0, 0, 1, ($at + 1) % 12, $year + 1900 + ($at == 11)) - time;
}

subtest 'a key of eight calls a month' => sub {
    my %seen;
    for (1 .. 12) {
        delete $vg->{client} if $_ % 3 == 0;    # workers in turn
        my $r = ask($vg, '/mine', key('a-8'));
        $seen{ $r->{status} }++;
        is +(split m{/}, left($r))[0], 8, 'it is told of its quota, the tighter limit' if $_ == 1;
        next if $r->{status} != 429;
        like $r->{json}{type}, qr{/quota_used$}, 'more are refused by a name of their own';
        ok abs($r->{headers}{'retry-after'} - rest()) < 60, 'until the month is over'
            or diag "$r->{headers}{'retry-after'}, not ", rest();
        is $r->{headers}{'ratelimit-remaining'}, 0, 'none is left';
    }
    is_deeply \%seen, { 200 => 8, 429 => 4 }, 'eight went';
    ok $vg->wait_for(sub { used('key-a-8') == 8 }, 5), 'which is written down' or diag used('key-a-8');
    cmp_ok figure($vg, 'voltgate_limit_quota_writes_total'), '>', 0, 'and seen';
    is figure($vg, 'voltgate_limited_total{plan="partner",reason="quota"}'), 4, 'with what was refused';
    is ask($vg, '/mine', key('b-8'))->{status}, 200, 'another key has its own';
};

subtest 'a plan with a quota' => sub {
    my $ann = somebody($vg, 'ann');
    is join(' ', map { ask($vg, '/mine', $ann)->{status} } 1 .. 6), '200 200 200 200 200 429', 'is that of each who has it';
    my $long = somebody($vg, 'l' x 200);
    is join(' ', map { ask($vg, '/mine', $long)->{status} } 1 .. 6), '200 200 200 200 200 429', 'also with a long name';
    is ask($vg, '/mine', key('c'))->{status}, 200, 'who has none is not counted';
    ok $vg->wait_for(sub { used('ann') == 5 }, 5), 'it is written under the caller';
    is $vg->sql('select count(*) from vg.quota where id = $1', 'key-c'), 0, 'and nothing of who has none';
};

subtest 'after a stop' => sub {
    $vg->stop_gateway;
    $vg->start_gateway;
    my $last = 200;
    ok $vg->wait_for(sub { ($last = ask($vg, '/mine', key('a-8'))->{status}) == 429 }, 10),
        'what was used is known again, within a moment of the first call';
    cmp_ok used('key-a-8'), '<', 40, 'it is added to, not begun anew';
};

subtest 'another node' => sub {
    is ask($vg, '/mine', key('d-20'))->{status}, 200, 'one';
    ok $vg->wait_for(sub { used('key-d-20') == 1 }, 5), 'written';
    my $other = Voltgate::Till->start(beside => $vg, http => $conf);
    is ask($other, '/mine', key('d-20'))->{status}, 200, 'nine more there' for 1 .. 9;
    ok $vg->wait_for(sub { used('key-d-20') == 10 }, 5), 'are added';
    is ask($vg, '/mine', key('d-20'))->{status}, 200, 'another here';
    ok $vg->wait_for(sub { +(split m{/}, left(ask($vg, '/mine', key('d-20'))))[1] <= 8 }, 5), 'it hears of what the other one had';
    ok $vg->wait_for(sub { ask($vg, '/mine', key('d-20'))->{status} == 429 }, 5), 'and together they come to the end';
};

subtest 'the next month' => sub {
    $vg->sql('update vg.quota set month = month - interval \'1 month\'');
    $vg->stop_gateway;
    $vg->start_gateway;
    is ask($vg, '/mine', key('a-8'))->{status}, 200, 'begins anew';
};

subtest 'without the database' => sub {
    my $alone = Voltgate::Till->start(http => $conf, own_cluster => 1);
    is ask($alone, '/mine', key('e-6'))->{status}, 200, 'one';
    ok $alone->wait_for(sub { $alone->sql('select coalesce(sum(used), 0) from vg.quota') == 1 }, 5), 'written';
    $alone->pg_stop('immediate');
    is join(' ', map { ask($alone, '/mine', key('e-6'))->{status} } 1 .. 6), '200 200 200 200 200 429',
        'the node counts on';
    $alone->pg_start;
    ok $alone->wait_for(sub { eval { $alone->sql('select sum(used) from vg.quota') == 6 } }, 20),
        'and writes when it is back';
};

done_testing;

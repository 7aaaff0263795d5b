# Two plugins on two clusters, and two nodes: each cluster has an outbox and a
# log of its own, and who lives in one hears what is told in the other.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Author qw(listener);

my $vg = Voltgate->start(
    own_cluster => 1,
    authored    => { listener('here', takes => 'there.told.v1', tells => 'here.told.v1'),
        listener('there', takes => 'here.told.v1', tells => 'there.told.v1') },
    elsewhere => { far => ['there'] },
);
my $far  = $vg->elsewhere('far');
my $next = Voltgate->start(beside => $vg);

is $vg->sql(q{select to_regclass('there.seen')}), undef, 'the one is not where the other is';
is $far->sql(q{select to_regclass('here.seen')}), undef, 'nor the other way round';

# how often each number from 1 to count was heard: "times x numbers"
sub heard {
    my ($where, $name) = @_;
    return join ', ', map { "$_->{times} x $_->{numbers}" } $where->rows(
        "select times, count(*) as numbers from (select n, count(*) as times from $name.seen group by n) s group by times");
}

sub told {
    my ($node, $name, @numbers) = @_;
    my $ok = 0;
    for my $n (@numbers) {
        $ok += $node->post("/api/v1/$name", { n => $n })->{status} == 200;
    }
    return $ok;
}

subtest 'what is told in one is heard in the other, by two nodes, once' => sub {
    is told($_->[0], $_->[1], @{ $_->[2] }), 100
        for [ $vg, here => [ 1 .. 100 ] ], [ $next, here => [ 101 .. 200 ] ],
            [ $next, there => [ 1 .. 100 ] ], [ $vg, there => [ 101 .. 200 ] ];
    ok $vg->wait_for(sub { heard($far, 'there') eq '1 x 200' && heard($vg, 'here') eq '1 x 200' }, 20), 'each once'
        or diag heard($far, 'there'), '; ', heard($vg, 'here');
    is $vg->sql(q{select count(*) from vg.event where type = 'here.told.v1'}), 200, 'in the log of home';
    is $far->sql(q{select count(*) from vg.event where type = 'there.told.v1'}), 200, 'in the log of the other';
    is $far->sql(q{select pos from vg.cursor where consumer = 'there' and log = 'home'})
        - $vg->sql(q{select max(pos) from vg.event where type = 'here.told.v1'}), 0,
        'the cursor is where its consumer lives';
};

subtest 'the other cluster crashes: its plugin alone is away, and misses nothing' => sub {
    $far->pg_stop('immediate');
    ok $vg->wait_for(sub { $vg->post('/api/v1/there', { n => 1 })->{status} == 503 }, 10), 'answered 503';
    is told($vg, here => 201 .. 250), 50, 'the rest goes on';
    $far->pg_start;
    ok $vg->wait_for(sub { told($vg, there => 201) }, 20), 'it comes back by itself';
    is told($next, here => 251 .. 300), 50;
    ok $vg->wait_for(sub { heard($far, 'there') eq '1 x 300' && heard($vg, 'here') eq '1 x 201' }, 20), 'each once'
        or diag heard($far, 'there'), '; ', heard($vg, 'here');
};

subtest 'home crashes: positions that were seen are not given again' => sub {
    my $seen = $far->sql(q{select pos from vg.cursor where consumer = 'there' and log = 'home'});
    $vg->pg_stop('immediate');
    ok $vg->wait_for(sub { $vg->post('/api/v1/here', { n => 0 })->{status} == 503 }, 10), 'answered 503';
    $vg->pg_start;
    ok $vg->wait_for(sub { told($vg, here => 301) }, 20), 'home is back';
    cmp_ok $vg->sql('select max(pos) from vg.event'), '>=', $seen, 'the log has not lost what was read';
    ok $vg->wait_for(sub { heard($far, 'there') eq '1 x 301' }, 20), 'each once' or diag heard($far, 'there');
};

is $_->sql('select count(*) from vg.parked'), 0, 'nothing is parked' for $vg, $far;
done_testing;

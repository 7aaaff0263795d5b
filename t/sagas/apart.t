# A saga whose steps are in two clusters, and two nodes: a cluster that is
# away is waited for, a node that is gone is taken over from.

use strict;
use warnings;

use Test::More;

use Voltgate::Saga;

my ($vg, @sagas) = Voltgate::Saga->all(elsewhere => { far => ['seats'] }, env => { VG_NODE => 'node-a' });
my ($s)  = grep { $_->{saga} eq 'trips.take' } @sagas;
my $far  = $vg->elsewhere('far');
my $next = Voltgate->start(beside => $vg, env => { VG_NODE => 'node-b' });

is $vg->sql(q{select to_regclass('seats.ledger')}), undef, 'one plugin is elsewhere';

subtest 'a saga over both' => sub {
    my $id = $s->begin;
    $s->drive($id);
    $s->told($id, 'COMPLETED');
    is $far->sql('select count(*) from vg.answer where key = $1', "$id/seat"), 1, "a step's answer is where it was done";
    is $vg->sql('select count(*) from vg.answer where key like $1', "$id/seat%"), 0;
};

subtest 'is undone in both' => sub {
    $s->fault('fare', 'fail');
    my $id = $s->begin;
    $s->drive($id);
    $s->told($id, 'UNDONE');
    like $s->effects($id), qr{seat 1/1}, 'also where it was done';
    $s->fault('fare', 'none');
};

subtest 'a step whose cluster is away is tried until it is back, or its time is over' => sub {
    $far->pg_stop('immediate');
    my $id = $s->begin;
    ok $s->until(sub { ($s->row($id)->{problem} // '') =~ /^(?:unavailable|plugin_out|busy)$/ }), 'it waits'
        or diag explain $s->row($id);
    is $s->row($id)->{status}, 'RUNNING';
    my $late = $s->begin;
    $vg->sql(q{update vg.saga set step_at = now() - interval '1 day' where id = $1 and pid is null}, $late)
        if $s->until(sub { $s->row($late)->{tries} > 0 && !$s->row($late)->{pid} });
    ok $s->until(sub { $s->row($late)->{status} eq 'UNDOING' }), 'its time is over: it is to be undone';
    ok !$s->until(sub { $s->row($late)->{status} ne 'UNDOING' }, 1), 'and that waits too';
    $far->pg_start;
    $s->drive($_) for $id, $late;
    $s->told($late, 'UNDONE');
    like $s->effects($late), qr{seat 0/0}, 'what never ran is not undone';
    $s->told($id, 'COMPLETED', 'UNDONE');
    # else the other node takes what comes next
    ok $vg->wait_for(sub { !grep { $vg->client(fresh => 1)->get($vg->url('/ready'))->{status} != 200 } 1 .. 8 }, 20), 'its workers are ready again';
};

subtest 'a node that is gone' => sub {
    $s->fault('fare', 'block');
    my $id = $s->begin;
    ok $s->until(sub { $s->blocked }), 'it runs';
    is $s->row($id)->{node}, 'node-a';
    $vg->kill_node;
    $s->{vg} = $s->{state}{vg} = $next; # the database is the same
    ok $next->wait_for(sub { !$s->blocked }, 10);
    $s->fault('fare', 'none');
    $next->sql(q{update vg.saga set next_at = now() where id = $1}, $id);
    $s->drive($id);
    $s->told($id, 'COMPLETED');
};

done_testing;

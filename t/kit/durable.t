# What was acknowledged is there, however hard PostgreSQL was stopped.
#
# The cluster's WAL writer sleeps for ten seconds, so that nothing but the
# barrier of the write lane brings a commit to disk: without it a stop would
# lose all acknowledged changes of up to that time. The last block shows that
# this stop does lose commits that no barrier stood behind.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Load;

my $vg = Voltgate->start(own_cluster => 1);

$vg->dba->do("alter system set wal_writer_delay = '10s'");
$vg->dba->do('alter system set wal_writer_flush_after = 0');
$vg->dba->do('select pg_reload_conf()');

sub writers {
    my ($round) = @_;
    return Voltgate::Load->start($vg, 6, sub {
        my $id = join '-', 'CP', $round, @_;
        return (POST => '/api/v1/charge-points', {
            id => $id, operatorId => '019393c0-0000-7000-8000-000000000001',
            password => 'sixteen letters!' }, $id);
    });
}

sub stored {
    my ($round) = @_;
    return map { $_->{id} => 1 }
        $vg->rows('select id from stations.charge_point where id like $1', "CP-$round-%");
}

for my $round (1 .. 3) {
    subtest "nothing acknowledged is missing after stop $round" => sub {
        my $load = writers($round);
        ok $load->wait_calls(300, 201), 'there is load';
        $vg->pg_stop('immediate');
        ok $load->wait_calls(6, 503), 'which goes on without a database';
        $vg->pg_start;
        ok $load->wait_calls(20, 201), 'and with it again';
        my @outcomes = $load->stop;
        my %stored   = stored($round);
        my @told     = map { $_->{name} } grep { $_->{status} == 201 } @outcomes;
        my @missing  = grep { !$stored{$_} } @told;
        is "@missing", '', scalar(@told) . ' were acknowledged, all are there';
        my @other = grep { $_->{status} !~ /^(?:201|503|504)$/ } @outcomes;
        is @other, 0, 'the others were told to try again' or diag(Voltgate::Load->tally(@other));
        my %told = map { $_ => 1 } @told;
        note scalar(grep { !$told{$_} } keys %stored),
            ' are stored whose acknowledgement was lost; ', Voltgate::Load->tally(@outcomes);
    };
}

# Writes without a barrier until PostgreSQL is stopped; how much was acknowledged.
sub unsafe {
    my $pid = open(my $told, '-|') // die "fork: $!";
    if (!$pid) { # writes until the stop, and says what was acknowledged
        my $mine = $vg->dba;
        $mine->do('set synchronous_commit = off');
        my $n = 0;
        $n++ while eval { $mine->do('insert into public.unsafe values (1)') };
        syswrite STDOUT, $n;
        kill KILL => $$; # no END of the harness here
    }
    ok $vg->wait_for(sub { $vg->sql('select count(*) from public.unsafe') > 100 }), 'there is load';
    $vg->pg_stop('immediate');
    my $acknowledged = <$told>;
    close $told;
    $vg->pg_start;
    return $acknowledged;
}

subtest 'the same stop loses what no barrier stood behind' => sub {
    $vg->stop_gateway;
    $vg->sql('create table public.unsafe (n int)');
    # else the last page may have been written by the time of the stop
    $vg->dba->do($_) for q{alter system set wal_writer_delay = '10s'}, 'select pg_reload_conf()';
    # an autovacuum that commits at that moment flushes all
    my ($stored, $acknowledged) = (0, 0);
    for (1 .. 5) {
        $acknowledged = unsafe();
        $stored = $vg->sql('select count(*) from public.unsafe');
        last if $stored < $acknowledged;
        $vg->sql('truncate public.unsafe');
    }
    cmp_ok $stored, '<', $acknowledged, 'of what was acknowledged';
};

done_testing;

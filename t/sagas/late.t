# A worker stops in the middle of a step, for so long that another takes over
# and undoes the saga; then it goes on. Its step meets its key and is refused,
# and its move of the row changes nothing.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use Voltgate::Saga;

# A step behind a wait is taken by the worker that told that it may go on: of five
# none that hears events here is worker 0, which has to go on as it takes over.
my ($vg, @sagas) = Voltgate::Saga->all(workers => 5);

# The saga, and the worker that is stopped at the first try of the step, whose wait
# for the lock is short. After the second, which is the last, it would not come again.
sub caught {
    my ($s, $step) = @_;

    $s->fault($step, 'block');
    $s->through($s->second);    # who begins it runs it
    my $before = $s->tries;
    my $id = $s->begin;
    my %came;
    my $there = $s->until(sub {
        my $row = $s->row($id);
        my ($at) = grep { $_->{name} eq $row->{step} } $s->steps;
        $s->arrive($id) if $at && $at->{waits} && !$came{ $at->{name} }++;
        return $s->blocked;
    });
    my $sleeper = $s->row($id)->{pid};
    kill STOP => $sleeper if $sleeper;
    return ($id, $sleeper) if $there && $sleeper && $s->tries == $before + 1;
    kill CONT => $sleeper if $sleeper;
    $s->fault($step, 'none');
    $s->drive($id);
    return;
}

for my $s (@sagas) {
    for my $step (grep { !$_->{waits} } $s->steps) {
        subtest "$s->{saga}: $step->{name} comes after its undo" => sub {
            my ($id, $sleeper);
            ok $vg->wait_for(sub { ($id, $sleeper) = caught($s, $step->{name}) }, 60), 'it is there' or return;
            isnt $sleeper, $s->clerk, 'a worker holds it that does not look after others';
            delete $vg->{client};
            # its wait for the lock ends, and nobody hears of that
            ok $vg->wait_for(sub { !$s->blocked }), 'the first try is over';
            $s->unblock;
            ok $vg->wait_for(sub {
                $vg->sql(q{update vg.saga set next_at = now() where id = $1 and pid = $2}, $id, $sleeper);
                $vg->sql(q{update vg.saga set step_at = now() - interval '1 day' where id = $1
                    and status = 'RUNNING'}, $id);
                return $s->row($id)->{status} eq 'UNDONE';
            }, 15), 'another undoes it' or diag explain $s->row($id);
            my $was = $s->row($id);
            kill CONT => $sleeper;
            ok $s->until(sub { $vg->log =~ /\b$sleeper#.* \Q$id\E is undone: saga_undone at "$step->{name}"/ }, 10),
                'the step comes after all, and is refused' or diag $vg->log;
            $s->through($sleeper);
            is_deeply $s->row($id), $was, 'the row stays as it was';
            $s->told($id, 'UNDONE');
            $s->fault($step->{name}, 'none');
        };
    }
}

done_testing;

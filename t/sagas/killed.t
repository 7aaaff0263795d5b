# The worker that runs a saga is killed at each of its steps: another goes on,
# and the saga ends as a whole, done or undone.
# Long: each step of each saga.

use strict;
use warnings;

use Test::More;

use Voltgate::Saga;

my ($vg, @sagas) = Voltgate::Saga->all;

sub kill_worker {
    my ($s, $victim) = @_;
    my @before = $vg->workers;
    $vg->kill_worker($victim);
    delete $vg->{client};
    $s->until(sub { my @now = $vg->workers; @now == @before && !grep { $_ == $victim } @now }, 10)
        or die "no worker came for $victim\n";
    return;
}

for my $s (@sagas) {
    for my $step (grep { !$_->{waits} } $s->steps) {
        for my $when ('before its commit', 'while it commits') {
            subtest "$s->{saga}: killed at $step->{name}, $when" => sub {
                $s->fault($step->{name}, 'block');
                my $id = $s->begin;
                my ($waiting, %came);
                ok $s->until(sub {
                    my $row = $s->row($id);
                    my ($at) = grep { $_->{name} eq $row->{step} } $s->steps;
                    $s->arrive($id) if $at && $at->{waits} && !$came{ $at->{name} }++;
                    return $s->blocked;
                }), 'it is there';
                my $victim = $s->row($id)->{pid};
                # a backend whose client is gone commits what it has been sent
                $s->unblock if $when eq 'while it commits';
                kill_worker($s, $victim);
                $s->until(sub { !$s->blocked }, 10) if $when eq 'before its commit'; # the lock's own limit
                $s->fault($step->{name}, 'none');
                $s->drive($id);
                $s->told($id, 'COMPLETED', 'UNDONE');
            };
        }
    }

    for my $step (grep { $_->{waits} } $s->steps) {
        subtest "$s->{saga}: all are killed while it waits at $step->{name}" => sub {
            my $id = $s->begin;
            my %came;
            ok $s->until(sub {
                my $row = $s->row($id);
                my $at  = $row->{step} // '';
                $s->arrive($id) if $at ne $step->{name} && !$came{$at} && grep { $_->{waits} && $_->{name} eq $at } $s->steps;
                $came{$at} = 1;
                return $at eq $step->{name} && !$row->{pid};
            }), 'it waits';
            kill_worker($s, $_) for $vg->workers;
            $s->arrive($id);
            $s->drive($id);
            $s->told($id, 'COMPLETED');
        };
    }
}

done_testing;

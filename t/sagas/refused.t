# Each step of each saga refuses, or is late: what came before it is undone.
# Made from the registry, so that a new plugin's saga is among them.
# Long: each step of each saga, late ones by seconds.

use strict;
use warnings;

use Test::More;

use Voltgate::Saga;

my ($vg, @sagas) = Voltgate::Saga->all;

for my $s (@sagas) {
    subtest "$s->{saga} goes well" => sub {
        my $id = $s->begin;
        $s->drive($id);
        $s->told($id, 'COMPLETED');
    };

    for my $step (grep { !$_->{waits} } $s->steps) {
        subtest "$s->{saga}: $step->{name} refuses" => sub {
            $s->fault($step->{name}, 'fail');
            my $id = $s->begin;
            $s->drive($id);
            $s->told($id, 'UNDONE');
            is $s->row($id)->{error}, 'unprocessable', 'because of what it said';
            $s->fault($step->{name}, 'none');
        };
    }

    for my $step ($s->steps) {
        subtest "$s->{saga}: $step->{name} takes too long" => sub {
            $s->fault($step->{name}, 'block');
            my $id = $s->begin;
            $s->drive($id, overdue => $step->{name});
            $s->told($id, 'UNDONE');
            $s->fault($step->{name}, 'none');
            if ($step->{waits}) {
                my $was = $s->row($id);
                $s->arrive($id);
                is_deeply $s->row($id), $was, 'what it waited for comes too late to move it';
            }
        };
    }
}

done_testing;

# Holds that are raised while a session runs, where it is hard: amounts that
# round, a payer who finds more, a card that said no.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Held;

my $vg = Voltgate->start(hold => 1, extra => { http => 'voltgate_setting charging.hold_look 1;' });
my $held = Voltgate::Held->new($vg, connectors => 8);
$held->priced([ 1 .. 6 ]);

# it has been looked at so often again
sub looked {
    my ($id, $times) = @_;
    for (1 .. $times) {
        my $was = $held->session($id)->{hold_look_at};
        ok $held->served(sub { $held->session($id)->{hold_look_at} gt $was }), 'looked at';
    }
    return;
}

subtest 'a cost that rounds down to less than its part is raised all the same, a look later' => sub {
    my ($as) = $held->driver(credit => 40);
    my $id = $held->wanted($as, 1);
    my $transaction = $held->begins($id);
    # 8.80 of 11.00 are 80 per cent, 10.47 of 13.09 are less
    $held->metered($transaction, 1, 17_600);
    looked($id, 2);
    is 0 + $held->hold($id)->{amount}, 13.09;
    $held->metered($transaction, 1, 20_000);
    ok $held->served(sub { $held->hold($id)->{amount} == 26.18 }), 'raised' or diag explain $held->hold($id), $held->session($id);
    $held->ends($id, $transaction, 20_000);
    ok $held->becomes($id, 'CAPTURED');
    is 0 + $held->hold($id)->{captured}, 11.9;
    $held->books;
};

subtest 'used up, and topped up: it goes on' => sub {
    my ($as, $name) = $held->driver(credit => 14);
    my $id = $held->wanted($as, 2);
    my $transaction = $held->begins($id);
    $held->metered($transaction, 2, 20_000);
    ok $held->served(sub { ($held->session($id)->{hold_status} // '') eq 'EXHAUSTED' }), 'there is no more';
    is 0 + $held->hold($id)->{amount}, 14;
    my $version = $held->hold($id)->{version};
    looked($id, 2);
    is $held->hold($id)->{version}, $version, 'what changes nothing is not told again';
    $held->credit($name, 20);
    ok $held->served(sub { ($held->session($id)->{hold_status} // '') eq 'HELD' }), 'more is held' or diag explain $held->hold($id);
    is 0 + $held->hold($id)->{amount}, 27.09;
    $held->metered($transaction, 2, 24_000);
    looked($id, 2);
    is $held->stops($transaction), 0, 'nobody stops it';
    ok !$held->flagged($id, 'hold_used_up');
    $held->ends($id, $transaction, 24_000);
    ok $held->becomes($id, 'CAPTURED');
    is $held->balance(CREDIT => $name), 34 - 14.28;
    $held->books;
};

subtest 'a card that said no is not asked again for the same hold, another one is' => sub {
    my ($as, $name) = $held->driver(credit => 13.09, card => 'tok_declined');
    my $id = $held->wanted($as, 3);
    my $transaction = $held->begins($id);
    $held->metered($transaction, 3, 20_000);
    ok $held->served(sub { ($held->session($id)->{hold_status} // '') eq 'EXHAUSTED' }), 'the card says no';
    looked($id, 3);
    is scalar($held->intents($id)), 1, 'it was asked once';
    $held->card($as, 'tok_visa');
    ok $held->served(sub { ($held->session($id)->{hold_status} // '') eq 'HELD' }), 'another one is asked';
    ok $held->served(sub { 0 + $held->hold($id)->{amount} == 26.18 }), 'and says yes';
    is scalar($held->intents($id)), 2;
    $held->ends($id, $transaction, 24_000);
    ok $held->becomes($id, 'CAPTURED');
    is 0 + $held->hold($id)->{captured}, 14.28;
    ok $held->served(sub { $vg->sql('select status from billing.invoice where subject_id = $1', $id) eq 'PAID' }), 'paid by both';
    is $held->balance(RECEIVABLE => $name), 0;
    $held->books;
};

done_testing;

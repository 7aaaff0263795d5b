# Each way on which a session may lose its hold, or get one late: nothing stays
# held, and nobody charges for nothing.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Held;

my $vg = Voltgate->start(hold => 1, extra => { http => 'voltgate_setting charging.hold_look 1;' });
my $held = Voltgate::Held->new($vg, connectors => 12);
$held->priced([ 1 .. 9 ]);
# free for half an hour, then as ever: an hour of it is expected to cost as much as half of one
$held->priced([10], [
    { price_components => [ { type => 'ENERGY', price => 0, step_size => 1 } ], restrictions => { max_duration => 7200 } },
    { price_components => [ { type => 'ENERGY', price => 0.5, step_size => 1 } ] } ]);
$held->priced([11], 5, 'NOK');

sub rests { my ($plugin, $how) = @_; return is $vg->post("/api/v1/events/consumers/$plugin/$how")->{status}, 200, "$plugin: $how" }

sub gone {
    my ($id, $name, $failure) = @_;
    ok $held->served(sub { $held->session($id)->{status} eq 'FAILED' }, 20), 'it fails' or diag explain $held->session($id);
    is $held->session($id)->{failure}, $failure, 'and says why';
    ok $held->becomes($id, 'RELEASED'), 'nothing is held for it';
    ok $held->served(sub { !grep { $_->{status} ne 'CANCELLED' } $held->intents($id) }), 'at no card'
        or diag explain [ $held->intents($id) ];
    is $held->balance(HELD => $name), 0;
    return $held->books;
}

subtest 'the charge point is away: at once' => sub {
    for my $has ([ credit => 20 ], [ card => 'tok_visa' ]) {
        my ($as, $name) = $held->driver(@$has);
        $held->unplug;
        ok $vg->wait_for(sub { !$vg->get('/api/v1/charge-points/CP1')->{json}{connected} }, 10), 'it is away';
        my $id = $held->wanted($as, 1);
        ok $vg->wait_for(sub { $held->session($id)->{status} eq 'FAILED' }, 15);
        $held->plugged;
        gone($id, $name, 'not_connected');
    }
};

subtest 'billing\'s consumer rests: a card says yes all the same' => sub {
    my ($as, $name) = $held->driver(card => 'tok_visa');
    rests(billing => 'pause');
    my $id = $held->wanted($as, 2);
    my $transaction = $held->begins($id);
    is $held->session($id)->{hold_status}, 'HELD';
    rests(billing => 'resume');
    $held->ends($id, $transaction, 1000);
    ok $held->becomes($id, 'CAPTURED');
    $held->books;
};

subtest 'nobody hears that the card said yes: the start fails in time, and says so' => sub {
    my ($as, $name) = $held->driver(card => 'tok_visa');
    rests(charging => 'pause');
    my $id = $held->wanted($as, 3);
    ok $held->becomes($id, 'HELD');
    $vg->sql(q{update charging.session set deadline = now() where id = $1}, $id);
    ok $held->served(sub { $held->session($id)->{status} eq 'FAILED' }), 'at its deadline';
    rests(charging => 'resume');
    gone($id, $name, 'payment_timeout');
    is $held->started($held->session($id)->{id_tag}), 0, 'the charger was not asked';
};

subtest 'refused in the moment in which the charger starts: stopped' => sub {
    my ($as) = $held->driver(credit => 20);
    $held->says(RemoteStartTransaction => 'Accepted');
    my $id = $held->wanted($as, 4);
    ok $held->served(sub { $held->session($id)->{accepted_at} }), 'the charger was asked';
    $vg->sql(q{update charging.session set hold_status = 'REFUSED', hold_net = 0 where id = $1}, $id);
    my $transaction = $held->begins($id);
    ok $held->served(sub { $held->stops($transaction) }), 'it is stopped' or diag explain $held->session($id);
    ok $held->flagged($id, 'hold_refused'), 'and why is said';
    $held->ends($id, $transaction, 10);
    is $held->stops($transaction), 1, 'once';
    $held->books;
};

subtest 'free at first, and not later: held from then on' => sub {
    my ($as, $name) = $held->driver(credit => 40);
    my $id = $held->wanted($as, 10);
    my $transaction = $held->begins($id);    # an hour ago
    is $held->session($id)->{hold_status}, 'NONE';
    $held->metered($transaction, 10, 1000);
    is $held->hold($id)->{status}, '';
    $vg->sql(q{update charging.session set started_at = started_at - interval '4 hours', start_charger_at = start_charger_at
        - interval '4 hours' where id = $1}, $id);
    $held->metered($transaction, 10, 10_000);
    ok $held->becomes($id, 'HELD'), 'as soon as it costs' or diag explain $held->session($id);
    $held->ends($id, $transaction, 10_000);
    ok $held->becomes($id, 'CAPTURED');
    $held->books;
};

subtest 'credit of another currency holds nothing' => sub {
    my ($as, $name) = $held->driver(credit => 500);
    my $id = $held->wanted($as, 11);
    gone_unpaid($id);
    $held->credit($name, 500, 'NOK');
    my $second = $held->wanted($as, 11);
    my $transaction = $held->begins($second);
    is 0 + $held->hold($second)->{amount}, 130.9;
    $held->ends($second, $transaction, 1000);
    ok $held->becomes($second, 'CAPTURED');
    is $held->balance(CREDIT => $name), 1000 - 5.95;
    $held->books;
};

sub gone_unpaid {
    my ($id) = @_;
    ok $held->served(sub { $held->session($id)->{status} eq 'FAILED' });
    return is $held->session($id)->{failure}, 'payment_required';
}

subtest 'told hours later: what is over already holds nothing' => sub {
    my ($as, $name) = $held->driver(credit => 20);
    $vg->sql(q{update charging.tariff set valid_from = valid_from - interval '1 day'});
    my ($id, $transaction) = $held->shown($name, 5, -7200);
    $held->plugged->call(StopTransaction => { transactionId => $transaction, meterStop => 2000, timestamp => $held->clock(-3600) });
    ok $held->served(sub { $held->session($id)->{status} eq 'COMPLETED' });
    ok $held->served(sub { $vg->sql('select count(*) from billing.invoice where subject_id = $1', $id)
        && !$vg->sql(q{select count(*) from vg.job where kind = 'charging.hold'}) }), 'billed';
    ok $held->served(sub { $held->balance(HELD => $name) == 0 }), 'nothing is held';
    is $held->balance(CREDIT => $name), 18.81;
    $held->books;
};

subtest 'more than is held: the card pays the rest' => sub {
    my ($as, $name) = $held->driver(card => 'tok_visa');
    my $id = $held->wanted($as, 6);
    my $transaction = $held->begins($id);
    $held->ends($id, $transaction, 30_000);
    ok $held->served(sub { $vg->sql('select status from billing.invoice where subject_id = $1', $id) eq 'PAID' }), 'paid';
    is 0 + $held->hold($id)->{captured}, 13.09;
    is 0 + $vg->sql(q{select sum(captured) from billing.intent where payer = $1}, $name), 17.85;
    is $held->balance(RECEIVABLE => $name), 0;
    $held->books;
};

subtest 'whoever is killed: a start that comes to nothing gives back what was held' => sub {
    my ($as, $name) = $held->driver(card => 'tok_visa');
    my %at = (
        asked    => sub { 1 },
        held     => sub { $held->hold($_[0])->{status} eq 'HELD' },
        accepted => sub { $held->session($_[0])->{accepted_at} },
    );
    for my $point (sort keys %at) {
        my $id = $held->wanted($as, 7);
        ok $held->served(sub { $at{$point}->($id) }), "it is $point";
        $vg->kill_worker($_) for $vg->workers;
        ok $vg->wait_for(sub { delete $vg->{client}; eval { $vg->get('/ready')->{status} == 200 } }, 20), 'back';
        $vg->sql(q{update charging.session set deadline = now() where id = $1}, $id);
        ok $held->served(sub { $held->session($id)->{status} eq 'FAILED' }, 20);
        ok $held->served(sub { $held->hold($id)->{status} eq 'RELEASED' }, 30) or diag explain $held->hold($id);
        ok $held->served(sub { !grep { $_->{status} ne 'CANCELLED' } $held->intents($id) }, 30), 'the card, too';
    }
    $held->books;
};

done_testing;

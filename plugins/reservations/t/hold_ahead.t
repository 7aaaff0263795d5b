# Money for reservations that lie ahead: held from so long before their start
# as a bank keeps an authorisation.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Held;

my $vg   = Voltgate->start(hold => 1);
my $held = Voltgate::Held->new($vg, connectors => 4);
$held->priced([ 1 .. 4 ]);
ok $vg->wait_for(sub { $vg->sql('select count(*) from reservations.tariff') == 4 }, 10), 'copies have arrived';
my $day = 86_400;

# from so many seconds on, for an hour: 22 kWh make 13.09
sub reserve {
    my ($as, $number, $in) = @_;
    my $r = $vg->post('/api/v1/reservations', { connectorId => $held->connector($number), startTime => $held->clock($in),
        endTime => $held->clock($in + 3600) }, $as);
    is $r->{status}, 201 or diag $r->{body};
    return $r->{json}{id};
}

sub moves {
    my ($as, $id, $in, $hours) = @_;
    my $r = $vg->patch("/api/v1/reservations/$id", { startTime => $held->clock($in), endTime => $held->clock($in + 3600 * $hours) }, $as);
    is $r->{status}, 200 or diag $r->{body};
    return;
}

sub booking { return ($vg->rows('select * from reservations.reservation where id = $1', $_[0]))[0] }
sub due     { return $vg->sql(q{update reservations.reservation set hold_at = now() where id = $1}, $_[0]) }
sub amount  { my ($id, $amount) = @_; return $held->served(sub { abs($held->hold($id)->{amount} - $amount) < 0.02 }, 20) }

subtest 'what begins in five days is held when it begins in three' => sub {
    my ($as, $name) = $held->driver(card => 'tok_visa');
    my $id = reserve($as, 1, 5 * $day);
    ok $held->served(sub { booking($id)->{hold_at} }), 'it is noted when';
    is $vg->sql(q{select extract(epoch from start_time - hold_at)::int from reservations.reservation where id = $1}, $id), 3 * $day;
    is $held->hold($id)->{status}, '', 'nothing is held yet';
    due($id);
    ok $held->becomes($id, 'HELD', 25), 'then it is';
    is $vg->delete("/api/v1/reservations/$id", $as)->{status}, 200;
    ok $held->becomes($id, 'RELEASED');
    ok $held->served(sub { ($held->intents($id))[0]{status} eq 'CANCELLED' }), 'at the card, too';
    $held->books;
};

subtest 'who cannot pay by then is told: cancelled, at no cost' => sub {
    my ($as, $name) = $held->driver(credit => 20);
    my $id = reserve($as, 1, 5 * $day);
    ok $held->served(sub { booking($id)->{hold_at} });
    $vg->sql(q{select billing.move('EXPIRY', gen_random_uuid(), '', 'CREDIT', $1, 'EXPIRED', '-', 19, 'EUR', now(), 'test')}, $name);
    due($id);
    ok $held->served(sub { booking($id)->{status} eq 'CANCELLED' }, 25), 'cancelled';
    is booking($id)->{reason}, 'payment_required';
    is booking($id)->{fee}, undef;
    ok $held->served(sub { $vg->sql(q{select count(*) from vg.event where type = 'reservation.cancelled.v1' and aggregate_id = $1
        and payload ->> 'reason' = 'payment_required'}, $id) }), 'its customer hears why';
};

subtest 'moved far off it is let go, moved near it is held again' => sub {
    my ($as, $name) = $held->driver(card => 'tok_visa');
    my $id = reserve($as, 2, 7200);
    ok $held->becomes($id, 'HELD');
    moves($as, $id, 20 * $day, 1);
    ok $held->becomes($id, 'RELEASED'), 'far off';
    ok $held->served(sub { ($held->intents($id))[0]{status} eq 'CANCELLED' }), 'the card is free';
    is booking($id)->{status}, 'CONFIRMED', 'it stands';
    moves($as, $id, 7200, 2);
    ok $held->becomes($id, 'HELD'), 'near';
    ok amount($id, 26.18), 'as long as it is now';
    is scalar(grep { $_->{status} eq 'AUTHORISED' } $held->intents($id)), 1;
    $held->books;
};

subtest 'moved twice at once it is held as it stands' => sub {
    my ($as, $name) = $held->driver(credit => 100);
    my $id = reserve($as, 3, 7200);
    ok $held->becomes($id, 'HELD');
    for my $hours (4, 2, 5, 3) {
        moves($as, $id, 7200, $hours);
    }
    ok $held->served(sub { $vg->sql(q{select count(*) from vg.job where kind = 'reservations.hold'}) == 0
        && $held->hold($id)->{asked} == booking($id)->{version} }), 'billing knows its last version';
    ok amount($id, 39.27);
    is $held->balance(HELD => $name), 0 + $held->hold($id)->{amount};
    $held->books;
};

subtest 'on a company\'s account nothing is held' => sub {
    my $as = { Authorization => 'Bearer ' . $vg->token(role => 'fleet_manager', subject => 'fm-1',
        company => '019393c0-0000-7000-8000-00000000000f') };
    my $id = reserve($as, 4, 7200);
    ok $held->served(sub { $vg->sql(q{select count(*) from vg.event e join vg.cursor c on c.consumer = 'reservations' and c.pos >= e.pos
        where e.type = 'reservation.created.v1' and e.aggregate_id = $1}, $id) }), 'it was heard of';
    is $vg->sql(q{select count(*) from vg.job where kind = 'reservations.hold' and payload ->> 'id' = $1}, $id), 0;
    is booking($id)->{hold_at}, undef;
    is $held->hold($id)->{status}, '';
};

done_testing;

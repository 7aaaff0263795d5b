# Holds by themselves: what is asked of the books, in whatever order it comes.
# How sessions and reservations use them is tested beside those.

use strict;
use warnings;

use DBD::Pg  ();
use JSON::PP ();
use Test::More;

use Voltgate;

my $vg     = Voltgate->start(hold => 1);
my $issuer = '019393c0-0000-7000-8000-000000000001';
my $number = 0;

sub subject { return sprintf '019393c0-0000-7000-8000-%012d', ++$number }

sub credit {
    my ($name, $amount) = @_;
    $vg->sql('select billing.payer_known($1, null)', $name);
    $vg->sql(q{select billing.move('TOP_UP', gen_random_uuid(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1, $2, 'EUR', now(), 'test')},
        $name, $amount);
    return $name;
}

sub card {
    my ($name, $token) = @_;
    my $r = $vg->post('/api/v1/billing/payment-methods', { provider => 'sandbox', token => $token, customerId => $name });
    is $r->{status}, 201 or diag $r->{body};
    return $name;
}

# as charging asks
sub opens {
    my ($subject, $name, $amount) = @_;
    return $vg->dbh->selectrow_array(q{select h.status from billing.hold_open('SESSION', $1, null, $2, null, $3, 'EUR', $4,
        0.84, now() + interval '7 days', now(), 'test') h}, undef, $subject, $name, $issuer, $amount);
}

sub event {
    my ($plugin, $type, $aggregate, %payload) = @_;
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id) values ($1, $2, $3, $4, 'test', '')},
        $plugin, $type, $aggregate, JSON::PP->new->canonical->encode(\%payload));
    return;
}

sub completed {
    my ($subject, $name, $type, $costs) = @_;
    event('charging', "charging.session.$type.v1", $subject, sessionId => $subject, operatorId => $issuer, customerId => $name,
        country => 'DE', startTime => '2026-11-21T01:00:00Z', endTime => '2026-11-21T02:00:00Z', energyKwh => 10, costs => $costs);
    return;
}

sub costs {
    my ($price) = @_;
    return { currency => 'EUR', total_cost => { excl_vat => $price }, lines => [
        { type => 'ENERGY', element => 0, price => $price / 10, volume => 10, unit => 'kWh', excl_vat => $price } ] };
}

sub hold { return ($vg->rows('select * from billing.hold where subject = $1', $_[0]))[0] || { status => '' } }
sub intent {
    return ($vg->rows('select i.* from billing.intent i join billing.hold h on h.id = i.subject where h.subject = $1', $_[0]))[0];
}
sub becomes { my ($subject, $status) = @_; return $vg->wait_for(sub { hold($subject)->{status} eq $status }, 20) }
sub books   { return is_deeply [ map { $vg->rows("select * from billing.$_") } qw(fault hold_fault) ], [], 'the books balance' }

sub balance {
    my ($kind, $name) = @_;
    return 0 + $vg->sql('select coalesce(sum(balance), 0) from billing.account where kind = $1 and owner = $2', $kind, $name);
}

subtest 'one hold for a subject, asked how often' => sub {
    my $name = credit(often => 50);
    my $one  = subject();
    is opens($one, $name, 10), 'HELD' for 1 .. 3;
    is balance(HELD => $name), 10;
    books();
};

subtest 'what is over before it is asked for is not held any more' => sub {
    my $name = credit(late => 50);
    my $one  = subject();
    event('charging', 'charging.session.failed.v1', $one, sessionId => $one);
    ok becomes($one, 'RELEASED'), 'noted';
    is opens($one, $name, 10), 'RELEASED';
    is balance(CREDIT => $name), 50;
    is_deeply $vg->get("/api/v1/billing/holds?subject=$one")->{json}{items}, [], 'a note is no hold';
};

subtest 'nor what was billed, or has no price yet, before it is asked for' => sub {
    my $name = credit(billed => 50);
    my ($billed, $free, $unpriced) = map { subject() } 1 .. 3;
    completed($billed, $name, completed => costs(5));
    completed($free, $name, completed => costs(0));
    completed($unpriced, $name, completed => undef);
    ok $vg->wait_for(sub { balance(CREDIT => $name) == 44.05 && 3 == $vg->sql(q{select count(*) from billing.used
        where customer_id = $1}, $name) }, 20), 'they are over';
    is opens($_, $name, 10), 'RELEASED' for $billed, $free, $unpriced;
    is balance(HELD => $name), 0;
    books();
};

subtest 'what its plugin does not know any more is let go when its time is over' => sub {
    my $name = credit(stray => 50);
    my ($session, $reservation) = (subject(), subject());
    opens($session, $name, 10);
    is $vg->sql(q{select h.status from billing.hold_open('RESERVATION', $1, null, $2, null, $3, 'EUR', 10, 0.84, now(), now(), 'test') h},
        $reservation, $name, $issuer), 'HELD';
    is balance(HELD => $name), 20;
    $vg->sql(q{update billing.hold set expires_at = now() where payer = $1}, $name);
    ok becomes($_, 'RELEASED') for $session, $reservation;
    is balance(CREDIT => $name), 50;
    books();
};

# as reservations asks, in its version so and so; and a session that uses it
sub books_ahead {
    my ($subject, $name, $amount, $version) = @_;
    return $vg->dbh->selectrow_array(q{select h.status from billing.hold_open('RESERVATION', $1, null, $2, null, $3, 'EUR', $4,
        0.84, now() + interval '7 days', now(), 'test', $5) h}, undef, $subject, $name, $issuer, $amount, $version);
}
sub uses {
    my ($subject, $reservation, $name, $amount) = @_;
    return $vg->dbh->selectrow_array(q{select h.status from billing.hold_open('SESSION', $1, $2, $3, null, $4, 'EUR', $5,
        0.84, now() + interval '7 days', now(), 'test') h}, undef, $subject, $reservation, $name, $issuer, $amount);
}
sub fails { my ($subject) = @_; return event('charging', 'charging.session.failed.v1', $subject, sessionId => $subject) }

subtest 'of two moves the later one counts, whichever is heard last; what is far off is let go, and held anew' => sub {
    my $name = credit(mover => 50);
    my $one  = subject();
    books_ahead($one, $name, 10, 1);
    books_ahead($one, $name, 30, 3);
    books_ahead($one, $name, 20, 2);
    is balance(HELD => $name), 30, 'a late older one changes nothing';
    is books_ahead($one, $name, 0, 4), 'RELEASED', 'none is wanted';
    is balance(HELD => $name), 0;
    is books_ahead($one, $name, 12, 5), 'HELD', 'and again';
    is balance(HELD => $name), 12;
    books();
};

subtest 'a session that comes before its reservation has asked holds it once' => sub {
    my $name = credit(quick => 16);
    my ($reservation, $session) = (subject(), subject());
    is uses($session, $reservation, $name, 10), 'HELD';
    is books_ahead($reservation, $name, 15, 1), 'RELEASED', 'it is the session\'s';
    is balance(HELD => $name), 10;
    fails($session);
    ok becomes($reservation, 'HELD'), 'when the start fails it is the reservation\'s';
    is balance(HELD => $name), 15, 'in its own size';
    is hold($session)->{status}, 'RELEASED';
    books();
};

subtest 'what a reservation owes that is over no session takes' => sub {
    my $name = credit(owing => 16);
    my ($reservation, $session) = (subject(), subject());
    books_ahead($reservation, $name, 15, 1);
    $vg->sql('select billing.hold_over($1, true, now(), $$test$$)', $reservation);
    is uses($session, $reservation, $name, 10), 'REFUSED';
    is hold($reservation)->{status}, 'HELD';
    is balance(HELD => $name), 15;
    books();
};

subtest 'a card that says no to the session that took a hold over is not forgotten by the reservation' => sub {
    my $name = card(refusing => 'tok_declined');
    my ($reservation, $session) = (subject(), subject());
    $vg->dbh->begin_work;                   # the provider is not asked in between
    is books_ahead($reservation, $name, 15, 1), 'PENDING';
    is uses($session, $reservation, $name, 10), 'PENDING', 'its own now';
    $vg->dbh->commit;
    ok becomes($session, 'REFUSED');
    fails($session);
    ok becomes($reservation, 'REFUSED'), 'it was asked for anew';
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'hold.changed.v1' and aggregate_id = $1::text
        and payload ->> 'status' = 'REFUSED'}, $reservation) }, 10), 'and its reservation hears it';
    books();
};

subtest 'of many at once no more are held than there is credit for' => sub {
    my $name = credit(crowd => 35);
    my @askers = map { $vg->_connect($vg->{owner_url}) } 1 .. 12;
    my @asked = map { $_->prepare(q{select billing.hold_open('SESSION', $1, null, $2, null, $3, 'EUR', 10, 0.84,
        now() + interval '7 days', now(), 'test')}, { pg_async => DBD::Pg::PG_ASYNC() }) } @askers;
    $_->execute(subject(), $name, $issuer) for @asked;
    is scalar(grep { $_->pg_result } @asked), 12, 'each was answered';
    $_->finish for @asked;
    $_->disconnect for @askers;
    is_deeply [ map { "$_->{status} $_->{count}" } $vg->rows(q{select status, count(*) from billing.hold where payer = 'crowd'
        group by 1 order by 1}) ], [ 'HELD 3', 'REFUSED 9' ];
    is balance(CREDIT => $name), 5;
    is balance(HELD => $name), 30;
    books();
};

subtest 'without a price it is kept, until there is one' => sub {
    my $name = credit(later => 50);
    my $one  = subject();
    opens($one, $name, 10);
    completed($one, $name, completed => undef);
    ok $vg->wait_for(sub { hold($one)->{over_at} }, 10), 'it is over';
    is hold($one)->{status}, 'HELD';
    completed($one, $name, priced => costs(5));
    ok becomes($one, 'CAPTURED');
    is 0 + hold($one)->{captured}, 5.95;
    is balance(CREDIT => $name), 44.05;
    is balance(RECEIVABLE => $name), 0;
    books();
};

subtest 'or until its time; what goes on is not let go by time' => sub {
    my $name = credit(never => 50);
    my ($over, $runs) = (subject(), subject());
    $vg->sql(q{insert into charging.session (id, status, connector_id, charge_point_id, connector_number, id_tag, time_zone)
        values ($1, 'STARTING', gen_random_uuid(), 'X', 1, 'X', 'UTC')}, $runs);
    opens($_, $name, 10) for $over, $runs;
    completed($over, $name, completed => undef);
    ok $vg->wait_for(sub { hold($over)->{over_at} }, 10);
    $vg->sql(q{update billing.hold set expires_at = now() - interval '1 second' where payer = $1}, $name);
    ok becomes($over, 'RELEASED');
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.job where kind = 'billing.hold_stray'}) == 0
        && hold($runs)->{expires_at} gt hold($over)->{expires_at} }, 20), 'charging was asked about it';
    is hold($runs)->{status}, 'HELD';
    is balance(HELD => $name), 10;
    books();
};

subtest 'what costs more than is held: the rest is taken from credit; a refused one is paid so, too' => sub {
    my $name = credit(more => 12);
    my ($one, $refused) = (subject(), subject());
    opens($one, $name, 5);
    is opens($refused, $name, 100), 'REFUSED';
    completed($one, $name, completed => costs(5));
    ok becomes($one, 'CAPTURED');
    is 0 + hold($one)->{captured}, 5;
    completed($refused, $name, completed => costs(5));
    ok $vg->wait_for(sub { balance(CREDIT => $name) == 0.1 }, 10) or diag balance(CREDIT => $name);
    books();
};

subtest 'a card that has not said yes when the invoice comes is let go' => sub {
    my $name = card(slow => 'tok_visa');
    my $one  = subject();
    $vg->dbh->begin_work;                   # the provider is not asked in between
    is opens($one, $name, 10), 'PENDING';
    my $id = $vg->sql('select billing.hold_capture($1, vg.uuid7(), 5, now(), $$test$$)', $one);
    $vg->dbh->commit;
    is 0 + $id, 0, 'it pays nothing';
    is hold($one)->{status}, 'RELEASED';
    ok $vg->wait_for(sub { intent($one)->{status} eq 'CANCELLED' }, 15) or diag explain intent($one);
};

subtest 'who is erased: what is over goes, what goes on is waited for' => sub {
    my $name = credit(gone => 50);
    my ($paid, $unpriced, $runs) = map { subject() } 1 .. 3;
    opens($_, $name, 10) for $paid, $unpriced, $runs;
    completed($paid, $name, completed => costs(5));
    completed($unpriced, $name, completed => undef);
    ok becomes($paid, 'CAPTURED');
    ok $vg->wait_for(sub { hold($unpriced)->{over_at} }, 10);
    my $erasure = subject();
    my $asked = sub {
        my ($round) = @_;
        event('accounts', 'customer.erasure_requested.v1', $name, erasureId => $erasure, customerId => $name, round => $round);
        my $told;
        ok $vg->wait_for(sub {
            ($told) = $vg->rows(q{select payload::text as payload from vg.event where type = 'customer.erased.v1'
                and payload ->> 'plugin' = 'billing' and payload ->> 'round' = $1}, $round) }, 15) or return {};
        return JSON::PP->new->decode($told->{payload});
    };
    my $first = $asked->(1);
    is $first->{status}, 'POSTPONED';
    is_deeply [ grep { $_->{what} eq 'hold' } @{ $first->{open} } ], [ { what => 'hold', rows => 1 } ];
    is hold($unpriced)->{status}, '', 'its money is back, and it is gone';
    is hold($runs)->{status}, 'HELD';
    event('charging', 'charging.session.failed.v1', $runs, sessionId => $runs);
    ok becomes($runs, 'RELEASED');
    is $asked->(2)->{status}, 'DONE';
    is $vg->sql('select count(*) from billing.hold where customer_id = $1', $name), 0;
    is balance(HELD => $name), 0;
    is balance(CREDIT => $name), 44.05;
    books();
};

subtest 'each fault of a hold is found' => sub {
    my ($one, $other) = (subject(), subject());
    opens($one, credit(faulty => 50), 10);
    opens($other, card(faulty_card => 'tok_visa'), 10);
    ok becomes($other, 'HELD');
    books();
    my %breaks = (
        hold => 'update billing.hold set amount = amount + 1 where subject = $1',
        part => q{update billing.hold set status = 'RELEASED' where subject = $1},
        card => q{update billing.hold_part set status = 'RELEASED' where hold_id = (select id from billing.hold where subject = $2)},
        held => q{select billing.move('RELEASE', gen_random_uuid(), '', 'HELD', 'faulty', 'CREDIT', 'faulty', 1, 'EUR', now(), 'test')},
    );
    for my $what (sort keys %breaks) {
        my $dbh = $vg->dbh;
        $dbh->begin_work;
        (my $break = $breaks{$what}) =~ s/\$1/'$one'/;
        $break =~ s/\$2/'$other'/;
        $dbh->do($break);
        ok scalar(grep { $_->{what} eq $what } @{ $dbh->selectall_arrayref('select * from billing.hold_fault', { Slice => {} }) }), $what;
        $dbh->rollback;
    }
};

done_testing;

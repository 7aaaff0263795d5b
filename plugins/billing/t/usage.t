# What was used, by month: of sessions with a price, free ones, and without.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $url = '/api/v1/billing/usage';

my $operator = '019393c0-0000-7000-8000-000000000001';
my $fleet    = '019393c0-0000-7000-8000-000000000002';
my $session  = '019393c0-0000-7000-8000-0000000000%02d';

sub told {
    my ($type, $n, %more) = @_;
    my $price   = delete $more{price} // 0.5;
    my $payload = JSON::PP->new->canonical->encode({
        sessionId => sprintf($session, $n), operatorId => $operator, customerId => 'dana', country => 'DE', timeZone => 'Europe/Berlin',
        startTime => '2026-10-31T20:00:00Z', endTime => '2026-10-31T21:00:00Z', energyKwh => 10.5,
        costs => { currency => 'EUR', total_cost => { excl_vat => 10 * $price }, lines => [
            { type => 'ENERGY', element => 0, price => $price, volume => 10, unit => 'kWh', excl_vat => 10 * $price } ] },
        %more });
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
        values ('charging', $3, $1, $2, 'test', '')}, sprintf($session, $n), $payload, "charging.session.$type.v1");
    return;
}

sub heard { my ($n) = @_; return $vg->wait_for(sub { $vg->sql('select count(*) from billing.used') == $n }, 10) }

sub months {
    my ($query, %as) = @_;
    %as = (Authorization => 'Bearer ' . $vg->token(subject => 'x', %as)) if %as;
    return [ map { join ' ', $_->{month}, map { defined ? /^[\d.]+$/ ? $_ + 0 : $_ : '-' } @$_{qw(customerId currency sessions energyKwh seconds amount)} }
        @{ $vg->get("$url?$query", \%as)->{json}{items} } ];
}

told(completed => 1) for 1 .. 3;
told(completed => 2, price => 0);
told(completed => 3, costs => undef);
told(completed => 4, startTime => '2026-10-31T22:30:00Z', endTime => '2026-10-31T23:00:00Z');    # November there
told(completed => 5, startTime => undef, energyKwh => undef, operatorId => undef);
told(completed => 6, customerId => 'emil', companyId => $fleet);
ok heard(6), 'each session counts once, however often it is told';
ok $vg->wait_for(sub { $vg->sql('select count(*) from billing.invoice') == 3 }, 10);

subtest 'by month of the station\'s clock, and currency' => sub {
    is_deeply months('customerId=dana'), [ '2026-11 dana EUR 1 10.5 1800 5.95', '2026-10 dana EUR 3 21 7200 5.95', '2026-10 dana - 1 10.5 3600 0' ];
    is_deeply months('customerId=dana&from=2026-10-31T22:00:00Z'), ['2026-11 dana EUR 1 10.5 1800 5.95'];
    is_deeply months('customerId=dana&to=2026-10-31T21:00:00Z'), [];
    is_deeply months("companyId=$fleet"), ['2026-10 emil EUR 1 10.5 3600 5.95'];
};

subtest 'a price that comes later counts as if it had been there' => sub {
    told(priced => 3);
    ok $vg->wait_for(sub { @{ months('customerId=dana') } == 2 }, 10);
    is_deeply months('customerId=dana'), [ '2026-11 dana EUR 1 10.5 1800 5.95', '2026-10 dana EUR 4 31.5 10800 11.9' ];
};

subtest 'a credit note of a later month is that month\'s whose session it credits' => sub {
    my ($invoice) = @{ $vg->get("/api/v1/billing/invoices?sessionId=" . sprintf $session, 4)->{json}{items} };
    is $vg->post("/api/v1/billing/invoices/$invoice->{id}/credit-notes", { amount => 2 })->{status}, 201;
    is_deeply months('customerId=dana'), [ '2026-11 dana EUR 1 10.5 1800 3.95', '2026-10 dana EUR 4 31.5 10800 11.9' ];
};

subtest 'months end by the station\'s clock, summer and winter, east and west' => sub {
    my $n = 10;
    my $of = sub {
        my ($zone, $start, $end) = @_;
        told(completed => ++$n, customerId => "in-$n", timeZone => $zone, startTime => $start, endTime => $end, energyKwh => 1);
        $vg->wait_for(sub { $vg->sql('select count(*) from billing.used where customer_id = $1', "in-$n") }, 10);
        return join ' ', map { "$_->{month} $_->{seconds}" } @{ $vg->get("$url?customerId=in-$n")->{json}{items} };
    };
    my @cases = (
        [ 'Europe/Berlin',      '2026-06-30T20:00:00Z', '2026-06-30T21:59:59Z', '2026-06 7199' ],
        [ 'Europe/Berlin',      '2026-06-30T20:00:00Z', '2026-06-30T22:00:00Z', '2026-07 7200' ],
        [ 'Europe/Berlin',      '2026-11-30T22:30:00Z', '2026-11-30T22:59:59Z', '2026-11 1799' ],
        [ 'Pacific/Kiritimati', '2026-12-31T09:00:00Z', '2026-12-31T10:00:00Z', '2027-01 3600' ],
        [ 'America/Adak',       '2027-01-01T08:00:00Z', '2027-01-01T09:59:59Z', '2026-12 7199' ],
        [ 'Asia/Kathmandu',     '2026-12-31T18:00:00Z', '2026-12-31T18:15:00Z', '2027-01 900' ],
        [ undef,                '2026-12-31T23:00:00Z', '2026-12-31T23:59:59Z', '2026-12 3599' ],
        # an hour twice, an hour not: so long it took
        [ 'Europe/Berlin',      '2026-10-25T00:00:00Z', '2026-10-25T02:00:00Z', '2026-10 7200' ],
        [ 'Europe/Berlin',      '2027-03-28T00:30:00Z', '2027-03-28T01:30:00Z', '2027-03 3600' ],
    );
    is $of->(@$_[ 0 .. 2 ]), $_->[3], ($_->[0] // 'nowhere') . ", until $_->[2]" for @cases;
};

subtest 'to whom it is shown' => sub {
    is scalar @{ months('', role => 'driver', subject => 'dana') }, 2;
    is_deeply months('customerId=dana', role => 'driver', subject => 'emil'), [];
    is_deeply months('', role => 'fleet_manager', company => $fleet), ['2026-10 emil EUR 1 10.5 3600 5.95'];
    is_deeply months('customerId=dana', role => 'operator', company => $operator),
        [ '2026-11 dana EUR 1 10.5 1800 3.95', '2026-10 dana EUR 3 31.5 10800 11.9' ], 'an operator those at its stations';
    is_deeply months('', role => 'operator', company => $fleet), [];
};

done_testing;

# Which rate of tax holds: by country, kind of supply and day, as clocks there
# have it.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg = Voltgate->start;

sub rate { return $vg->sql('select billing.tax_rate_at($1, $2, $3, $4)', @_) }

sub rates {
    my (@rows) = @_;
    is rate(@$_[ 0 .. 3 ]), $_->[4], join ' ', map { $_ // 'none' } @$_ for @rows;
    return;
}

subtest 'a rate holds from midnight, where it was supplied' => sub {
    my @de = ('DE', 'STANDARD');
    rates(
        [ @de, '2020-06-30T21:59:59Z',        'Europe/Berlin',    19 ],
        [ @de, '2020-06-30T22:00:00Z',        'Europe/Berlin',    16 ],
        [ @de, '2020-06-30T22:00:00Z',        undef,              19 ],
        [ @de, '2020-07-01T00:00:00Z',        undef,              16 ],
        [ @de, '2020-07-01T05:59:59Z',        'America/Chicago',  16 ],
        [ @de, '2020-07-01T04:59:59Z',        'America/Chicago',  19 ],
        [ @de, '2020-12-31T22:59:59Z',        'Europe/Berlin',    16 ],
        [ @de, '2020-12-31T23:00:00Z',        'Europe/Berlin',    19 ],
        [ @de, '2021-01-01T00:00:00+01:00',   'Europe/Berlin',    19 ],
        [ @de, '2006-12-31T22:59:59Z',        'Europe/Berlin',    undef ],
        [ 'EE', 'STANDARD', '2025-06-30T20:59:59Z', 'Europe/Tallinn', 22 ],
        [ 'EE', 'STANDARD', '2025-06-30T21:00:00Z', 'Europe/Tallinn', 24 ]);
};

subtest 'countries in two letters or three; others are not known' => sub {
    rates(map { [ $_->[0], 'STANDARD', '2026-11-21T00:00:00Z', undef, $_->[1] ] }
        [ DE => 19 ], [ DEU => 19 ], [ deu => 19 ], [ FI => '25.5' ], [ FIN => '25.5' ], [ KW => 0 ],
        [ XX => undef ], [ D => undef ], [ '' => undef ], [ undef, undef ]);
    is $vg->sql('select count(*) from (select country from billing.tax_rate group by country
        having count(distinct alpha3) > 1 or min(kind) filter (where kind = $1) is null) c', 'STANDARD'), 0,
        'each has one name of three letters, and a standard rate';
};

subtest 'a kind has its own rate, or the standard one' => sub {
    rates(
        [ 'IE', 'ENERGY',       '2020-06-15T22:59:59Z', 'Europe/Dublin', undef ],
        [ 'IE', 'ENERGY',       '2020-06-15T23:00:00Z', 'Europe/Dublin', 13.5 ],
        [ 'IE', 'ENERGY',       '2022-04-30T22:59:59Z', 'Europe/Dublin', 13.5 ],
        [ 'IE', 'ENERGY',       '2022-04-30T23:00:00Z', 'Europe/Dublin', 9 ],
        [ 'IRL', 'ENERGY',      '2030-12-31T23:59:59Z', 'Europe/Dublin', 9 ],
        [ 'IRL', 'ENERGY',      '2031-01-01T00:00:00Z', 'Europe/Dublin', 13.5 ],
        [ 'IE', 'TIME',         '2026-11-21T00:00:00Z', 'Europe/Dublin', 23 ],
        [ 'IE', 'SUBSCRIPTION', '2026-11-21T00:00:00Z', 'Europe/Dublin', 23 ],
        [ 'DE', 'ENERGY',       '2026-11-21T00:00:00Z', 'Europe/Berlin', 19 ],
        [ 'XX', 'ENERGY',       '2026-11-21T00:00:00Z', undef,           undef ]);
    $vg->sql(q{insert into billing.tax_rate (country, alpha3, kind, valid_from, rate)
        values ('DE', 'DEU', 'PARKING', '2030-01-01', 0), ('DE', 'DEU', 'PARKING', '2031-01-01', null)});
    rates(map { [ 'DE', 'PARKING', "$_->[0]T12:00:00Z", 'Europe/Berlin', $_->[1] ] }
        [ '2029-12-31' => 19 ], [ '2030-01-01' => 0 ], [ '2030-12-31' => 0 ], [ '2031-01-01' => 19 ]);
};

# The first invoice of what was told: its taxes as "rate base amount"
my $count = 0;

sub taxed {
    my ($type, %more) = @_;
    my $id = sprintf '019393c0-0000-7000-8000-%012d', ++$count;
    my ($plugin, $name) = $type =~ /^reservation/ ? (reservations => 'reservationId') : (charging => 'sessionId');
    $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id) values ($1, $2, $3, $4, 'test', '')},
        $plugin, $type, $id, JSON::PP->new->canonical->encode({ $name => $id, operatorId => 'issuer', customerId => 'dana',
            startTime => '2026-11-21T01:00:00Z', endTime => '2026-11-21T02:00:00Z', timeZone => 'Europe/Dublin', %more }));
    my $invoice;
    $vg->wait_for(sub { ($invoice) = @{ $vg->get("/api/v1/billing/invoices?subjectId=$id")->{json}{items} } }, 10) or return ['none'];
    return [ (map { "$_->{rate} $_->{base} $_->{amount}" } @{ $invoice->{taxes} }), $invoice->{taxUnknown} ? 'unknown' : () ];
}

sub costs { return { currency => 'EUR', lines => [ map { { volume => 1, unit => 'x', excl_vat => $_->{price}, %$_ } } @_ ] } }

subtest 'each line of what is invoiced has the rate of its kind' => sub {
    my @lines = ({ type => 'ENERGY', price => 10 }, { type => 'TIME', price => 2 });
    my $done = 'charging.session.completed.v1';
    is_deeply taxed($done, country => 'IE', costs => costs(@lines)), [ '23 2 0.46', '9 10 0.9' ], 'of a session';
    is_deeply taxed($done, country => 'IRL', costs => costs(@lines, { type => 'MIN_PRICE', excl_vat => 6 })),
        [ '23 3 0.69', '9 15 1.35' ], 'also what makes up a least price';
    is_deeply taxed($done, country => 'IE', costs => costs({ %{ $lines[0] }, vat => 13.5 }, $lines[1])), [ '23 2 0.46', '13.5 10 1.35' ],
        'the tariff says otherwise';
    $vg->sql(q{insert into billing.tax_rate (country, alpha3, kind, valid_from, rate) values ('IE', 'IRL', 'RESERVATION', '2026-01-01', 0)});
    is_deeply taxed('reservation.cancelled.v1', country => 'IE', fee => 4, costs => costs({ type => 'TIME', price => 4, reservation => 'RESERVATION' })),
        ['0 4 0'], 'of a reservation that was not used';
    is_deeply taxed($done, country => 'IE', costs => costs($lines[0], { type => 'TIME', price => 4, reservation => 'RESERVATION' })),
        [ '9 10 0.9', '0 4 0' ], 'and of one that was';
    is_deeply taxed($done, costs => costs(@lines)), [ '0 12 0', 'unknown' ], 'of a station without a country';
    is_deeply taxed($done, country => 'XX', costs => costs({ %{ $lines[0] }, vat => 5 })), ['5 10 0.5'], 'which the tariff may know';
};

subtest 'what is held has the same tax' => sub {
    for my $of ([ IE => 16.70 ], [ undef, 15 ]) {    # a cost of 13.36, of 12, is 80 per cent of it
        my $id = sprintf '019393c0-0000-7000-8000-%012d', ++$count;
        $vg->sql(q{select billing.payer_known($1, null)}, $id);
        $vg->sql(q{select billing.move('TOP_UP', vg.uuid7(), '', 'PROVIDER', 'sandbox', 'CREDIT', $1::uuid::text, 50, 'EUR', now(), 'test')}, $id);
        $vg->sql(q{select (billing.hold_open('SESSION', $1, null, $1::uuid::text, null, 'issuer', 'EUR', 10, 1, now() + interval '1 day', now(), 'test')).id}, $id);
        $vg->sql(q{update billing.hold set step = 0.01 where subject = $1}, $id);
        $vg->sql(q{insert into vg.outbox (plugin, type, aggregate_id, payload, correlation_id, actor_id)
            values ('charging', 'charging.session.metered.v1', $1, $2, 'test', '')}, $id, JSON::PP->new->canonical->encode({ sessionId => $id,
                country => $of->[0], timeZone => 'Europe/Dublin', part => 80,
                costs => costs({ type => 'ENERGY', price => 10 }, { type => 'TIME', price => 2 }) }));
        my $held;
        $vg->wait_for(sub { ($held = $vg->sql('select amount from billing.hold where subject = $1', $id)) > 10 }, 10);
        cmp_ok $held, '==', $of->[1];
    }
};

done_testing;

# Which rate of tax holds: by country, kind of supply and day, as clocks there
# have it.

use strict;
use warnings;

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

done_testing;

# When cycles begin: a table by hand, and what must hold of all.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg = Voltgate->start;

# anchor, zone, cycle, n, expected
my @cases = (
    # month ends come back
    [ '2026-01-31T10:00:00Z', 'UTC', 'MONTHLY', 0, '2026-01-31T10:00:00Z' ],
    [ '2026-01-31T10:00:00Z', 'UTC', 'MONTHLY', 1, '2026-02-28T10:00:00Z' ],
    [ '2026-01-31T10:00:00Z', 'UTC', 'MONTHLY', 2, '2026-03-31T10:00:00Z' ],
    [ '2026-01-31T10:00:00Z', 'UTC', 'MONTHLY', 3, '2026-04-30T10:00:00Z' ],
    [ '2026-01-31T10:00:00Z', 'UTC', 'MONTHLY', 25, '2028-02-29T10:00:00Z' ],
    [ '2026-01-31T10:00:00Z', 'UTC', 'MONTHLY', 26, '2028-03-31T10:00:00Z' ],
    [ '2026-01-30T10:00:00Z', 'UTC', 'MONTHLY', 1, '2026-02-28T10:00:00Z' ],
    [ '2026-01-29T10:00:00Z', 'UTC', 'MONTHLY', 1, '2026-02-28T10:00:00Z' ],
    [ '2028-01-29T10:00:00Z', 'UTC', 'MONTHLY', 1, '2028-02-29T10:00:00Z' ],
    [ '2026-02-28T10:00:00Z', 'UTC', 'MONTHLY', 1, '2026-03-28T10:00:00Z' ],
    # quarters
    [ '2026-11-30T00:00:00Z', 'UTC', 'QUARTERLY', 1, '2027-02-28T00:00:00Z' ],
    [ '2026-11-30T00:00:00Z', 'UTC', 'QUARTERLY', 2, '2027-05-30T00:00:00Z' ],
    [ '2027-11-30T00:00:00Z', 'UTC', 'QUARTERLY', 1, '2028-02-29T00:00:00Z' ],
    [ '2026-08-31T00:00:00Z', 'UTC', 'QUARTERLY', 1, '2026-11-30T00:00:00Z' ],
    # years, and of the 29th of February
    [ '2024-02-29T12:00:00Z', 'UTC', 'ANNUAL', 1, '2025-02-28T12:00:00Z' ],
    [ '2024-02-29T12:00:00Z', 'UTC', 'ANNUAL', 4, '2028-02-29T12:00:00Z' ],
    [ '2096-02-29T12:00:00Z', 'UTC', 'ANNUAL', 4, '2100-02-28T12:00:00Z' ],
    [ '2025-02-28T12:00:00Z', 'UTC', 'ANNUAL', 3, '2028-02-28T12:00:00Z' ],
    # the zone's day is not UTC's: the 31st in Berlin, the 30th in UTC
    [ '2026-03-30T22:30:00Z', 'Europe/Berlin', 'MONTHLY', 1, '2026-04-29T22:30:00Z' ],
    [ '2026-03-30T22:30:00Z', 'Europe/Berlin', 'MONTHLY', 2, '2026-05-30T22:30:00Z' ],
    # noon stays noon over a change of clocks
    [ '2026-03-15T11:00:00Z', 'Europe/Berlin', 'MONTHLY', 1, '2026-04-15T10:00:00Z' ],
    [ '2026-10-15T10:00:00Z', 'Europe/Berlin', 'MONTHLY', 1, '2026-11-15T11:00:00Z' ],
    [ '2026-02-08T17:00:00Z', 'America/New_York', 'MONTHLY', 1, '2026-03-08T16:00:00Z' ],
    # 02:30 on the 29th of March is left out in Berlin: an hour later
    [ '2026-01-29T01:30:00Z', 'Europe/Berlin', 'MONTHLY', 2, '2026-03-29T01:30:00Z' ],
    [ '2026-01-29T01:30:00Z', 'Europe/Berlin', 'MONTHLY', 3, '2026-04-29T00:30:00Z' ],
    # 02:30 on the 25th of October is there twice: the second
    [ '2026-09-25T00:30:00Z', 'Europe/Berlin', 'MONTHLY', 1, '2026-10-25T01:30:00Z' ],
    # began in the first of two hours: it began when it began
    [ '2026-10-25T00:30:00Z', 'Europe/Berlin', 'MONTHLY', 0, '2026-10-25T00:30:00Z' ],
    [ '2026-10-25T00:30:00Z', 'Europe/Berlin', 'MONTHLY', 1, '2026-11-25T01:30:00Z' ],
    # half an hour of daylight saving, three quarters of an offset, no summer, across the date line
    [ '2026-03-10T13:00:00Z', 'Australia/Lord_Howe', 'MONTHLY', 1, '2026-04-10T13:30:00Z' ],
    [ '2026-01-31T12:00:00Z', 'Asia/Kathmandu', 'MONTHLY', 1, '2026-02-28T12:00:00Z' ],
    [ '2026-01-30T18:30:00Z', 'Asia/Kolkata', 'MONTHLY', 1, '2026-02-27T18:30:00Z' ],
    [ '2026-01-31T10:30:00Z', 'Pacific/Kiritimati', 'MONTHLY', 1, '2026-02-28T10:30:00Z' ],
);

for my $case (@cases) {
    my ($anchor, $zone, $cycle, $n, $expected) = @$case;
    is $vg->sql('select vg.z(billing.cycle_moment($1, $2, $3, $4))', $anchor, $zone, $cycle, $n), $expected,
        "$cycle $n of $anchor, $zone";
}

# 400 cycles of anchors each 11 hours of a leap year and the next, in 8 zones
subtest 'each begins after the one before, none is shorter or longer than its months are' => sub {
    my %days = (MONTHLY => [ 27, 32 ], QUARTERLY => [ 88, 93 ], ANNUAL => [ 364, 367 ]);
    for my $cycle (sort keys %days) {
        is $vg->sql(qq{
            select count(*)
            from generate_series('2027-12-01T00:30:00Z'::timestamptz, '2029-01-01', interval '11 hours') a (anchor)
            cross join (values ('UTC'), ('Europe/Berlin'), ('America/New_York'), ('Asia/Kolkata'), ('Australia/Lord_Howe'),
                ('Pacific/Apia'), ('Africa/Casablanca'), ('America/Sao_Paulo')) z (zone)
            cross join generate_series(0, 7) n
            cross join lateral (select billing.cycle_moment(a.anchor, z.zone, '$cycle', n + 1)
                - billing.cycle_moment(a.anchor, z.zone, '$cycle', n) as lasts) c
            where extract(epoch from c.lasts) not between 86400 * $days{$cycle}[0] and 86400 * $days{$cycle}[1]}), 0, $cycle;
    }
};

done_testing;

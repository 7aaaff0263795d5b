# Surges as pricing keeps them: exact prices, versions that end by themselves,
# and what stands below them found again. Who asks for them is another's.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Voltgate;

my $vg    = Voltgate->start;
my $north = '019393c0-0000-7000-8000-000000000001';
my $south = '019393c0-0000-7000-8000-000000000002';
my $json  = JSON::PP->new->canonical;

is $vg->sql(q{select pricing.surged_price($1, $2, $3, $4)}, @$_[0 .. 3]), $_->[4], join ' ', map { $_ // '-' } @$_ for (
    [ '0.49', '1.25', undef, undef, '0.6125' ],
    [ '0.333333', '1.333333', undef, undef, '0.444444' ],
    [ '0.1', '0.5', undef, undef, '0.05' ],
    [ '0.49', '2', undef, '0.8', '0.8' ],
    [ '0.49', '2', undef, '0.4', '0.49' ],    # beyond already: not moved
    [ '0.49', '0.5', '0.3', undef, '0.3' ],
    [ '0.49', '0.5', '0.6', undef, '0.49' ],
    [ '0.49', '1.5', '0.6', undef, '0.735' ],
    [ '999999999', '100', undef, undef, '1000000000' ],
    [ '0', '2', '0.1', undef, '0' ],
);

sub tariff { return JSON::PP->new->encode({ currency => 'EUR', elements => [ { price_components => [
    { type => 'ENERGY', price => $_[0], step_size => 1 }, { type => 'TIME', price => 2 } ] }, {
    price_components => [ { type => 'ENERGY', price => 7 } ], restrictions => { reservation => 'RESERVATION' } } ] }) }

my ($station, @connectors) = map { $vg->sql('select vg.uuid7()') } 0 .. 2;
$vg->sql(q{insert into pricing.station (station_id, name, operator_id, time_zone) values ($1, 'Pier', $2, 'UTC')}, $station, $north);
$vg->sql(q{insert into pricing.connector (connector_id, station_id, charge_point_id, connector_number) values ($1, $2, 'CP', $3)},
    $connectors[$_], $station, $_ + 1) for 0, 1;

# times are minutes after this one
my $noon = '2026-07-01T12:00:00Z';
sub set {
    my ($scope, $target, $price, $at, $owner) = @_;
    return $vg->sql(q{select pricing.version_add($1, $2, $6, $3::jsonb, 'EUR', $4::timestamptz + make_interval(mins => $5::int), null, null,
        null, now()) ->> 'tariffVersionId'}, $scope, $target, tariff($price), $noon, $at, $owner);
}
my $nth = 0;
sub surge {
    my ($at, $multiplier, $until, %more) = @_;
    return $vg->sql(q{select coalesce(jsonb_array_length(nullif(t -> 'events', 'null')), case when t is not null then 0 end)
        from pricing.surge($1, $2, $3, $4::timestamptz + make_interval(mins => $5::int), $6::jsonb, $7, $8,
        $4::timestamptz + make_interval(mins => $9::int)) as t}, $station, $more{nth} // ++$nth, $multiplier, $noon, $until,
        $more{dimensions} // '["ENERGY"]', $more{lowest}, $more{highest}, $at);
}
sub prices {
    my ($at) = @_;
    return join ' ', map { $vg->sql(q{select v.tariff #>> '{elements,0,price_components,0,price}' from pricing.tariff_version v
        where v.tariff_version_id = pricing.at_connector($1, $2::timestamptz + make_interval(mins => $3::int))}, $_, $noon, $at) // '-' } @connectors;
}

set(operator => $north, '0.40', 0);
is prices(1), '0.40 0.40', 'as it was set';
is surge(2, '1.5', 60), 1, 'one tariff has a surge';
is prices(2), '0.6 0.6';
is prices(1), '0.40 0.40', 'not before';
is prices(60), '0.40 0.40', 'and no longer than until then: nobody has to be there to end it';
is_deeply [ $vg->sql(q{select tariff #>> '{elements,0,price_components,1,price}' || ' ' || (tariff #>> '{elements,1,price_components,0,price}')
    || ' ' || (tariff ->> 'end_date_time') || ' ' || owner_id from pricing.tariff_version where base_id is not null}) ],
    [ "2 7 2026-07-01T13:00:00Z $north" ], 'other prices are as they were; it says when it ends';

is surge(3, '3', 90, nth => 1), undef, 'what comes late is not done';
is prices(3), '0.6 0.6';
is surge(4, '1', 4), 1, 'over before its time';
is prices(4), '0.40 0.40';
is surge(5, '1', 5), 1, 'said again, as long as something stands';
set(operator => $north, '0.50', 6);
is surge(7, '1', 7), 1;
is prices(7), '0.50 0.50', 'and what was set meanwhile is there';
is surge(61, '1', 61), 0, 'then there is nothing to be over';

set(connector => $connectors[0], '0.30', 62);
is surge(63, '2', 100), 2, 'each tariff by itself';
is prices(63), '0.6 1';
is surge(64, '0.5', 100), 2;
is prices(64), '0.15 0.25', 'of what was set, not of the surge before';
is surge(65, '3', 90), 2;
is prices(91), '0.9 1.5', 'one that stood longer is not there again';
is prices(100), '0.30 0.50';
set(station => $station, '0.80', 120);
is surge(110, '2', 130), 2;
is prices(119), '0.6 1';
is prices(120), '0.30 0.80', 'what is to be in force ends it';
is surge(121, '2', 200), 2;
$vg->sql('update pricing.station set operator_id = $1', $south);
is prices(122), '0.30 0.80', 'what an operator surged binds nobody else';

done_testing;

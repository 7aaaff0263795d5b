# Tariffs over HTTP: set, shown, quoted and refused, and whose they are.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg  = Voltgate->start;
my $api = '/api/v1';

my ($north, $south) = map { "019393c0-0000-7000-8000-00000000000$_" } 1, 2;
my %as = map { $_->[0] => { Authorization => 'Bearer '
    . $vg->token(role => $_->[1], subject => $_->[0], company => $_->[2]) } }
    (['north', 'operator', $north], ['south', 'operator', $south], ['driver', 'driver', undef]);

sub tariff {
    my ($price, %more) = @_;
    return {
        country_code => 'DE', party_id => 'VGT', id => "T$price", currency => 'EUR',
        last_updated => '2026-01-01T00:00:00Z',
        elements => [ { price_components => [
            { type => 'ENERGY', price => $price, vat => 19, step_size => 1 } ] } ],
        %more,
    };
}

my $station = $vg->post("$api/stations", {
    name => 'Harbour', location => { lat => 54.3, lon => 10.1 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $north,
    connectors => [ map { { chargePointId => 'KIEL-1', connectorNumber => $_, type => 'IEC_62196_T2',
        powerType => 'AC_3_PHASE', maxPowerKw => 22 } } 1, 2 ],
})->{json};
my @connectors = map { $_->{connectorId} } @{ $station->{connectors} };

# the text of each number as it was sent, by connector
sub prices {
    my $r = $vg->get("$api/pricing/$station->{id}", $as{driver});
    return if $r->{status} != 200;
    my %now;
    for my $connector (@{ $r->{json}{connectors} // [] }) {
        my $tariff = $connector->{tariff} or next;
        $now{ $connector->{connectorNumber} } = $tariff->{elements}[0]{price_components}[0]{price};
    }
    return \%now;
}

subtest 'the nearest tariff holds: connector, station, operator' => sub {
    is $vg->post("$api/pricing", { operatorId => $north, tariff => tariff(0.61) }, $as{north})->{status}, 201;
    ok $vg->wait_for(sub { ((prices() // {})->{1} // 0) == 0.61 }, 10), 'the operator\'s';
    is $vg->post("$api/pricing", { stationId => $station->{id}, tariff => tariff(0.49) }, $as{north})->{status}, 201;
    is_deeply prices(), { 1 => 0.49, 2 => 0.49 }, 'the station\'s before it';
    is $vg->post("$api/pricing", { connectorId => $connectors[1], tariff => tariff(0.39) }, $as{north})->{status}, 201;
    is_deeply prices(), { 1 => 0.49, 2 => 0.39 }, 'the connector\'s before that';
};

subtest 'a new version takes the place of the old one, and is told' => sub {
    my $r = $vg->post("$api/pricing", { stationId => $station->{id}, tariff => tariff(0.45) }, $as{north});
    is $r->{status}, 201;
    is prices()->{1}, 0.45;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.event where type = 'pricing.updated.v1'}) == 4 }, 10);
    is $vg->sql(q{select count(*) from vg.event where type = 'pricing.updated.v1' and payload ->> 'companyId' = $1}, $north), 4,
        'each to whom the place belongs';
    is $vg->sql(q{select count(*) from vg.event where type = 'pricing.updated.v1'
        and payload -> 'tariff' -> 'elements' -> 0 -> 'price_components' -> 0 ->> 'price' = '0.45'}), 1;
};

subtest 'a tariff that is none names every field' => sub {
    my $r = $vg->post("$api/pricing", { stationId => $station->{id}, tariff => {
        currency => 'euro', elements => [ { price_components => [ { type => 'POWER', price => '1' } ] } ] } }, $as{north});
    is $r->{status}, 400;
    my $names = join ' ', sort keys %{ $r->{json}{errors} };
    like $names, qr/tariff\.currency/;
    like $names, qr/tariff\.elements\[0\]\.price_components\[0\]\.type/;
    like $names, qr/tariff\.elements\[0\]\.price_components\[0\]\.price/;
    is $vg->post("$api/pricing", { stationId => $station->{id}, operatorId => $north, tariff => tariff(1) },
        $as{north})->{status}, 400, 'one place, not two';
    is $vg->post("$api/pricing", { tariff => tariff(1) }, $as{north})->{status}, 400, 'nor none';
};

subtest 'whose it is' => sub {
    is $vg->post("$api/pricing", { stationId => $station->{id}, tariff => tariff(9) }, $as{south})->{status}, 403;
    is $vg->post("$api/pricing", { operatorId => $north, tariff => tariff(9) }, $as{south})->{status}, 403;
    is $vg->post("$api/pricing", { operatorId => $north, tariff => tariff(9) }, $as{driver})->{status}, 403;
    is prices()->{1}, 0.45, 'nothing changed';
};

subtest 'a target is known, or was made just now' => sub {
    my $set = sub { $vg->post("$api/pricing", { @_, tariff => tariff(9) }, $as{north}) };
    (my $mistyped = $station->{id}) =~ s/^(.{8})/019393c0/;
    for my $target (stationId => connectorId =>) {
        my $r = $set->($target => $mistyped);
        is $r->{status}, 404, $target;
        like $r->{json}{type}, qr{/target_unknown$};
        is $set->($target => '019393c0-0000-4000-8000-000000000001')->{status}, 404, 'no id of ours';
        is $set->($target => $vg->sql('select vg.uuid7()::text'))->{status}, 201, 'its event may be on the way';
    }
    $vg->sql(q{insert into pricing.station (station_id, name, operator_id, time_zone) values ($1, 'Old', $2, 'UTC')},
        $mistyped, $north);
    is $set->(stationId => $mistyped)->{status}, 201, 'a station may be of any age';
};

subtest 'a quote is by the clock of the station' => sub {
    my $night = tariff(0.4);
    unshift @{ $night->{elements} }, { price_components => [ { type => 'ENERGY', price => 0.1, step_size => 1 } ],
        restrictions => { start_time => '22:00', end_time => '06:00' } };
    my $set = $vg->post("$api/pricing", { connectorId => $connectors[0], tariff => $night }, $as{north});
    is $set->{status}, 201;
    my $price = sub {
        my $r = $vg->post("$api/pricing/quote", { start_date_time => '2030-01-10T21:00:00Z',
            end_date_time => '2030-01-10T21:30:00Z', charging_periods => [ { start_date_time => '2030-01-10T21:00:00Z',
                dimensions => [ { type => 'ENERGY', volume => 1 } ] } ], @_ }, $as{driver});
        return $r->{json}{total_cost}{excl_vat};
    };
    cmp_ok $price->(connectorId => $connectors[0]), '==', 0.1, 'ten in the evening in Berlin';
    cmp_ok $price->(tariffId => $set->{json}{tariffId}), '==', 0.1;
    cmp_ok $price->(tariffId => $set->{json}{tariffId}, time_zone => undef), '==', 0.1, 'null is none';
    cmp_ok $price->(connectorId => $connectors[0], time_zone => 'UTC'), '==', 0.4, 'unless another is asked for';
};

subtest 'a quote is exact, by a tariff given or by the connector\'s' => sub {
    my %session = (start_date_time => '2026-06-01T08:00:00Z', end_date_time => '2026-06-01T09:00:00Z',
        charging_periods => [ { start_date_time => '2026-06-01T08:00:00Z',
            dimensions => [ { type => 'ENERGY', volume => 20.001 } ] } ]);
    my $r = $vg->post("$api/pricing/quote", { tariff => tariff(0.3333), time_zone => 'Europe/Berlin', %session },
        $as{driver});
    is $r->{status}, 200;
    # 20.001 kWh x 0.3333 = 6.6663333, and x 1.19 = 7.932936627
    like $r->{body}, qr/"total_cost":\{"excl_vat":6\.6663,"incl_vat":7\.9329\}/;
    is $r->{json}{lines}[0]{type}, 'ENERGY';
    like $r->{body}, qr/"excl_vat":6\.6663333\b/, 'lines are not rounded';

    $r = $vg->post("$api/pricing/quote", { connectorId => $connectors[1], %session }, $as{driver});
    is $r->{status}, 404, 'no tariff was in force then';
    $r = $vg->post("$api/pricing/quote", { tariff => tariff(1), %session, end_date_time => '2026-06-01T07:00:00Z' },
        $as{driver});
    is $r->{status}, 400, 'an end before the start';
    ok $r->{json}{errors}{end_date_time};
};

done_testing;

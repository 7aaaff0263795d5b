# Workers killed with calls in flight: the master replaces them, the other one
# serves, and what a call does is there whole or not at all.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Load;

my $vg      = Voltgate->start;
my $company = '019393c0-0000-7000-8000-000000000001';

# a station, its charge point, its two connectors and its event: one commit
my $load = Voltgate::Load->start($vg, 6, sub {
    my $name = join '-', @_;
    return (POST => '/api/v1/stations', {
        name => $name, location => { lat => 1, lon => 2 }, address => { country => 'DE' },
        timeZone => 'UTC', operatorId => $company,
        connectors => [ map { { chargePointId => "CP-$name", connectorNumber => $_, type => 'CHADEMO',
            powerType => 'DC', maxPowerKw => 50 } } 1, 2 ] }, $name);
});

subtest 'the others serve on' => sub {
    for my $turn (0 .. 5) {
        ok $load->wait_calls(20, 201), 'stations are made' or last;
        my ($victim) = ($vg->workers)[ $turn % 2 ];
        $vg->kill_worker($victim);
        ok $load->wait_calls(5, 201), "one goes on after $victim was killed";
        ok $vg->wait_for(sub {
            my @now = $vg->workers;
            return @now == 2 && !grep { $_ == $victim } @now;
        }, 10), 'and there is a new one';
    }
    my @outcomes = $load->stop;
    note(Voltgate::Load->tally(@outcomes));
    is scalar(grep { $_->{status} !~ /^(?:201|503|599)$/ } @outcomes), 0,
        'a call succeeds, or its connection breaks' or diag(Voltgate::Load->tally(@outcomes));
    my %stored = map { $_->{name} => 1 } $vg->rows('select name from stations.station');
    is join(' ', grep { !$stored{$_} } map { $_->{name} } grep { $_->{status} == 201 } @outcomes), '',
        'nothing acknowledged is missing';
};

subtest 'there is no half of anything' => sub {
    is $vg->sql('select count(*) from stations.station s
        where 2 <> (select count(*) from stations.connector c where c.station_id = s.id)'), 0, 'connectors';
    is $vg->sql('select count(*) from stations.station s
        where not exists (select from stations.charge_point p where p.station_id = s.id)'), 0, 'charge points';
    ok $vg->wait_for(sub {
        $vg->sql('select not exists (select from vg.outbox) and (select count(*) from charging.connector)
            = (select count(*) from stations.connector)') }, 15), 'copies';
    is $vg->sql(q{select count(*) from stations.station s
        where 1 <> (select count(*) from vg.event e
            where e.type = 'station.created.v1' and e.aggregate_id = s.id::text)}), 0, 'one event each';
    is $vg->sql(q{select count(*) from vg.event where type = 'station.created.v1'}),
        $vg->sql('select count(*) from stations.station'), 'and no event of what is not there';
    is $vg->sql('select count(*) from vg.parked'), 0;
};

done_testing;

# Chargers while the database is away.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg = Voltgate->start(own_cluster => 1);

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
my $boot = { chargePointVendor => 'Acme', chargePointModel => 'M1' };
$vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 },
    address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company,
    connectors => [ map { { chargePointId => "CP$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 1, 2 ],
});
$vg->post('/api/v1/charge-points', { id => "CP$_", operatorId => $company,
    password => $password }) for 1, 2;

my @cps = map { Voltgate::Charger->connect($vg, "CP$_", $password) } 1, 2;
is $_->call('BootNotification', $boot)->[2]{status}, 'Accepted' for @cps;

# each worker finds its way back to the database by itself: 503 says nothing
sub known {
    my ($id) = @_;

    my $r;
    $vg->wait_for(sub { ($r = $vg->get("/api/v1/charge-points/$id"))->{status} == 200 }, 20);
    return $r->{json}{connected};
}

$vg->pg_stop;

subtest 'away' => sub {
    is $cps[0]->call('Heartbeat', {})->[0], 3, 'what needs no database goes on';
    my $answer = $cps[0]->call('StatusNotification',
        { connectorId => 1, errorCode => 'NoError', status => 'Available' });
    is_deeply [@$answer[0, 2]], [4, 'InternalError'], 'what cannot be kept is not confirmed';
    my $new = Voltgate::Charger->connect($vg, 'CP1', $password);
    is $new->status, 503, 'nobody can be let in';
    cmp_ok $new->headers->{'retry-after'}, '>=', 5, 'who shall come back later';
    ok !$cps[0]->closed, 'who is in stays in';
    $cps[1]->drop;
};

$vg->pg_start;

subtest 'back' => sub {
    ok $vg->wait_for(sub { ($cps[0]->call('StatusNotification',
        { connectorId => 1, errorCode => 'NoError', status => 'Available' }) || [0])->[0] == 3
    }, 20), 'facts are kept again';
    ok $vg->wait_for(sub { !known('CP2') }, 60), 'who left meanwhile is known to have left';
    ok known('CP1');
    $cps[0]->close;
};

done_testing;

# The demo of `make up DEMO=1`: stations that are registered begin to live.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg = Voltgate->start;

for my $file (glob "$Voltgate::ROOT/conf/dev/stations/*.json") {
    my $body = do { local (@ARGV, $/) = $file; <> };
    is $vg->post('/api/v1/stations', $body)->{status}, 201, $file =~ s{.*/}{}r;
}
my $key = $vg->post('/api/v1/api-keys', { name => 'admin', role => 'admin' })->{json}{key};
open my $out, '>', "$vg->{state}/admin.key" or die $!;
print {$out} "$key\n";
close $out or die $!;
my $points = $vg->sql('select count(*) from stations.charge_point');
$vg->wait_for(sub { $vg->sql('select count(*) from charging.connector')
    == $vg->sql('select count(*) from stations.connector') }, 10) or die 'copies of stations did not arrive';

sub pid {
    open my $in, '<', "$vg->{run}/demo.pid" or return;
    chomp(my $pid = <$in> // '');
    return $pid;
}

$vg->_script('docker/demo', 'start');
my $pid = pid();
ok Voltgate::alive($pid), 'it plays';
$vg->_script('docker/demo', 'start');
is pid(), $pid, 'once';
ok $vg->wait_for(sub { -e "$vg->{state}/demo.past" }, 60), 'a past is delivered';
ok $vg->sql(q{select count(*) > 20 and min(started_at) < now() - interval '5 days' from charging.session}), 'of days';
is $vg->sql(q{select count(distinct charge_point_id) from charging.session}), $points, 'by all charge points';
ok $vg->wait_for(sub { $vg->sql('select count(*) from stations.link where connected') == $points }, 20),
    'and then they are there';
is $vg->sql('select count(*) from pricing.tariff_version'), 2, 'each operator has a tariff';

$vg->_script('docker/demo', 'stop');
ok !Voltgate::alive($pid), 'it is stopped';
ok $vg->wait_for(sub { !$vg->sql('select count(*) from stations.link where connected') }, 10), 'and all have left';

done_testing;

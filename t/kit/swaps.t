# A thousand swaps of plugins in C under load, with chargers connected.
# Long: a thousand swaps.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Cli;
use Voltgate::Swaps;
use Voltgate::Variant;

my $vg    = Voltgate->start;
my $swaps = Voltgate::Swaps->new($vg);

# two versions of each plugin that is swapped, installed by their first reload
my %versions;
for my $name (qw(stations charging)) {
    for my $n (1, 2) {
        my $v = Voltgate::Variant->new($vg, $name, 'plugin.c' => sub { s/(\.version = ")[^"]+/${1}9.$n/ });
        my ($status, $out) = cli($vg, plugin => 'reload', $name, $v->options);
        is $status, 0, $out;
        push @{ $versions{$name} }, $out =~ /\b([0-9a-f]{16})\b/;
    }
}

$swaps->run(1000, sub {
    my ($n) = @_;
    my $name = $n % 3 ? 'stations' : 'charging';
    return ($name, $versions{$name}[ ($n / 3) % 2 ^ ($n % 3 == 1) ]);
}, sub {
    my ($client, $count) = @_;
    return (GET => "/api/v1/stations/$swaps->{station}") if $client % 3;
    return (POST => '/api/v1/charge-points',
        { id => "L-$client-$count", operatorId => $Voltgate::Swaps::company, password => $Voltgate::Swaps::password });
});

done_testing;

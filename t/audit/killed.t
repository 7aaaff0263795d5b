# A change and its row are one: whatever is killed, no change is without its
# row, and no row is of a change that did not happen.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Audit;
use Voltgate::Load;

my $vg = Voltgate->start(own_cluster => 1);
$vg->expect(qr/worker process \d+ exited on signal 9/);

sub load {
    my ($round) = @_;
    return Voltgate::Load->start($vg, 6, sub {
        my $id = join '-', 'CP', $round, $$, $_[1];
        return (POST => '/api/v1/charge-points', { id => $id, operatorId => '019393c0-0000-7000-8000-000000000001' }, $id);
    });
}

# both ways, of all that is stored, acknowledged or not
sub compare {
    my ($what, @outcomes) = @_;

    my %changes = map { $_->{id} => 1 } $vg->rows('select id from stations.charge_point');
    my %rows;
    $rows{ $_->{object} }++ for rows_of($vg, q{route = 'POST /charge-points' and status = 201});
    my @told = map { $_->{name} } grep { $_->{status} == 201 } @outcomes;
    is_deeply [ grep { ($rows{$_} // 0) != 1 } @told ], [], "$what: each of " . @told . ' acknowledged changes has one row';
    is_deeply [ grep { ($rows{$_} // 0) != 1 } sort keys %changes ], [], 'and each that is there';
    is_deeply [ grep { !$changes{$_} } sort keys %rows ], [], 'each row has its change';
    return;
}

for my $round (1 .. 3) {
    my $load = load("w$round");
    ok $load->wait_calls(150, 201), 'there is load';
    $vg->kill_worker($_) for $vg->workers;
    ok $load->wait_calls(30, 201), 'and again after the workers died';
    compare("workers killed, $round", $load->stop);
}
for my $round (1 .. 2) {
    my $load = load("p$round");
    ok $load->wait_calls(150, 201), 'there is load';
    $vg->pg_stop('immediate');
    ok $load->wait_calls(6, 503), 'the database is away';
    $vg->pg_start;
    ok $load->wait_calls(30, 201), 'and there again';
    compare("PostgreSQL stopped at once, $round", $load->stop);
}
ok sealed($vg, 30), 'all of it is sealed';
is_deeply [ verify($vg) ], [], 'and as it was';

done_testing;

# A reload that fails changes nothing: not for the workers that are there, and
# not for those that the master makes later out of what it still has.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $vg   = Voltgate->start;
my $path = "$vg->{state}/conf/nginx.conf";

subtest 'a worker that is born after a reload that failed is whole' => sub {
    open my $file, '>>', $path or die "$path: $!";
    print {$file} "nonsense on;\n";
    close $file or die "$path: $!";
    $vg->expect(qr/unknown directive "nonsense"/);
    kill 'HUP', $vg->master;
    ok $vg->wait_for(sub { $vg->log =~ /nonsense/ }), 'the reload failed';

    my %old = map { $_ => 1 } $vg->workers;
    $vg->kill_worker($_) for keys %old;
    delete $vg->{client};
    my $born = sub {
        my @now = $vg->workers;
        return @now == keys %old && !grep { $old{$_} } @now;
    };
    ok $vg->wait_for($born, 10), 'there are new workers';
    my $ready = sub { $vg->client(fresh => 1)->get($vg->url('/ready'))->{status} == 200 };
    ok $vg->wait_for($ready, 10), 'which are ready';
    my $made = $vg->post('/api/v1/charge-points',
        { id => 'CP-R1', operatorId => '019393c0-0000-7000-8000-000000000001',
            password => 'sixteen letters!' }, { 'Idempotency-Key' => 'r1' });
    is $made->{status}, 201, 'and know who calls, and write';
};

done_testing;

# A database that hangs: it holds its sockets and says nothing. All of its
# processes are stopped by SIGSTOP and go on by SIGCONT.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Load;

my $vg      = Voltgate->start(own_cluster => 1);
my @workers = $vg->workers;
my $company = '019393c0-0000-7000-8000-000000000001';

sub writers {
    my ($round, $clients, %opts) = @_;
    return Voltgate::Load->start($vg, $clients, sub {
        my $id = join '-', 'CP', $round, @_;
        return (POST => '/api/v1/charge-points',
            { id => $id, operatorId => $company, password => 'sixteen letters!' }, $id);
    }, %opts);
}

sub postgres {
    my $postmaster = $vg->dba->selectrow_array(
        q{select split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int});
    open my $file, '<', "/proc/$postmaster/task/$postmaster/children" or die $!;
    return $postmaster, split ' ', readline $file;
}

# each connection knows its statements before the database hangs
my $warm = writers('warm', 16);
ok $warm->wait_calls(200, 201), 'there was load';
$warm->stop;

my @postgres = postgres();
my (@outcomes, $hung);

# whatever happens here, the processes go on
END { kill CONT => @postgres if @postgres }

subtest 'calls end at their deadline' => sub {
    kill STOP => @postgres;
    $hung = time;
    my $write = writers('hung', 40, calls => 1);
    my $read  = Voltgate::Load->start($vg, 20, sub { return (GET => '/api/v1/stations') }, calls => 1);
    is $vg->get('/healthz')->{status}, 200, 'the workers live';
    @outcomes = ($write->wait, $read->wait);
    is scalar(@outcomes), 60;
    is scalar(grep { $_->{status} !~ /^(?:503|504)$/ } @outcomes), 0, 'all with 503 or 504'
        or diag(Voltgate::Load->tally(@outcomes));
    is scalar(grep { $_->{seconds} > 12 } @outcomes), 0, 'within 10 s and little more';
    is scalar(grep { !$_->{retry_after} } @outcomes), 0, 'and a time to come again';
    note(Voltgate::Load->tally(@outcomes));
};

subtest 'all heals when it goes on' => sub {
    kill CONT => @postgres;
    my $began = time;
    my $load = writers('healed', 4);
    ok $load->wait_calls(40, 201, 10), 'writes are taken again';
    note sprintf 'healed after %.1f s; hung for %.1f s', time - $began, $began - $hung;
    my @after = $load->stop;
    is $vg->get('/api/v1/stations')->{status}, 200, 'reads too';
    is_deeply [ $vg->workers ], \@workers, 'by the same workers';
    is scalar(grep { $_->{status} == 500 } @after), 0;
};

subtest 'what was not sent before its deadline is not done after it' => sub {
    my $late = $vg->sql(q{select count(*) from stations.charge_point where id like 'CP-hung-%'});
    my $sent = 40;
    cmp_ok $late, '<', $sent / 2, "$late of the $sent were under way";
};

done_testing;

# Who is refused as often as he likes fills no disk, is told all the same, and
# waits for nothing; nor does anybody while the database is away.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Voltgate;
use Voltgate::Audit;
use Voltgate::Load;

my $vg  = Voltgate->start(own_cluster => 1);
my $api = '/api/v1';

sub refused { return $vg->get('/metrics')->{body} =~ /^voltgate_audit_calls_total\{kind="refusal"\} (\d+)$/m ? $1 : die 'no figure' }

subtest 'a flood by nobody is a few rows, and each call is in one' => sub {
    my $load = Voltgate::Load->start($vg, 4, sub { (GET => "$api/stations", undef, 'flood', { 'X-API-Key' => '' }) });
    ok $load->wait_calls(1000, 401), 'a thousand calls';
    my @outcomes = $load->stop;
    my $calls    = refused();
    cmp_ok $calls, '>=', 1000;
    ok $vg->wait_for(sub { $vg->sql(q{select sum(calls) from vg.audit where error = 'unauthorized'}) == $calls }, 40),
        "the rows say of all $calls" or diag $vg->sql('select sum(calls) from vg.audit');
    # two workers: 20 rows each at once, one a second, one for many
    my $rows = $vg->sql(q{select count(*) from vg.audit where error = 'unauthorized'});
    cmp_ok $rows, '<=', 120, "in $rows rows";
    my ($many) = $vg->rows(q{select * from vg.audit where error = 'unauthorized' order by calls desc limit 1});
    like $many->{address}, qr/^(?:127\.0\.0\.1|::1)$/, 'with the address';
    is $many->{route}, 'GET /stations', 'and the route';
};

subtest 'somebody who is known has rows of his own meanwhile' => sub {
    my $token = $vg->token(role => 'driver', subject => 'dan');
    is $vg->delete("$api/stations/019393c0-0000-7000-8000-0000000000ff", { Authorization => "Bearer $token" })->{status}, 403;
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.audit where caller_id = 'dan' and object like '019393c0%'}) == 1 });
};

subtest 'the database away: bounded, counted, told, and nobody waits' => sub {
    $vg->pg_stop('immediate');
    my $token = sub { 'Bearer ' . $vg->token(role => 'driver', subject => "d$_[0]") };
    my @tokens = map { $token->($_) } 1 .. 120;
    my $begun = time;
    my $n = 0;
    # as many rows as they have at once, at both workers: more than a queue holds
    for my $round (1 .. 40) {
        my $client = $vg->client(fresh => 1);
        for my $who (@tokens) {
            my $r = $client->request(DELETE => $vg->url("$api/stations/019393c0-0000-7000-8000-0000000000ff"),
                { headers => { Authorization => $who } });
            $r->{status} == 403 or die "$r->{status} $r->{content}";
            $n++;
        }
        last if $vg->get('/metrics')->{body} =~ /^voltgate_audit_dropped_rows_total [1-9]/m;
    }
    my $each = (time - $begun) / $n;
    cmp_ok $each, '<', 0.05, sprintf 'none waited: %.2f ms each', 1000 * $each;
    my ($dropped) = $vg->get('/metrics')->{body} =~ /^voltgate_audit_dropped_rows_total (\d+)/m;
    cmp_ok $dropped, '>', 0, 'what found no room is counted';
    like $vg->log, qr/rows of the audit trail are lost: the database does not take them/, 'and the log says so';
    $vg->pg_start;
    my $waiting = sub { $vg->sql(q{select count(*) from vg.audit where caller_id ~ '^d\d'}) };
    ok $vg->wait_for(sub { eval { $waiting->() >= 1000 } }, 30), 'what waited is written when it is there again'
        or diag $waiting->();
    ok sealed($vg), 'and sealed';
    is_deeply [ verify($vg) ], [];
};

done_testing;

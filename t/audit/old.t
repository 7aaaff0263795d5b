# A trail that grows old: months that are over are dropped, and what is left
# can be verified; a trail that was restored into another cluster goes on.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Audit;
use Voltgate::Cli;

my $columns = 'caller_id, caller_role, company_id, route, status, correlation_id, address, node, plugin';

# a row of a time of its own, sealed
sub row_at {
    my ($vg, $at) = @_;
    $vg->sql("insert into vg.audit (at, $columns) values (\$1, 'ann', 'admin', '', 'POST /old', 200, '', '', '', 'voltgate')", $at);
    $vg->sql('select vg.audit_seal_next(1000)');
    return;
}

my $vg = Voltgate->start(own_cluster => 1);

# months and seals that a call retires
sub retire {
    my ($before) = @_;
    my ($row) = $vg->rows('select r.months, r.seals from vg.audit_retire($1) as r', $before);
    return "$row->{months} $row->{seals}";
}

subtest 'months that are over' => sub {
    $vg->stop_gateway;
    $vg->sql(q{select vg.audit_months('2024-01-01', 3)});
    row_at($vg, $_) for '2024-01-05T00:00:00Z', '2024-01-31T23:59:59Z', '2024-02-01T00:00:00Z', '2024-03-09T00:00:00Z';
    $vg->sql(q{select vg.audit_months('2023-12-01', 1)});
    $vg->sql("insert into vg.audit (at, $columns) values ('2023-12-05T00:00:00Z', 'ann', 'admin', '', 'POST /late', 200, '', '', '', 'voltgate')");
    is retire('2024-03-01T00:00:00Z'), '0 0', 'stay while a row of them is not sealed';
    ok !eval { $vg->sql(q{select vg.audit_retire(now() - interval '30 days')}); 1 }, 'so do the last 31 days';
    $vg->sql('select vg.audit_seal_next(1000)');
    is +(cli_without_gateway($vg))[0], 0;
    my $writer = $vg->dba;
    $writer->begin_work;
    $writer->do("insert into vg.audit ($columns) values ('ann', 'admin', '', 'POST /open', 200, '', '', '', 'voltgate')");
    ok !eval { retire('2024-03-01T00:00:00Z'); 1 }, 'and while somebody writes';
    like $@, qr/lock timeout/, 'which it does not wait for';
    $writer->rollback;
    is_deeply [ map { retire('2024-03-01T00:00:00Z') } 1 .. 5 ], [ '1 0', '1 0', '1 0', '0 2', '0 0' ],
        'else they go, one a call, then their seals; what is not over stays';
    is_deeply [ map { $_->{day} } $vg->rows(q{select a.at::date::text as day from vg.audit a where a.route ~ '^POST' order by 1}) ], ['2024-03-09'];
    is_deeply [ map { "$_->{route} $_->{object}" } rows_of($vg, q{route !~ '^POST'}) ],
        [ 'AUDIT retire 2023-12', 'AUDIT retire 2024-01', 'AUDIT retire 2024-02' ], 'the trail says so';
    is $vg->sql('select min(number) from vg.audit_seal'), 3, 'their seals go, but for the last';
    $vg->sql('select vg.audit_seal_next(1000)');
    my ($status, $out) = cli_without_gateway($vg);
    is $status, 0 or diag $out;
    like $out, qr/^months up to 2024-02 were retired, says the trail$/m;
    $vg->sql(q{delete from vg.audit where at = '2024-03-09T00:00:00Z'});
    is +(cli_without_gateway($vg))[0], 3, 'what was not retired is missed';
    row_at($vg, '2024-03-10T00:00:00Z');
    $vg->sql(q{select vg.audit_months('2024-02-01', 1)});
    $vg->sql("insert into vg.audit (at, $columns) values ('2024-02-05T00:00:00Z', 'ann', 'admin', '', 'POST /new', 200, '', '', '', 'voltgate')");
    like +(cli_without_gateway($vg))[1], qr/^row \d+ is of a month that was retired$/m, 'nor comes one to a month that was';
    $vg->sql('drop table vg.audit_2024_02');
};

subtest 'a month that nobody made in time' => sub {
    row_at($vg, $_) for '2024-05-05T00:00:00Z', '2024-06-05T00:00:00Z';
    is $vg->sql('select count(*) from vg.audit_rest'), 2, 'rows of it are kept by themselves';
    $vg->sql(q{select vg.audit_months('2024-05-01', 2)});
    is $vg->sql('select count(*) from vg.audit_2024_05'), 1, 'and move into it when it is made';
    is $vg->sql('select count(*) from vg.audit_rest'), 0;
};

subtest 'by the gateway, when the conf says so' => sub {
    $vg->_conf(sub { my ($conf) = @_; $conf =~ s/^http \{\n/http {\n    voltgate_audit_keep 60d;\n/m; $conf });
    $vg->start_gateway;
    ok $vg->wait_for(sub { $vg->sql(q{select not exists (select from vg.audit a where a.at < '2025-01-01')}) }, 20), 'months are dropped';
    ok $vg->wait_for(sub { $vg->log =~ /1 months of the audit trail were dropped/ }), 'the log says so';
    ok $vg->wait_for(sub { $vg->sql(q{select not exists (select from vg.audit_seal s where s.number < (
        select min(k.number) - 1 from vg.audit_seal k where k.last_at >= '2025-01-01'))}) }, 20), 'their seals go as well';
};

# transactions get other numbers, as in another cluster
sub epoch {
    my ($fresh, $number) = @_;
    $fresh->stop_gateway if $fresh->master;
    $fresh->pg_stop('fast');
    $fresh->_read('sh', '-c', ". docker/state; as_dba \"\$vg_bin/pg_resetwal\" -e $number -D \"\$vg_data\" >/dev/null", 'docker/x');
    $fresh->pg_start;
    return;
}

sub cli_without_gateway {
    my ($fresh) = @_;
    open my $file, '>', "$fresh->{state}/admin.key" or die $!; # none is made then
    close $file or die $!;
    return cli($fresh, 'audit', 'verify');
}

subtest 'a trail that was restored where transactions are numbered anew' => sub {
    my $other = Voltgate->start(own_cluster => 1);
    my $made  = sub { is $other->post('/api/v1/id-tags', { idTag => $_[0] })->{status}, 201, $_[0] };
    epoch($other, 3);
    $other->start_gateway;
    $made->("BEFORE-$_") for 1 .. 3;
    ok sealed($other);
    $other->stop_gateway;
    $other->sql("insert into vg.audit ($columns) values ('ann', 'admin', '', 'POST /unsealed', 200, '', '', '', 'voltgate')");
    epoch($other, 0);
    $other->start_gateway;
    $made->("AFTER-$_") for 1 .. 3;
    ok $other->wait_for(sub { $other->sql(q{select sum(s.rows) from vg.audit_seal s}) == $other->sql('select count(*) from vg.audit') }, 20),
        'each row has a seal, what came along without one as well';
    cmp_ok $other->sql('select max(floor_id) from vg.audit_seal'), '>=', 4, 'by ids that go on';
    my ($status, $out) = cli_without_gateway($other);
    is $status, 0 or diag $out;
    $other->sql(q{delete from vg.audit where route = 'POST /unsealed'});
    is +(cli_without_gateway($other))[0], 3, 'a row of then is missed';
};

done_testing;

# Messages that come while the append lane is busy are stored by one
# statement, and one of them that the database refuses takes no other along.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $N  = 20;
my $vg = Voltgate->start(workers => 1);

my $company  = '019393c0-0000-7000-8000-000000000001';
my $password = 'sixteen letters!';
is $vg->post('/api/v1/stations', {
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' }, timeZone => 'Europe/Berlin',
    operatorId => $company, connectors => [ map { { chargePointId => "PACK$_", connectorNumber => 1,
        type => 'CHADEMO', powerType => 'DC', maxPowerKw => 50 } } 0 .. $N ],
})->{status}, 201, 'a station';
my @cps = map {
    my $id = "PACK$_";
    is $vg->post('/api/v1/charge-points', { id => $id, operatorId => $company, password => $password })->{status}, 201;
    my $cp = Voltgate::Charger->connect($vg, $id, $password);
    is $cp->call('BootNotification', { chargePointVendor => 'a', chargePointModel => 'b' })->[2]{status}, 'Accepted';
    $cp;
} 0 .. $N;

sub measured {
    my ($value, %more) = @_;
    return { connectorId => 1, meterValue => [ { sampledValue => [ { value => $value } ] } ], %more };
}

# The first waits for the table, and the others for it. What $told says of each
# comes back in its order.
sub together {
    my ($round, @payloads) = @_;
    $vg->dbh->begin_work;
    $vg->sql('lock table charging.meter_value in share mode');
    $cps[0]->send_call($round, 'MeterValues', measured('0'));
    ok $vg->wait_for(sub {
        $vg->waiting(q{relation = 'charging.meter_value'::regclass});
    }), 'the first waits';
    $cps[ $_ + 1 ]->send_call($round, 'MeterValues', $payloads[$_]) for 0 .. $#payloads;
    # the worker has read them when it answers who came after them
    ok $vg->get('/healthz')->{status} == 200 for 1 .. 2;
    $vg->dbh->commit;
    return map { $cps[$_]->wait_answer($round, 10) } 0 .. @payloads;
}

subtest 'many at once are one transaction, each its own answer' => sub {
    my @answers = together('many', map { measured($_) } 1 .. $N);
    is_deeply $_, [ 3, 'many', {} ] for @answers;
    is $vg->sql(q{select count(*) from charging.meter_value where raw ~ '^\d+$'}), $N + 1, 'all are there';
    is $vg->sql(q{select string_agg(substr(charge_point_id, 5) || ':' || raw, ' ') from charging.meter_value
        where substr(charge_point_id, 5) <> raw}), undef, 'each by its own charge point';
    cmp_ok $vg->sql('select count(distinct (xmin::text, cmin::text)) from charging.meter_value'), '<=', 6,    # 2, and one more for each that the worker had not read yet
        'by few statements';
};

subtest 'one that is refused takes no other along' => sub {
    $vg->sql(q{delete from charging.meter_value});
    $vg->sql(q{alter table charging.meter_value add constraint luck check (raw <> '13')});
    $vg->expect(qr/OCPP16 MeterValues failed: 23514 luck/);
    my @answers = together('luck', map { measured($_) } 1 .. $N);
    is_deeply [ map { $_->[0] } @answers ], [ map { $_ == 13 ? 4 : 3 } 0 .. $N ], 'it alone is told so';
    is $vg->sql('select count(*) from charging.meter_value'), $N, 'and the others are there';
    $vg->sql('alter table charging.meter_value drop constraint luck');
};

subtest 'one that is put aside is so with its reason' => sub {
    my @answers = together('aside', measured('1'), measured('2', transactionId => 4711), measured('3'));
    is_deeply $_, [ 3, 'aside', {} ] for @answers;
    is_deeply [ map { [ @$_{qw(charge_point_id reason)} ] } @{ $vg->dbh->selectall_arrayref(
        'select charge_point_id, reason, payload from charging.quarantine', { Slice => {} }) } ],
        [ [ 'PACK2', 'transaction_unknown' ] ];
    is $vg->sql(q{select payload ->> 'transactionId' from charging.quarantine}), 4711, 'and its payload';
};

subtest 'characters that mean something to an array' => sub {
    my @odd = ('{"a",b}', 'back\\slash', '"', "'", '(,)', 'NULL', "line\nfeed", '');
    my @answers = together('odd', map { measured($_) } @odd);
    is_deeply $_, [ 3, 'odd', {} ] for @answers;
    for my $i (0 .. $#odd) {
        is $vg->sql('select count(*) from charging.meter_value where charge_point_id = $1 and raw = $2',
            'PACK' . ($i + 1), $odd[$i]), 1, "as it came: $odd[$i]";
    }
};

done_testing;

# A connector that goes from its station takes its reservations with it, also
# the one that is made at that moment; and a charger that holds one is told.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Charger;

my $vg  = Voltgate->start;
my $api = '/api/v1';

sub connector { return { chargePointId => $_[0], connectorNumber => 1, type => 'IEC_62196_T2', powerType => 'AC_3_PHASE',
    maxPowerKw => 22 } }

my $station = $vg->post("$api/stations", {
    name => 'G', location => { lat => 1, lon => 2 },
    address => { street => 'Quay 1', city => 'Kiel', postalCode => '24103', country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => '019393c0-0000-7000-8000-000000000001',
    connectors => [ map { connector($_) } qw(CPG1 CPG2 CPG3) ] })->{json};
my %id = map { $_->{chargePointId} => $_->{connectorId} } @{ $station->{connectors} };
ok $vg->wait_for(sub { $vg->sql('select count(*) from reservations.connector') == 3 }, 10), 'copies have arrived';

sub clock {
    my ($seconds) = @_;
    my @t = gmtime(time + $seconds);
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

sub reserve {
    my ($charge_point, $from) = @_;
    my $r = $vg->post("$api/reservations", { connectorId => $id{$charge_point}, startTime => clock($from),
        endTime => clock($from + 3600) });
    is $r->{status}, 201 or diag $r->{body};
    return $r->{json}{id};
}

sub seen { return $vg->get("$api/reservations/$_[0]")->{json} }
sub stands { return $vg->patch("$api/stations/$station->{id}", { connectors => [ map { connector($_) } @_ ] })->{status} }

subtest 'one that is made while its connector goes' => sub {
    my $before = reserve(CPG1 => 86_400);

    # what a call does between its lock and its commit
    my $dbh = $vg->dbh->clone({ AutoCommit => 0, RaiseError => 1 });
    $dbh->selectall_arrayref('select from reservations.connector where connector_id = $1 for update', undef, $id{CPG1});
    $dbh->do(q{insert into reservations.reservation (id, status, connector_id, station_id, charge_point_id,
            connector_number, operator_id, id_tag, one_time_tag, start_time, end_time, grace, ahead, free_for,
            holds_from, expires_at, created_at, updated_at)
        select vg.uuid7(), status, connector_id, station_id, charge_point_id, connector_number, operator_id, 'LATE',
            true, end_time, end_time + interval '1 hour', grace, ahead, free_for, end_time - ahead, end_time + grace,
            now(), now()
        from reservations.reservation where id = $1}, undef, $before);
    is stands(qw(CPG2 CPG3)), 200;
    my $own = $dbh->selectrow_array('select pg_current_xact_id()::xid::text');
    ok $vg->wait_for(sub {
        $vg->sql('select count(*) from pg_locks where not granted and transactionid = $1::text::xid', $own) }, 10),
        'the event waits for the call';
    $dbh->commit;
    $dbh->disconnect;

    ok $vg->wait_for(sub { seen($before)->{status} eq 'CANCELLED' }, 10), 'the older one is cancelled';
    is seen($before)->{reason}, 'connector_removed';
    is $vg->sql(q{select status from reservations.reservation where id_tag = 'LATE'}), 'CANCELLED', 'and the late one';
};

for my $case ([ CPG2 => 'its connector goes', sub { stands('CPG3') } ],
    [ CPG3 => 'its station goes', sub { $vg->delete("$api/stations/$station->{id}")->{status} } ]) {
    my ($charge_point, $how, $go) = @$case;
    subtest "a charger that holds one is told when $how" => sub {
        $vg->patch("$api/charge-points/$charge_point", { password => 'sixteen letters!' });
        my $charger = Voltgate::Charger->connect($vg, $charge_point, 'sixteen letters!');
        my @asked;
        $charger->answer(sub { push @asked, [@_]; return { status => 'Accepted' } });
        $charger->call(BootNotification => { chargePointVendor => 'V', chargePointModel => 'M' });
        my $id = reserve($charge_point, 60);
        $charger->serve(10);
        is $asked[0][0], 'ReserveNow';
        ok $vg->wait_for(sub { (seen($id)->{chargerStatus} // '') eq 'Accepted' }, 10), 'it holds it';
        like $go->(), qr/^20[04]$/;
        $charger->serve(10);
        is $asked[1] && $asked[1][0], 'CancelReservation' or return;
        is $asked[1][1]{reservationId}, seen($id)->{ocppReservationId};
        is seen($id)->{status}, 'CANCELLED';
    };
}

done_testing;

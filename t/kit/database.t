# The database goes, comes, and changes under load: callers are told 503 or
# 504 and never 500, and all heals by itself.
# Long: PostgreSQL goes and comes.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use Voltgate;
use Voltgate::Load;

my $vg      = Voltgate->start(own_cluster => 1);
my @workers = $vg->workers;
my $company = '019393c0-0000-7000-8000-000000000001';
my %station = (
    name => 'Harbour', location => { lat => 1, lon => 2 }, address => { country => 'DE' },
    timeZone => 'Europe/Berlin', operatorId => $company);
my $station = $vg->post('/api/v1/stations', { %station, connectors => [ {
    chargePointId => 'CP1', connectorNumber => 1, type => 'CHADEMO', powerType => 'DC',
    maxPowerKw => 50 } ] })->{json}{id} or die "no station\n";
my $patience = qr/^(?:503|504)$/;

# Half of the clients write, half read.
sub mixed {
    my ($round, $clients) = @_;
    return Voltgate::Load->start($vg, $clients // 6, sub {
        my ($client) = @_;
        return (GET => "/api/v1/stations/$station") if $client % 2;
        my $id = join '-', 'CP', $round, @_;
        return (POST => '/api/v1/charge-points',
            { id => $id, operatorId => $company, password => 'sixteen letters!' }, $id);
    });
}

sub strangers {
    my @strange = grep { $_->{status} !~ /^(?:200|201|503|504)$/ } @_;
    diag(Voltgate::Load->tally(@strange)) if @strange;
    return scalar @strange;
}

# names that were acknowledged and are not stored
sub missing {
    my %stored = map { $_->{id} => 1 } $vg->rows('select id from stations.charge_point');
    return grep { !$stored{$_} } map { $_->{name} } grep { $_->{status} == 201 } @_;
}

# Both workers answer; a connection kept stays with one of them.
sub serves {
    my ($path, $status) = @_;
    my $token = $vg->admin;
    return !grep {
        $vg->client(fresh => 1)->get($vg->url($path),
            { headers => { Authorization => "Bearer $token" } })->{status} != $status
    } 1 .. 8;
}

sub backends {
    return $vg->dba->selectall_arrayref(
        "select pid, state from pg_stat_activity where application_name = 'voltgate'", { Slice => {} });
}

subtest 'the gateway starts without a database and heals by itself' => sub {
    $vg->stop_gateway;
    $vg->pg_stop;
    local $vg->{opts}{not_ready}     = 1;
    local $vg->{opts}{ready_seconds} = 0.5;
    $vg->start_gateway;
    is $vg->get('/healthz')->{status}, 200, 'it lives';
    my $ready = $vg->get('/ready');
    is $ready->{status}, 503, 'and is not ready';
    is $ready->{json}{lacks}, 'database';
    for my $r ($vg->get("/api/v1/stations/$station"),
        $vg->post('/api/v1/charge-points', { id => 'CP-AWAY', operatorId => $company })) {
        is $r->{status}, 503, 'routes are unavailable';
        cmp_ok $r->{headers}{'retry-after'}, '>', 0, 'and say when to come again';
        like $r->{json}{type}, qr/unavailable$/;
    }
    $vg->pg_start;
    my $began = time;
    ok $vg->wait_for(sub { serves('/ready', 200) }, 12), 'ready again';
    note sprintf 'healed after %.1f s', time - $began;
    is $vg->get("/api/v1/stations/$station")->{status}, 200;
    @workers = $vg->workers;
};

subtest 'a restart under load is 503 or 504 and loses nothing' => sub {
    for my $how (qw(fast immediate)) {
        my $load = mixed($how);
        ok $load->wait_calls(50, 201), "load before the $how stop";
        $vg->pg_stop($how);
        ok $load->wait_calls(12, 503), 'unavailable in between';
        my $began = time;
        $vg->pg_start;
        ok $load->wait_calls(20, 201, 8), 'writes heal within seconds';
        ok $load->wait_calls(20, 200, 8), 'so do reads';
        note sprintf 'healed after %.1f s', time - $began;
        my @outcomes = $load->stop;
        is strangers(@outcomes), 0, 'nobody was told anything else';
        is scalar(grep { $_->{status} =~ $patience && !$_->{retry_after} } @outcomes), 0,
            'who is to wait knows how long';
        is join(' ', missing(@outcomes)), '', 'nothing acknowledged is missing';
        note(Voltgate::Load->tally(@outcomes));
    }
    is_deeply [ $vg->workers ], \@workers, 'the workers are the same';
};

subtest 'reads outlive backends that are terminated' => sub {
    my $load = mixed('kill');
    ok $load->wait_calls(20, 200);
    for my $turn (1 .. 5) {
        my %before = map { $_->{pid} => 1 } @{ backends() };
        $vg->dba->do("select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'voltgate'");
        ok $load->wait_calls(20, 200), "reads go on after turn $turn";
        ok $load->wait_calls(10, 201), 'so do writes';
        ok !(grep { $before{ $_->{pid} } } @{ backends() }), 'on other connections';
    }
    my @outcomes = $load->stop;
    is strangers(@outcomes), 0;
    is scalar(grep { !$_->{name} && $_->{status} != 200 } @outcomes), 0, 'each read was answered';
    is join(' ', missing(@outcomes)), '', 'nothing acknowledged is missing';
    note(Voltgate::Load->tally(@outcomes));
};

subtest 'statements whose plans went stale are prepared anew' => sub {
    my ($columns) = map { $_->{c} } $vg->rows(q{select string_agg(quote_ident(attname), ', ' order by attnum) as c
        from pg_attribute where attrelid = 'stations.station_json'::regclass and attnum > 0});
    my $view = $vg->sql(q{select pg_get_viewdef('stations.station_json'::regclass)});
    $view =~ s/;\s*$//;
    my $as = sub {
        my ($type) = @_;
        (my $list = $columns) =~ s/\bbody\b/body::$type as body/;
        $vg->dbh->begin_work;
        $vg->dbh->do($_) for 'drop view stations.station_json',
            "create view stations.station_json as select $list from ($view) v",
            'grant select on stations.station_json to vg_stations';
        $vg->dbh->commit;
    };
    # so many that each connection of a lane has its own plan
    my $load = mixed('plans', 16);
    ok $load->wait_calls(100, 200);
    for my $type (qw(jsonb text jsonb json)) {
        $as->($type);
        ok $load->wait_calls(30, 200), "the view's body is $type now";
    }
    $vg->sql('alter table stations.charge_point add column extra int');
    ok $load->wait_calls(30, 201), 'writes go on over a new column';
    $vg->sql('alter table stations.charge_point drop column extra');
    ok $load->wait_calls(30, 201), 'and without it';
    my @outcomes = $load->stop;
    is strangers(@outcomes), 0;
    is scalar(grep { $_->{status} !~ /^20/ } @outcomes), 0, 'nobody noticed';
    note(Voltgate::Load->tally(@outcomes));
    $as->('jsonb');
    ok serves("/api/v1/stations/$station", 200), 'nor when all connections were idle';
    $as->('json');
};

# The flush that stands behind all changes of a turn.
sub barrier {
    my ($verb) = @_;
    my $to = $verb eq 'grant' ? 'to' : 'from';
    $vg->dba->do("$verb execute on function pg_logical_emit_message(boolean, text, text) $to public");
    return;
}

subtest 'a barrier that fails acknowledges nothing, and the next one holds' => sub {
    my $load = mixed('barrier', 12);
    ok $load->wait_calls(50, 201);
    barrier('revoke');
    ok $load->wait_calls(8, 503), 'changes of a turn are not acknowledged';
    barrier('grant');
    ok $load->wait_calls(100, 201, 8), 'then writes go on';
    my @outcomes = $load->stop;
    is strangers(@outcomes), 0;
    is join(' ', missing(@outcomes)), '', 'nothing acknowledged is missing';
    note(Voltgate::Load->tally(@outcomes));
};

subtest 'a stored answer is told again only once it is durable' => sub {
    my $again = sub {
        return $vg->post('/api/v1/charge-points',
            { id => 'CP-FIRM', operatorId => $company, password => 'sixteen letters!' },
            { 'Idempotency-Key' => 'firm' });
    };
    my $first = $again->();
    is $first->{status}, 201;
    barrier('revoke');
    like $again->()->{status}, $patience, 'not while nothing can be flushed';
    barrier('grant');
    my $told;
    ok $vg->wait_for(sub { ($told = $again->())->{status} == 201 }, 8), 'and then it is';
    is $told->{body}, $first->{body};
};

subtest 'a call with a key that broke is told its stored answer' => sub {
    my $load = Voltgate::Load->start($vg, 4, sub { return (GET => "/api/v1/stations/$station") });
    my %created;
    for my $n (1 .. 20) {
        $vg->dba->do("select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'voltgate'") if $n % 5 == 0;
        my $r;
        $vg->wait_for(sub {
            $r = $vg->post('/api/v1/stations', { %station, name => "Keyed $n", connectors => [ {
                chargePointId => "KEYED-$n", connectorNumber => 1, type => 'CHADEMO',
                powerType => 'DC', maxPowerKw => 50 } ] }, { 'Idempotency-Key' => "station-$n" });
            return $r->{status} == 201;
        }, 8) or diag "$n: $r->{status} $r->{body}";
        $created{ $r->{json}{id} }++;
    }
    $load->stop;
    is scalar(keys %created), 20;
    is $vg->sql(q{select count(*) from stations.station where name like 'Keyed %'}), 20, 'each once';
};

subtest 'what a key was answered is not known without a database' => sub {
    my @keyed = ('/api/v1/charge-points', { id => 'UNSURE', operatorId => $company }, { 'Idempotency-Key' => 'unsure' });
    is $vg->post(@keyed)->{status}, 201;
    $keyed[1] = { id => '' };
    is $vg->post(@keyed)->{status}, 422, 'that was answered to another body';
    $vg->pg_stop;
    ok $vg->wait_for(sub { $vg->get('/ready')->{status} == 503 });
    my $r = $vg->post(@keyed);
    is $r->{status}, 503, 'no refusal takes its place meanwhile';
    cmp_ok $r->{headers}{'retry-after'}, '>', 0;
    is $vg->post(@keyed[ 0, 1 ])->{status}, 400, 'without a key there is nothing to know';
    $vg->pg_start;
    ok $vg->wait_for(sub { $vg->post(@keyed)->{status} == 422 }, 12);
};

subtest 'connections stay within the lanes' => sub {
    my $pids = join ',', map { $_->{pid} } @{ backends() };
    cmp_ok scalar(@{ backends() }), '<=', 2 * 8, 'eight for each of two workers';
    cmp_ok scalar(@{ backends() }), '>=', 2;
    my $load = mixed('count');
    ok $load->wait_calls(100, 201);
    cmp_ok scalar(@{ backends() }), '<=', 2 * 8, 'under load too';
    $load->stop;
};

is_deeply [ $vg->workers ], \@workers, 'no worker died of all that';

done_testing;

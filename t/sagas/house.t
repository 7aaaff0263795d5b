# What operators have of sagas: lists, one that is stuck and taken up again, a
# pause, another version in mid-saga, metrics; and tables that are refused.

use strict;
use warnings;

use Test::More;

use Voltgate::Author;
use Voltgate::Cli;
use Voltgate::Saga;
use Voltgate::Variant;

my ($vg, @sagas) = Voltgate::Saga->all;
my ($s) = grep { $_->{saga} eq 'trips.take' } @sagas;

sub metric {
    my ($line) = @_;
    return $vg->get('/metrics')->{body} =~ /^\Q$line\E (\S+)$/m ? $1 : undef;
}

my @done = map { my $id = $s->begin; $s->drive($id); $id } 1 .. 3;

subtest 'they are listed, the latest first' => sub {
    my $r = $vg->get('/api/v1/sagas?name=trips.take&limit=2');
    is $r->{status}, 200;
    is_deeply [ map { $_->{id} } @{ $r->{json}{items} } ], [ @done[2, 1] ];
    my $next = $vg->get("/api/v1/sagas?name=trips.take&limit=2&cursor=$r->{json}{nextCursor}")->{json};
    is_deeply [ map { $_->{id} } @{ $next->{items} } ], [ $done[0] ];
    is $next->{nextCursor}, undef;
    is_deeply $vg->get('/api/v1/sagas?status=STUCK')->{json}{items}, [];
    is $vg->get('/api/v1/sagas?status=LOST')->{status}, 400, 'a state that there is not';
    my $one = $vg->get("/api/v1/sagas/$done[0]")->{json};
    is $one->{status}, 'COMPLETED';
    is_deeply $one->{data}{seat}, { n => 1 }, 'with the answer of each step';
    ok $one->{correlationId}, 'and whose doing it was';
    is $vg->get('/api/v1/sagas/019393c0-0000-7000-8000-000000000009')->{status}, 404;
    is $vg->post("/api/v1/sagas/$done[0]/retry")->{status}, 409, 'what is over is not taken up';
    my %driver = (Authorization => 'Bearer ' . $vg->token(role => 'driver', subject => 'd'));
    is $vg->get('/api/v1/sagas', \%driver)->{status}, 403, 'not for everybody';
    is $vg->post("/api/v1/sagas/$done[0]/retry", undef, \%driver)->{status}, 403;
};

subtest 'the caller of the saga is the caller of each step' => sub {
    is $vg->sql('select count(distinct caller) from vg.answer where key like $1', "$done[0]/%"), 1;
    is $vg->sql('select min(caller) from vg.answer where key like $1', "$done[0]/%"), 'test-admin';
    is $vg->sql('select count(distinct correlation_id) from vg.answer where key like $1', "$done[0]/%"), 1,
        'under one correlation';
};

subtest 'an undo that fails is tried again, is stuck in the end, and can be taken up' => sub {
    $s->fault('fare', 'fail');
    $vg->dbh->do(q{create trigger undo before insert on vg.answer for each row
        when (new.key like '%/seat/undo') execute function vg.fault('fail')});
    my $id = $s->begin;
    ok $s->until(sub { $s->row($id)->{status} eq 'UNDOING' && $s->row($id)->{tries} > 0 }), 'it will be tried again';
    is $s->row($id)->{problem}, 'unprocessable', 'and says why';
    $vg->sql('update vg.saga set tries = 18, next_at = now() where id = $1 and pid is null', $id);
    ok $s->until(sub {
        $vg->sql(q{update vg.saga set next_at = now() where id = $1 and pid is null and status = 'UNDOING'}, $id);
        $s->row($id)->{status} eq 'STUCK' }), 'not for ever';
    like $s->effects($id), qr{^begun 1/0 seat 1/0 fare 0/0}, 'what was done is there';
    # so late that what the seat answered is not stored any more
    is $vg->dbh->do(q{delete from vg.answer where key = $1}, undef, "$id/seat"), 1;
    is_deeply [ map { $_->{id} } @{ $vg->get('/api/v1/sagas?status=STUCK')->{json}{items} } ], [$id], 'operators see it';
    ok $vg->wait_for(sub { (metric('voltgate_sagas{saga="trips.take",status="stuck"}') // 0) == 1 }), 'and so do metrics';
    is metric('voltgate_sagas_over_total{saga="trips.take",status="stuck"}'), 1;
    $vg->dbh->do('drop trigger undo on vg.answer');
    is $vg->post("/api/v1/sagas/$id/retry")->{json}{status}, 'UNDOING', 'it is taken up';
    $s->drive($id);
    $s->told($id, 'UNDONE');
    $s->fault('fare', 'none');
};

subtest 'while its plugin is paused it waits' => sub {
    is $vg->post('/api/v1/plugins/trips/pause')->{status}, 200;
    my $id = '019393c0-0000-7000-8000-00000000abcd';
    # as a change of this plugin would have begun it
    $vg->sql(q{insert into trips.ledger (trip, step, sign) values ($1, 'begun', 1)}, $id);
    $vg->sql(q{insert into trips.saga (id, name, data, next_at, caller_id, caller_role, caller_company, correlation_id)
        values ($1, 'trips.take', jsonb_build_object('tripId', $1::uuid), now(), 'x', 'admin', '', 'x')}, $id);
    my $at = $vg->sql(q{select now()});
    ok $vg->wait_for(sub { $vg->sql(q{select count(*) from vg.node where seen_at > $1::timestamptz + interval '3 seconds'}, $at) }, 15),
        'some polls later';
    is $s->row($id)->{version}, 1, 'nobody took it';
    is $vg->post('/api/v1/plugins/trips/resume')->{status}, 200;
    $s->drive($id);
    $s->told($id, 'COMPLETED');
};

subtest 'a version that does not know the step lets it be stuck, the next goes on' => sub {
    my $before = (grep { $_->{name} eq 'trips' } @{ $vg->get('/api/v1/plugins')->{json}{items} })[0]{hash};
    my $id = $s->begin;
    ok $s->until(sub { $s->row($id)->{step} eq 'arrived' }), 'it waits';
    my %other = %{ $s->{authored}{trips} };
    $other{'plugin.c'} =~ s/ \.sagas = sagas,// or die;
    $other{'plugin.c'} =~ s/static const vg_saga_step_t.*(?=const vg_plugin_t)//s or die;
    Voltgate::Author::write_plugin("$vg->{state}/other", 'trips', \%other);
    mkdir "$vg->{state}/other/built" or die $!;
    Voltgate::Author::compile($Voltgate::ROOT, "$vg->{state}/other", 'trips');
    my ($status, $out) = cli($vg, plugin => 'reload', 'trips', '--built', "$vg->{state}/other/built",
        '--sources', "$vg->{state}/other/plugins");
    is $status, 0, $out;
    ok $s->until(sub {
        $vg->sql(q{update vg.saga set next_at = now() where id = $1 and pid is null and status = 'RUNNING'}, $id);
        $s->row($id)->{status} eq 'STUCK' }), 'it is not known any more';
    ($status, $out) = cli($vg, plugin => 'reload', 'trips', '--hash', $before);
    is $status, 0, $out;
    is $vg->post("/api/v1/sagas/$id/retry")->{json}{status}, 'RUNNING';
    $s->drive($id);
    $s->told($id, 'COMPLETED');
};

subtest 'metrics' => sub {
    cmp_ok metric('voltgate_sagas_begun_total{saga="trips.take"}'), '>=', 5;
    cmp_ok metric('voltgate_sagas_over_total{saga="trips.take",status="completed"}'), '>=', 4;
    is metric('voltgate_sagas_over_total{saga="trips.take",status="undone"}'), 1;
    ok $vg->wait_for(sub { metric('voltgate_sagas{saga="trips.take",status="stuck"}') == 0 }), 'none is stuck now';
    cmp_ok metric('voltgate_saga_duration_seconds_count{saga="trips.take"}'), '>=', 5;
    cmp_ok metric('voltgate_saga_duration_seconds_sum{saga="trips.take"}'), '>', 0;
};

subtest 'what is long over goes, however many there are' => sub {
    $vg->sql(q{insert into trips.saga (id, name, status, data, caller_id, caller_role, caller_company, correlation_id, moved_at)
        select gen_random_uuid(), 'trips.take', case when n % 2 = 0 then 'COMPLETED' else 'UNDONE' end, '{}', 'x', 'admin', '', 'x',
            now() - interval '8 days' from generate_series(1, 3500) as n});
    my $young = $vg->sql('select count(*) from vg.saga') - 3_500;
    $vg->reload;
    ok $vg->wait_for(sub { $vg->sql('select count(*) from vg.saga') == $young }, 25), 'faster than they come'
        or diag $vg->sql('select count(*) from vg.saga');
};

subtest 'a table that makes no sense keeps its plugin as it was' => sub {
    my $table = sub {
        my ($name, @steps) = @_;
        return sub {
            my $rows = join ', ', @steps, '{ 0 }';
            s/(const vg_plugin_t vg_plugin = \{\n)/static const vg_saga_step_t x_steps[] = { $rows };
static const vg_saga_t x_sagas[] = { { "$name", x_steps, "x" }, { 0 } };
$1    .sagas = x_sagas,\n/;
        };
    };
    my $good = '{ "a", "example.x", NULL, 0 }';
    my %bad = (
        'is not named plugin.verb'    => [ 'other.x', $good ],
        'step a is there twice'       => [ 'stations.x', $good, $good ],
        'asks nothing'                => [ 'stations.x', '{ "a", NULL, "x.y", 0 }' ],
        'may last longer than 6 hours' => [ 'stations.x', '{ "a", "x.y", NULL, 21600001 }' ],
        'has a step whose name is no' => [ 'stations.x', '{ "a/b", "x.y", NULL, 0 }' ],
        'is not the first'            => [ 'stations.x', $good, '{ "b", NULL, "x.y", 0 }' ],
    );
    for my $why (sort keys %bad) {
        my $variant = Voltgate::Variant->new($vg, 'stations', 'plugin.c' => $table->(@{ $bad{$why} }));
        my ($status, $out) = cli($vg, plugin => 'reload', 'stations', $variant->options);
        is $status, 1, $why;
        like $out, qr/\Q$why\E/;
    }
};

done_testing;

# Jobs of a plugin that lives in a cluster of its own, done by two nodes; and
# what becomes of them when a node or the cluster dies.
# Long: two clusters, one of which crashes.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::World;

my %plugin = (
    'plugin.c' => <<'END',
#include "vg.h"

static const vg_field_t fields[] = {
    { VG_BODY, "note", VG_TEXT, VG_REQUIRED, 1, 50 },
    { VG_BODY, "path", VG_TEXT, VG_REQUIRED, 1, 50 },
    VG_FIELDS_END
};

static vg_rc_t
command(vg_call_t *call)
{
    return vg_http(call, &(vg_request_t){ .target = "world", .method = VG_POST, .body = VG_STR("{}"),
        .path = vg_get(call, "path")->text });
}

static const vg_step_t steps[] = { { "call", command, NULL, NULL }, { NULL, NULL, NULL, NULL } };

static const vg_route_t routes[] = {
    { VG_POST, "/caller", NULL, fields, .statement = "leave", .flags = VG_EVERYBODYS, .about = "Leave a job" },
    { VG_JOB, "caller.call", NULL, fields, .statement = "heard", .steps = steps, .about = "Call" },
    VG_ROUTES_END
};

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI, .name = "caller", .version = "1", .about = "a test", .routes = routes,
};
END
    'sql/001_heard.sql' => 'create table caller.heard (job uuid not null, note text not null, status int not null);',
    'sql/queries/leave.sql' => <<'END',
-- in: note, path
-- out: ok; leaves a job
with put as (
    insert into vg.job (plugin, kind, payload, correlation_id)
    values ('caller', 'caller.call', :body, :correlationId)
), answer (status, body, events) as (
    select 'ok', '{}'::json, null::jsonb
)
select * from answer;
END
    'sql/queries/heard.sql' => <<'END',
-- in: note; :outcome
-- out: ok
with heard as (
    insert into caller.heard (job, note, status)
    values (:jobId, :note, (:outcome ->> 'status')::int)
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
END
);

my $world = Voltgate::World->start;
my $http  = '    voltgate_target world url=' . $world->url . " rate=1000 concurrent=64 timeout=5s;\n    voltgate_job default lease=50s;";
my $vg    = Voltgate->start(own_cluster => 1, authored => { caller => \%plugin }, elsewhere => { far => ['caller'] }, extra => { http => $http });
my $far   = $vg->elsewhere('far');
my $next  = Voltgate->start(beside => $vg, extra => { http => $http });

sub leave { my ($node, $note, $path) = @_; return $node->post('/api/v1/caller', { note => $note, path => $path })->{status} }
sub heard { return $far->sql('select count(*) from caller.heard where note like $1', $_[0]) }
sub keys_of { my ($path) = @_; my %keys = map { $_->{headers}{'idempotency-key'} => 1 } $world->requests($path); return scalar keys %keys }

subtest 'jobs lie where their plugin lives, and are done by both nodes' => sub {
    is leave($vg, 'one', '/ok'), 200;
    ok $vg->wait_for(sub { heard('one') }), 'done';
    is $vg->sql('select count(*) from vg.job'), 0, 'home had none';
    $world->forget;
    leave($_ % 2 ? $vg : $next, "many$_", '/slow/100') for 1 .. 80;
    ok $vg->wait_for(sub { heard('many%') >= 80 }, 20), 'all';
    is heard('many%'), 80, 'once each';
    is scalar $world->requests(qr/./), 80;
    is $far->sql('select count(*) from vg.job'), 0;
};

subtest 'the cluster crashes over one: done again, one effect' => sub {
    $world->forget;
    is leave($vg, 'crash', '/slow/2500?crash'), 200;
    ok $vg->wait_for(sub { $world->requests(qr/crash/) }), 'it is under way';
    $far->pg_stop('immediate');
    ok $vg->wait_for(sub { $vg->get('/metrics')->{body} =~ /^voltgate_jobs_total\{plugin="caller",kind="caller.call",outcome="lost"\} [1-9]/m
        || $next->get('/metrics')->{body} =~ /^voltgate_jobs_total\{plugin="caller",kind="caller.call",outcome="lost"\} [1-9]/m }, 10),
        'nobody could write it down';
    $far->pg_start;
    ok $vg->wait_for(sub { eval { $far->end_leases; 1 } }, 10), 'as if the lease were over';
    ok $vg->wait_for(sub { heard('crash') }, 20), 'done';
    is heard('crash'), 1, 'once';
    is scalar keys_of(qr/crash/), 1, 'under one key';
};

subtest 'a node dies over one: the other does it' => sub {
    $world->forget;
    is leave($vg, 'node', '/slow/3000?node'), 200;
    ok $vg->wait_for(sub { $world->requests(qr/node/) }), 'it is under way';
    ok $vg->kill_node, 'the node is gone';
    $far->end_leases;
    ok $next->wait_for(sub { heard('node') }, 20), 'done';
    is heard('node'), 1, 'once';
    is scalar $world->requests(qr/node/), 2, 'heard twice';
    is scalar keys_of(qr/node/), 1, 'under one key';
    $vg->start_gateway;
};

done_testing;

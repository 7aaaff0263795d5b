# What a plugin says twice, or says and nobody would look at, keeps it out, and
# it is told which: a second row of one name would be silent.

use strict;
use warnings;

use Test::More;

use Voltgate;
use Voltgate::Author;
use Voltgate::Cli;

my $event = '{ VG_EVENT, "test.told.v1", NULL, .statement = "change", .about = "x" }';
my $here  = '{ VG_EVENT, "test.told.v1", NULL, .flags = VG_HERE, .drops = "x", .about = "x" }';
my $timer = '{ VG_EVERY, "1h", .statement = "change", .about = "x" }';
my $steps = '{ "go", go }';

sub get  { my ($path, $more) = @_; return qq({ VG_GET, "$path", NULL, $more .statement = "look", .flags = VG_EVERYBODYS, .about = "x" }) }
sub post { my ($path, $more, $flags) = @_; return qq({ VG_POST, "$path", NULL, $more .statement = "change", .flags = VG_EVERYBODYS | @{[ $flags // 0 ]}, .about = "x" }) }

# what is not there twice
my @once = (undef, [ get('/once', ''), get('/once/{id}', '.fields = id,'), get('/once/{id}.txt', '.fields = id,'), post('/once', ''), $event, $here,
    $timer, $timer =~ s/1h/2h/r, $timer =~ s/"change"/"change_too"/r,
    '{ VG_INTERNAL, "once.ask", .statement = "look", .about = "x" }',
    '{ VG_JOB, "once.work", .statement = "change", .steps = steps, .about = "x" }' ]);
my @twin = (undef, [ $event, $timer, '{ VG_JOB, "once.work", .statement = "change", .about = "x" }' ]);    # each has its own of these

# [ why it is out, its routes, its other tables, in front of them ]
my @wrong = (
    [ 'EVENT test.told.v1 is there twice', [ $event, $event =~ s/"change"/"change_too"/r ] ],
    [ 'EVENT test.told.v1 is there twice', [ $here, $here ] ],
    [ 'EVERY 1h change is there twice', [ $timer, $timer ] ],
    [ 'JOB twin.work is there twice', [ ('{ VG_JOB, "twin.work", .statement = "change", .about = "x" }') x 2 ] ],
    [ 'INTERNAL twin.ask is there twice', [ ('{ VG_INTERNAL, "twin.ask", .statement = "look", .about = "x" }') x 2 ] ],
    [ 'OCPP16 Nonsense is there twice', [ ('{ VG_OCPP16, "Nonsense", .statement = "change", .about = "x" }') x 2 ] ],
    [ 'GET /twin/{name} is there twice', [ get('/twin/{id}', '.fields = id,'), get('/twin/{name}', '.fields = name,') ] ],
    [ 'GET /twin/{name}.txt is there twice', [ get('/twin/{id}.txt', '.fields = id,'), get('/twin/{name}.txt', '.fields = name,') ] ],
    [ 'KEEP old is there twice', [], '.keeps = keeps,', 'static const vg_keep_t keeps[] = { { "old", "1d", "keep", "x" }, { "old", "2d", "keep", "x" }, { 0 } };' ],
    [ 'error shut is there twice', [], '.errors = errors,', 'static const vg_error_t errors[] = { { "shut", 409, "x" }, { "open", 409, "x" }, { "shut", 422, "x" }, { 0 } };' ],
    [ 'setting pace is there twice', [], '.settings = settings,', 'static const vg_setting_t settings[] = { { "pace", VG_INT, "1", "x" }, { "pace", VG_INT, "2", "x" }, { 0 } };' ],
    [ 'type test.told.v1 is there twice', [], '.publishes = publishes,', 'static const char *const publishes[] = { "test.told.v1", "test.told.v1", NULL };' ],
    [ 'saga twin.go is there twice', [], '.sagas = sagas,', 'static const vg_saga_step_t saga_steps[] = { { "a", "x.y", NULL, 0 }, { 0 } }; static const vg_saga_t sagas[] = { { "twin.go", saga_steps, "x" }, { "twin.go", saga_steps, "x" }, { 0 } };' ],
    [ 'saga twin.go: step a is there twice', [], '.sagas = sagas,', 'static const vg_saga_step_t saga_steps[] = { { "a", "x.y", NULL, 0 }, { "a", "x.z", NULL, 0 }, { 0 } }; static const vg_saga_t sagas[] = { { "twin.go", saga_steps, "x" }, { 0 } };' ],
    [ 'POST /twin: field id is there twice', [ post('/twin', '.fields = twice,') ], '',
        'static const vg_field_t twice[] = { { VG_BODY, "id", VG_TEXT, .about = "x" }, { VG_QUERY, "id", VG_TEXT, .about = "x" }, VG_FIELDS_END };' ],
    [ 'POST /twin: field id is there twice', [ post('/twin', '.fields = outer,') ], '',
        'static const vg_field_t twice[] = { { VG_BODY, "id", VG_TEXT, .about = "x" }, { VG_BODY, "id", VG_TEXT, .about = "x" }, VG_FIELDS_END };
static const vg_field_t item = { VG_BODY, "x", VG_OBJECT, .fields = twice };
static const vg_field_t outer[] = { { VG_BODY, "all", VG_ARRAY, .item = &item, .about = "x" }, VG_FIELDS_END };' ],
    [ 'POST /twin: step go is there twice', [ post('/twin', '.steps = two,', 'VG_AWAIT') ], '', "static const vg_step_t two[] = { $steps, $steps, { 0 } };" ],

    # another plugin, or the kit, has it
    [ 'GET /once/{name} is there twice: once has it', [ get('/once/{name}', '.fields = name,') ] ],
    [ 'INTERNAL once.ask is there twice: once has it', [ '{ VG_INTERNAL, "once.ask", .statement = "look", .about = "x" }' ] ],
    [ 'GET /plugins is there twice: voltgate has it', [ get('/plugins', '') ] ],
    [ 'POST /stations is there twice: stations has it', [ post('/stations', '') ] ],
    [ 'OCPP16 Heartbeat is there twice: stations has it', [ '{ VG_OCPP16, "Heartbeat", .statement = "change", .about = "x" }' ] ],

    # what nobody would look at
    [ '/twin: a step that is told is awaited', [ post('/twin', '.steps = one,') ], '', 'static const vg_step_t one[] = { { "go", go, .told = go }, { 0 } };' ],
    [ '/twin: what is done behind an awaited step is the statement', [ post('/twin', '.steps = one,', 'VG_AWAIT') ], '', 'static const vg_step_t one[] = { { "go", go, .done = "change" }, { 0 } };' ],
    [ "/twin: of awaited steps a job's first alone has an undo", [ post('/twin', '.steps = one,', 'VG_AWAIT') ], '', 'static const vg_step_t one[] = { { "go", go, .undo = "change" }, { 0 } };' ],
    [ "twin.work: of awaited steps a job's first alone has an undo", [ '{ VG_JOB, "twin.work", .statement = "change", .steps = one, .about = "x" }' ], '', 'static const vg_step_t one[] = { { "go", go, .undo = "change" }, { "on", go, .undo = "change" }, { 0 } };' ],
    [ '/twin: a step has no command', [ post('/twin', '.steps = one,', 'VG_AWAIT') ], '', 'static const vg_step_t one[] = { { "go" }, { 0 } };' ],
    [ '/twin: a raw body is of a POST without load or steps', [ post('/twin', '.load = "look",', 'VG_RAW') ] ],
    [ '/twin/{id: not a path', [ get('/twin/{id', '.fields = id,') ] ],
    [ 'twin: not a path', [ get('twin', '') ] ],
    [ "/twin/{name}: the path's values are no fields in its order", [ get('/twin/{name}', '.fields = id,') ] ],
    [ "/twin/{b}/{a}: the path's values are no fields in its order", [ get('/twin/{b}/{a}', '.fields = ab,') ], '',
        'static const vg_field_t ab[] = { { VG_PATH, "a", VG_UUID, VG_REQUIRED, .about = "x" }, { VG_PATH, "b", VG_UUID, VG_REQUIRED, .about = "x" }, VG_FIELDS_END };' ],
    [ "/twin/{id}: the path's values are no fields in its order", [ get('/twin/{id}', '') ] ],
    [ '/twin: a field is of the path, which has no such value', [ get('/twin', '.fields = id,') ] ],
);

my $change = "answer (status, body, events) as (\n    select 'ok', null::json, null::jsonb\n)\nselect * from answer;\n";

sub files {
    my ($name, undef, $routes, $tables, $before) = @_;
    my $rows = join ",\n    ", @$routes, 'VG_ROUTES_END';
    my %files = (
        'plugin.c' => join("\n", '#include "vg.h"',
            'static const vg_field_t id[] = { { VG_PATH, "id", VG_TEXT, VG_REQUIRED, .about = "x" }, VG_FIELDS_END };',
            q(static const vg_field_t name[] = { { VG_PATH, "name", VG_TEXT, VG_REQUIRED, .about = "x" }, VG_FIELDS_END };),
            'static vg_rc_t go(vg_call_t *call) { (void) call; return VG_DECLINED; }',
            "static const vg_step_t steps[] = { $steps, { 0 } };", $before // '',
            "static const vg_route_t routes[] = {\n    $rows\n};",
            "const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = \"$name\", .version = \"1\", .about = \"x\", .routes = routes,", $tables // '',
            '};', 'const void *const vg_unused[] = { id, name, go, steps };', ''),
        'sql/001_old.sql'            => "create table $name.old (n bigint not null);\n",
        'sql/queries/look.sql'       => "-- in: nothing\n-- out: one\nselect json_build_object('n', 1) as body;\n",
        'sql/queries/change.sql'     => "-- in: nothing\n-- out: ok\nwith $change",
        'sql/queries/change_too.sql' => "-- in: nothing\n-- out: ok\nwith $change",
        'sql/queries/keep.sql'       => "-- in: before, batch\n-- out: ok\nwith gone as (\n    delete from $name.old where n < :batch and :before < now()\n), $change",
    );
    $files{'events/test.told.v1.json'} = '{ "title": "test.told.v1", "description": "x", "x-audience": "house", "type": "object", "properties": {}, "required": [] }'
        if ($tables // '') =~ /publishes/;
    return \%files;
}

my $vg = Voltgate->start(own_cluster => 1, authored => { once => files('once', @once), twin => files('twin', @twin) });
ok 1, 'what only looks alike is in';    # else the gateway were not ready

my $count = 0;
for my $case (@wrong) {
    my $other = "$vg->{state}/other." . ++$count;
    Voltgate::Author::write_plugin($other, 'twin', files('twin', @$case));
    mkdir "$other/built" or die "$other/built: $!";
    Voltgate::Author::compile($Voltgate::ROOT, $other, 'twin');
    my ($status, $out) = cli($vg, plugin => 'reload', 'twin', '--built', "$other/built", '--sources', "$other/plugins");
    is $status, 1, $case->[0];
    like $out, qr/\Q$case->[0]\E$/m, 'and it is told';
}
is_deeply [ grep { $_->{state} ne 'ready' } @{ $vg->get('/api/v1/plugins')->{json}{items} } ], [], 'all are as they were';

done_testing;

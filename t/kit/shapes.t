# What a plugin may say in its tables, and none of ours says: arrays in arrays,
# objects of any members in one, texts that may be empty in what is kept.

use strict;
use warnings;

use Test::More;

use Voltgate;

my $source = <<'END';
#include "vg.h"

static const vg_field_t part[] = {
    { VG_BODY, "name", VG_TEXT, VG_REQUIRED, .about = "x" }, VG_FIELDS_END
};
static const vg_field_t digit = { VG_BODY, "digit", VG_INT, 0, 0, 9 };
static const vg_field_t line = { VG_BODY, "line", VG_ARRAY, 0, 1, 3, .item = &digit };
static const vg_field_t loose = { VG_BODY, "loose", VG_OBJECT };
static const vg_field_t whole = { VG_BODY, "whole", VG_OBJECT, VG_NULLABLE, .fields = part };

static const vg_field_t shapes[] = {
    { VG_BODY, "grid", VG_ARRAY, .item = &line, .about = "x" },
    { VG_BODY, "any", VG_ARRAY, .item = &loose, .about = "x" },
    { VG_BODY, "parts", VG_ARRAY, .item = &whole, .about = "x" },
    VG_FIELDS_END
};
static const vg_field_t words[] = { { VG_QUERY, "word", VG_TEXT, .about = "x" }, VG_FIELDS_END };

static vg_rc_t
fine(vg_call_t *call)
{
    return vg_reply(call, VG_STR("{}"));
}

static vg_rc_t
slow(vg_call_t *call)
{
    return vg_inquire(call, "odd.look", VG_STR("{}"));
}

static vg_rc_t
asks(vg_call_t *call)
{
    vg_str_t answer = { NULL, 0 };
    vg_rc_t  rc = vg_ask(call, "odd.slow", VG_STR("{}"), &answer);

    return rc == VG_OK ? vg_reply(call, answer) : rc;
}

static const vg_step_t steps[] = { { "look", slow }, { 0 } };

static const vg_route_t routes[] = {
    { VG_POST, "/odd/shapes", NULL, shapes, .check = fine, .about = "x" },
    { VG_GET, "/odd/word", NULL, words, .statement = "word", .flags = VG_EVERYBODYS, .cache = "odd:words", .about = "x" },
    { VG_POST, "/odd/ask", NULL, .check = asks, .flags = VG_NO_BODY, .about = "x" },
    { VG_INTERNAL, "odd.look", NULL, .statement = "look", .about = "x" },
    { VG_INTERNAL, "odd.slow", NULL, .steps = steps, .flags = VG_AWAIT, .about = "x" },
    VG_ROUTES_END
};

const vg_plugin_t vg_plugin = { .abi = VG_ABI, .name = "odd", .version = "1", .about = "x", .routes = routes };
END

my $vg = Voltgate->start(authored => { odd => {
    'plugin.c'             => $source,
    'sql/001_none.sql'     => "select 1;\n",
    'sql/queries/look.sql' => "-- in: nothing\n-- out: one\nselect json_build_object('n', 1) as body;\n",
    'sql/queries/word.sql' => "-- in: word\n-- out: what it is\nselect json_build_object('word', :word) as body;\n",
} });

sub wrong {
    my ($body) = @_;
    my $r = $vg->post('/api/v1/odd/shapes', $body);
    return $r->{status} == 200 ? 'fine' : $r->{json}{errors} // $r->{status};
}

subtest 'what is in an array is looked at, however deep' => sub {
    is wrong({ grid => [ [ 1, 2 ], [3] ] }), 'fine';
    is_deeply wrong({ grid => [ [ 1, 'x' ], [ 2, 10 ], [] ] }), {
        'grid[0][1]' => 'must be a whole number', 'grid[1][1]' => 'is out of range', 'grid[2]' => 'has too few items',
    };
};

subtest 'objects in it may have any members' => sub {
    is wrong({ any => [ { a => 1 }, {} ] }), 'fine';
    is_deeply wrong({ any => [ {}, 1 ] }), { 'any[1]' => 'must be an object' };
};

subtest 'and may be null where that is said' => sub {
    is wrong({ parts => [ { name => 'a' }, undef ] }), 'fine';
    is_deeply wrong({ parts => [ {}, { name => 'a', nmae => 'b' } ] }), { 'parts[0].name' => 'is required', 'parts[1].nmae' => 'is not known' };
};

subtest 'an empty text is not an absent one, in what is kept either' => sub {
    for (1, 2) {
        is_deeply $vg->get('/api/v1/odd/word')->{json}, { word => undef };
        is_deeply $vg->get('/api/v1/odd/word?word=')->{json}, { word => '' };
    }
};

subtest 'a name alone in a query is there, without a value' => sub {
    is_deeply $vg->get("/api/v1/odd/word?$_")->{json}, { word => '' }, $_ for qw(word word& &word &&word=);
    is_deeply $vg->get("/api/v1/odd/word?$_")->{json}{errors}, { wor => 'is not known' }, $_ for qw(wor word&wor wor=1);
    is_deeply $vg->get('/api/v1/odd/word?word=a+%2B%20=b&x')->{json}{errors}, { x => 'is not known' };
    is_deeply $vg->get('/api/v1/odd/word?word=a+%2B%20=b')->{json}, { word => 'a + =b' };
    is_deeply $vg->get("/api/v1/odd/word?word=who${_}what")->{json}, { word => 'who?what' }, $_ for qw(? %3F %3f);
};

subtest 'a hook asks nobody who would have to wait' => sub {
    is $vg->post('/api/v1/odd/ask')->{status}, 500;
    like $vg->log, qr/voltgate odd: odd\.slow cannot be asked in a hook/, 'and is told so';
};

done_testing;

/* with: nginx-modules/ocpp/frame.c nginx-modules/ocpp/action.c
 *
 * unit_frame.c: which OCPP-J frames are good, which are refused with which
 * code, which are ignored or unreadable, and what is written.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/ocpp/frame.h"

static int        tests, failures;
static vg_pool_t *pool;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


#define BYTES(literal)                                                         \
    {                                                                          \
        (literal), sizeof(literal) - 1                                         \
    }
#define ID36 "123456789012345678901234567890123456"

static const struct {
    const char  *name;
    vg_str_t     text;
    vg_verdict_t verdict;
    vg_code_t    code;
    const char  *id;
} frames[] = {
    /* good */
    { "a CALL", BYTES("[2,\"1\",\"Heartbeat\",{}]"), VG_FRAME_GOOD, 0, "1" },
    { "a CALL with blanks", BYTES(" [ 2 , \"1\" , \"A\" , { } ]\n"),
      VG_FRAME_GOOD, 0, "1" },
    { "null for a payload", BYTES("[2,\"1\",\"Heartbeat\",null]"),
      VG_FRAME_GOOD, 0, "1" },
    { "36 characters of id", BYTES("[2,\"" ID36 "\",\"A\",{}]"), VG_FRAME_GOOD,
      0, ID36 },
    { "36 wide characters of id",
      BYTES("[2,\"\xc3\xa4"
            "23456789012345678901234567890123456\",\"A\",{}]"),
      VG_FRAME_GOOD, 0,
      "\xc3\xa4"
      "23456789012345678901234567890123456" },
    { "an escaped id", BYTES("[2,\"\\u0041\",\"A\",{}]"), VG_FRAME_GOOD, 0,
      "A" },
    { "a CALLRESULT", BYTES("[3,\"1\",{}]"), VG_FRAME_GOOD, 0, "1" },
    { "a CALLRESULT of null", BYTES("[3,\"1\",null]"), VG_FRAME_GOOD, 0, "1" },
    { "a CALLERROR", BYTES("[4,\"1\",\"NotSupported\",\"no\",{}]"),
      VG_FRAME_GOOD, 0, "1" },
    { "a CALLERROR without details", BYTES("[4,\"1\",\"NotSupported\",\"\"]"),
      VG_FRAME_GOOD, 0, "1" },
    { "a CALLERROR of a code alone", BYTES("[4,\"1\",\"NotSupported\"]"),
      VG_FRAME_GOOD, 0, "1" },

    /* refused */
    { "37 characters of id", BYTES("[2,\"" ID36 "7\",\"A\",{}]"),
      VG_FRAME_REFUSED, VG_CODE_PROTOCOL, ID36 "7" },
    { "a CALL without payload", BYTES("[2,\"1\",\"Heartbeat\"]"),
      VG_FRAME_REFUSED, VG_CODE_FORMATION, "1" },
    { "a CALL with too much", BYTES("[2,\"1\",\"Heartbeat\",{},1]"),
      VG_FRAME_REFUSED, VG_CODE_FORMATION, "1" },
    { "an id alone", BYTES("[2,\"1\"]"), VG_FRAME_REFUSED, VG_CODE_FORMATION,
      "1" },
    { "an action that is a number", BYTES("[2,\"1\",7,{}]"), VG_FRAME_REFUSED,
      VG_CODE_FORMATION, "1" },
    { "an action that is null", BYTES("[2,\"1\",null,{}]"), VG_FRAME_REFUSED,
      VG_CODE_FORMATION, "1" },
    { "a payload that is an array", BYTES("[2,\"1\",\"A\",[]]"),
      VG_FRAME_REFUSED, VG_CODE_FORMATION, "1" },
    { "a payload that is a string", BYTES("[2,\"1\",\"A\",\"{}\"]"),
      VG_FRAME_REFUSED, VG_CODE_FORMATION, "1" },
    { "a result that is an array", BYTES("[3,\"1\",[]]"), VG_FRAME_REFUSED,
      VG_CODE_FORMATION, "1" },
    { "a result with an action", BYTES("[3,\"1\",\"A\",{}]"), VG_FRAME_REFUSED,
      VG_CODE_FORMATION, "1" },
    { "an error whose code is a number", BYTES("[4,\"1\",404,\"\",{}]"),
      VG_FRAME_REFUSED, VG_CODE_FORMATION, "1" },
    { "broken JSON behind an id", BYTES("[2,\"17\",\"MeterValues\",{\"a\":]"),
      VG_FRAME_REFUSED, VG_CODE_FORMATION, "17" },
    { "a cut frame behind an id", BYTES("[ 2 , \"17\""), VG_FRAME_REFUSED,
      VG_CODE_FORMATION, "17" },
    { "a member twice", BYTES("[2,\"17\",\"A\",{\"a\":1,\"a\":2}]"),
      VG_FRAME_REFUSED, VG_CODE_FORMATION, "17" },
    { "half a surrogate pair", BYTES("[2,\"17\",\"A\",{\"a\":\"\\ud83d\"}]"),
      VG_FRAME_REFUSED, VG_CODE_FORMATION, "17" },

    /* ignored */
    { "type 5", BYTES("[5,\"1\",{}]"), VG_FRAME_IGNORED, 0, NULL },
    { "type 1", BYTES("[1,\"1\"]"), VG_FRAME_IGNORED, 0, NULL },
    { "type 22", BYTES("[22,\"1\",\"A\",{}]"), VG_FRAME_IGNORED, 0, NULL },
    { "type -2", BYTES("[-2,\"1\",\"A\",{}]"), VG_FRAME_IGNORED, 0, NULL },
    { "type 2.0", BYTES("[2.0,\"1\",\"A\",{}]"), VG_FRAME_IGNORED, 0, NULL },
    { "type 2e0", BYTES("[2e0,\"1\",\"A\",{}]"), VG_FRAME_IGNORED, 0, NULL },

    /* unreadable */
    { "nothing", BYTES(""), VG_FRAME_UNREADABLE, 0, NULL },
    { "a word", BYTES("hello"), VG_FRAME_UNREADABLE, 0, NULL },
    { "an object", BYTES("{\"a\":1}"), VG_FRAME_UNREADABLE, 0, NULL },
    { "a string", BYTES("\"[2]\""), VG_FRAME_UNREADABLE, 0, NULL },
    { "an empty array", BYTES("[]"), VG_FRAME_UNREADABLE, 0, NULL },
    { "a type alone", BYTES("[2]"), VG_FRAME_UNREADABLE, 0, NULL },
    { "a type that is a string", BYTES("[\"2\",\"1\",\"A\",{}]"),
      VG_FRAME_UNREADABLE, 0, NULL },
    { "an id that is a number", BYTES("[2,1,\"A\",{}]"), VG_FRAME_UNREADABLE, 0,
      NULL },
    { "an id that is null", BYTES("[2,null,\"A\",{}]"), VG_FRAME_UNREADABLE, 0,
      NULL },
    { "an open bracket", BYTES("["), VG_FRAME_UNREADABLE, 0, NULL },
    { "a cut id", BYTES("[2,\"1"), VG_FRAME_UNREADABLE, 0, NULL },
    { "broken JSON behind a long id", BYTES("[2,\"" ID36 "7\",{"),
      VG_FRAME_UNREADABLE, 0, NULL },
    { "broken JSON behind an escaped id", BYTES("[2,\"\\u0041\",{"),
      VG_FRAME_UNREADABLE, 0, NULL },
    { "broken JSON behind type 5", BYTES("[5,\"1\",{"), VG_FRAME_UNREADABLE, 0,
      NULL },
    { "a NUL in the id", BYTES("[2,\"1\0\",\"A\",{}]"), VG_FRAME_UNREADABLE, 0,
      NULL },
    { "bytes that are not UTF-8 in the id", BYTES("[2,\"\xff\",\"A\",{}]"),
      VG_FRAME_UNREADABLE, 0, NULL },
};


static void
test_frames(void)
{
    size_t       i;
    vg_frame_t   frame;
    vg_verdict_t verdict;

    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        verdict = vg_frame_parse(pool, frames[i].text, &frame);
        ok(verdict == frames[i].verdict && frame.code == frames[i].code
               && (frames[i].id == NULL || vg_str_eq(frame.id, frames[i].id))
               && (verdict == VG_FRAME_GOOD) == (frame.why == NULL),
           frames[i].name);
    }
}


/* ------------------------------------------------------- depth and length */

static vg_str_t
repeated(const char *head, const char *part, size_t count, const char *tail)
{
    size_t i;
    char  *text, *p;

    text =
        vg_alloc(pool, strlen(head) + count * strlen(part) + strlen(tail) + 1);
    if (text == NULL) {
        abort();
    }
    p = stpcpy(text, head);
    for (i = 0; i < count; i++) {
        p = stpcpy(p, part);
    }
    p = stpcpy(p, tail);
    return (vg_str_t){ text, p - text };
}


static void
test_size(void)
{
    vg_frame_t frame;

    ok(vg_frame_parse(pool, repeated("[2,\"1\",\"A\",{\"a\":", "[", 60000, ""),
                      &frame)
               == VG_FRAME_REFUSED
           && frame.code == VG_CODE_FORMATION,
       "60,000 open brackets are refused, not recursed into");
    ok(vg_frame_parse(pool, repeated("[2,\"", "x", 255, "\",\"A\",{}]"), &frame)
               == VG_FRAME_REFUSED
           && frame.code == VG_CODE_PROTOCOL && frame.id.len == 255,
       "an id of 255 bytes is answered");
    ok(vg_frame_parse(pool, repeated("[2,\"", "x", 256, "\",\"A\",{}]"), &frame)
           == VG_FRAME_UNREADABLE,
       "an id of 256 bytes is not repeated");
}


/* ------------------------------------------------------------- the members */

static void
test_members(void)
{
    vg_frame_t frame;

    (void) vg_frame_parse(
        pool, VG_STR("[2,\"1\",\"DataTransfer\", {\"a\": 1.50} ]"), &frame);
    ok(frame.type == VG_FRAME_CALL && vg_str_eq(frame.action, "DataTransfer")
           && vg_str_eq(frame.payload, "{\"a\": 1.50}") && frame.body
           && frame.body->type == VG_JSON_OBJECT,
       "a CALL's payload is its very bytes");

    (void) vg_frame_parse(pool, VG_STR("[2,\"1\",\"Heartbeat\",null]"), &frame);
    ok(vg_str_eq(frame.payload, "{}") && frame.body == NULL, "null becomes {}");

    (void) vg_frame_parse(
        pool, VG_STR("[4,\"1\",\"OccurenceConstraintViolation\",\"x\",{}]"),
        &frame);
    ok(frame.type == VG_FRAME_ERROR
           && vg_str_eq(frame.error_code, "OccurenceConstraintViolation")
           && vg_str_eq(frame.description, "x"),
       "a CALLERROR's code and description");

    (void) vg_frame_parse(pool, VG_STR("[4,\"1\",\"GenericError\",null,{}]"),
                          &frame);
    ok(vg_str_eq(frame.description, ""), "a description of null is empty");
}


static void
test_written(void)
{
    ok(vg_str_eq(vg_frame_call(pool, VG_STR("1"), VG_STR("Reset"),
                               VG_STR("{\"type\":\"Soft\"}")),
                 "[2,\"1\",\"Reset\",{\"type\":\"Soft\"}]"),
       "a CALL is written");
    ok(vg_str_eq(vg_frame_result(pool, VG_STR("a\"b"), VG_STR("{}")),
                 "[3,\"a\\\"b\",{}]"),
       "a CALLRESULT is written, its id escaped");
    ok(vg_str_eq(vg_frame_error(pool, VG_STR("1"), VG_CODE_OCCURENCE, ""),
                 "[4,\"1\",\"OccurenceConstraintViolation\",\"\",{}]"),
       "a CALLERROR is written, with the misspelling of 1.6");
}


static void
test_actions(void)
{
    size_t             i, in = 0, out = 0;
    const vg_action_t *boot;

    for (i = 0; i < VG_ACTIONS; i++) {
        in += (vg_actions[i].flags & VG_ACTION_IN) != 0;
        out += (vg_actions[i].flags & VG_ACTION_OUT) != 0;
    }
    ok(in == 14 && out == 26, "10 and 4 actions come in, 19 and 7 go out");

    boot = vg_action_find(VG_STR("BootNotification"));
    ok(boot && boot->flags == (VG_ACTION_IN | VG_ACTION_BOOT),
       "BootNotification is found");
    ok(vg_action_find(VG_STR("bootNotification")) == NULL
           && vg_action_find(VG_STR("Boot")) == NULL
           && vg_action_find(VG_STR("")) == NULL,
       "other names are not");
}


int
main(void)
{
    pool = vg_arena_create();
    if (pool == NULL) {
        return 1;
    }
    test_frames();
    test_size();
    test_members();
    test_written();
    test_actions();
    vg_arena_destroy(pool);

    printf("1..%d\n", tests);
    return failures != 0;
}

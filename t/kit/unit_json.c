/*
 * unit_json.c: what vg_json.c takes, what it refuses, which bytes it says a
 * value has, and that what it writes can be read again.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/core/vg_json.h"

static int tests, failures;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


/* ---------------------------------------------------------------- refused */

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct {
    const char *name;
    const char *text;
    size_t      len;
    const char *error;
} refusals[] = {
    { "nothing", BYTES(""), "not JSON" },
    { "blanks alone", BYTES(" \n"), "not JSON" },
    { "an open object", BYTES("{\"a\":1"), "not JSON" },
    { "an open string", BYTES("\"abc"), "not JSON" },
    { "trailing garbage", BYTES("{} x"), "not JSON" },
    { "a second value", BYTES("{}{}"), "not JSON" },
    { "a second number", BYTES("1 2"), "not JSON" },
    { "a comma at the end", BYTES("[1,]"), "not JSON" },
    { "a comment", BYTES("[1] /* no */"), "not JSON" },
    { "a leading zero", BYTES("[01]"), "not JSON" },
    { "a lone point", BYTES("[1.]"), "not JSON" },
    { "a plus", BYTES("[+1]"), "not JSON" },
    { "NaN", BYTES("[NaN]"), "not JSON" },
    { "a mark of byte order", BYTES("\xef\xbb\xbf{}"), "not JSON" },
    { "a raw NUL between values", BYTES("[1,\0 2]"), "not JSON" },
    { "a raw NUL in front",
      BYTES("\0"
            "1"),
      "not JSON" },
    { "a raw NUL behind", BYTES("1\0"), "not JSON" },
    { "a raw NUL in a string", BYTES("\"a\0b\""), "not JSON" },
    { "a form feed as a blank", BYTES("\f5"), "not JSON" },
    { "a form feed before a member", BYTES("{\"a\":\f5}"), "not JSON" },
    { "a vertical tab between values", BYTES("[1\v,2]"), "not JSON" },
    { "a vertical tab behind", BYTES("[]\v"), "not JSON" },
    { "a raw newline in a string", BYTES("\"a\nb\""), "not JSON" },
    { "an unknown escape", BYTES("\"\\x41\""), "not JSON" },
    { "a short escape", BYTES("\"\\u12\""), "not JSON" },
    { "a member twice", BYTES("{\"a\":1,\"b\":2,\"a\":3}"),
      "a member comes twice in one object" },
    { "a member twice, once escaped", BYTES("{\"a\":1,\"\\u0061\":3}"),
      "a member comes twice in one object" },
    { "an empty name twice", BYTES("{\"\":1,\"\":3}"),
      "a member comes twice in one object" },
    { "half a surrogate pair", BYTES("\"\\ud83d\""),
      "half of a surrogate pair" },
    { "the second half alone", BYTES("\"\\ude00\""),
      "half of a surrogate pair" },
    { "a high half and a letter", BYTES("\"\\ud83d\\u0041\""),
      "half of a surrogate pair" },
    { "half a pair in a name", BYTES("{\"\\udc00\":1}"),
      "half of a surrogate pair" },
    { "a cut character", BYTES("\"\xc3\""), "not UTF-8" },
    { "a stray continuation", BYTES("\"\x80\""), "not UTF-8" },
    { "an overlong slash", BYTES("\"\xc0\xaf\""), "not UTF-8" },
    { "an overlong of three", BYTES("\"\xe0\x9f\xbf\""), "not UTF-8" },
    { "an overlong of four", BYTES("\"\xf0\x8f\xbf\xbf\""), "not UTF-8" },
    { "a surrogate in UTF-8", BYTES("\"\xed\xa0\x80\""), "not UTF-8" },
    { "beyond U+10FFFF", BYTES("\"\xf4\x90\x80\x80\""), "not UTF-8" },
    { "broken UTF-8 in a name", BYTES("{\"\xff\":1}"), "not UTF-8" },
};


static void
test_refusals(void)
{
    vg_pool_t  *pool = vg_arena_create();
    const char *error;
    vg_json_t  *node;
    size_t      i;
    char        name[80];

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        error = NULL;
        node = vg_json_parse(
            pool, (vg_str_t){ refusals[i].text, refusals[i].len }, &error);
        snprintf(name, sizeof(name), "refused: %s", refusals[i].name);
        ok(node == NULL && error != NULL
               && strcmp(error, refusals[i].error) == 0,
           name);
    }

    ok(vg_json_parse(pool, (vg_str_t){ NULL, 0 }, &error) == NULL,
       "refused: no text at all");
    ok(vg_json_parse(pool, VG_STR("["), NULL) == NULL,
       "the reason may be left out");
    vg_arena_destroy(pool);
}


static vg_json_t *
nested(vg_pool_t *pool, size_t depth, const char **error)
{
    char *text = vg_alloc(pool, depth * 2);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);

    return vg_json_parse(pool, (vg_str_t){ text, depth * 2 }, error);
}


static void
test_depth(void)
{
    vg_pool_t  *pool = vg_arena_create();
    const char *error = "";

    ok(nested(pool, VG_JSON_DEPTH, &error) != NULL, "64 deep is taken");
    ok(nested(pool, VG_JSON_DEPTH + 1, &error) == NULL
           && strcmp(error, "nested too deep") == 0,
       "65 deep is refused");
    ok(nested(pool, 400000, &error) == NULL, "400,000 deep is refused");
    vg_arena_destroy(pool);
}


/* ------------------------------------------------------------------ taken */

static bool
raw_is(const vg_json_t *node, const char *raw)
{
    bool same = node != NULL && vg_str_eq(node->raw, raw);

    if (!same && node != NULL) {
        printf("# raw is <%.*s>\n", (int) node->raw.len, node->raw.data);
    }

    return same;
}


static void
test_spans(void)
{
    static const char text[] =
        " {\"a\" : 12.50 , \"b\":[ 1,-2e5\t, \"x\\\"y\" ,true],\r\n"
        "\"c\" :{ \"d\": { } , \"e\\n\":\"\\\\\" } ,\"f\":null,\"g\":\" : , \","
        "\"h\":[],\"i\":0}  ";
    vg_pool_t       *pool = vg_arena_create();
    vg_json_t       *top = vg_json_parse(pool, vg_str(text), NULL);
    const vg_json_t *b = vg_json_get(top, "b");
    const vg_json_t *c = vg_json_get(top, "c");
    vg_str_t         last;

    ok(top != NULL && top->raw.data == text + 1
           && top->raw.len == sizeof(text) - 4 && top->count == 7,
       "an object's span is from brace to brace");
    ok(raw_is(vg_json_get(top, "a"), "12.50"), "a number before a blank");
    ok(raw_is(b, "[ 1,-2e5\t, \"x\\\"y\" ,true]"), "an array");
    ok(b != NULL && b->count == 4 && raw_is(b->first, "1"),
       "a number before a comma");
    ok(b != NULL && raw_is(b->first->next, "-2e5"), "a number before a tab");
    ok(b != NULL && raw_is(b->first->next->next, "\"x\\\"y\""),
       "a string with an escape keeps it in its span");
    ok(b != NULL && vg_str_eq(b->first->next->next->text, "x\"y"),
       "and loses it in its text");
    ok(b != NULL && raw_is(b->first->next->next->next, "true"), "true");
    ok(raw_is(c, "{ \"d\": { } , \"e\\n\":\"\\\\\" }"), "an inner object");
    ok(raw_is(vg_json_get(c, "d"), "{ }"), "an empty object");
    ok(raw_is(vg_json_get(c, "e\n"), "\"\\\\\""), "a member's name unescaped");
    ok(raw_is(vg_json_get(top, "f"), "null"), "null");
    ok(raw_is(vg_json_get(top, "g"), "\" : , \""), "a string like punctuation");
    ok(raw_is(vg_json_get(top, "h"), "[]"), "an empty array");
    ok(raw_is(vg_json_get(top, "i"), "0"), "a number before a brace");

    last = vg_str("-12.5e-3");
    top = vg_json_parse(pool, last, NULL);
    ok(raw_is(top, "-12.5e-3") && vg_str_eq(top->text, "-12.5e-3"),
       "a number that ends the text");
    ok(raw_is(vg_json_parse(pool, vg_str(" 7 \n"), NULL), "7"),
       "a number between blanks");
    ok(raw_is(vg_json_parse(pool, vg_str("  1"), NULL), "1"),
       "a number behind blanks at the end");
    vg_arena_destroy(pool);
}


static void
test_values(void)
{
    vg_pool_t       *pool = vg_arena_create();
    vg_json_t       *top;
    const vg_json_t *node;

    top = vg_json_parse(pool,
                        vg_str("{\"n\":123456789012345678901234567890.10,"
                               "\"z\":\"a\\u0000b\",\"u\":\"\\ud83d\\ude00\","
                               "\"s\":\"\xe2\x82\xac\",\"a\":1,\"ab\":2}"),
                        NULL);
    ok(vg_str_eq(vg_json_text(top, "n"), "123456789012345678901234567890.10"),
       "a number is kept as it came in");
    node = vg_json_get(top, "z");
    ok(node != NULL && node->text.len == 3
           && memcmp(node->text.data, "a\0b", 3) == 0,
       "an escaped NUL is kept, with the length");
    ok(vg_str_eq(vg_json_text(top, "u"), "\xf0\x9f\x98\x80"),
       "a surrogate pair is one character");
    ok(vg_str_eq(vg_json_text(top, "s"), "\xe2\x82\xac"), "UTF-8 is kept");
    ok(vg_str_eq(vg_json_text(top, "ab"), "2"),
       "a name that begins with another is another");
    ok(vg_json_text(top, "none").data == NULL && vg_json_get(node, "a") == NULL
           && vg_json_get(NULL, "a") == NULL,
       "what is not there is NULL");
    vg_arena_destroy(pool);
}


/* An object of as many members as a body of 1 MiB can hold. */
static void
test_many_members(void)
{
    vg_pool_t *pool = vg_arena_create();
    vg_out_t   out;
    vg_json_t *top;
    int        i;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    for (i = 0; i < 100000; i++) {
        vg_out_key(&out, vg_printf(pool, "%d", i).data);
        vg_out_int(&out, i);
    }
    vg_out_close(&out, '}');
    top = vg_json_parse(pool, vg_out_str(&out), NULL);
    ok(top != NULL && top->count == 100000
           && vg_str_eq(vg_json_text(top, "99999"), "99999"),
       "a hundred thousand members, written and read");
    vg_arena_destroy(pool);
}


/* ---------------------------------------------------------------- written */

static void
test_out(void)
{
    vg_pool_t *pool = vg_arena_create();
    vg_out_t   out;
    vg_json_t *top;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "s", (vg_str_t){ "\"\\\n\x01\0/", 6 });
    vg_out_member(&out, "none", (vg_str_t){ NULL, 0 });
    vg_out_key(&out, "list");
    vg_out_open(&out, '[');
    vg_out_int(&out, INT64_MIN);
    vg_out_bool(&out, true);
    vg_out_open(&out, '{');
    vg_out_close(&out, '}');
    vg_out_null(&out);
    vg_out_close(&out, ']');
    vg_out_member_raw(&out, "k\"", VG_STR("1.10"));
    vg_out_close(&out, '}');
    ok(vg_str_eq(vg_out_str(&out),
                 "{\"s\":\"\\\"\\\\\\n\\u0001\\u0000/\",\"none\":null,"
                 "\"list\":[-9223372036854775808,true,{},null],"
                 "\"k\\\"\":1.10}"),
       "commas and escapes are where they belong");
    top = vg_json_parse(pool, vg_out_str(&out), NULL);
    ok(top != NULL && vg_json_text(top, "s").len == 6
           && memcmp(vg_json_text(top, "s").data, "\"\\\n\x01\0/", 6) == 0,
       "what was written is read back");

    vg_out_init(&out, pool);
    vg_out_string(&out, VG_STR("\xff"));
    ok(vg_out_str(&out).data == NULL, "broken UTF-8 is not written");

    vg_out_init(&out, pool);
    vg_out_string(&out, VG_STR(""));
    ok(vg_str_eq(vg_out_str(&out), "\"\""), "an empty string is no null");
    ok(vg_str_eq(vg_printf(pool, "%d-%s", 7, "x"), "7-x"), "printf");
    vg_arena_destroy(pool);
}


/* An arena that breaks after so many allocations: nothing may crash. */
typedef struct {
    vg_pool_t *inner;
    int        left;
} broken_t;


static void *
broken_alloc(void *data, size_t size)
{
    broken_t *broken = data;

    return broken->left-- > 0 ? vg_alloc(broken->inner, size) : NULL;
}


static void
test_no_memory(void)
{
    vg_pool_t  *inner = vg_arena_create();
    broken_t    broken = { inner, 0 };
    vg_pool_t   pool = { broken_alloc, &broken };
    const char *error;
    vg_out_t    out;
    int         i, taken = 0;

    for (i = 0; i < 12; i++) {
        broken.left = i;
        taken +=
            vg_json_parse(&pool, VG_STR("{\"a\":[\"\\n\"],\"b\":{}}"), &error)
            != NULL;
    }
    ok(taken == 6, "a parse that lacks memory gives NULL");

    broken.left = 0;
    vg_out_init(&out, &pool);
    vg_out_open(&out, '{');
    broken.left = 9;
    vg_out_close(&out, '}');
    ok(vg_out_str(&out).data == NULL, "a failed allocation sticks");
    vg_arena_destroy(inner);
}


int
main(void)
{
    test_refusals();
    test_depth();
    test_spans();
    test_values();
    test_many_members();
    test_out();
    test_no_memory();
    printf("1..%d\n", tests);
    return failures != 0;
}

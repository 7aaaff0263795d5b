/* with: nginx-modules/core/value.c
 *
 * unit_value.c: which values each type of field takes, and what is said of
 * those that it does not take.
 */

#include <stdio.h>
#include <string.h>

#include "../../nginx-modules/core/value.h"

static int        tests, failures;
static vg_pool_t *pool;


static void
ok(bool good, const char *what, vg_str_t value)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s:", good ? "" : "not ", tests, what);
    for (size_t i = 0; i < value.len && i < 60; i++) {
        unsigned char c = (unsigned char) value.data[i];

        printf(c < 0x20 || c > 0x7e || c == '#' ? "\\x%02x" : "%c", c);
    }
    printf("\n");
}


/* ------------------------------------------------------------------ types */

static const vg_field_t text = { .type = VG_TEXT, .min = 2, .max = 4 };
static const vg_field_t free_text = { .type = VG_TEXT };
static const vg_field_t whole = { .type = VG_INT };
static const vg_field_t small = { .type = VG_INT, .min = -5, .max = 5 };
static const vg_field_t decimal = { .type = VG_DECIMAL };
static const vg_field_t degrees = { .type = VG_DECIMAL, .min = -90, .max = 90 };
static const vg_field_t flag = { .type = VG_BOOL };
static const vg_field_t uuid = { .type = VG_UUID };
static const vg_field_t moment = { .type = VG_TIME };
static const vg_field_t lenient = { .type = VG_TIME, .flags = VG_LENIENT };
static const vg_field_t choice = { .type = VG_ENUM, .values = "A|Bb|C" };
static const vg_field_t open_choice = {
    .type = VG_ENUM, .flags = VG_LENIENT, .max = 3, .values = "A|B"
};
static const vg_field_t object = { .type = VG_OBJECT };
static const vg_field_t array = { .type = VG_ARRAY, .min = 1, .max = 2 };
static const vg_field_t any = { .type = VG_ANY };
static const vg_field_t nullable = { .type = VG_INT, .flags = VG_NULLABLE };

enum { FITS, TYPE = 2, VALUE = 3 };

#define J(literal)                                                             \
    {                                                                          \
        (literal), sizeof(literal) - 1                                         \
    }
#define UUID "019393c0-0000-7000-8000-00000000000a"

/* as members of a body: JSON text, and what is wrong with it */
static const struct {
    const vg_field_t *field;
    vg_str_t          json;
    unsigned          fault;
} values[] = {
    { &text, J("\"ab\""), FITS },
    { &text, J("\"abcd\""), FITS },
    { &text, J("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x8c!\""), FITS },
    { &text, J("\"\\ud83d\\udd0c!\""), FITS },
    { &text, J("\"a\""), VALUE },
    { &text, J("\"\""), VALUE },
    { &text, J("\"abcde\""), VALUE },
    { &text, J("\"a\\u0000b\""), VALUE },
    { &text, J("12"), TYPE },
    { &text, J("true"), TYPE },
    { &text, J("null"), TYPE },
    { &text, J("[\"ab\"]"), TYPE },
    { &text, J("{}"), TYPE },
    { &free_text, J("\"\""), FITS },

    { &whole, J("0"), FITS },
    { &whole, J("-0"), FITS },
    { &whole, J("9223372036854775807"), FITS },
    { &whole, J("-9223372036854775808"), FITS },
    { &whole, J("9223372036854775808"), VALUE },
    { &whole, J("-9223372036854775809"), VALUE },
    { &whole, J("18446744073709551616"), VALUE },
    { &whole, J("100000000000000000000000000000000000000000"), VALUE },
    { &whole, J("1.0"), TYPE },
    { &whole, J("1e2"), TYPE },
    { &whole, J("\"1\""), TYPE },
    { &whole, J("false"), TYPE },
    { &small, J("-5"), FITS },
    { &small, J("5"), FITS },
    { &small, J("6"), VALUE },
    { &small, J("-6"), VALUE },

    { &decimal, J("0.1"), FITS },
    { &decimal, J("-0.000000001"), FITS },
    { &decimal, J("123456789012345678"), FITS },
    { &decimal, J("123456789.012345678"), FITS },
    { &decimal, J("0.0000000001"), VALUE },
    { &decimal, J("1234567890123456789"), VALUE },
    { &decimal, J("1234567890.012345678"), VALUE },
    { &decimal, J("1e3"), VALUE },
    { &decimal, J("1E-3"), VALUE },
    { &decimal, J("1e999999999"), VALUE },
    { &decimal, J("\"1.5\""), TYPE },
    { &degrees, J("90"), FITS },
    { &degrees, J("90.000000000"), FITS },
    { &degrees, J("-90"), FITS },
    { &degrees, J("90.000000001"), VALUE },
    { &degrees, J("-90.000000001"), VALUE },
    { &degrees, J("999999999999999999"), VALUE },

    { &flag, J("true"), FITS },
    { &flag, J("false"), FITS },
    { &flag, J("0"), TYPE },
    { &flag, J("\"maybe\""), TYPE },

    { &uuid, J("\"" UUID "\""), FITS },
    { &uuid, J("\"019393C0-0000-7000-8000-00000000000A\""), FITS },
    { &uuid, J("\"019393c0000070008000000000000000000a\""), VALUE },
    { &uuid, J("\"019393c0-0000-7000-8000-00000000000g\""), VALUE },
    { &uuid, J("\"019393c0-0000-7000-8000-00000000000\""), VALUE },
    { &uuid, J("\"{19393c0-0000-7000-8000-00000000000}\""), VALUE },
    { &uuid, J("\"019393c0-0000-7000-8000-0000000000\\u00000\""), VALUE },
    { &uuid, J("\"\""), VALUE },
    { &uuid, J("7"), TYPE },

    { &choice, J("\"A\""), FITS },
    { &choice, J("\"Bb\""), FITS },
    { &choice, J("\"C\""), FITS },
    { &choice, J("\"B\""), VALUE },
    { &choice, J("\"A|Bb\""), VALUE },
    { &choice, J("\"a\""), VALUE },
    { &choice, J("\"\""), VALUE },
    { &choice, J("\"A\\u0000\""), VALUE },
    { &choice, J("1"), TYPE },
    { &open_choice, J("\"new\""), FITS },
    { &open_choice, J("\"newer\""), VALUE },
    { &open_choice, J("\"A\\u0000\""), VALUE },

    { &object, J("{}"), FITS },
    { &object, J("{\"a\":{\"b\":[1,2.5,\"x\",null,true]}}"), FITS },
    { &object, J("{\"a\":{\"b\":[\"\\u0000\"]}}"), VALUE },
    { &object, J("{\"a\":{\"\\u0000\":1}}"), VALUE },
    { &object, J("{\"a\":1e5}"), VALUE },
    { &object, J("{\"a\":12345678901234567890123456789012345678901}"), VALUE },
    { &object, J("[]"), TYPE },
    { &object, J("\"{}\""), TYPE },

    { &array, J("[1]"), FITS },
    { &array, J("[1,{}]"), FITS },
    { &array, J("[]"), VALUE },
    { &array, J("[1,2,3]"), VALUE },
    { &array, J("[\"\\u0000\"]"), VALUE },
    { &array, J("{\"0\":1}"), TYPE },

    { &any, J("null"), FITS },
    { &any, J("1.5"), FITS },
    { &any, J("1e400000"), VALUE },
    { &any, J("\"a\\u0000\""), VALUE },

    { &nullable, J("null"), FITS },
    { &nullable, J("1"), FITS },
};


static void
test_values(void)
{
    size_t      i;
    unsigned    fault;
    vg_json_t  *node;
    const char *wrong;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        node = vg_json_parse(pool, values[i].json, NULL);
        wrong = node ? vg_value_check(values[i].field, node, &fault) : "-";
        ok(node != NULL
               && (values[i].fault == FITS
                       ? wrong == NULL
                       : wrong != NULL && fault == values[i].fault),
           values[i].fault == FITS ? "fits" : "is refused", values[i].json);
    }
}


/* ------------------------------------------------------ path and query */

/* All of them come as strings, and their bytes are any. */
static const struct {
    const vg_field_t *field;
    vg_str_t          value;
    bool              fits;
} strings[] = {
    { &small, J("5"), true },
    { &small, J("-5"), true },
    { &small, J("6"), false },
    { &small, J(""), false },
    { &small, J("+5"), false },
    { &small, J(" 5"), false },
    { &small, J("5 "), false },
    { &small, J("5\0"), false },
    { &small, J("0x5"), false },
    { &decimal, J("22.5"), true },
    { &decimal, J("."), false },
    { &decimal, J("-"), false },
    { &decimal, J("1."), false },
    { &decimal, J(".5"), false },
    { &decimal, J("NaN"), false },
    { &decimal, J("Infinity"), false },
    { &flag, J("true"), true },
    { &flag, J("false"), true },
    { &flag, J("TRUE"), false },
    { &flag, J("1"), false },
    { &flag, J(""), false },
    { &text,
      J("\xc3\xa4"
        "b"),
      true },
    { &text, J("a\xff"), false },
    { &text, J("a\xc3"), false },
    { &text,
      J("\xed\xa0\x80"
        "bc"),
      false },
    { &text,
      J("\xc0\xaf"
        "bc"),
      false },
    { &text, J("a\0b"), false },
    { &open_choice, J("A\xff"), false },
    { &choice, J("Bb"), true },
    { &uuid, J(UUID), true },
    { &uuid, J("019393c0-0000-7000-8000-00000000000\xff"), false },
};


static void
test_strings(void)
{
    size_t     i;
    bool       fits;
    unsigned   fault;
    vg_field_t field;
    vg_json_t  node = { .type = VG_JSON_STRING };

    for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        field = *strings[i].field;
        field.in = VG_QUERY;
        node.text = strings[i].value;
        fits = vg_value_check(&field, &node, &fault) == NULL;
        ok(fits == strings[i].fits,
           strings[i].fits ? "a query's" : "is refused in a query",
           strings[i].value);
    }
}


/* ------------------------------------------------------------------ times */

enum { YES, BARE, NO }; /* with an offset; without one; no time */

static const struct {
    vg_str_t text;
    int      is;
} times[] = {
    { J("1970-01-01T00:00:00Z"), YES },
    { J("9999-12-31T23:59:59Z"), YES },
    { J("9999-12-31T23:59:59.999999Z"), YES },
    { J("2026-11-20T10:30:00+05:30"), YES },
    { J("2026-11-20T10:30:00-14:00"), YES },
    { J("2026-11-20t10:30:00z"), YES },
    { J("2026-11-20T10:30:00.5Z"), YES },
    { J("2026-11-20T10:30:00.123456789012Z"), YES },
    { J("2000-02-29T00:00:00Z"), YES },
    { J("2028-02-29T00:00:00Z"), YES },
    { J("1970-01-01T01:00:00+01:00"), YES },
    { J("9999-12-31T22:59:59-01:00"), YES },

    { J("2026-11-20T10:30:00"), BARE },
    { J("2026-11-20T10:30:00.25"), BARE },

    { J(""), NO },
    { J("2026"), NO },
    { J("2026-11-20"), NO },
    { J("2026-11-20 10:30:00Z"), NO },
    { J("2026-11-20T10:30Z"), NO },
    { J("2026-11-20T10:30:00ZZ"), NO },
    { J("2026-11-20T10:30:00.Z"), NO },
    { J("2026-11-20T10:30:00,5Z"), NO },
    { J("2026-11-20T10:30:00+0530"), NO },
    { J("2026-11-20T10:30:00+05"), NO },
    { J("2026-11-20T10:30:00+15:00"), NO },
    { J("2026-11-20T10:30:00+05:60"), NO },
    { J("2026-11-20T24:00:00Z"), NO },
    { J("2026-11-20T10:60:00Z"), NO },
    { J("2026-11-20T10:30:60Z"), NO },
    { J("2026-02-29T00:00:00Z"), NO },
    { J("2100-02-29T00:00:00Z"), NO },
    { J("2026-04-31T00:00:00Z"), NO },
    { J("2026-00-10T00:00:00Z"), NO },
    { J("2026-13-10T00:00:00Z"), NO },
    { J("2026-11-00T00:00:00Z"), NO },
    { J("1969-12-31T23:59:59Z"), NO },
    { J("10000-01-01T00:00:00Z"), NO },
    { J("-2026-11-20T10:30:00Z"), NO },
    { J("+2026-11-20T10:30:00Z"), NO },
    { J("2026-W47-5T10:30:00Z"), NO },
    { J("now"), NO },
    { J("infinity"), NO },
    { J("epoch"), NO },

    /* NULs where a sign should be */
    { J("2026\00011-20T10:30:00Z"), NO },
    { J("2026-11-20\00010:30:00Z"), NO },
    { J("2026-11-20T10:30:00\0"), NO },
    { J("2026-11-20T10:30:00.5\0"), NO },
    { J("2026-11-20T10:30:00\00005:30"), NO },

    /* in UTC before 1970 or after 9999 */
    { J("1970-01-01T00:59:59+01:00"), NO },
    { J("9999-12-31T23:00:00-01:00"), NO },
};


static void
test_times(void)
{
    size_t    i;
    bool      offset, is;
    unsigned  fault;
    vg_json_t node = { .type = VG_JSON_STRING };

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        node.text = times[i].text;
        is = vg_instant(times[i].text, &offset);
        ok(is == (times[i].is != NO) && (!is || offset == (times[i].is == YES)),
           times[i].is == NO ? "no time" : "a time", times[i].text);
        is = vg_value_check(&moment, &node, &fault) == NULL;
        ok(is == (times[i].is == YES), "with an offset", times[i].text);
        is = vg_value_check(&lenient, &node, &fault) == NULL;
        ok(is == (times[i].is != NO), "leniently", times[i].text);
    }
}


/* a time that is cut anywhere is none, until its last letter */
static void
test_cut(void)
{
    bool     offset, none = true;
    vg_str_t all = VG_STR("2026-11-20T10:30:00.5+05:30"), cut = all;

    for (cut.len = 0; cut.len < all.len; cut.len++) {
        none &= !vg_instant(cut, &offset) || !offset;
    }
    ok(none, "a time that was cut", all);
}


/* ----------------------------------------------------------------- stored */

static const struct {
    const char *json;
    const char *stored;
} kept[] = {
    { "{\"a\":[1,-2.50,\"\\u00e4\",null,true,{}]}",
      "{\"a\":[1,-2.50,\"\\u00e4\",null,true,{}]}" },
    { "[\"\\u0000\"]", "\"[\\\"\\\\u0000\\\"]\"" },
    { "{\"a\":1e400000}", "\"{\\\"a\\\":1e400000}\"" },
    { "{", "\"{\"" },
    { "\xff", "\"not UTF-8\"" },
};


static void
test_stored(void)
{
    size_t     i;
    vg_str_t   stored;
    vg_json_t *node;

    for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        stored = vg_value_stored(pool, vg_str(kept[i].json));
        ok(vg_str_eq(stored, kept[i].stored), "is kept", vg_str(kept[i].json));
    }
    node = vg_json_parse(pool, VG_STR(" { \"a\" : [ 1.50 , \"\\u0041\" ] } "),
                         NULL);
    stored = vg_value_json(pool, node);
    ok(vg_str_eq(stored, "{\"a\":[1.50,\"A\"]}"), "written anew", stored);
}


int
main(void)
{
    pool = vg_arena_create();
    test_values();
    test_strings();
    test_times();
    test_cut();
    test_stored();
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}

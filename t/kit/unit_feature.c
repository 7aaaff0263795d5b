/* with: nginx-modules/core/feature.c
 *
 * unit_feature.c: features out of a text that comes in parts, at each place
 * where it may be cut.
 */

#include <stdio.h>
#include <string.h>

#include "feature.h"

static int tests, failures;


/* the features with / behind each, and how it ended */
static void
walk(const char *data, size_t len, size_t part, char *got, size_t size)
{
    bool            begun = false;
    size_t          given = part < len ? part : len, at = 0;
    vg_str_t        text = { data, given }, one;
    vg_feature_rc_t rc;

    got[0] = '\0';
    for (;;) {
        rc = vg_feature_next(&text, given == len, &begun, &one);
        if (rc == VG_FEATURE_ONE) {
            at = strlen(got);
            snprintf(got + at, size - at, "%.*s/", (int) one.len, one.data);
        } else if (rc == VG_FEATURE_MORE) {
            given = given + part < len ? given + part : len;
            text.len = (size_t) (data + given - text.data);
        } else {
            at = strlen(got);
            snprintf(got + at, size - at, "%s",
                     rc == VG_FEATURE_END ? "end" : "wrong");
            return;
        }
    }
}


static void
is(const char *text, const char *wanted)
{
    bool   good = true;
    char   got[1024];
    size_t part, len = strlen(text);

    for (part = 1; part <= len + 1 && good; part++) {
        walk(text, len, part, got, sizeof(got));
        good = strcmp(got, wanted) == 0;
    }
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, text);
    if (!good) {
        printf("# in parts of %zu: %s\n", part - 1, got);
    }
}


int
main(void)
{
    is("{\"features\":[]}", "end");
    is("{\"features\":[{\"a\":1},{\"b\":{}}]}", "{\"a\":1}/{\"b\":{}}/end");
    is("{ \"type\" : \"x\", \"features\" : [ { } , {} ] , \"z\": [{}] }",
       "{ }/{}/end");
    is("{\"features\":[{\"a\":\"}\\\"]\"}]}", "{\"a\":\"}\\\"]\"}/end");
    is("{\"name\":\"features\",\"x\":{\"features\":[1]},\"features\":[{}]}",
       "{}/end");
    is("", "wrong");
    is("[]", "wrong");
    is("{\"features\":[1]}", "wrong");
    is("{\"features\":[{}", "{}/wrong");
    is("{\"features\":[{\"a\":1", "wrong");
    is("{\"features\":{}}", "wrong");
    printf("1..%d\n", tests);
    return failures != 0;
}

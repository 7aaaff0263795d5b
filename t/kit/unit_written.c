/* with: nginx-modules/outbound/written.c |
 *
 * unit_written.c: what may become part of a request or a mail.
 */

#include <stdio.h>
#include <string.h>

#include "../../nginx-modules/outbound/written.h"

static int tests, failures;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


static void
test_paths(void)
{
    size_t             i;
    static const char *good[] = { "",       "/",       "/a",     "/a/b?c=d#e",
                                  "?a=b",   "//a",     "/a.b/c", "/...",
                                  "/a?../", "/%2ea/b", NULL };
    static const char *bad[] = { "a",    "@b",        ".b",        ":1",
                                 "/..",  "/.",        "/a/..",     "/a/../b",
                                 "/%2e", "/%2E%2e/b", "/.%2e?x",   "/a/./b",
                                 "/a b", "/a\r\nb",   "/\xc3\xa4", "#a",
                                 "/..#", NULL };

    for (i = 0; good[i] != NULL; i++) {
        ok(vg_written_path(vg_str(good[i]), 100), good[i]);
    }
    for (i = 0; bad[i] != NULL; i++) {
        ok(!vg_written_path(vg_str(bad[i]), 100), "no path");
    }
    ok(!vg_written_path(VG_STR("/abc"), 3), "too long");
}


static void
test_words(void)
{
    ok(vg_written_token("X-Mine_1") && !vg_written_token("")
           && !vg_written_token("X Mine") && !vg_written_token("X:")
           && !vg_written_token("X\r\nY"),
       "names of headers");
    ok(vg_written_address(VG_STR("a.b+c@d.example"))
           && !vg_written_address(VG_STR("a@b@c"))
           && !vg_written_address(VG_STR("@b"))
           && !vg_written_address(VG_STR("a@"))
           && !vg_written_address(VG_STR("a"))
           && !vg_written_address(VG_STR("<a@b>"))
           && !vg_written_address(VG_STR("a@b\r\nc"))
           && !vg_written_address(VG_STR("a\0@b"))
           && !vg_written_address(VG_STR("a@b,c")),
       "addresses");
    ok(vg_written_key(VG_STR("a-B_9")) && !vg_written_key(VG_STR("a@b"))
           && !vg_written_key(VG_STR("a>")),
       "keys");
    ok(vg_written_subject(VG_STR("Gr\xc3\xbc\xc3\x9f"
                                 "e"))
           && !vg_written_subject(VG_STR("a\nb"))
           && !vg_written_subject(VG_STR("\xff")),
       "subjects");
}


static void
is(vg_pool_t *pool, const char *subject, const char *wanted)
{
    vg_str_t got = vg_written_encoded(pool, vg_str(subject));

    ok(vg_str_eq(got, wanted), subject);
    if (!vg_str_eq(got, wanted)) {
        printf("# %.*s\n", (int) got.len, got.data);
    }
}


int
main(void)
{
    char       most[501];
    size_t     i;
    vg_str_t   line;
    vg_pool_t *pool = vg_arena_create();

    test_paths();
    test_words();
    is(pool, "plain = ?", "plain = ?");
    is(pool, "", "");
    is(pool, "\xc3\xa4", "=?UTF-8?B?w6Q=?=");
    is(pool, "=?x", "=?UTF-8?B?PT94?=");
    is(pool, "\xc3\xa4 and so on until a word is full, and on",
       "=?UTF-8?B?w6QgYW5kIHNvIG9uIHVudGlsIGEgd29yZCBpcyBmdWxsLCBhbmQgb24=?=");
    is(pool, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr\xc3\xa4",
       "=?UTF-8?B?YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWZnaGlqa2xtbm9wcXI=?"
       "="
       " =?UTF-8?B?w6Q=?=");
    for (i = 0; i < 500; i += 4) {
        memcpy(most + i, "\xf0\x9f\x94\x8c", 4);
    }
    most[500] = '\0';
    line = vg_written_encoded(pool, vg_str(most));
    ok(line.len > 500 && line.len + sizeof("Subject: ") < 998,
       "the longest fits a line");
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}

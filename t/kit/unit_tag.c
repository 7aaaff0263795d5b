/* with: nginx-modules/core/tag.c
 *
 * unit_tag.c: entity tags made, listed, and taken apart.
 */

#include <stdio.h>
#include <string.h>

#include "tag.h"

static int        tests, failures;
static vg_pool_t *pool;


static void
is(vg_str_t got, const char *wanted, const char *what)
{
    bool same =
        wanted ? got.data != NULL && vg_str_eq(got, wanted) : got.data == NULL;

    tests++;
    failures += !same;
    printf("%sok %d - %s\n", same ? "" : "not ", tests, what);
    if (!same) {
        printf("# %.*s, not %s\n", (int) got.len, got.data ? got.data : "",
               wanted ? wanted : "none");
    }
}


static void
listed(const char *list, bool wanted, const char *what)
{
    bool got = vg_tag_listed(vg_str(list), VG_STR("\"7-ab\""));

    tests++;
    failures += got != wanted;
    printf("%sok %d - %s\n", got == wanted ? "" : "not ", tests, what);
}


/* "-": not taken */
static void
versions(const char *list, const char *wanted)
{
    vg_str_t got = VG_STR("?");

    if (!vg_tag_versions(pool, vg_str(list), &got)) {
        got = VG_STR("-");
    }
    is(got, wanted, list);
}


static void
bodies(void)
{
    is(vg_tag_version(VG_STR("{\"id\":1,\"version\" : 42}")), "42", "found");
    is(vg_tag_version(VG_STR("{\"version\":7,\"a\":{\"version\":8}}")), "7",
       "the outer one");
    is(vg_tag_version(VG_STR("{\"a\":{\"version\":8},\"version\":7}")), "7",
       "behind an inner one");
    is(vg_tag_version(VG_STR("[{\"version\":8}]")), NULL, "of an array none");
    is(vg_tag_version(VG_STR("{\"a\":\"version\",\"b\":1}")), NULL,
       "a value is no name");
    is(vg_tag_version(VG_STR("{\"a\":\"\\\"version\\\":3\",\"version\":4}")),
       "4", "a text that looks like it");
    is(vg_tag_version(VG_STR("{\"a\":\"}\\\\\",\"version\":5}")), "5",
       "brackets in texts do not count");
    is(vg_tag_version(VG_STR("{\"version\":\"1\"}")), NULL, "a text is none");
    is(vg_tag_version(VG_STR("{\"version\":12345678901}")), NULL,
       "longer than an int");
    is(vg_tag_version(VG_STR("{\"version")), NULL, "cut in a name");
    is(vg_tag_version(VG_STR("{\"a\\")), NULL, "cut in an escape");
    is(vg_tag_version(VG_STR("")), NULL, "nothing");
    is(vg_tag_make(pool, VG_STR("")), "\"-cbf29ce484222325\"",
       "the hash of nothing");
    is(vg_tag_make(pool, VG_STR("a")), "\"-fe33a6c022939539\"", "of a");
    is(vg_tag_make(pool, VG_STR("{\"version\" : 12, \"x\" : \"abcdefgh\"}")),
       "\"12-751f0f107097d825\"", "of what is no multiple of eight");
}


int
main(void)
{
    pool = vg_arena_create();
    bodies();

    listed("\"7-ab\"", true, "the same");
    listed("W/\"7-ab\"", true, "made weak by compression");
    listed("\"1\" , W/\"2\",\"7-ab\"", true, "the last of three");
    listed("*", true, "any");
    listed("\"7-abc\"", false, "a longer one");
    listed("\"7-a\"", false, "a shorter one");
    listed("7-ab", false, "without quotes");
    listed("", false, "none");
    listed("\"7-ab", false, "cut");
    listed("W/", false, "cut behind W/");

    versions("*", NULL);
    versions("\"7-ab\"", "{7}");
    versions("\"7\"", "{7}");
    versions("W/\"7-ab\", \"8-cd\"", "{7,8}");
    versions("\"-ab\"", "{}");
    versions("\"x\"", "{}");
    versions("\"7x\"", "{}");
    versions("\"12345678901\"", "{}");
    versions("\"\"", "{}");
    versions("", "-");
    versions(",", "-");
    versions("7", "-");
    versions("\"7\" 8", "-");
    versions("\"7", "-");

    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}

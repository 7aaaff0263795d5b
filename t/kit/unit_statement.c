/* with: nginx-modules/db/statement.c
 *
 * unit_statement.c: how statement files become what PostgreSQL prepares, what
 * is refused, and that no file, whole or cut, is read beyond its end.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/db/statement.h"

static int        tests, failures;
static vg_pool_t *pool;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


#define LAST "select * from answer;"

/* text NULL: refused */
static const struct {
    const char *name;
    const char *source;
    const char *text;
    const char *names; /* by one space */
    bool        change;
} compiled[] = {
    { "a name", "select :a", "select $1", "a", false },
    { "names in their order", "select :b, :a", "select $1, $2", "b a", false },
    { "a name twice is one parameter", "select :a, :b, :a", "select $1, $2, $1",
      "a b", false },
    { "names that begin alike", "select :a, :ab, :a_b, :a1",
      "select $1, $2, $3, $4", "a ab a_b a1", false },
    { "case counts in names", "select :a, :A", "select $1, $2", "a A", false },
    { "a cast", "select 1::text", "select 1::text", "", false },
    { "a name with a cast", "select :a::uuid", "select $1::uuid", "a", false },
    { "a cast of a cast", "select :a::text::int", "select $1::text::int", "a",
      false },
    { "a name behind a parenthesis", "select f(:a)", "select f($1)", "a",
      false },
    { "a lone colon", "select a[1: ]", "select a[1: ]", "", false },
    { "a colon at the end", "select a:", "select a:", "", false },
    { "an operator with a colon", "select a := 1", "select a := 1", "", false },

    { "a name in quotes is text", "select ':a'", "select ':a'", "", false },
    { "a doubled quote", "select 'it''s :a', :b", "select 'it''s :a', $1", "b",
      false },
    { "a comment in quotes is text", "select '--', :a", "select '--', $1", "a",
      false },
    { "a dollar in quotes is text", "select '$1 $$'", "select '$1 $$'", "",
      false },
    { "a backslash closes nothing", "select '\\', :a", "select '\\', $1", "a",
      false },
    { "a semicolon in quotes is text", "select ';'", "select ';'", "", false },
    { "a quoted name", "select \":a\"\"b\", :a", "select \":a\"\"b\", $1", "a",
      false },
    { "a refused word in quotes is text", "select 'set_config'",
      "select 'set_config'", "", false },

    { "a comment of a line", "select 1 -- :a 'x\n, :b", "select 1 \n, $1", "b",
      false },
    { "a comment to the end", "select 1 -- :a", "select 1 ", "", false },
    { "a comment in between", "select/* :a ' */1", "select 1", "", false },
    { "a comment parts words", "select a/**/b", "select a b", "", false },
    { "minus and slash are operators", "select 4 - 2 / 1", "select 4 - 2 / 1",
      "", false },
    { "a comment before the verb", "-- in: a\nselect :a", "\nselect $1", "a",
      false },

    { "a semicolon and blanks at the end", "select 1;\n \n", "select 1", "",
      false },
    { "capitals", "SELECT 1", "SELECT 1", "", false },
    { "a parenthesis before the verb", "(select 1)", "(select 1)", "", false },
    { "all columns below the top", "select (select count(*) from t)",
      "select (select count(*) from t)", "", false },
    { "two parameters multiplied", "select :a * :b", "select $1 * $2", "a b",
      false },
    { "a quoted name multiplied", "select \"n\" * 2", "select \"n\" * 2", "",
      false },

    { "each name of many calls", "with t as (select * from :each(a, b) as t)",
      "with t as (select * from unnest($1, $2) with ordinality as t)", "a b",
      false },
    { "one name, and blanks", "select 1 from :each( a )",
      "select 1 from unnest($1) with ordinality", "a", false },
    { "a name twice in it", "select 1 from :each(a, b, a)",
      "select 1 from unnest($1, $2, $1) with ordinality", "a b", false },
    { "each is a name like others", "select :each, :eachOf(1)",
      "select $1, $2(1)", "each eachOf", false },
    { "a name beside each", "select :c from :each(a)", NULL, NULL, false },
    { "each of nothing", "select 1 from :each()", NULL, NULL, false },
    { "each of a number behind a comma", "select 1 from :each(a,)", NULL, NULL,
      false },
    { "each not closed", "select 1 from :each(a", NULL, NULL, false },
    { "each not closed, behind a comma", "select 1 from :each(a,", NULL, NULL,
      false },
    { "each with a cast", "select 1 from :each(a::text)", NULL, NULL, false },

    { "a change loses its last line", "with answer as (select 1)\n" LAST "\n",
      "with answer as (select 1)\n", "", true },
    { "a last line that is not the last",
      "with a as (select 1)\n" LAST "\nselect 1", NULL, NULL, false },
    { "a last line in another case",
      "with a as (select 1)\nSelect * from answer;", NULL, NULL, false },
};


static bool
names_are(const vg_sql_t *sql, const char *names)
{
    size_t   i;
    vg_str_t all = VG_STR("");

    for (i = 0; i < sql->count; i++) {
        all =
            vg_printf(pool, "%.*s%s%.*s", (int) all.len, all.data, i ? " " : "",
                      (int) sql->names[i].len, sql->names[i].data);
    }
    return vg_str_eq(all, names);
}


static void
test_compiled(void)
{
    bool        good;
    size_t      i;
    vg_sql_t    sql;
    const char *wrong;

    for (i = 0; i < sizeof(compiled) / sizeof(compiled[0]); i++) {
        wrong = vg_sql_compile(pool, vg_str(compiled[i].source), &sql);
        if (compiled[i].text == NULL) {
            ok(wrong != NULL, compiled[i].name);
            continue;
        }
        good = wrong == NULL && vg_str_eq(sql.text, compiled[i].text)
               && sql.text.data[sql.text.len] == '\0'
               && names_are(&sql, compiled[i].names)
               && sql.change == compiled[i].change;
        ok(good, compiled[i].name);
        if (!good) {
            printf("# %s\n", wrong ? wrong : sql.text.data);
        }
    }
}


/* ---------------------------------------------------------------- refused */

static const struct {
    const char *name;
    const char *source;
    const char *says; /* part of the reason */
} refused[] = {
    { "nothing", "", "must begin" },
    { "blanks alone", " \n\t", "must begin" },
    { "a comment alone", "-- select 1", "must begin" },
    { "a last line alone", LAST, "must begin" },
    { "set", "set role vg_kit", "must begin" },
    { "reset", "reset role", "must begin" },
    { "listen", "listen x", "must begin" },
    { "notify", "notify x", "must begin" },
    { "begin", "begin", "must begin" },
    { "commit", "commit", "must begin" },
    { "rollback", "ROLLBACK", "must begin" },
    { "do", "do 'begin end'", "must begin" },
    { "create", "create table t ()", "must begin" },
    { "copy", "copy t from program 'x'", "must begin" },
    { "a longer verb", "selects 1", "must begin" },
    { "a verb in a comment", "/* select */ reset all", "must begin" },
    { "set_config", "select set_config('role', 'vg_kit', true)",
      "`set_config`" },
    { "set_config as a quoted name",
      "select pg_catalog.\"set_config\"('role', 'vg_kit', true)",
      "in quotes too" },
    { "the view whose update is set_config",
      "update pg_catalog.pg_settings set setting = 'vg_kit'", "`pg_settings`" },
    { "SQL in a string", "select query_to_xml('reset role', true, true, '')",
      "`query_to_xml`" },
    { "set_config in capitals", "select SET_CONFIG('a', 'b', true)",
      "`SET_CONFIG`" },
    { "set_config with its schema",
      "select pg_catalog.set_config('a', 'b', true)", "`set_config`" },
    { "set_config before a comment", "select set_config/**/('a')",
      "`set_config`" },
    { "pg_notify", "select pg_notify('a', 'b')", "`pg_notify`" },
    { "pg_sleep", "select pg_sleep(1)", "`pg_sleep`" },
    { "an advisory lock", "select pg_advisory_lock(1)", "`pg_advisory_lock`" },
    { "one of a transaction", "select pg_advisory_xact_lock(1)",
      "`pg_advisory_xact_lock`" },
    { "one that is tried", "select pg_try_advisory_xact_lock_shared(1)",
      "`pg_try_advisory_xact_lock_shared`" },
    { "two statements", "select 1; select 2", "one statement" },
    { "a second one behind a comment", "select 1; /* */ reset role",
      "one statement" },
    { "all columns", "select * from t", "top-level" },
    { "all columns in capitals", "SELECT\n* from t", "top-level" },
    { "all columns behind CTEs", "with a as (select 1) select * from a",
      "top-level" },
    { "a dollar quote", "select $$a$$", "`$`" },
    { "a named dollar quote", "select $x$a$x$", "`$`" },
    { "a numbered parameter", "select $1", "`$`" },
    { "a string with escapes", "select E'\\''", "before a quote" },
    { "a small e", "select e'\\''", "before a quote" },
    { "a national string", "select N'x'", "before a quote" },
    { "bits", "select B'1'", "before a quote" },
    { "an open string", "select 'a", "quote is not closed" },
    { "an open string that ends in two quotes", "select 'a''",
      "quote is not closed" },
    { "an open name", "select \"a", "quote is not closed" },
    { "an open comment", "select 1 /* a", "comment is not closed" },
    { "a comment's first half", "select 1 /*", "comment is not closed" },
    { "a comment of three characters", "select 1 /*/",
      "comment is not closed" },
};


static void
test_refused(void)
{
    bool        good;
    size_t      i;
    vg_sql_t    sql;
    const char *wrong;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        wrong = vg_sql_compile(pool, vg_str(refused[i].source), &sql);
        good = wrong != NULL && strstr(wrong, refused[i].says) != NULL;
        ok(good, refused[i].name);
        if (!good) {
            printf("# %s\n", wrong ? wrong : "taken");
        }
    }
}


static void
test_many(void)
{
    size_t      i;
    vg_str_t    text = VG_STR("select 1");
    vg_sql_t    sql;
    const char *wrong;

    for (i = 0; i < VG_STATEMENT_PARAMS; i++) {
        text = vg_printf(pool, "%.*s, :p%zu", (int) text.len, text.data, i);
    }
    wrong = vg_sql_compile(pool, text, &sql);
    ok(wrong == NULL && sql.count == VG_STATEMENT_PARAMS
           && strstr(sql.text.data, "$64") != NULL,
       "as many parameters as there may be");
    ok(vg_sql_param(&sql, VG_STR("p0")) == 1
           && vg_sql_param(&sql, VG_STR("new")) == 0,
       "known names are found, new ones find no room");
    text = vg_printf(pool, "%.*s, :more", (int) text.len, text.data);
    wrong = vg_sql_compile(pool, text, &sql);
    ok(wrong != NULL && strcmp(wrong, "too many parameters") == 0,
       "one parameter more is refused");
    ok(vg_sql_compile(pool, VG_STR("select 1\0, 2"), &sql) != NULL,
       "a NUL is refused, behind which PostgreSQL would not look");
}


static void
test_head(void)
{
    vg_sql_t    sql;
    const char *wrong;

    wrong = vg_sql_compile(pool,
                           VG_STR("-- in: a\n-- out: b\n"
                                  "-- refuses: not_found,conflict , x2\n"
                                  "-- and: more\nselect :a"),
                           &sql);
    ok(wrong == NULL && sql.nrefuses == 3
           && vg_str_eq(sql.refuses[0], "not_found")
           && vg_str_eq(sql.refuses[1], "conflict")
           && vg_str_eq(sql.refuses[2], "x2"),
       "refusals are the names of one line");
    wrong = vg_sql_compile(pool, VG_STR("select 1"), &sql);
    ok(wrong == NULL && sql.nrefuses == 0, "without a head, none");
    wrong = vg_sql_compile(pool, VG_STR("-- refuses:\nselect not_found"), &sql);
    ok(wrong == NULL && sql.nrefuses == 0, "an empty list is empty");
    ok(!sql.jobs, "it leaves no job");
    wrong = vg_sql_compile(pool, VG_STR("insert into vg.job select 1"), &sql);
    ok(wrong == NULL && sql.jobs, "this one leaves jobs");
    wrong = vg_sql_compile(
        pool, VG_STR("-- out: ok, a row in vg.job\nselect a.later()"), &sql);
    ok(wrong == NULL && sql.jobs, "so does what says it in its head");
}


/* -------------------------------------------------------------- cut short */

static const char whole[] =
    "-- in: a, b\n-- refuses: not_found, x\n"
    "with t as (/* :no */ select :a::text, 'it''s', \"c\"\"d\" from s.t\n"
    "where x = :b and y <> ':c' -- end\n), answer as (select count(*) from t)"
    "\n" LAST "\n";

/* what the scanner looks at, put in the place of each byte */
static const char hostile[] = "'\"-/*:$;()\\\0\n\xff"
                              "E";


/* in memory that ends where the text ends, so that a sanitizer sees a step
 * beyond it */
static bool
compile_exact(const char *data, size_t len)
{
    bool        sane;
    char       *copy = malloc(len ? len : 1);
    vg_sql_t    sql;
    vg_pool_t  *arena = vg_arena_create();
    const char *wrong;

    memcpy(copy, data, len);
    wrong = vg_sql_compile(arena, (vg_str_t){ copy, len }, &sql);
    sane = wrong != NULL
           || (sql.text.data != NULL && sql.text.data[sql.text.len] == '\0'
               && sql.count <= VG_STATEMENT_PARAMS);
    vg_arena_destroy(arena);
    free(copy);
    return sane;
}


static void
test_cut(void)
{
    size_t i, j, sane = 0, all = 0;
    char   text[sizeof(whole)];

    for (i = 0; i < sizeof(whole); i++) {
        sane += compile_exact(whole, i);
    }
    ok(sane == sizeof(whole), "a file that is cut anywhere is read to its end");
    for (sane = 0, i = 0; i + 1 < sizeof(whole); i++) {
        for (j = 0; j + 1 < sizeof(hostile); j++) {
            memcpy(text, whole, sizeof(whole));
            text[i] = hostile[j];
            sane += compile_exact(text, sizeof(whole) - 1);
            sane += compile_exact(text, i + 1);
            all += 2;
        }
    }
    ok(sane == all, "a file with one wrong byte is read to its end");
}


int
main(void)
{
    pool = vg_arena_create();
    test_compiled();
    test_refused();
    test_many();
    test_head();
    test_cut();
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}

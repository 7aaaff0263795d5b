/* with: nginx-modules/core/csv.c nginx-modules/core/accept.c
 *
 * unit_csv.c: CSV out and in, and which of CSV and JSON is wanted.
 */

#include <stdio.h>
#include <string.h>

#include "accept.h"
#include "csv.h"

static int        tests, failures;
static vg_pool_t *pool;


static void
ok(bool good, const char *what)
{
    tests++;
    failures += !good;
    printf("%sok %d - ", good ? "" : "not ", tests);
    for (; *what; what++) {
        putchar(*what < ' ' || *what == '#' ? '.' : *what);
    }
    printf("\n");
}


static void
written(const char *json, const char *csv)
{
    vg_str_t got = vg_csv_write(pool, vg_json_parse(pool, vg_str(json), NULL));

    ok(got.data != NULL && vg_str_eq(got, csv), json);
    if (got.data != NULL && !vg_str_eq(got, csv)) {
        printf("# %.*s\n", (int) got.len, got.data);
    }
}


/* cells as <a><b>, rows end in /; what is wrong as its message */
static void
taken(const char *text, bool last, const char *wanted)
{
    char                got[4096] = "";
    vg_str_t            rest = vg_str(text);
    vg_csv_rc_t         rc;
    static vg_csv_row_t row;

    while ((rc = vg_csv_read(pool, &rest, last, &row)) == VG_CSV_ROW) {
        for (size_t i = 0; i < row.count; i++) {
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "<%.*s>",
                     (int) row.cells[i].len, row.cells[i].data);
        }
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "/");
    }
    snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s",
             rc == VG_CSV_MORE    ? "more"
             : rc == VG_CSV_WRONG ? row.error
                                  : "");
    ok(strcmp(got, wanted) == 0, text);
    if (strcmp(got, wanted) != 0) {
        printf("# %s, not %s\n", got, wanted);
    }
}


static void
out(void)
{
    written("[]", "");
    written("[{\"a\":1,\"b\":\"x\"}]", "a,b\r\n1,x\r\n");
    written("[{\"a\":1},{\"b\":2},{\"a\":3,\"b\":4}]",
            "a,b\r\n1,\r\n,2\r\n3,4\r\n");
    written("[{\"a\":{\"b\":{\"c\":1},\"d\":2},\"e\":3}]",
            "a.b.c,a.d,e\r\n1,2,3\r\n");
    written("[{\"a\":null,\"b\":\"\",\"c\":true,\"d\":[1,\"x\"],\"e\":{}}]",
            "a,b,c,d,e\r\n,\"\",true,\"[1,\"\"x\"\"]\",{}\r\n");
    written("[{\"a\":\"x,y\",\"b\":\"\\\"\",\"c\":\"l\\nm\",\"d\":\" s\"}]",
            "a,b,c,d\r\n\"x,y\",\"\"\"\",\"l\nm\",\" s\"\r\n");
    written("[{\"a\":1.10,\"b\":-5,\"c\":1e400,\"d\":12345678901234567890}]",
            "a,b,c,d\r\n1.10,-5,1e400,12345678901234567890\r\n");
    written("[{\"a\":\"=1+1\",\"b\":\"-5\",\"c\":\"@x\",\"d\":\"+4\"}]",
            "a,b,c,d\r\n'=1+1,'-5,'@x,'+4\r\n");
    written("[{\"a\":\"\\t=x\",\"b\":\"\\r\",\"c\":\"'=x\",\"d\":\"'x\"}]",
            "a,b,c,d\r\n'\t=x,\"'\r\",''=x,'x\r\n");
    written("[{\"=a\":1,\"b,c\":2}]", "'=a,\"b,c\"\r\n1,2\r\n");
}


/* 300 members in an object: too many columns, so the object is one */
static void
wide(void)
{
    int         n = 0, width;
    size_t      len;
    vg_str_t    got;
    static char json[20000];

    for (width = 300; width >= 250; width -= 50) {
        n = sprintf(json, "[{\"id\":7,\"metadata\":{");
        for (int i = 0; i < width; i++) {
            n += sprintf(json + n, "%s\"m%d\":%d", i ? "," : "", i, i);
        }
        sprintf(json + n, "}}]");
        got = vg_csv_write(pool, vg_json_parse(pool, vg_str(json), NULL));
        len = width == 300 ? strlen("id,metadata\r\n") : 0;
        ok(got.data != NULL
               && (len == 0 ? strncmp(got.data, "id,metadata.m0,", 15) == 0
                            : strncmp(got.data, "id,metadata\r\n", len) == 0),
           width == 300 ? "300 members are JSON" : "250 are columns");
    }
    n = sprintf(json, "[{");
    for (int i = 0; i < 300; i++) {
        n += sprintf(json + n, "%s\"m%d\":%d", i ? "," : "", i, i);
    }
    sprintf(json + n, "}]");
    got = vg_csv_write(pool, vg_json_parse(pool, vg_str(json), NULL));
    ok(got.data == NULL, "300 of the item's own are too many");
}


static void
in(void)
{
    taken("", true, "");
    taken("a,b\r\nc,d\r\n", true, "<a><b>/<c><d>/");
    taken("a,b\nc,d", true, "<a><b>/<c><d>/");
    taken("a,b\nc,d", false, "<a><b>/more");
    taken("\"a\nb\",c\n", false, "<a\nb><c>/more");
    taken("\"a\nb", false, "more");
    taken("a,,\n\n", true, "<a><><>/<>/");
    taken("\"x\"\"y\",\"\"\n", true, "<x\"y><>/");
    taken("'=1,''=1,'x,'',=1,'-\n", true, "<=1><'=1><'x><''><=1><->/");
    taken("a\"b\n", true, "has a quotation mark where none may be");
    taken("\"a\"b\n", true, "has a quotation mark where none may be");
    taken("a\"b\nc\n", false, "has a quotation mark where none may be");
    taken("\"a\"\"\n\"\nc\n", true, "<a\"\n>/<c>/");
    taken("\"a", true, "has a quotation mark where none may be");
    taken("\r\n", true, "<>/");
    taken("\r", true, "<>/");
}


static void
round_trip(void)
{
    static const char *const texts[] = { "=x",   "'=x", "''=x", "'",  "",
                                         "a\"b", "a,b", "\r\n", "\t", " x " };
    size_t                   i, n = sizeof(texts) / sizeof(texts[0]);
    vg_out_t                 json;
    vg_str_t                 csv;
    static vg_csv_row_t      row;

    vg_out_init(&json, pool);
    vg_out_open(&json, '[');
    vg_out_open(&json, '{');
    for (i = 0; i < n; i++) {
        vg_out_member(&json, vg_printf(pool, "c%zu", i).data, vg_str(texts[i]));
    }
    vg_out_close(&json, '}');
    vg_out_close(&json, ']');
    csv = vg_csv_write(pool, vg_json_parse(pool, vg_out_str(&json), NULL));
    ok(vg_csv_read(pool, &csv, true, &row) == VG_CSV_ROW && row.count == n,
       "the head comes back");
    ok(vg_csv_read(pool, &csv, true, &row) == VG_CSV_ROW && row.count == n,
       "the row comes back");
    for (i = 0; i < n; i++) {
        ok(vg_str_eq(row.cells[i], texts[i]), texts[i]);
    }
}


static void
wanted(const char *accept, bool csv)
{
    ok(vg_accept_csv(vg_str(accept)) == csv, accept);
}


static void
liked(void)
{
    wanted("text/csv", true);
    wanted("TEXT/CSV; header=present", true);
    wanted("text/*", true);
    wanted("text/csv, */*", true);
    wanted("text/csv;q=0.5, application/json;q=0.4", true);
    wanted("application/json;q=0.999, text/csv", true);
    wanted("text/csv;q=0.5, */*;q=0.5", true);
    wanted("*/*;q=0, text/csv;q=0.001", true);
    wanted("text/csv;a=\"x,y;q=0\"", true);
    wanted("", false);
    wanted("*/*", false);
    wanted("application/json", false);
    wanted("text/html, */*;q=0.8", false);
    wanted("text/csv, application/json", false);
    wanted("text/csv;q=0", false);
    wanted("text/csv;q=0, text/*", false);
    wanted("text/csv;q=0.4, application/json;q=0.5", false);
    wanted("text/csv;q=0.4, */*", false);
    wanted("text/csv;q=nonsense", false);
    wanted("text/csv;q=1.5", false);
    wanted("text/csv;q=0.1234", false);
    wanted("text/csvx", false);
    wanted(",;,=", false);
}


int
main(void)
{
    pool = vg_arena_create();
    out();
    wide();
    in();
    round_trip();
    liked();
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}

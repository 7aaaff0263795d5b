/*
 * statement.c: one pass over a statement file.
 *
 * Owns the turning of :names into $n and the refusal of words by which a
 * statement could step out of its role or its transaction. It is a fence
 * against mistakes, not a parser of SQL.
 */

#define _GNU_SOURCE /* memmem() */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "statement.h"

static const char vg_sql_last[] = "select * from answer;";
static const char vg_sql_refuses[] = "-- refuses:";

/* a file is one statement, and begins with one of these */
static const char *const vg_sql_verbs[] = { "select", "with",   "insert",
                                            "update", "delete", NULL };

static const char vg_sql_begin[] =
    "it must begin with select, with, insert, update or delete";

/* ways out of the role, the transaction, the statement or the process */
/* clang-format off */
static const char *const vg_sql_refused[] = {
    "set_config",
    "pg_settings",
    "pg_notify",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "dblink",
    "lo_import",
    "lo_export",
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "query_to_xml",
    "query_to_xmlschema",
    "query_to_xml_and_xmlschema",
    "ts_stat",
    NULL
};
/* clang-format on */

typedef struct {
    const char *p, *end;
    vg_out_t    out;
    vg_sql_t   *sql;
    size_t      depth; /* of parentheses */
    vg_str_t    word;  /* the last word, name or parameter */
} vg_scan_t;

typedef const char *(*vg_scan_pt)(vg_scan_t *scan);


static bool
vg_sql_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_';
}


static void
vg_scan_put(vg_scan_t *scan, const char *data, size_t len)
{
    scan->out.comma = false;
    vg_out_raw(&scan->out, (vg_str_t){ data, len });
}


size_t
vg_sql_param(vg_sql_t *sql, vg_str_t name)
{
    size_t i;

    for (i = 0; i < sql->count; i++) {
        if (sql->names[i].len == name.len
            && memcmp(sql->names[i].data, name.data, name.len) == 0)
        {
            return i + 1;
        }
    }
    if (sql->count == VG_STATEMENT_PARAMS) {
        return 0;
    }
    sql->names[sql->count++] = name;
    return sql->count;
}


/* What a `*` may follow. The first word is the verb alone. */
static void
vg_scan_pass(vg_scan_t *scan, const char *from)
{
    if (scan->word.len) {
        scan->word = (vg_str_t){ from, scan->p - from };
    }
}


/* words are in lower case */
static bool
vg_sql_among(const char *const *words, vg_str_t word)
{
    char first = word.len ? (char) tolower((uint8_t) word.data[0]) : '\0';

    for (; *words != NULL; words++) {
        if (**words == first && strlen(*words) == word.len
            && strncasecmp(*words, word.data, word.len) == 0)
        {
            return true;
        }
    }
    return false;
}


/* "set_config" is the same function as set_config */
static const char *
vg_scan_name(vg_scan_t *scan, const char *from)
{
    vg_str_t name = { from + 1, scan->p - from - 2 };

    return *from == '"' && vg_sql_among(vg_sql_refused, name)
               ? "a refused name is refused in quotes too"
               : NULL;
}


/* 'text', "name": up to the closing quote, doubled quotes included */
static const char *
vg_scan_quoted(vg_scan_t *scan)
{
    char        quote = *scan->p;
    const char *from = scan->p;

    if (scan->word.data && scan->word.data + scan->word.len == from) {
        return "a word before a quote (E'', U&'') is refused";
    }
    scan->p++;
    while (scan->p < scan->end) {
        if (*scan->p++ == quote) {
            if (scan->p == scan->end || *scan->p != quote) {
                vg_scan_put(scan, from, scan->p - from);
                vg_scan_pass(scan, from);
                return vg_scan_name(scan, from);
            }
            scan->p++;
        }
    }
    return "a quote is not closed";
}


static const char *
vg_scan_comment(vg_scan_t *scan)
{
    const char *end;

    if (scan->p[1] == '-') {
        end = memchr(scan->p, '\n', scan->end - scan->p);
        scan->p = end ? end : scan->end;
        return NULL;
    }
    for (end = scan->p + 2; end + 1 < scan->end; end++) {
        if (end[0] == '*' && end[1] == '/') {
            scan->p = end + 2;
            vg_scan_put(scan, " ", 1);
            return NULL;
        }
    }
    return "a comment is not closed";
}


static const char *
vg_scan_number(vg_scan_t *scan, vg_str_t name)
{
    size_t   n = vg_sql_param(scan->sql, name);
    vg_str_t number;

    if (n == 0) {
        return "too many parameters";
    }
    number = vg_printf(scan->out.pool, "$%zu", n);
    vg_scan_put(scan, number.data, number.len);
    return NULL;
}


static vg_str_t
vg_scan_identifier(vg_scan_t *scan)
{
    vg_str_t name = { scan->p, 0 };

    while (scan->p < scan->end && vg_sql_is_word(*scan->p)) {
        scan->p++;
    }
    name.len = scan->p - name.data;
    return name;
}


static char
vg_scan_solid(vg_scan_t *scan)
{
    while (scan->p < scan->end && *scan->p <= ' ') {
        scan->p++;
    }
    return scan->p < scan->end ? *scan->p : '\0';
}


/* `:each(a, b)`, from its parenthesis */
static const char *
vg_scan_each(vg_scan_t *scan)
{
    vg_str_t    name;
    const char *wrong;

    scan->sql->each = true;
    vg_scan_put(scan, "unnest(", 7);
    do {
        scan->p++;
        (void) vg_scan_solid(scan);
        name = vg_scan_identifier(scan);
        wrong = name.len == 0 ? "`:each(` takes names" : NULL;
        wrong = wrong ? wrong : vg_scan_number(scan, name);
        if (wrong != NULL) {
            return wrong;
        }
        if (vg_scan_solid(scan) == ',') {
            vg_scan_put(scan, ", ", 2);
        }
    } while (scan->p < scan->end && *scan->p == ',');
    if (scan->p == scan->end || *scan->p++ != ')') {
        return "`:each(` is not closed";
    }
    vg_scan_put(scan, ") with ordinality", 17);
    vg_scan_pass(scan, name.data);
    return NULL;
}


/* a colon: `::` is a cast, `:name` a parameter, all else is itself */
static const char *
vg_scan_colon(vg_scan_t *scan)
{
    vg_str_t    name;
    const char *wrong;

    if (scan->p + 1 < scan->end && scan->p[1] == ':') {
        vg_scan_put(scan, "::", 2);
        scan->p += 2;
        return NULL;
    }
    scan->p++;
    name = vg_scan_identifier(scan);
    if (name.len == 0) {
        vg_scan_put(scan, ":", 1);
        return NULL;
    }
    if (vg_str_eq(name, "each") && scan->p < scan->end && *scan->p == '(') {
        return vg_scan_each(scan);
    }
    scan->sql->plain = true;
    wrong = vg_scan_number(scan, name);
    vg_scan_pass(scan, name.data);
    return wrong;
}


static const char *
vg_scan_word(vg_scan_t *scan)
{
    vg_str_t word = vg_scan_identifier(scan);

    if (scan->word.len == 0 && !vg_sql_among(vg_sql_verbs, word)) {
        return vg_sql_begin;
    }
    if (vg_sql_among(vg_sql_refused, word)) {
        return vg_printf(scan->out.pool, "`%.*s` is refused", (int) word.len,
                         word.data)
            .data;
    }
    scan->word = word;
    vg_scan_put(scan, word.data, word.len);
    return NULL;
}


static const char *
vg_scan_other(vg_scan_t *scan)
{
    char        c = *scan->p;
    const char *q = scan->p;

    scan->depth += c == '(';
    scan->depth -= c == ')' && scan->depth > 0;
    if (c == '$') {
        return "`$` is refused: use :names, and no dollar quotes";
    }
    if (c == '*' && scan->depth == 0 && scan->word.len == 6
        && strncasecmp(scan->word.data, "select", 6) == 0)
    {
        return "a top-level `*` is refused";
    }
    if (c == ';') {
        for (q++; q < scan->end; q++) {
            if (*q > ' ') {
                return "one statement a file";
            }
        }
        scan->p = scan->end;
        return NULL;
    }
    vg_scan_put(scan, scan->p++, 1);
    return NULL;
}


static vg_scan_pt
vg_scan_which(const vg_scan_t *scan)
{
    char c = *scan->p, d = scan->p + 1 < scan->end ? scan->p[1] : '\0';

    if (c == '\'' || c == '"') {
        return vg_scan_quoted;
    }
    if ((c == '-' && d == '-') || (c == '/' && d == '*')) {
        return vg_scan_comment;
    }
    if (c == ':') {
        return vg_scan_colon;
    }
    return vg_sql_is_word(c) ? vg_scan_word : vg_scan_other;
}


/* NULL: it is not there */
static const char *
vg_sql_find(vg_str_t source, const char *word)
{
    return memmem(source.data, source.len, word, strlen(word));
}


/* `-- refuses: a, b`; whether a job is left, also by a function that is called:
 * then the head says so */
static void
vg_sql_head(vg_str_t source, vg_sql_t *sql)
{
    const char *p = vg_sql_find(source, vg_sql_refuses), *from;
    const char *end = source.data + source.len;

    sql->jobs = vg_sql_find(source, "vg.job") != NULL;
    if (p == NULL) {
        return;
    }
    for (p += sizeof(vg_sql_refuses) - 1; p < end && *p != '\n';) {
        from = p;
        while (p < end && vg_sql_is_word(*p)) {
            p++;
        }
        if (p > from && sql->nrefuses < 16) {
            sql->refuses[sql->nrefuses++] = (vg_str_t){ from, p - from };
        }
        p += p == from;
    }
}


size_t
vg_sql_line(const vg_sql_t *sql, const char *at)
{
    size_t      line = 1;
    const char *p;

    for (p = sql->source; p != NULL && p < at; p++) {
        line += *p == '\n';
    }
    return line;
}


const char *
vg_sql_compile(vg_pool_t *pool, vg_str_t source, vg_sql_t *sql)
{
    size_t      last = sizeof(vg_sql_last) - 1;
    vg_scan_t   scan = { .sql = sql };
    const char *wrong;

    *sql = (vg_sql_t){ .count = 0 };
    if (source.len > 0 && memchr(source.data, '\0', source.len) != NULL) {
        return "holds a NUL"; /* PostgreSQL would see no more than to it */
    }
    vg_sql_head(source, sql);
    while (source.len && source.data[source.len - 1] <= ' ') {
        source.len--;
    }
    if (source.len >= last
        && memcmp(source.data + source.len - last, vg_sql_last, last) == 0)
    {
        sql->change = true;
        source.len -= last;
    }
    vg_out_init(&scan.out, pool);
    scan.p = sql->source = source.data;
    scan.end = source.data + source.len;
    while (scan.p < scan.end) {
        sql->at = scan.p;
        wrong = vg_scan_which(&scan)(&scan);
        if (wrong != NULL) {
            return wrong;
        }
    }
    if (scan.word.len == 0) {
        return vg_sql_begin;
    }
    if (sql->each && sql->plain) {
        return "with `:each(` every :name stands in it";
    }
    vg_scan_put(&scan, "", 1);
    sql->text = vg_out_str(&scan.out);
    if (sql->text.data == NULL) {
        return "out of memory";
    }
    sql->text.len--;
    return NULL;
}

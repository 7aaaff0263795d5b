/*
 * csv.c: RFC 4180; see csv.h.
 */

#include <string.h>

#include "csv.h"

typedef struct {
    vg_pool_t       *pool;
    bool             deep; /* objects become columns of their own         */
    bool             failed;
    size_t           count;
    vg_str_t         names[VG_CSV_COLUMNS];
    const vg_json_t *cells[VG_CSV_COLUMNS]; /* of the row at hand         */
    size_t           hint; /* where the next name is likely to stand      */
    char            *data;
    size_t           len, size;
} csv_t;


static void
put(csv_t *csv, const char *data, size_t len)
{
    char  *grown;
    size_t size = csv->size ? csv->size : 4096;

    while (size - csv->len < len) {
        size *= 2;
    }
    if (size != csv->size) {
        grown = vg_alloc(csv->pool, size);
        if (grown == NULL) {
            csv->failed = true;
            csv->len = 0;
            return;
        }
        if (csv->len) {
            memcpy(grown, csv->data, csv->len);
        }
        csv->data = grown;
        csv->size = size;
    }
    if (len) {
        memcpy(csv->data + csv->len, data, len);
    }
    csv->len += len;
}


static bool
one_of(char c, vg_str_t set)
{
    return memchr(set.data, c, set.len) != NULL;
}


/* would it be a formula, or look like one that was disarmed */
static bool
armed(vg_str_t text)
{
    size_t i = 0;

    while (i < text.len && text.data[i] == '\'') {
        i++;
    }
    return i < text.len && one_of(text.data[i], VG_STR("=+-@\t\r"));
}


static void
put_text(csv_t *csv, vg_str_t text)
{
    bool quoted =
        text.len == 0 || text.data[0] == ' ' || text.data[text.len - 1] == ' ';
    size_t      i;
    const char *from = text.data;

    for (i = 0; i < text.len && !quoted; i++) {
        quoted = one_of(text.data[i], VG_STR("\",\r\n"));
    }
    if (quoted) {
        put(csv, "\"", 1);
    }
    if (armed(text)) {
        put(csv, "'", 1);
    }
    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '"') {
            put(csv, from, (size_t) (text.data + i + 1 - from));
            from = text.data + i; /* the quote comes again */
        }
    }
    put(csv, from, (size_t) (text.data + text.len - from));
    if (quoted) {
        put(csv, "\"", 1);
    }
}


static void
put_value(csv_t *csv, const vg_json_t *node)
{
    if (node == NULL || node->type == VG_JSON_NULL) {
        return; /* an empty text is "" */
    }
    if (node->type == VG_JSON_STRING) {
        put_text(csv, node->text);
    } else if (node->type >= VG_JSON_ARRAY) {
        put_text(csv, node->raw);
    } else {
        put(csv, node->raw.data, node->raw.len);
    }
}


/* The place of a column, made if there is none; rows are much alike, so it
 * most often is where the last one was met. -1: too many. */
static long
column(csv_t *csv, vg_str_t name)
{
    size_t i, at;

    for (i = 0; i < csv->count; i++) {
        at = (csv->hint + i) % csv->count;
        if (csv->names[at].len == name.len
            && memcmp(csv->names[at].data, name.data, name.len) == 0)
        {
            csv->hint = at + 1;
            return (long) at;
        }
    }
    if (csv->count == VG_CSV_COLUMNS) {
        return -1;
    }
    csv->names[csv->count] = name;
    csv->hint = csv->count + 1;
    return (long) csv->count++;
}


static void
spread(csv_t *csv, const vg_json_t *object, vg_str_t prefix)
{
    long             at;
    vg_str_t         name;
    const vg_json_t *m;

    for (m = object->first; m != NULL && !csv->failed; m = m->next) {
        name = prefix.len == 0
                   ? m->key
                   : vg_printf(csv->pool, "%.*s.%.*s", (int) prefix.len,
                               prefix.data, (int) m->key.len, m->key.data);
        if (name.data == NULL) {
            csv->failed = true;
        } else if (csv->deep && m->type == VG_JSON_OBJECT && m->count > 0) {
            spread(csv, m, name);
        } else {
            at = column(csv, name);
            csv->failed = at < 0;
            if (at >= 0) {
                csv->cells[at] = m;
            }
        }
    }
}


/* One pass to find the columns, one to write; names are made in both. */
static void
put_lines(csv_t *csv, const vg_json_t *items)
{
    size_t           i;
    const vg_json_t *item;

    for (item = items->first; item != NULL && !csv->failed; item = item->next) {
        csv->hint = 0;
        spread(csv, item, VG_STR(""));
    }
    for (i = 0; i < csv->count && !csv->failed; i++) {
        put(csv, ",", i > 0);
        put_text(csv, csv->names[i]);
    }
    put(csv, "\r\n", csv->count ? 2 : 0);
    for (item = items->first; item != NULL && !csv->failed; item = item->next) {
        memset(csv->cells, 0, sizeof(csv->cells));
        csv->hint = 0;
        spread(csv, item, VG_STR(""));
        for (i = 0; i < csv->count; i++) {
            put(csv, ",", i > 0);
            put_value(csv, csv->cells[i]);
        }
        put(csv, "\r\n", 2);
    }
}


vg_str_t
vg_csv_write(vg_pool_t *pool, const vg_json_t *items)
{
    csv_t *csv = vg_calloc(pool, sizeof(csv_t));

    if (csv == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    csv->pool = pool;
    csv->deep = true;
    put_lines(csv, items);
    if (csv->failed) {
        memset(csv, 0, sizeof(csv_t));
        csv->pool = pool;
        put_lines(csv, items);
    }
    return csv->failed ? (vg_str_t){ NULL, 0 }
                       : (vg_str_t){ csv->data ? csv->data : "", csv->len };
}


/* ------------------------------------------------------------------- in */

/* The length of the row at the front, with its end; 0: it goes on. A quotation
 * mark inside of a bare cell is wrong, but takes no other row with it. */
static size_t
row_length(vg_str_t text, bool last)
{
    bool   quoted = false, begins = true;
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (quoted) {
            if (text.data[i] == '"') {
                quoted = i + 1 < text.len && text.data[i + 1] == '"';
                i += quoted;
            }
            continue;
        }
        if (text.data[i] == '\n') {
            return i + 1;
        }
        quoted = begins && text.data[i] == '"';
        begins = text.data[i] == ',';
    }
    return last ? text.len : 0;
}


static vg_str_t
disarmed(char *data, size_t len)
{
    vg_str_t text = { data, len };

    if (len > 1 && data[0] == '\'' && armed(text)) {
        return (vg_str_t){ data + 1, len - 1 };
    }
    return text;
}


/* One cell from p on, into to; where it ended, or NULL. */
static const char *
cell(const char *p, const char *end, char *to, size_t *len)
{
    *len = 0;
    if (p == end || *p != '"') {
        for (; p < end && *p != ','; p++) {
            if (*p == '"') {
                return NULL;
            }
            to[(*len)++] = *p;
        }
        return p;
    }
    for (p++; p < end; p++) {
        if (*p == '"' && (p + 1 == end || p[1] != '"')) {
            p++;
            return p == end || *p == ',' ? p : NULL;
        }
        p += *p == '"';
        to[(*len)++] = *p;
    }
    return NULL;
}


static vg_csv_rc_t
wrong(vg_csv_row_t *row, const char *error)
{
    row->error = error;
    return VG_CSV_WRONG;
}


vg_csv_rc_t
vg_csv_read(vg_pool_t *pool, vg_str_t *text, bool last, vg_csv_row_t *row)
{
    char       *to;
    size_t      len, size = row_length(*text, last);
    const char *p = text->data, *end = p + size;

    row->count = 0;
    if (size == 0) {
        return last ? VG_CSV_END : VG_CSV_MORE;
    }
    *text = (vg_str_t){ end, text->len - size };
    end -= end[-1] == '\n';
    end -= end > p && end[-1] == '\r';
    to = vg_alloc(pool, (size_t) (end - p) + 1);
    if (to == NULL) {
        return wrong(row, "out of memory");
    }
    for (;; p++) {
        if (row->count == VG_CSV_COLUMNS) {
            return wrong(row, "has too many cells");
        }
        p = cell(p, end, to, &len);
        if (p == NULL) {
            return wrong(row, "has a quotation mark where none may be");
        }
        row->cells[row->count++] = disarmed(to, len);
        to += len;
        if (p == end) {
            return VG_CSV_ROW;
        }
    }
}

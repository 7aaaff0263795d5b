/*
 * vg_json.c: JSON in; see vg_json.h.
 *
 * yajl checks the grammar and unescapes strings. What it lets through is
 * refused here: overlong UTF-8, halves of surrogate pairs, form feeds and
 * vertical tabs as blanks, members that come twice, deep nesting. It knows no
 * spans; they are found from where it stands when it calls back, which works
 * because the text is given in one piece.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "vg_json.h"


typedef struct {
    vg_pool_t  *pool;
    vg_str_t    text;
    yajl_handle yajl;
    bool        finishing; /* yajl sees its own blank behind the text    */
    size_t      end;       /* of the last token, in text                 */
    vg_str_t    key;       /* of the member that comes next              */
    vg_json_t  *top;
    unsigned    depth;
    const char *error;
    struct {
        vg_json_t *node;
        vg_json_t *last;
    } open[VG_JSON_DEPTH];
} parse_t;


static const char no_memory[] = "out of memory";


/* the four hexadecimal digits at p, which yajl has seen to be such */
static unsigned
hex4(const char *p)
{
    unsigned value = 0;
    int      i;

    for (i = 0; i < 4; i++) {
        value =
            value * 16
            + (unsigned) (p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    }

    return value;
}


/* yajl turns "\ud800" into '?' or into bytes that are no UTF-8. */
static bool
surrogates_pair(vg_str_t raw)
{
    const char *p = raw.data;
    const char *end = raw.data + raw.len;
    unsigned    unit;

    while (p < end) {
        if (*p != '\\') {
            p++;
            continue;
        }
        if (p[1] != 'u') {
            p += 2;
            continue;
        }
        unit = hex4(p + 2);
        p += 6;
        if (unit < 0xd800 || unit > 0xdfff) {
            continue;
        }
        if (unit >= 0xdc00 || end - p < 6 || p[0] != '\\' || p[1] != 'u') {
            return false;
        }
        unit = hex4(p + 2);
        if (unit < 0xdc00 || unit > 0xdfff) {
            return false;
        }
        p += 6;
    }

    return true;
}


static int
stop(parse_t *parse, const char *error)
{
    parse->error = error;
    return 0; /* tells yajl to cancel */
}


/* The span of the token for which yajl calls back. */
static vg_str_t
token(parse_t *parse)
{
    static const char gaps[] = { ' ', '\t', '\r', '\n', ',', ':' };

    const char *data = parse->text.data;
    size_t      start = parse->end;

    while (start < parse->text.len && memchr(gaps, data[start], sizeof(gaps))) {
        start++;
    }

    /* A number that ends the text is reported when yajl sees what follows. */
    parse->end = parse->finishing ? parse->text.len
                                  : yajl_get_bytes_consumed(parse->yajl);

    return (vg_str_t){ data + start, parse->end - start };
}


static vg_json_t *
add(parse_t *parse, vg_json_type_t type)
{
    vg_json_t *node, *parent;

    node = vg_calloc(parse->pool, sizeof(*node));
    if (node == NULL) {
        parse->error = no_memory;
        return NULL;
    }
    node->type = type;
    node->raw = token(parse);

    if (parse->depth == 0) {
        parse->top = node;
        return node;
    }

    parent = parse->open[parse->depth - 1].node;
    if (parent->type == VG_JSON_OBJECT) {
        node->key = parse->key;
    }
    if (parent->first == NULL) {
        parent->first = node;
    } else {
        parse->open[parse->depth - 1].last->next = node;
    }
    parse->open[parse->depth - 1].last = node;
    parent->count++;

    return node;
}


/* raw is the string with its quotes, value what yajl made of it */
static int
unescaped(parse_t *parse, vg_str_t raw, vg_str_t value, vg_str_t *text)
{
    char *copy;

    if (memchr(raw.data, '\\', raw.len) == NULL) {
        *text = (vg_str_t){ raw.data + 1, raw.len - 2 };
        return 1;
    }

    if (!surrogates_pair(raw)) {
        return stop(parse, "half of a surrogate pair");
    }

    copy = vg_alloc(parse->pool, value.len);
    if (copy == NULL) {
        return stop(parse, no_memory);
    }
    memcpy(copy, value.data, value.len);
    *text = (vg_str_t){ copy, value.len };

    return 1;
}


static int
on_null(void *ctx)
{
    return add(ctx, VG_JSON_NULL) != NULL;
}


static int
on_boolean(void *ctx, int value)
{
    return add(ctx, value ? VG_JSON_TRUE : VG_JSON_FALSE) != NULL;
}


static int
on_number(void *ctx, const char *data, size_t len)
{
    vg_json_t *node = add(ctx, VG_JSON_NUMBER);

    (void) data;

    if (node == NULL) {
        return 0;
    }
    node->raw.len = len; /* blanks may follow the last number of a text */
    node->text = node->raw;

    return 1;
}


static int
on_string(void *ctx, const unsigned char *data, size_t len)
{
    vg_json_t *node = add(ctx, VG_JSON_STRING);
    vg_str_t   value = { (const char *) data, len };

    return node != NULL && unescaped(ctx, node->raw, value, &node->text);
}


static int
on_key(void *ctx, const unsigned char *data, size_t len)
{
    parse_t *parse = ctx;
    vg_str_t value = { (const char *) data, len };

    return unescaped(parse, token(parse), value, &parse->key);
}


static int
on_open(parse_t *parse, vg_json_type_t type)
{
    vg_json_t *node;

    if (parse->depth == VG_JSON_DEPTH) {
        return stop(parse, "nested too deep");
    }

    node = add(parse, type);
    if (node == NULL) {
        return 0;
    }
    parse->open[parse->depth].node = node;
    parse->open[parse->depth].last = NULL;
    parse->depth++;

    return 1;
}


static int
on_open_object(void *ctx)
{
    return on_open(ctx, VG_JSON_OBJECT);
}


static int
on_open_array(void *ctx)
{
    return on_open(ctx, VG_JSON_ARRAY);
}


static int
on_close_array(void *ctx)
{
    parse_t   *parse = ctx;
    vg_json_t *node = parse->open[--parse->depth].node;

    (void) token(parse);
    node->raw.len = (size_t) (parse->text.data + parse->end - node->raw.data);

    return 1;
}


static int
by_key(const void *left, const void *right)
{
    const vg_json_t *a = *(const vg_json_t *const *) left;
    const vg_json_t *b = *(const vg_json_t *const *) right;
    size_t           len = a->key.len < b->key.len ? a->key.len : b->key.len;
    int              order = memcmp(a->key.data, b->key.data, len);

    return order != 0 ? order : (a->key.len > len) - (b->key.len > len);
}


/* Sorted, so that an object of a hundred thousand members costs no more than
 * its bytes are worth. */
static int
on_close_object(void *ctx)
{
    parse_t    *parse = ctx;
    vg_json_t  *node, *member;
    vg_json_t **members;
    size_t      i = 0;

    on_close_array(ctx);
    node = parse->open[parse->depth].node;
    if (node->count < 2) {
        return 1;
    }

    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are sorted */
    members = vg_alloc(parse->pool, node->count * sizeof(*members));
    if (members == NULL) {
        return stop(parse, no_memory);
    }
    for (member = node->first; member != NULL; member = member->next) {
        members[i++] = member;
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are sorted */
    qsort(members, node->count, sizeof(*members), by_key);
    for (i = 1; i < node->count; i++) {
        if (by_key(&members[i - 1], &members[i]) == 0) {
            return stop(parse, "a member comes twice in one object");
        }
    }

    return 1;
}


static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_close_object,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close_array,
};


vg_json_t *
vg_json_parse(vg_pool_t *pool, vg_str_t text, const char **error)
{
    parse_t     parse = { .pool = pool, .text = text };
    const char *ignored = NULL;
    yajl_status status;

    error = error != NULL ? error : &ignored;
    if (text.data == NULL || !vg_str_utf8(text)) {
        *error = text.data == NULL ? "empty" : "not UTF-8";
        return NULL;
    }
    if (memchr(text.data, '\f', text.len) || memchr(text.data, '\v', text.len))
    {
        *error = "not JSON"; /* in a string they must be escaped */
        return NULL;
    }

    parse.yajl = yajl_alloc(&callbacks, NULL, &parse);
    if (parse.yajl == NULL) {
        *error = no_memory;
        return NULL;
    }

    status =
        yajl_parse(parse.yajl, (const unsigned char *) text.data, text.len);
    if (status == yajl_status_ok) {
        parse.finishing = true;
        status = yajl_complete_parse(parse.yajl);
    }
    yajl_free(parse.yajl);

    if (status == yajl_status_ok && parse.top != NULL) {
        return parse.top;
    }
    *error = parse.error != NULL ? parse.error : "not JSON";

    return NULL;
}


const vg_json_t *
vg_json_get(const vg_json_t *node, const char *name)
{
    const vg_json_t *member;

    if (node == NULL || node->type != VG_JSON_OBJECT) {
        return NULL;
    }

    for (member = node->first; member != NULL; member = member->next) {
        if (vg_str_eq(member->key, name)) {
            return member;
        }
    }

    return NULL;
}


vg_str_t
vg_json_text(const vg_json_t *node, const char *name)
{
    const vg_json_t *member = vg_json_get(node, name);

    return member != NULL ? member->text : (vg_str_t){ NULL, 0 };
}

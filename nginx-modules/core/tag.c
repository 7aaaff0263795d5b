/*
 * tag.c: entity tags; see tag.h.
 */

#include <string.h>

#include "tag.h"

#define VERSION_DIGITS 9  /* fit an int of PostgreSQL; longer ones are none */
#define TAGS_MAX       32 /* in one list */


/* behind the string that begins at p */
static const char *
string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        p += *p == '\\';
    }
    return p < end ? p + 1 : end;
}


static const char *
blank_end(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) {
        p++;
    }
    return p;
}


static vg_str_t
digits(const char *p, const char *end)
{
    const char *from = p;

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return p == from || p - from > VERSION_DIGITS
               ? (vg_str_t){ NULL, 0 }
               : (vg_str_t){ from, (size_t) (p - from) };
}


static const bool signs[256] = {
    ['"'] = true, ['{'] = true, ['}'] = true, ['['] = true, [']'] = true,
};


/* Eight bytes at a time: an odd multiplier, its upper half folded down. */
static uint64_t
hash_of(vg_str_t text)
{
    size_t   i;
    uint64_t word, hash = 14695981039346656037ull ^ text.len;

    for (i = 0; i < text.len; i += sizeof(word)) {
        word = 0;
        memcpy(&word, text.data + i,
               text.len - i < sizeof(word) ? text.len - i : sizeof(word));
        hash = (hash ^ word) * 0x9fb21c651e98df25ull;
        hash ^= hash >> 32;
    }
    return hash;
}


/* One pass and no nodes: this is done for each answer. The body is our own,
 * so its JSON is known to be good. */
vg_str_t
vg_tag_version(vg_str_t body)
{
    int         depth = 0;
    vg_str_t    name;
    const char *p = body.data, *end = p + body.len, *next;

    while (p < end) {
        if (!signs[(uint8_t) *p]) {
            p++;
            continue;
        }
        if (*p != '"') {
            depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
            p++;
            continue;
        }
        next = string_end(p, end);
        name = (vg_str_t){ p, (size_t) (next - p) };
        p = blank_end(next, end);
        if (depth == 1 && p < end && *p == ':'
            && vg_str_eq(name, "\"version\"")) {
            return digits(blank_end(p + 1, end), end);
        }
    }
    return (vg_str_t){ NULL, 0 };
}


vg_str_t
vg_tag_make(vg_pool_t *pool, vg_str_t body)
{
    vg_str_t version = vg_tag_version(body);

    return vg_printf(pool, "\"%.*s-%016llx\"", (int) version.len,
                     version.data ? version.data : "",
                     (unsigned long long) hash_of(body));
}


/* The next tag of a list with its quotes, without W/; len 0 at its end, data
 * NULL when there is something else. */
static vg_str_t
tag_next(vg_str_t *list)
{
    const char *p = list->data, *end = p + list->len, *from;

    while (p < end && (*p == ' ' || *p == '\t' || *p == ',')) {
        p++;
    }
    if (p == end) {
        return (vg_str_t){ p, 0 };
    }
    if (end - p > 2 && p[0] == 'W' && p[1] == '/') {
        p += 2;
    }
    from = p;
    if (*p != '"') {
        return (vg_str_t){ NULL, 0 };
    }
    for (p++; p < end && *p != '"'; p++) { /* void */
    }
    if (p == end) {
        return (vg_str_t){ NULL, 0 };
    }
    p++;
    *list = (vg_str_t){ p, (size_t) (end - p) };
    return (vg_str_t){ from, (size_t) (p - from) };
}


bool
vg_tag_listed(vg_str_t list, vg_str_t tag)
{
    size_t   i;
    vg_str_t next;

    if (vg_str_eq(list, "*")) {
        return true;
    }
    for (next = tag_next(&list); next.len != 0; next = tag_next(&list)) {
        for (i = 0; i < tag.len && next.len == tag.len; i++) {
            if (next.data[i] != tag.data[i]) {
                break;
            }
        }
        if (i == tag.len) {
            return true;
        }
    }
    return false;
}


bool
vg_tag_versions(vg_pool_t *pool, vg_str_t list, vg_str_t *versions)
{
    int      count = 0, tags = 0;
    vg_str_t next, version, all = VG_STR("{");

    if (vg_str_eq(list, "*")) {
        *versions = (vg_str_t){ NULL, 0 };
        return true;
    }
    for (next = tag_next(&list); next.len != 0; next = tag_next(&list)) {
        if (++tags > TAGS_MAX) {
            return false;
        }
        version = digits(next.data + 1, next.data + next.len);
        if (version.data == NULL
            || (version.data[version.len] != '-'
                && version.data[version.len] != '"'))
        {
            continue;
        }
        all = vg_printf(pool, "%.*s%s%.*s", (int) all.len, all.data,
                        count++ ? "," : "", (int) version.len, version.data);
        if (all.data == NULL) {
            return false;
        }
    }
    *versions = vg_printf(pool, "%.*s}", (int) all.len, all.data);
    return next.data != NULL && tags > 0 && versions->data != NULL;
}

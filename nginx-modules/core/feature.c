/*
 * feature.c: see feature.h.
 */

#include "feature.h"


/* behind the string at p; end when it does not end */
static const char *
string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        p += *p == '\\';
    }
    return p < end ? p + 1 : end;
}


static const char *
gap_end(const char *p, const char *end)
{
    while (
        p < end
        && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r' || *p == ','))
    {
        p++;
    }
    return p;
}


/* behind the "[" of the member features of the outer object; NULL: not yet */
static const char *
features_begin(const char *p, const char *end)
{
    int         depth = 0;
    vg_str_t    name;
    const char *next;

    while (p < end) {
        if (*p != '"') {
            depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
            p++;
            continue;
        }
        next = string_end(p, end);
        name = (vg_str_t){ p, (size_t) (next - p) };
        p = gap_end(next, end);
        if (depth != 1 || p == end || *p != ':'
            || !vg_str_eq(name, "\"features\"")) {
            continue;
        }
        p = gap_end(p + 1, end);
        return p < end && *p == '[' ? p + 1 : NULL;
    }
    return NULL;
}


/* behind the object at p; NULL when it does not end */
static const char *
object_end(const char *p, const char *end)
{
    int depth = 0;

    while (p < end) {
        if (*p == '"') {
            p = string_end(p, end);
            continue;
        }
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        p++;
        if (depth == 0) {
            return p;
        }
    }
    return NULL;
}


vg_feature_rc_t
vg_feature_next(vg_str_t *text, bool last, bool *begun, vg_str_t *feature)
{
    const char *p = text->data, *end = p + text->len, *behind;

    if (!*begun) {
        p = features_begin(p, end);
        if (p == NULL) {
            return last ? VG_FEATURE_WRONG : VG_FEATURE_MORE;
        }
        *begun = true;
    }
    p = gap_end(p, end);
    *text = (vg_str_t){ p, (size_t) (end - p) };
    if (p == end) {
        return last ? VG_FEATURE_WRONG : VG_FEATURE_MORE;
    }
    if (*p == ']') {
        return VG_FEATURE_END;
    }
    if (*p != '{') {
        return VG_FEATURE_WRONG;
    }
    behind = object_end(p, end);
    if (behind == NULL) {
        return last ? VG_FEATURE_WRONG : VG_FEATURE_MORE;
    }
    *feature = (vg_str_t){ p, (size_t) (behind - p) };
    *text = (vg_str_t){ behind, (size_t) (end - behind) };
    return VG_FEATURE_ONE;
}

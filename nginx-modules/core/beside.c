/*
 * beside.c: what a hook's row says: at which routes, and beside whom.
 */

#include "around.h"
#include "endpoint.h"


static vg_str_t
vg_stand_word(const char **p)
{
    vg_str_t word;

    *p += strspn(*p, " ");
    word.data = *p;
    word.len = strcspn(*p, " ,");
    *p += word.len;
    *p += strspn(*p, " ");
    return word;
}


vg_rc_t
vg_stand_next(const char **p, vg_stand_word_t *word)
{
    vg_str_t side;

    if (**p == '\0') {
        return VG_DONE;
    }
    side = vg_stand_word(p);
    word->after = vg_str_eq(side, "after");
    word->name = vg_stand_word(p);
    if ((!word->after && !vg_str_eq(side, "before")) || word->name.len == 0
        || (**p != ',' && **p != '\0') || (**p == ',' && *++*p == '\0'))
    {
        return VG_ERROR;
    }
    return VG_OK;
}


const char *
vg_stand_path(const vg_endpoint_t *hook, vg_method_t *method)
{
    size_t      n;
    vg_method_t m;
    const char *name, *path = hook->row->path;

    for (m = VG_GET; m <= VG_OCPP16; m++) {
        name = vg_method_name(m);
        n = ngx_strlen(name);
        if (m != VG_INTERNAL && ngx_strncmp(path, name, n) == 0
            && path[n] == ' ') {
            *method = m;
            return path + n + 1;
        }
    }
    return NULL;
}


const char *
vg_around_wrong(const vg_endpoint_t *e)
{
    vg_rc_t         rc = VG_DONE;
    const char     *p = e->row->stands;
    vg_method_t     method;
    vg_stand_word_t word;

    if (e->row->method != VG_HOOK) {
        return p ? "only a hook stands anywhere" : NULL;
    }
    if (vg_stand_path(e, &method) == NULL) {
        return "a hook's path is a method and a path, or *";
    }
    if (e->statement != NULL && e->statement->change) {
        return "a hook's statement changes nothing";
    }
    while (p != NULL && (rc = vg_stand_next(&p, &word)) == VG_OK) {
    }
    return rc == VG_ERROR ? "stands is \"after NAME, before NAME\"" : NULL;
}

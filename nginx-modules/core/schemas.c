/*
 * schemas.c: the schemas of a folder, read and held against each other.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

#define FILE_MAX  (256L * 1024)
#define NAME_SIZE (VG_SCHEMA_TYPE + sizeof(".json"))


static bool
fails(vg_schemas_t *to, vg_str_t type, const char *what, const char *member,
      const char *why)
{
    (void) snprintf(to->wrong, sizeof(to->wrong), "%.*s %s%s%s%s",
                    (int) type.len, type.data, what, member, *member ? " " : "",
                    why);
    return false;
}


static vg_str_t
file_text(vg_pool_t *pool, const char *folder, vg_str_t name)
{
    vg_str_t path =
        vg_printf(pool, "%s/%.*s", folder, (int) name.len, name.data);
    FILE *file = path.data ? fopen(path.data, "re") : NULL;
    long  size = -1;
    char *text = NULL;

    if (file == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0
        && size <= FILE_MAX && fseek(file, 0, SEEK_SET) == 0)
    {
        text = vg_alloc(pool, (size_t) size);
        if (text != NULL
            && fread(text, 1, (size_t) size, file) != (size_t) size) {
            text = NULL;
        }
    }
    (void) fclose(file);
    return (vg_str_t){ text, text ? (size_t) size : 0 };
}


/* "reservation.json": a name beside, nothing above */
static bool
is_part(vg_str_t name)
{
    return name.len > 5 && name.len < NAME_SIZE
           && memchr(name.data, '/', name.len) == NULL && *name.data != '.'
           && memcmp(name.data + name.len - 5, ".json", 5) == 0;
}


static void
node_put(vg_out_t *out, const vg_json_t *node)
{
    const vg_json_t *m;

    if (node->type != VG_JSON_OBJECT && node->type != VG_JSON_ARRAY) {
        vg_out_raw(out, node->raw);
        return;
    }
    vg_out_open(out, node->type == VG_JSON_OBJECT ? '{' : '[');
    for (m = node->first; m != NULL; m = m->next) {
        if (node->type == VG_JSON_OBJECT) {
            vg_out_name(out, m->key);
        }
        node_put(out, m);
    }
    vg_out_close(out, node->type == VG_JSON_OBJECT ? '}' : ']');
}


/* `over`'s members go before; what is about the file is left out */
static void
members_put(vg_out_t *out, const vg_json_t *from, const vg_json_t *over)
{
    const vg_json_t *m, *o;

    for (m = from ? from->first : NULL; m != NULL; m = m->next) {
        for (o = over ? over->first : NULL; o != NULL; o = o->next) {
            if (o->key.len == m->key.len
                && memcmp(o->key.data, m->key.data, m->key.len) == 0)
            {
                break;
            }
        }
        if (o == NULL && !vg_str_eq(m->key, "$ref")
            && !vg_str_eq(m->key, "$schema")) {
            vg_out_name(out, m->key);
            node_put(out, m);
        }
    }
}


/* One object without spaces, its part taken in: where both say something it
 * is the file's own. data NULL: there is no such part. */
static vg_str_t
whole(vg_pool_t *pool, const char *folder, const vg_json_t *own)
{
    vg_out_t         out;
    vg_str_t         name = vg_json_text(own, "$ref");
    const vg_json_t *part = NULL;

    if (name.data != NULL) {
        part = folder != NULL && is_part(name)
                   ? vg_json_parse(pool, file_text(pool, folder, name), NULL)
                   : NULL;
        if (part == NULL || part->type != VG_JSON_OBJECT) {
            return (vg_str_t){ NULL, 0 };
        }
    }
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    members_put(&out, own, NULL);
    members_put(&out, part, own);
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static bool
schema_take(vg_schemas_t *to, vg_schema_t *one)
{
    vg_str_t          title = vg_json_text(one->root, "title");
    vg_schema_fault_t fault;

    if (!vg_schema_fits(one->root, &fault)) {
        return fails(to, one->type, *fault.member ? "member " : "",
                     fault.member, fault.why);
    }
    if (title.len != one->type.len
        || memcmp(title.data, one->type.data, title.len) != 0)
    {
        return fails(to, one->type, "", "", "has another title than its name");
    }
    to->all[to->count++] = *one;
    return true;
}


/* scratch: what is only looked at; pool: what stays */
static bool
schema_add(vg_schemas_t *to, vg_pool_t *pool, vg_pool_t *scratch,
           const char *folder, vg_str_t type, vg_str_t text)
{
    vg_schema_t      one = { .type = type };
    const vg_json_t *own = vg_json_parse(scratch, text, NULL);

    if (to->count == VG_SCHEMAS_MAX || type.len > VG_SCHEMA_TYPE) {
        return fails(to, type, "", "", "is one too many, or too long");
    }
    if (own == NULL || own->type != VG_JSON_OBJECT) {
        return fails(to, type, "", "", "cannot be read as a JSON object");
    }
    text = whole(scratch, folder, own);
    if (text.data == NULL) {
        return fails(to, type, "", "", "has a $ref to no file beside it");
    }
    one.type = vg_printf(pool, "%.*s", (int) type.len, type.data);
    one.text = vg_printf(pool, "%.*s", (int) text.len, text.data);
    one.root = vg_json_parse(pool, one.text, NULL);
    return one.type.data != NULL && one.root != NULL
               ? schema_take(to, &one)
               : fails(to, type, "", "", "does not fit into memory");
}


bool
vg_schemas_add(vg_schemas_t *to, vg_pool_t *pool, vg_str_t type, vg_str_t text)
{
    bool       ok;
    vg_pool_t *scratch = vg_arena_create();

    ok = scratch != NULL ? schema_add(to, pool, scratch, NULL, type, text)
                         : fails(to, type, "", "", "does not fit into memory");
    vg_arena_destroy(scratch);
    return ok;
}


/* "reservation.created.v1.json" */
static int
is_type(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name), digits = 0;

    if (len < sizeof(".v1.json") || len >= NAME_SIZE || *entry->d_name == '.'
        || strcmp(entry->d_name + len - 5, ".json") != 0)
    {
        return 0;
    }
    for (len -= 5; len > 0 && entry->d_name[len - 1] >= '0'
                   && entry->d_name[len - 1] <= '9';
         len--)
    {
        digits++;
    }
    return digits > 0 && len > 2
           && strncmp(entry->d_name + len - 2, ".v", 2) == 0;
}


bool
vg_schemas_read(vg_schemas_t *to, vg_pool_t *pool, const char *folder)
{
    int             i, n;
    bool            ok;
    vg_str_t        name;
    vg_pool_t      *scratch = vg_arena_create();
    struct dirent **found = NULL;

    to->count = 0;
    *to->wrong = '\0';
    ok = scratch != NULL
         || fails(to, VG_STR("events"), "", "", "do not fit into memory");
    n = scandir(folder, &found, is_type, alphasort);
    for (i = 0; i < n; i++) {
        name = vg_str(found[i]->d_name);
        ok = ok
             && schema_add(to, pool, scratch, folder,
                           (vg_str_t){ name.data, name.len - 5 },
                           file_text(scratch, folder, name));
        free(found[i]);
    }
    free(found);
    vg_arena_destroy(scratch);
    return ok;
}


const vg_schema_t *
vg_schemas_find(const vg_schemas_t *in, vg_str_t type)
{
    size_t i;

    for (i = 0; i < in->count; i++) {
        if (in->all[i].type.len == type.len
            && memcmp(in->all[i].type.data, type.data, type.len) == 0)
        {
            return &in->all[i];
        }
    }
    return NULL;
}


bool
vg_schemas_follow(vg_schemas_t *is, const vg_schemas_t *was, bool back)
{
    size_t             i;
    const vg_schema_t *now;
    vg_schema_fault_t  fault;

    for (i = 0; i < was->count; i++) {
        now = vg_schemas_find(is, was->all[i].type);
        if (now == NULL && !back) {
            return fails(is, was->all[i].type, "", "",
                         "was published, and has no schema any more");
        }
        if (now != NULL
            && !vg_schema_follows(now->root, was->all[i].root, back, &fault))
        {
            return fails(is, was->all[i].type, *fault.member ? "member " : "",
                         fault.member, fault.why);
        }
    }
    return true;
}

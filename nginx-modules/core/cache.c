/*
 * cache.c: the node's cache: its zone, which rows may be kept, under which key
 * and tags; what a change drops.
 *
 * A row's `cache` and `drops` are tags by one space each, with fields in
 * braces: "station:{id}". A UUID is written in lower case, as PostgreSQL
 * prints it, so that one thing has one tag.
 */

#include "cache.h"
#include "db.h"

#define VG_CACHE_SIZE ((size_t) 32 * 1024 * 1024)
#define VG_CACHE_HEAD (8 * (size_t) 4096) /* the slab's own                 */
#define VG_CACHE_TTL  60000               /* ms: stands behind the drops    */

/* what would make an answer one caller's, or one moment's */
static const vg_bind_t vg_cache_barred[] = {
    VG_BIND_CALLER_ID, VG_BIND_CALLER_ROLE,    VG_BIND_CALLER_COMPANY,
    VG_BIND_NOW,       VG_BIND_CORRELATION_ID, VG_BIND_NEW_ID,
    VG_BIND_CURSOR,    VG_BIND_LIMIT,
};


static ngx_int_t
vg_cache_zone(ngx_shm_zone_t *zone, void *data)
{
    (void) zone;
    (void) data;
    return NGX_OK; /* fresh memory is zero: every table's empty state */
}


/* what tags and words need; `voltgate_cache 0` keeps no answers beside them */
static size_t
vg_cache_least(void)
{
    return VG_CACHE_HEAD + vg_words_size() + vg_shelf_least();
}


ngx_int_t
vg_cache_add(ngx_conf_t *cf, vg_host_t *host)
{
    size_t    size = host->cache_size;
    ngx_str_t name = ngx_string("voltgate_cache_v1");

    size = size == NGX_CONF_UNSET_SIZE ? VG_CACHE_SIZE : size;
    if (size != 0 && size < 2 * vg_cache_least()) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "voltgate_cache must be 0 or at least %uzk",
                           2 * vg_cache_least() / 1024);
        return NGX_ERROR;
    }
    host->cache = ngx_shared_memory_add(
        cf, &name, size ? size : vg_cache_least(), &ngx_http_voltgate_module);
    if (host->cache == NULL) {
        return NGX_ERROR;
    }
    host->cache->init = vg_cache_zone;
    host->cache->data = host;
    return NGX_OK;
}


void
vg_cache_start(vg_host_t *host)
{
    u_char *p = host->cache->shm.addr + VG_CACHE_HEAD;
    size_t  size = host->cache->shm.size - VG_CACHE_HEAD;

    vg_words_init(p);
    vg_shelf_open(p + vg_words_size(), size - vg_words_size());
}


static const vg_field_t *
vg_cache_field(const vg_route_t *row, const char *name, size_t len,
               ngx_uint_t *index)
{
    ngx_uint_t i;

    for (i = 0; row->fields != NULL && row->fields[i].name != NULL; i++) {
        if (ngx_strlen(row->fields[i].name) == len
            && ngx_strncmp(row->fields[i].name, name, len) == 0)
        {
            *index = i;
            return &row->fields[i];
        }
    }
    return NULL;
}


/* Are all {names} of these tags fields that a call must have? */
static ngx_uint_t
vg_cache_tags_fit(const vg_route_t *row, const char *tags)
{
    size_t            len;
    ngx_uint_t        i, n = 1;
    const char       *p;
    const vg_field_t *f;

    for (p = tags; *p != '\0'; p++) {
        n += *p == ' ';
        if (*p != '{') {
            continue;
        }
        len = strcspn(p + 1, "}");
        f = vg_cache_field(row, p + 1, len, &i);
        if (p[1 + len] != '}' || f == NULL || !(f->flags & VG_REQUIRED)) {
            return 0;
        }
    }
    return n <= VG_TAGS;
}


static ngx_uint_t
vg_cache_same_for_all(const vg_statement_t *st)
{
    ngx_uint_t i, p;

    for (p = 0; p < st->count; p++) {
        for (i = 0; i < sizeof(vg_cache_barred) / sizeof(vg_cache_barred[0]);
             i++) {
            if (st->params[p].what == vg_cache_barred[i]) {
                return 0;
            }
        }
    }
    return 1;
}


/* Said when the plugin is loaded, so that no row is kept that must not be. */
ngx_int_t
vg_cache_row(vg_endpoint_t *e)
{
    const vg_route_t *row = e->row;

    if ((row->cache != NULL && !vg_cache_tags_fit(row, row->cache))
        || (row->drops != NULL && !vg_cache_tags_fit(row, row->drops)))
    {
        vg_plugin_out(e->plugin,
                      "%s: its tags name no required fields, or "
                      "are more than %d",
                      row->path, VG_TAGS);
        return NGX_ERROR;
    }
    if (row->cache == NULL) {
        return NGX_OK;
    }
    if (row->method != VG_GET || e->statement == NULL || e->statement->change
        || e->statement->list || e->load || e->lock || e->steps || row->check
        || !vg_cache_same_for_all(e->statement))
    {
        vg_plugin_out(e->plugin,
                      "%s: what is kept must be a plain read that "
                      "is the same for every caller at any time",
                      row->path);
        return NGX_ERROR;
    }
    return NGX_OK;
}


static vg_str_t
vg_cache_value(vg_call_t *call, ngx_uint_t i)
{
    char            *p;
    size_t           n;
    vg_str_t         text = VG_STR("");
    const vg_json_t *value = call->values[i];

    if (value == NULL) {
        return text;
    }
    text = value->text;
    if (call->endpoint->row->fields[i].type != VG_UUID) {
        return text;
    }
    p = ngx_pnalloc(call->pool, text.len);
    if (p == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    for (n = 0; n < text.len; n++) {
        p[n] = (char) ngx_tolower(text.data[n]);
    }
    return (vg_str_t){ p, text.len };
}


static void
vg_cache_part(vg_out_t *out, vg_str_t bytes)
{
    out->comma = false;
    vg_out_raw(out, bytes);
}


/* the next of the tags, without braces; data NULL: none is left, or memory */
static vg_str_t
vg_cache_tag(vg_call_t *call, const char **tags)
{
    size_t      len;
    vg_str_t    value;
    vg_out_t    out;
    ngx_uint_t  i = 0; /* there is such a field: vg_cache_row() looked */
    const char *p = *tags;

    if (*p == '\0') {
        return (vg_str_t){ NULL, 0 };
    }
    vg_out_init(&out, &call->arena);
    while (*p != '\0' && *p != ' ') {
        len = strcspn(p, "{ ");
        vg_cache_part(&out, (vg_str_t){ p, len });
        p += len;
        if (*p == '{') {
            len = strcspn(p + 1, "}");
            (void) vg_cache_field(call->endpoint->row, p + 1, len, &i);
            value = vg_cache_value(call, i);
            vg_cache_part(&out, value);
            p += len + 2;
        }
    }
    *tags = *p == ' ' ? p + 1 : p;
    return vg_out_str(&out);
}


/* plugin, version, route, and all values behind their lengths, or that there is
 * none: bytes that no other call has */
static vg_shelf_key_t *
vg_cache_key(vg_call_t *call)
{
    size_t          len;
    vg_out_t        out;
    vg_str_t        value, text;
    ngx_uint_t      i;
    vg_endpoint_t  *e = call->endpoint;
    vg_shelf_key_t *key = vg_calloc(&call->arena, sizeof(vg_shelf_key_t));

    vg_out_init(&out, &call->arena);
    vg_cache_part(&out, vg_of(e->plugin->name));
    vg_cache_part(&out, vg_str(e->plugin->hash));
    vg_cache_part(&out, vg_of(e->label));
    for (i = 0; i < e->nfields; i++) {
        value = vg_cache_value(call, i);
        len = call->values[i] != NULL ? value.len : SIZE_MAX;
        vg_cache_part(&out, (vg_str_t){ (char *) &len, sizeof(len) });
        vg_cache_part(&out, value);
    }
    text = vg_out_str(&out);
    if (key == NULL || text.data == NULL) {
        return NULL;
    }
    vg_shelf_key(key, text);
    return key;
}


vg_rc_t
vg_cache_find(vg_call_t *call)
{
    vg_str_t        tag;
    const char     *tags = call->endpoint->row->cache;
    vg_shelf_key_t *key;

    if (tags == NULL || call->fresh) {
        return VG_DECLINED;
    }
    key = vg_cache_key(call);
    if (key == NULL) {
        return VG_DECLINED;
    }
    while (*tags != '\0') {
        tag = vg_cache_tag(call, &tags);
        if (tag.data == NULL) {
            return VG_DECLINED;
        }
        vg_shelf_note(key, tag);
    }
    call->cache = key;
    call->text = vg_shelf_find(key, ngx_current_msec, &call->arena);
    call->kept = call->text.data != NULL;
    return call->kept ? VG_OK : VG_DECLINED;
}


void
vg_cache_keep(vg_call_t *call)
{
    if (call->cache != NULL && call->error == NULL && call->text.data != NULL) {
        vg_shelf_keep(call->cache, call->text, ngx_current_msec,
                      ngx_current_msec + VG_CACHE_TTL);
    }
}


void
vg_cache_drop(vg_call_t *call, const vg_unit_t *unit)
{
    vg_str_t    tag;
    const char *tags = call->endpoint->row->drops;

    if (unit != NULL && unit->result != VG_UNIT_OK
        && unit->result != VG_UNIT_LOST) {
        return;
    }
    while (tags != NULL && *tags != '\0') {
        tag = vg_cache_tag(call, &tags);
        if (tag.data == NULL) {
            ngx_log_error(NGX_LOG_ALERT, call->log, 0,
                          "voltgate: no memory to drop what %V changed",
                          &call->endpoint->label);
            return;
        }
        vg_shelf_drop(tag);
    }
}

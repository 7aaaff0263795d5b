/*
 * stand.c: in which order hooks stand at a route.
 *
 * A hook says beside whom it stands, by name: "after auth, before charging".
 * Names are `auth` and `fields`, which are the kit's, the route's own plugin,
 * and other plugins with hooks there. A hook that says nothing of where the
 * fields or the route are stands between these two. What is left open goes by
 * the plugins' names, so that all workers and nodes have the same order.
 */

#include "around.h"
#include "endpoint.h"

#define VG_STAND_HOOKS 60 /* at one route: what fits into a word of bits    */

/* what always stands there; hooks come behind */
enum { VG_STAND_AUTH, VG_STAND_FIELDS, VG_STAND_ROUTE, VG_STAND_FIXED };

typedef struct {
    const vg_endpoint_t *at;
    vg_endpoint_t       *hook[VG_STAND_FIXED + VG_STAND_HOOKS];
    uint64_t             before[VG_STAND_FIXED + VG_STAND_HOOKS];
    ngx_uint_t           n;
} vg_stand_t;

/* ---------------------------------------------------------------- the order */

static ngx_uint_t
vg_stand_meets(const vg_endpoint_t *hook, const vg_endpoint_t *e)
{
    vg_method_t method;
    const char *path;

    if (hook->row->method != VG_HOOK
        || ngx_strcmp(hook->plugin->name.data, e->plugin->name.data) == 0)
    {
        return 0;
    }
    path = vg_stand_path(hook, &method);
    return path != NULL && method == e->row->method
           && (ngx_strcmp(path, "*") == 0
               || ngx_strcmp(path, e->row->path) == 0);
}


/* hooks of one plugin: by their labels */
static int
vg_stand_order(const vg_endpoint_t *a, const vg_endpoint_t *b)
{
    int by = ngx_strcmp(a->plugin->name.data, b->plugin->name.data);

    return by ? by : ngx_strcmp(a->label.data, b->label.data);
}


static void
vg_stand_add(vg_stand_t *s, vg_endpoint_t *hook)
{
    ngx_uint_t i;

    for (i = s->n++;
         i > VG_STAND_FIXED && vg_stand_order(hook, s->hook[i - 1]) < 0; i--)
    {
        s->hook[i] = s->hook[i - 1];
    }
    s->hook[i] = hook;
}


/* where a hook stands by its own words */
static vg_around_place_t
vg_stand_own(const vg_stand_t *s, ngx_uint_t i)
{
    const char     *p = s->hook[i]->row->stands;
    const char     *route = (const char *) s->at->plugin->name.data;
    vg_stand_word_t word;

    while (p != NULL && vg_stand_next(&p, &word) == VG_OK) {
        if (!word.after && vg_str_eq(word.name, "fields")) {
            return VG_AROUND_FIELDS;
        }
        if (word.after && vg_str_eq(word.name, route)) {
            return VG_AROUND_ANSWER;
        }
    }
    return VG_AROUND_ROUTE;
}


/* all with that name, as bits */
static uint64_t
vg_stand_named(const vg_stand_t *s, vg_str_t name)
{
    uint64_t   bits = 0;
    ngx_uint_t i;

    if (vg_str_eq(name, "auth")) {
        return UINT64_C(1) << VG_STAND_AUTH;
    }
    if (vg_str_eq(name, "fields")) {
        return UINT64_C(1) << VG_STAND_FIELDS;
    }
    if (vg_str_eq(name, (const char *) s->at->plugin->name.data)) {
        return UINT64_C(1) << VG_STAND_ROUTE;
    }
    for (i = VG_STAND_FIXED; i < s->n; i++) {
        if (vg_str_eq(name, (const char *) s->hook[i]->plugin->name.data)) {
            bits |= UINT64_C(1) << i;
        }
    }
    return bits;
}


/* A plugin may stand before the fields and behind the route: "after" it is
 * after those of its hooks that are not behind this one anyway. */
static uint64_t
vg_stand_meant(const vg_stand_t *s, ngx_uint_t i, const vg_stand_word_t *word)
{
    uint64_t          all = vg_stand_named(s, word->name), meant = all;
    ngx_uint_t        j;
    vg_around_place_t place = vg_stand_own(s, i);

    for (j = VG_STAND_FIXED; j < s->n; j++) {
        if (word->after ? vg_stand_own(s, j) > place
                        : vg_stand_own(s, j) < place) {
            meant &= ~(UINT64_C(1) << j);
        }
    }
    return meant ? meant : all;
}


static void
vg_stand_say(vg_stand_t *s, ngx_uint_t i)
{
    uint64_t        others;
    ngx_uint_t      j;
    const char     *p = s->hook[i]->row->stands;
    vg_stand_word_t word;

    s->before[VG_STAND_AUTH] |= UINT64_C(1) << i;
    while (p != NULL && vg_stand_next(&p, &word) == VG_OK) {
        others = vg_stand_meant(s, i, &word);
        if (!word.after) {
            s->before[i] |= others;
            continue;
        }
        for (j = 0; j < s->n; j++) {
            if (others & UINT64_C(1) << j) {
                s->before[j] |= UINT64_C(1) << i;
            }
        }
    }
}


/* who is before whom through others, too */
static void
vg_stand_reach(vg_stand_t *s)
{
    ngx_uint_t i, k;

    for (k = 0; k < s->n; k++) {
        for (i = 0; i < s->n; i++) {
            if (s->before[i] & UINT64_C(1) << k) {
                s->before[i] |= s->before[k];
            }
        }
    }
}


static ngx_uint_t
vg_stand_is_before(const vg_stand_t *s, ngx_uint_t i, ngx_uint_t j)
{
    return (s->before[i] >> j) & 1;
}


static void
vg_stand_relate(vg_stand_t *s)
{
    ngx_uint_t i;

    ngx_memzero(s->before, sizeof(s->before));
    s->before[VG_STAND_AUTH] = UINT64_C(1) << VG_STAND_FIELDS;
    s->before[VG_STAND_FIELDS] = UINT64_C(1) << VG_STAND_ROUTE;
    for (i = VG_STAND_FIXED; i < s->n; i++) {
        vg_stand_say(s, i);
    }
    vg_stand_reach(s);
    for (i = VG_STAND_FIXED; i < s->n; i++) {
        if (!vg_stand_is_before(s, i, VG_STAND_FIELDS)
            && !vg_stand_is_before(s, VG_STAND_ROUTE, i))
        {
            s->before[VG_STAND_FIELDS] |= UINT64_C(1) << i;
            s->before[i] |= UINT64_C(1) << VG_STAND_ROUTE;
        }
    }
    vg_stand_reach(s);
}


/* NGX_ERROR: some stand before themselves */
static ngx_int_t
vg_stand_circle(vg_stand_t *s, char *why, size_t size)
{
    size_t     used;
    ngx_int_t  rc = NGX_OK;
    ngx_uint_t i;

    for (i = VG_STAND_FIXED; i < s->n; i++) {
        if (!vg_stand_is_before(s, i, i)) {
            continue;
        }
        if (rc == NGX_OK) {
            (void) snprintf(
                why, size, "hooks at %s stand in a circle:", s->at->label.data);
        }
        used = ngx_strlen(why);
        (void) snprintf(why + used, size - used, "%s %s (%s)",
                        rc == NGX_OK ? "" : ",", s->hook[i]->plugin->name.data,
                        s->hook[i]->row->stands);
        rc = NGX_ERROR;
    }
    return rc;
}


static vg_around_place_t
vg_stand_place(const vg_stand_t *s, ngx_uint_t i)
{
    return vg_stand_is_before(s, i, VG_STAND_FIELDS)  ? VG_AROUND_FIELDS
           : vg_stand_is_before(s, VG_STAND_ROUTE, i) ? VG_AROUND_ANSWER
                                                      : VG_AROUND_ROUTE;
}


/* They are there by name: each time the first before whom nobody is left.
 * In a circle nobody is; then the first of all. */
static ngx_uint_t
vg_stand_first(const vg_stand_t *s, uint64_t left)
{
    ngx_uint_t i, j, first = 0;

    for (i = VG_STAND_FIXED; i < s->n; i++) {
        if (!(left & UINT64_C(1) << i)) {
            continue;
        }
        first = first ? first : i;
        for (j = VG_STAND_FIXED; j < s->n; j++) {
            if (j != i && (left & UINT64_C(1) << j)
                && vg_stand_is_before(s, j, i)) {
                break;
            }
        }
        if (j == s->n) {
            return i;
        }
    }
    return first;
}


static vg_around_t *
vg_stand_make(const vg_stand_t *s, ngx_pool_t *pool)
{
    uint64_t     left = 0;
    ngx_uint_t   i, p, k = 0;
    vg_around_t *around;

    around = ngx_pcalloc(pool, sizeof(vg_around_t));
    if (around != NULL) {
        around->hooks = ngx_palloc(pool, s->n * sizeof(vg_endpoint_t *));
    }
    if (around == NULL || around->hooks == NULL) {
        return NULL;
    }
    for (p = 0; p < VG_AROUND_PLACES; p++) {
        around->first[p] = k;
        for (i = VG_STAND_FIXED, left = 0; i < s->n; i++) {
            left |= vg_stand_place(s, i) == p ? UINT64_C(1) << i : 0;
        }
        while (left) {
            i = vg_stand_first(s, left);
            left &= ~(UINT64_C(1) << i);
            around->hooks[k++] = s->hook[i];
        }
    }
    around->first[p] = k;
    return around;
}


/* -------------------------------------------------------------- the routes */

static const vg_plugin_slot_t *
vg_stand_plugin(const vg_host_t *host, const vg_plugin_slot_t *tried,
                ngx_uint_t i)
{
    vg_plugin_slot_t **p = host->plugins.elts;

    return tried && ngx_strcmp(tried->name.data, p[i]->name.data) == 0 ? tried
                                                                       : p[i];
}


/* all hooks that stand there; NGX_ERROR: too many */
static ngx_int_t
vg_stand_gather(vg_stand_t *s, const vg_host_t *host,
                const vg_plugin_slot_t *tried, const vg_endpoint_t *at)
{
    ngx_uint_t              i, j;
    vg_endpoint_t         **e;
    const vg_plugin_slot_t *plugin;

    s->at = at;
    s->n = VG_STAND_FIXED;
    for (i = 0; i < host->plugins.nelts; i++) {
        plugin = vg_stand_plugin(host, tried, i);
        e = plugin->endpoints.elts;
        for (j = 0; j < plugin->endpoints.nelts; j++) {
            if (!vg_stand_meets(e[j], at)) {
                continue;
            }
            if (s->n == VG_STAND_FIXED + VG_STAND_HOOKS) {
                return NGX_ERROR;
            }
            vg_stand_add(s, e[j]);
        }
    }
    return NGX_OK;
}


/* of one route; NGX_DECLINED: they stand in a circle */
static ngx_int_t
vg_stand_at(vg_stand_t *s, vg_endpoint_t *at, ngx_pool_t *pool, char *why,
            size_t size)
{
    ngx_int_t  rc;
    ngx_uint_t i;

    vg_stand_relate(s);
    rc = vg_stand_circle(s, why, size);
    if (pool == NULL) {
        return rc == NGX_OK ? NGX_OK : NGX_DECLINED;
    }
    at->around = vg_stand_make(s, pool);
    if (at->around == NULL) {
        return NGX_ERROR;
    }
    for (i = VG_STAND_FIXED; i < s->n; i++) {
        s->hook[i]->meets++;
    }
    return rc == NGX_OK ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
vg_stand_all(const vg_host_t *host, const vg_plugin_slot_t *tried,
             ngx_pool_t *pool, char *why, size_t size)
{
    ngx_int_t               rc = NGX_OK, one;
    ngx_uint_t              i, j;
    vg_stand_t              s;
    vg_endpoint_t         **e;
    const vg_plugin_slot_t *plugin;

    for (i = 0; i < host->plugins.nelts; i++) {
        plugin = vg_stand_plugin(host, tried, i);
        e = plugin->endpoints.elts;
        for (j = 0; j < plugin->endpoints.nelts; j++) {
            if (vg_stand_gather(&s, host, tried, e[j]) != NGX_OK) {
                (void) snprintf(why, size, "more than %d hooks at %s",
                                VG_STAND_HOOKS, e[j]->label.data);
                return NGX_ERROR;
            }
            one = s.n == VG_STAND_FIXED
                      ? NGX_OK
                      : vg_stand_at(&s, e[j], pool, why, size);
            if (one == NGX_ERROR || (one != NGX_OK && pool == NULL)) {
                return one;
            }
            rc = one == NGX_OK ? rc : one;
        }
    }
    return rc;
}


static void
vg_stand_forget(vg_host_t *host)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = host->endpoints.elts;

    for (i = 0; i < host->endpoints.nelts; i++) {
        e[i]->around = NULL;
        e[i]->meets = 0;
    }
}


ngx_int_t
vg_around_try(vg_host_t *host, const vg_plugin_slot_t *plugin, char *why,
              size_t size)
{
    return vg_stand_all(host, plugin, NULL, why, size) == NGX_OK ? NGX_OK
                                                                 : NGX_ERROR;
}


ngx_int_t
vg_around_join(vg_host_t *host, char *why, size_t size)
{
    ngx_int_t   rc;
    ngx_pool_t *pool = ngx_create_pool(4096, host->log);

    if (pool == NULL) {
        (void) snprintf(why, size, "no memory for hooks");
        return NGX_ERROR;
    }
    vg_stand_forget(host);
    rc = vg_stand_all(host, NULL, pool, why, size);
    if (host->around != NULL) {
        ngx_destroy_pool(host->around);
    }
    host->around = pool;
    return rc == NGX_OK ? NGX_OK : NGX_ERROR;
}

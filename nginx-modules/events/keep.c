/*
 * keep.c: how long rows are kept: `voltgate_retention plugin.table 90d;`, or a
 * plugin's own word, and what the statement that deletes them is told. When
 * it is run is timer.c's.
 */

#include "events.h"
#include "span.h"

#define VG_KEEP_BATCH  1000 /* rows of one turn                           */
#define VG_KEEP_BESIDE 64   /* keys of a line that have a span of their own */

typedef struct {
    ngx_str_t  name; /* plugin.table                                     */
    vg_span_t  span;
    ngx_uint_t count;
    ngx_str_t  keys[VG_KEEP_BESIDE];
    vg_span_t  spans[VG_KEEP_BESIDE];
} vg_keep_conf_t;

static ngx_array_t *vg_keep_confs; /* of vg_keep_conf_t                   */


static const char *
vg_keep_besides(vg_keep_conf_t *conf, const ngx_str_t *arg)
{
    u_char *equals = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    if (equals == NULL || equals == arg->data) {
        return "is not KEY=SPAN";
    }
    if (conf->count == VG_KEEP_BESIDE) {
        return "is one too many";
    }
    conf->keys[conf->count] =
        (ngx_str_t){ (size_t) (equals - arg->data), arg->data };
    return vg_span_read(&conf->spans[conf->count++], (const char *) equals + 1,
                        arg->data + arg->len - equals - 1)
               ? NULL
               : "is no time such as 12h, 90d, 8w, 10y, forever";
}


char *
vg_set_retention(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t      *value = cf->args->elts;
    ngx_uint_t      i;
    const char     *wrong = NULL;
    ngx_array_t   **confs = (ngx_array_t **) ((u_char *) conf + cmd->offset);
    vg_keep_conf_t *slot;

    if (*confs == NULL) {
        *confs = ngx_array_create(cf->pool, 8, sizeof(vg_keep_conf_t));
    }
    slot = *confs ? ngx_array_push(*confs) : NULL;
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }
    ngx_memzero(slot, sizeof(*slot));
    slot->name = value[1];
    if (!vg_span_read(&slot->span, (const char *) value[2].data, value[2].len))
    {
        wrong = "is no time such as 12h, 90d, 8w, 10y, forever";
    }
    for (i = 2; wrong == NULL && ++i < cf->args->nelts;) {
        wrong = vg_keep_besides(slot, &value[i]);
    }
    if (wrong != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s",
                           &value[ngx_min(i, cf->args->nelts - 1)], wrong);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}


static ngx_uint_t
vg_keep_is(const vg_keep_conf_t *conf, const vg_endpoint_t *e)
{
    size_t n = e->plugin->name.len;

    return conf->name.len == n + 1 + ngx_strlen(e->row->path)
           && ngx_strncmp(conf->name.data, e->plugin->name.data, n) == 0
           && conf->name.data[n] == '.'
           && ngx_strncmp(conf->name.data + n + 1, e->row->path,
                          conf->name.len - n - 1)
                  == 0;
}


/* A word that is mistaken must not keep for ever, or too briefly, in silence. A
 * plugin that is off, or out, may have the table. */
static ngx_uint_t
vg_keep_known(const vg_host_t *host, const vg_keep_conf_t *conf)
{
    ngx_uint_t         i, j;
    vg_plugin_slot_t **p = host->plugins.elts;
    vg_endpoint_t    **e;

    for (i = 0; i < host->plugins.nelts; i++) {
        if (conf->name.len <= p[i]->name.len
            || conf->name.data[p[i]->name.len] != '.'
            || ngx_strncmp(conf->name.data, p[i]->name.data, p[i]->name.len)
                   != 0
            || p[i]->state == VG_PLUGIN_OUT)
        {
            continue;
        }
        e = p[i]->endpoints.elts;
        for (j = 0; j < p[i]->endpoints.nelts; j++) {
            if (e[j]->row->method == VG_KEEP && vg_keep_is(conf, e[j])) {
                return 1;
            }
        }
        return 0;
    }
    return ngx_strchr(conf->name.data, '.') != NULL;
}


ngx_int_t
vg_keep_use(ngx_conf_t *cf, ngx_array_t *confs)
{
    ngx_uint_t      i;
    vg_keep_conf_t *conf = confs ? confs->elts : NULL;

    vg_keep_confs = confs;
    for (i = 0; confs && i < confs->nelts; i++) {
        if (!vg_keep_known(vg_host_conf(cf), &conf[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "voltgate_retention: nothing is kept as \"%V\"",
                               &conf[i].name);
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


static const vg_keep_conf_t *
vg_keep_conf(const vg_endpoint_t *e)
{
    ngx_uint_t            i;
    const vg_keep_conf_t *conf = vg_keep_confs ? vg_keep_confs->elts : NULL;

    for (i = 0; vg_keep_confs && i < vg_keep_confs->nelts; i++) {
        if (vg_keep_is(&conf[i], e)) {
            return &conf[i];
        }
    }
    return NULL;
}


static vg_str_t
vg_keep_moment(vg_call_t *call, const vg_span_t *span)
{
    if (span->count == 0) {
        return VG_STR("-infinity");
    }
    return vg_time_text(&call->arena, vg_span_before(span, call->now));
}


/* what the statement goes by; the plugin's own word was read when its row
 * was made */
vg_rc_t
vg_keep_bind(vg_call_t *call)
{
    vg_out_t              out;
    vg_span_t             span = { 0, 'y' };
    ngx_uint_t            i;
    const char           *own = call->endpoint->row->scope;
    const vg_keep_conf_t *conf = vg_keep_conf(call->endpoint);

    (void) vg_span_read(&span, own, ngx_strlen(own));
    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '{');
    for (i = 0; conf && i < conf->count; i++) {
        vg_out_member(&out,
                      vg_printf(&call->arena, "%.*s", (int) conf->keys[i].len,
                                conf->keys[i].data)
                          .data,
                      vg_keep_moment(call, &conf->spans[i]));
    }
    vg_out_close(&out, '}');
    if (vg_bind(call, "before",
                vg_keep_moment(call, conf ? &conf->span : &span))
            != VG_OK
        || vg_bind(call, "besides", vg_out_str(&out)) != VG_OK)
    {
        return VG_ERROR;
    }
    return vg_bind(call, "batch", vg_printf(&call->arena, "%d", VG_KEEP_BATCH));
}


/* as many as it might: there are more, it seems */
ngx_uint_t
vg_keep_more(const vg_call_t *call)
{
    vg_str_t text = call->text;

    return call->error == NULL && text.data != NULL
           && ngx_atoi((u_char *) text.data, text.len) >= VG_KEEP_BATCH;
}

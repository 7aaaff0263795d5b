/*
 * compile.c: statement files of plugins, and the kit's own texts, made ready
 * to be prepared: parameters resolved to fields and kit values, the tail
 * added to changes, a name that changes with the text.
 */

#include <openssl/sha.h>

#include "host.h"
#include "tail.h"

enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_TEXT = 25,
    OID_TIMESTAMPTZ = 1184,
    OID_INT8_ARRAY = 1016,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802
};

/* what :each() gives PostgreSQL instead */
static const struct {
    unsigned int one, many;
} vg_arrays[] = {
    { OID_BOOL, 1000 },    { OID_INT8, OID_INT8_ARRAY },
    { OID_TEXT, 1009 },    { OID_TIMESTAMPTZ, 1185 },
    { OID_NUMERIC, 1231 }, { OID_UUID, 2951 },
    { OID_JSONB, 3807 },   { 0, 0 },
};

typedef struct {
    const char  *name;
    vg_bind_t    what;
    unsigned int type;
} vg_builtin_t;

static const vg_builtin_t vg_builtins[] = {
    { "callerId", VG_BIND_CALLER_ID, OID_TEXT },
    { "callerRole", VG_BIND_CALLER_ROLE, OID_TEXT },
    { "callerCompany", VG_BIND_CALLER_COMPANY, OID_TEXT },
    { "now", VG_BIND_NOW, OID_TIMESTAMPTZ },
    { "correlationId", VG_BIND_CORRELATION_ID, OID_TEXT },
    { "newId", VG_BIND_NEW_ID, OID_UUID },
    { "body", VG_BIND_BODY, OID_JSONB },
    { "row", VG_BIND_ROW, OID_JSONB },
    { "cursor", VG_BIND_CURSOR, OID_TEXT },
    { "limit", VG_BIND_LIMIT, OID_INT8 },
    { "chargePoint", VG_BIND_CHARGE_POINT, OID_TEXT },
    { "payload", VG_BIND_PAYLOAD, OID_JSONB },
    { "eventId", VG_BIND_EVENT_ID, OID_UUID },
    { "eventType", VG_BIND_EVENT_TYPE, OID_TEXT },
    { "aggregateId", VG_BIND_AGGREGATE_ID, OID_TEXT },
    { "eventTime", VG_BIND_EVENT_TIME, OID_TIMESTAMPTZ },
    { "outcome", VG_BIND_OUTCOME, OID_JSONB },
    { "reason", VG_BIND_REASON, OID_TEXT },
    { "jobId", VG_BIND_JOB_ID, OID_UUID },
    { "ifMatch", VG_BIND_IF_MATCH, OID_INT8_ARRAY },
    { "vgKey", VG_BIND_KEY, OID_TEXT },
    { "vgKeyHash", VG_BIND_KEY_HASH, OID_TEXT },
    { "vgRoute", VG_BIND_ROUTE, OID_TEXT },
    { "vgPlugin", VG_BIND_PLUGIN, OID_TEXT },
    { "vgTraceparent", VG_BIND_TRACEPARENT, OID_TEXT },
    { "vgNode", VG_BIND_NODE, OID_TEXT },
    { "vgPid", VG_BIND_PID, OID_INT8 },
    { "vgActor", VG_BIND_ACTOR, OID_TEXT },
    { "vgObject", VG_BIND_OBJECT, OID_TEXT },
    { "vgAddress", VG_BIND_ADDRESS, OID_TEXT },
    { NULL, VG_BIND_FIELD, 0 },
};

static const unsigned int vg_field_oids[] = {
    [VG_TEXT] = OID_TEXT, [VG_INT] = OID_INT8,     [VG_DECIMAL] = OID_NUMERIC,
    [VG_BOOL] = OID_BOOL, [VG_UUID] = OID_UUID,    [VG_TIME] = OID_TIMESTAMPTZ,
    [VG_ENUM] = OID_TEXT, [VG_OBJECT] = OID_JSONB, [VG_ARRAY] = OID_JSONB,
    [VG_ANY] = OID_JSONB,
};

ngx_uint_t
vg_statement_binds(const vg_statement_t *st, vg_bind_t what)
{
    ngx_uint_t i;

    for (i = 0; st != NULL && i < st->count; i++) {
        if (st->params[i].what == what) {
            return 1;
        }
    }
    return 0;
}


/* A field by one of these names would let a client say who it is. */
static const char *
vg_statement_reserved(const vg_route_t *row)
{
    static const char *const names[] = {
        "caller", "vg", "now", "newId", "correlationId", "ifMatch", NULL
    };
    const vg_field_t *f;
    ngx_uint_t        i;

    for (f = row->fields; f && f->name != NULL; f++) {
        for (i = 0; names[i] != NULL; i++) {
            if (i < 2
                    ? ngx_strncmp(f->name, names[i], ngx_strlen(names[i])) == 0
                    : ngx_strcmp(f->name, names[i]) == 0)
            {
                return f->name;
            }
        }
    }
    return NULL;
}


static ngx_int_t
vg_statement_param(vg_statement_t *st, ngx_uint_t i, vg_str_t name,
                   const vg_route_t *row)
{
    ngx_uint_t          f;
    const vg_builtin_t *b;

    for (f = 0; row && row->fields && row->fields[f].name != NULL; f++) {
        if (vg_str_eq(name, row->fields[f].name)) {
            st->params[i] = (vg_param_t){ VG_BIND_FIELD, f };
            st->types[i] = vg_field_oids[row->fields[f].type];
            return NGX_OK;
        }
    }
    for (b = vg_builtins; b->name != NULL; b++) {
        if (vg_str_eq(name, b->name)) {
            st->params[i] = (vg_param_t){ b->what, 0 };
            st->types[i] = b->type;
            return NGX_OK;
        }
    }
    return NGX_DECLINED;
}


/* NULL, or why an :each statement cannot be one of this route: it is run for
 * several calls in one transaction, and holds nothing but rows */
static const char *
vg_statement_each(vg_statement_t *st, const vg_route_t *row)
{
    ngx_uint_t i, t;

    if (!st->change || row->lock != NULL || row->method != VG_OCPP16
        || !(row->flags & VG_APPEND))
    {
        return "`:each(` is for a change by VG_OCPP16 with VG_APPEND and"
               " without a lock";
    }
    for (i = 0; i < st->count; i++) {
        for (t = 0; vg_arrays[t].one && vg_arrays[t].one != st->types[i]; t++) {
            continue;
        }
        if (vg_arrays[t].one == 0) {
            return "`:each(` has a name whose type it does not take";
        }
        st->types[i] = vg_arrays[t].many;
    }
    return NULL;
}


static ngx_int_t
vg_statement_refusals(vg_plugin_slot_t *plugin, const char *name,
                      const vg_sql_t *sql)
{
    size_t i;

    for (i = 0; i < sql->nrefuses; i++) {
        if (vg_registry_error(plugin, sql->refuses[i].data, sql->refuses[i].len)
            == NULL)
        {
            vg_plugin_out(plugin,
                          "%s.sql:%zu: refuses with an unknown error %.*s",
                          name, vg_sql_line(sql, sql->refuses[i].data),
                          (int) sql->refuses[i].len, sql->refuses[i].data);
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


static vg_str_t
vg_statement_read(vg_pool_t *pool, const char *path)
{
    FILE *file = fopen(path, "r");
    long  size = -1;
    char *data = NULL;

    if (file == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0
        && fseek(file, 0, SEEK_SET) == 0)
    {
        data = vg_alloc(pool, size + 1);
        if (data != NULL && fread(data, 1, size, file) != (size_t) size) {
            data = NULL;
        }
    }
    (void) fclose(file);
    return (vg_str_t){ data, data ? (size_t) size : 0 };
}


/* routes with other fields may give one file other types: they count too */
static void
vg_statement_name(vg_pool_t *pool, vg_statement_t *st, const char *plugin,
                  const char *name)
{
    u_char  md[SHA256_DIGEST_LENGTH];
    size_t  text = ngx_strlen(st->text), types = st->count * sizeof(*st->types);
    u_char *all = vg_alloc(pool, text + types + 1);

    if (all == NULL) {
        return; /* without a name */
    }
    ngx_memcpy(all, st->text, text);
    ngx_memcpy(all + text, st->types, types);
    (void) SHA256(all, text + types, md);
    st->name = vg_printf(pool, "%s.%s@%02x%02x%02x%02x", plugin, name, md[0],
                         md[1], md[2], md[3])
                   .data;
}


static vg_statement_t *
vg_statement_make(vg_pool_t *pool, const char *plugin, vg_sql_t *sql)
{
    vg_statement_t *st;

    st = vg_calloc(pool, sizeof(vg_statement_t));
    if (st == NULL) {
        return NULL;
    }
    st->role = vg_printf(pool, "vg_%s", plugin).data;
    st->text = sql->text.data;
    st->change = st->firm = sql->change;
    st->jobs = sql->change && sql->jobs;
    st->each = sql->each;
    st->count = sql->count;
    st->types = vg_calloc(pool, (sql->count + 1) * sizeof(unsigned int));
    st->params = vg_calloc(pool, (sql->count + 1) * sizeof(vg_param_t));
    return st->types && st->params && st->role ? st : NULL;
}


/* The tail's names go through the same scanner, so that they share numbers. */
static const char *
vg_statement_tail(vg_pool_t *pool, const char *plugin, const vg_route_t *row,
                  const char *name, vg_str_t *source)
{
    size_t      last = sizeof("select * from answer;") - 1;
    vg_str_t    tail;
    vg_sql_t    probe;
    const char *wrong;

    wrong = vg_sql_compile(pool, *source, &probe);
    if (wrong != NULL || !probe.change) {
        return wrong;
    }
    tail = vg_tail(pool, plugin, row, name, &probe);
    while (source->data[source->len - 1] <= ' ') {
        source->len--;
    }
    *source = vg_printf(pool, "%.*s%.*s;", (int) (source->len - last),
                        source->data, (int) tail.len, tail.data);
    return tail.data ? NULL : "no memory";
}


/* what another route of the plugin prepared already keeps its place */
static ngx_int_t
vg_statement_place(vg_plugin_slot_t *plugin, vg_statement_t *st)
{
    ngx_int_t        number;
    ngx_uint_t       i;
    vg_statement_t **known = plugin->statements.elts, **slot;

    for (i = 0; i < plugin->statements.nelts; i++) {
        if (ngx_strcmp(known[i]->name, st->name) == 0) {
            st->index = known[i]->index;
            return NGX_OK;
        }
    }
    number = vg_number_take(st->name);
    slot = number < 0 ? NULL : ngx_array_push(&plugin->statements);
    if (slot == NULL) {
        vg_plugin_out(plugin, "no room for statement %s", st->name);
        return NGX_ERROR;
    }
    st->index = number;
    *slot = st;
    return NGX_OK;
}


/* NULL: source is what PostgreSQL shall prepare, sql says how; its first `own`
 * names are the file's */
static const char *
vg_statement_compile(vg_plugin_slot_t *plugin, vg_pool_t *pool,
                     const vg_route_t *row, const char *name, vg_sql_t *sql,
                     size_t *own)
{
    bool        change;
    vg_str_t    source;
    const char *wrong;

    source = vg_statement_read(
        pool,
        vg_printf(pool, "%s/sql/queries/%s.sql", plugin->folder, name).data);
    if (source.data == NULL) {
        return "there is no such file in sql/queries";
    }
    wrong = vg_sql_compile(pool, source, sql);
    change = wrong == NULL && sql->change;
    *own = wrong == NULL ? sql->count : 0;
    if (wrong == NULL && vg_statement_refusals(plugin, name, sql) != NGX_OK) {
        return plugin->why;
    }
    wrong = wrong ? wrong
                  : vg_statement_tail(pool, (const char *) plugin->name.data,
                                      row, name, &source);
    wrong = wrong ? wrong : vg_sql_compile(pool, source, sql);
    sql->change = change; /* the tail took the line away that told */
    return wrong;
}


vg_statement_t *
vg_statement_load(vg_plugin_slot_t *plugin, const vg_route_t *row,
                  const char *name)
{
    size_t          own;
    vg_sql_t        sql = { .at = NULL };
    vg_pool_t      *pool = ngx_palloc(plugin->pool, sizeof(vg_pool_t));
    ngx_uint_t      i;
    const char     *wrong;
    vg_statement_t *st;

    if (pool == NULL) {
        return NULL;
    }
    *pool = vg_arena_of(plugin->pool);
    if (vg_statement_reserved(row) != NULL) {
        vg_plugin_out(plugin, "a field must not be named %s",
                      vg_statement_reserved(row));
        return NULL;
    }
    wrong = vg_statement_compile(plugin, pool, row, name, &sql, &own);
    if (wrong != NULL) {
        if (sql.at == NULL) { /* it could not be read */
            vg_plugin_out(plugin, "%s.sql: %s", name, wrong);
        }
        vg_plugin_out(plugin, "%s.sql:%zu: %s", name, vg_sql_line(&sql, sql.at),
                      wrong);
        return NULL;
    }
    st = vg_statement_make(pool, (const char *) plugin->name.data, &sql);
    if (st == NULL) {
        return NULL;
    }
    st->list = (row->flags & VG_LIST) != 0;
    st->own = own;
    for (i = 0; i < sql.count; i++) {
        if (vg_statement_param(st, i, sql.names[i], row) != NGX_OK) {
            vg_plugin_out(plugin, "%s.sql:%zu: no field :%.*s", name,
                          vg_sql_line(&sql, sql.names[i].data),
                          (int) sql.names[i].len, sql.names[i].data);
            return NULL;
        }
    }
    wrong = st->each ? vg_statement_each(st, row) : NULL;
    if (wrong != NULL) {
        vg_plugin_out(plugin, "%s.sql: %s", name, wrong);
        return NULL;
    }
    vg_statement_name(pool, st, (const char *) plugin->name.data, name);
    return st->name && vg_statement_place(plugin, st) == NGX_OK ? st : NULL;
}


/* Parameters are $1 ... $count, declared by casts in the text. *slot is NULL
 * when there is no memory. */
void
vg_statement_kit(ngx_conf_t *cf, vg_statement_t **slot, const char *name,
                 const char *text, ngx_uint_t count)
{
    vg_sql_t            sql = { .text = vg_str(text), .count = count };
    ngx_int_t           number;
    vg_pool_t           pool = vg_arena_of(cf->pool);
    vg_statement_t     *st;
    vg_kit_statement_t *kept;

    *slot = NULL;
    st = vg_statement_make(&pool, "kit", &sql); /* as vg_kit */
    if (st == NULL) {
        return;
    }
    vg_statement_name(&pool, st, "kit", name);
    number = st->name ? vg_number_take(st->name) : NGX_ERROR;
    kept =
        number < 0 ? NULL : ngx_array_push(&vg_host_conf(cf)->kit_statements);
    if (kept == NULL) {
        return;
    }
    st->index = number;
    *slot = st;
    *kept = (vg_kit_statement_t){ st, slot };
}


/* A reload that fails leaves the master's variables pointing into the
 * configuration that it threw away; a worker born later asks its own. */
void
vg_statement_slots(vg_host_t *host)
{
    ngx_uint_t          i;
    vg_kit_statement_t *kept = host->kit_statements.elts;

    for (i = 0; i < host->kit_statements.nelts; i++) {
        *kept[i].slot = kept[i].statement;
    }
}

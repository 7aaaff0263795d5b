/*
 * owner.c: no row of HTTP without a rule of whose it is. What a route reads or
 * changes is the caller's, by a statement that names the caller, or its row
 * says VG_EVERYBODYS; a statement of its handler's is one of them. Whether the rule is right is shown by t/kit/ownership.t.
 */

#include "language.h"


/* The tail of a change names the caller, too, for the event and the key. */
static ngx_uint_t
vg_owner_named(const vg_statement_t *st)
{
    ngx_uint_t i;

    for (i = 0; st != NULL && i < st->own; i++) {
        if (st->params[i].what == VG_BIND_CALLER_ID
            || st->params[i].what == VG_BIND_CALLER_ROLE
            || st->params[i].what == VG_BIND_CALLER_COMPANY)
        {
            return 1;
        }
    }
    return 0;
}


static vg_endpoint_t *
vg_owner_asked(const vg_endpoint_t *e, ngx_uint_t nth)
{
    return e->plugin->language ? e->plugin->language->asks(e, nth) : NULL;
}


static ngx_uint_t
vg_owner_callers(const vg_endpoint_t *e)
{
    ngx_uint_t     n;
    vg_endpoint_t *asked;

    for (n = 0; (asked = vg_owner_asked(e, n)) != NULL; n++) {
        if (vg_owner_named(asked->statement)) {
            return 1;
        }
    }
    return vg_owner_named(e->load) || vg_owner_named(e->lock)
           || vg_owner_named(e->statement);
}


const char *
vg_owner_of(const vg_endpoint_t *e)
{
    if (e->row->flags & VG_EVERYBODYS) {
        return "everybody";
    }
    return vg_owner_callers(e) ? "caller" : NULL;
}


ngx_int_t
vg_owner_row(vg_endpoint_t *e)
{
    const vg_route_t *row = e->row;

    if (row->method > VG_DELETE
        || (row->scope != NULL && ngx_strcmp(row->scope, VG_PUBLIC) == 0)
        || (e->load == NULL && e->statement == NULL
            && vg_owner_asked(e, 0) == NULL))
    {
        return NGX_OK;
    }
    if ((row->flags & VG_EVERYBODYS) ? !vg_owner_callers(e)
                                     : vg_owner_callers(e)) {
        return NGX_OK;
    }
    vg_plugin_out(e->plugin, "%s: %s", e->label.data,
                  (row->flags & VG_EVERYBODYS)
                      ? "is everybody's, but a statement names the caller"
                      : "no statement names the caller, and the row does not "
                        "say VG_EVERYBODYS");
    return NGX_ERROR;
}

/*
 * pack.c: units of one :each statement as one execution of it.
 *
 * Each parameter becomes an array with an element for each unit, in
 * PostgreSQL's text form (manual, "Array Input and Output Syntax"). What they
 * get back has a row for each, in the same order.
 */

#include "conn.h"


/* In the order sent, what can be packed stands together. */
ngx_int_t
vg_pack_order(const ngx_queue_t *a, const ngx_queue_t *b)
{
    const vg_unit_t      *first = ngx_queue_data(a, vg_unit_t, queue);
    const vg_unit_t      *second = ngx_queue_data(b, vg_unit_t, queue);
    const vg_statement_t *x = first->statement, *y = second->statement;
    ngx_int_t             rc = ngx_strcmp(x->role, y->role);

    if (rc == 0 && x->each && y->each) {
        return ngx_strcmp(x->name, y->name);
    }
    return rc ? rc : (ngx_int_t) x->each - (ngx_int_t) y->each;
}


/* Links first to those after it that run the same, numbers all of them, and
 * returns the last. */
ngx_queue_t *
vg_pack_link(vg_conn_t *conn, ngx_queue_t *q)
{
    vg_unit_t   *first = ngx_queue_data(q, vg_unit_t, queue), *unit, *last;
    ngx_queue_t *next;

    last = first;
    for (next = ngx_queue_next(q); next != ngx_queue_sentinel(&conn->units);
         next = ngx_queue_next(next))
    {
        unit = ngx_queue_data(next, vg_unit_t, queue);
        if (ngx_strcmp(unit->statement->name, first->statement->name) != 0) {
            break;
        }
        unit->row = last->row + 1;
        last->packed = unit;
        last = unit;
    }
    for (unit = first; unit != NULL; unit = unit->packed) {
        unit->calls = last->row + 1;
    }
    return &last->queue;
}


static u_char *
vg_pack_element(u_char *p, const char *value)
{
    if (value == NULL) {
        return ngx_cpymem(p, "NULL", 4);
    }
    *p++ = '"';
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\') {
            *p++ = '\\';
        }
        *p++ = (u_char) *value;
    }
    *p++ = '"';
    return p;
}


static const char *
vg_pack_array(ngx_pool_t *pool, const vg_unit_t *first, ngx_uint_t i)
{
    size_t           size = sizeof("{}");
    u_char          *text, *p;
    const vg_unit_t *u;

    for (u = first; u != NULL; u = u->packed) {
        size += sizeof("NULL,") + (u->values[i] ? 2 * strlen(u->values[i]) : 0);
    }
    text = p = ngx_pnalloc(pool, size);
    if (p == NULL) {
        return NULL;
    }
    for (u = first; u != NULL; u = u->packed) {
        *p++ = u == first ? '{' : ',';
        p = vg_pack_element(p, u->values[i]);
    }
    *p++ = '}';
    *p = '\0';
    return (const char *) text;
}


const char **
vg_pack_values(ngx_pool_t *pool, const vg_unit_t *first)
{
    ngx_uint_t   i, n = first->statement->count;
    const char **values = ngx_palloc(pool, n * sizeof(const char *));

    for (i = 0; values != NULL && i < n; i++) {
        values[i] = vg_pack_array(pool, first, i);
        if (values[i] == NULL) {
            return NULL;
        }
    }
    return values;
}


void
vg_pack_rows(vg_unit_t *first, PGresult *rows)
{
    for (; first != NULL; first = first->packed) {
        first->rows = rows;
    }
}


/* nobody knows whose fault it was: each by itself shall say */
void
vg_pack_abort(vg_unit_t *first)
{
    for (; first != NULL; first = first->packed) {
        first->aborted = 1;
    }
}


void
vg_unit_clear(vg_unit_t *unit)
{
    vg_unit_t *link;

    for (link = unit->chain; link != NULL; link = link->link) {
        vg_unit_clear(link);
        link->failed = 0;
    }
    if (unit->packed == NULL) {
        PQclear(unit->rows);
    }
    unit->rows = NULL;
    unit->packed = NULL;
    unit->row = 0;
    unit->calls = 1;
}

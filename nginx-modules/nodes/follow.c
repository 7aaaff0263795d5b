/*
 * follow.c: the clerk along the log, for what workers keep in memory.
 *
 * Each node has its own position, in memory alone: it begins at the end, and
 * what was kept before is then forgotten, so nothing is missed. The bell is
 * only quicker; the log is what is believed.
 */

#include "events.h"
#include "nodes.h"

static vg_statement_t *vg_follow_end, *vg_follow_read;
static vg_unit_t       vg_follow_unit;
static ngx_uint_t      vg_follow_busy, vg_follow_again;
static char            vg_follow_pos[24]; /* "": not known yet             */
static const char     *vg_follow_values[1] = { vg_follow_pos };

typedef struct {
    const char *type;
    void (*handler)(vg_str_t aggregate);
} vg_follow_type_t;


ngx_int_t
vg_follow_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_follow_end, "follow_end",
                     "select coalesce(max(pos), 0) from vg.event", 0);
    vg_statement_kit(cf, &vg_follow_read, "follow_read",
                     "select e.pos, e.type, e.aggregate_id from vg.event as e"
                     " where e.pos > $1::bigint order by e.pos limit 500",
                     1);
    return vg_follow_end && vg_follow_read ? NGX_OK : NGX_ERROR;
}


/* -------------------------------------------------------------- what is told */

static void
vg_follow_tell(vg_str_t id)
{
    ngx_pid_t  pid;
    ngx_uint_t n;

    for (n = 0; n < VG_LINK_WORKERS; n++) {
        pid = vg_link_worker(n);
        if (pid != 0) {
            (void) vg_link_tell(pid, VG_LINK_DROP, id);
        }
    }
}


static const vg_follow_type_t vg_follow_types[] = {
    { "api_key.revoked.v1", vg_follow_tell },
    { NULL, NULL },
};


static void
vg_follow_event(vg_str_t type, vg_str_t aggregate)
{
    const vg_follow_type_t *t;

    for (t = vg_follow_types; t->type != NULL; t++) {
        if (vg_str_eq(type, t->type)) {
            t->handler(aggregate);
        }
    }
}


/* ------------------------------------------------------------------ reading */

static void
vg_follow_rest(ngx_uint_t more)
{
    vg_follow_busy = 0;
    if (more || vg_follow_again) {
        vg_follow_again = 0;
        vg_follow_tick();
    }
}


static void
vg_follow_begun(vg_unit_t *unit)
{
    if (unit->result == VG_UNIT_OK) {
        (void) snprintf(vg_follow_pos, sizeof(vg_follow_pos), "%s",
                        PQgetvalue(unit->rows, 0, 0));
        vg_follow_tell(VG_STR("")); /* all: this clerk may not be the first */
    }
    vg_follow_rest(0);
}


static void
vg_follow_have(vg_unit_t *unit)
{
    int       i, n = unit->result == VG_UNIT_OK ? PQntuples(unit->rows) : 0;
    PGresult *rows = unit->rows;

    for (i = 0; i < n; i++) {
        vg_follow_event(
            (vg_str_t){ PQgetvalue(rows, i, 1), PQgetlength(rows, i, 1) },
            (vg_str_t){ PQgetvalue(rows, i, 2), PQgetlength(rows, i, 2) });
    }
    if (n > 0) {
        (void) snprintf(vg_follow_pos, sizeof(vg_follow_pos), "%s",
                        PQgetvalue(rows, n - 1, 0));
    }
    vg_follow_rest(n > 0);
}


/* by the clock, or because the log has grown */
void
vg_follow_tick(void)
{
    if (ngx_exiting) {
        return;
    }
    if (vg_follow_busy) {
        vg_follow_again = 1;
        return;
    }
    vg_follow_busy = 1;
    if (vg_follow_pos[0] == '\0') {
        vg_kit_unit(&vg_follow_unit, vg_follow_end, vg_follow_values,
                    VG_LANE_READ, vg_follow_begun, NULL);
    } else {
        vg_kit_unit(&vg_follow_unit, vg_follow_read, vg_follow_values,
                    VG_LANE_READ, vg_follow_have, NULL);
    }
}

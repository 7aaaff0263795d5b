/*
 * poll.c: on worker 0 of each node, once a second: sagas whose time has come,
 * whose lease is over, or whose worker on this node is dead, are taken up;
 * they are counted; and those that are long over are forgotten. In each
 * database.
 */

#include <signal.h>

#include "sagas.h"

#define VG_SAGA_POLL  1000 /* ms                                          */
#define VG_SAGA_SWEEP 60   /* polls; while so many at once are over, the  */
#define VG_SAGA_OLD   1000 /* next                                        */

typedef struct {
    ngx_uint_t  database;
    ngx_uint_t  polls;
    ngx_event_t timer;
    ngx_pool_t *pool; /* of one poll's values                             */
    const char *values[5];
    vg_unit_t   unit, sweep;
    unsigned    sweeps:1;
    unsigned    more:1; /* are long over                               */
} vg_saga_poll_t;

static vg_statement_t *vg_saga_looking, *vg_saga_taking, *vg_saga_sweeping;
static vg_saga_poll_t  vg_saga_polls[VG_DATABASES];
static const char     *vg_saga_none[1];


ngx_int_t
vg_saga_poll_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_saga_looking, "saga_look",
        "select s.name, s.status, count(*), coalesce(bool_or(s.next_at <= now()"
        " and s.status <> 'STUCK'), false), string_agg(distinct s.pid::text,"
        " ' ') filter (where s.node = $1::text) from vg.saga s"
        " where s.status in ('RUNNING', 'UNDOING', 'STUCK')"
        " group by s.name, s.status",
        1);
    vg_statement_kit(
        cf, &vg_saga_taking, "saga_take",
        "with due as (select d.plugin, d.id, d.pid from vg.saga d"
        " where d.status in ('RUNNING', 'UNDOING')"
        " and d.plugin = any ($3::text[]) and (d.next_at <= now()"
        " or d.node = $1::text and d.pid = any ($4::bigint[]))"
        " order by d.next_at limit 64 for update skip locked)"
        " update vg.saga s set node = $1::text, pid = $2::bigint,"
        " next_at = now() + $5::bigint * interval '1 millisecond',"
        " moved_at = now(), version = s.version + 1,"
        /* a pause, and what passed before anybody could ask, do not count */
        " step_at = case when s.pid is null and (s.problem = 'plugin_paused'"
        " or s.problem is null and s.tries = 0) then now() else s.step_at end"
        " from due"
        " where s.plugin = due.plugin and s.id = due.id"
        " and s.status in ('RUNNING', 'UNDOING')"
        " returning" VG_SAGA_COLUMNS ", due.pid",
        5);
    vg_statement_kit(cf, &vg_saga_sweeping, "saga_sweep",
                     "with old as (select o.plugin, o.id from vg.saga o"
                     " where o.status in ('COMPLETED', 'UNDONE')"
                     " and o.moved_at < now() - interval '7 days' limit 1000),"
                     " gone as (delete from vg.saga s using old"
                     " where s.plugin = old.plugin and s.id = old.id"
                     " returning 1) select count(*) from gone",
                     0);
    return vg_saga_looking && vg_saga_taking && vg_saga_sweeping ? NGX_OK
                                                                 : NGX_ERROR;
}


static void
vg_saga_ask_database(vg_saga_poll_t *poll, vg_unit_t *unit,
                     const vg_statement_t *st, const char **values,
                     vg_lane_t lane, void (*done)(vg_unit_t *))
{
    vg_kit_make(unit, st, values, lane, done, poll);
    unit->database = poll->database;
    vg_unit_submit(unit);
}


static void
vg_saga_polled(vg_saga_poll_t *poll)
{
    if (poll->pool != NULL) {
        ngx_destroy_pool(poll->pool);
        poll->pool = NULL;
    }
    if (!ngx_exiting) {
        ngx_add_timer(&poll->timer, VG_SAGA_POLL);
    }
}


static void
vg_saga_taken(vg_unit_t *unit)
{
    int             i, n = 0;
    vg_saga_run_t  *run;
    vg_saga_poll_t *poll = unit->data;

    if (vg_kit_ok(unit)) {
        n = PQntuples(unit->rows);
    }
    vg_saga_polled(poll);
    for (i = 0; i < n; i++) {
        run = vg_saga_create(poll->database);
        if (run == NULL) {
            return; /* their leases end */
        }
        vg_saga_read(run, unit->rows, i);
        /* who rested before its first ask was asked by nobody */
        run->fresh = run->tries == 0 && PQgetisnull(unit->rows, i, 17);
        vg_saga_go(run);
    }
}


static void
vg_saga_push(char **list, vg_pool_t *pool, const char *item)
{
    *list = (char *) vg_printf(pool, "%s%s%s", *list ? *list : "{",
                               *list ? "," : "", item)
                .data;
}


/* the plugins of this database that may run here, as an array */
static const char *
vg_saga_able(vg_pool_t *pool, ngx_uint_t database)
{
    char              *list = NULL;
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    for (i = 0; i < vg_host->plugins.nelts; i++) {
        if (p[i]->database == database && vg_event_may(p[i])) {
            vg_saga_push(&list, pool, (const char *) p[i]->name.data);
        }
    }
    return list ? vg_printf(pool, "%s}", list).data : "{}";
}


static void
vg_saga_take(vg_saga_poll_t *poll, vg_pool_t *pool, const char *dead)
{
    const char **v = poll->values; /* the first is the node still */

    v[1] = vg_printf(pool, "%d", (int) ngx_pid).data;
    v[2] = vg_saga_able(pool, poll->database);
    v[3] = dead;
    v[4] = vg_printf(pool, "%d", VG_SAGA_LEASE).data;
    vg_saga_ask_database(poll, &poll->unit, vg_saga_taking, v, VG_LANE_WRITE,
                         vg_saga_taken);
}


/* those of "1 2 3" whose process is gone, added to an array */
static void
vg_saga_dead(vg_pool_t *pool, char **list, const char *pids)
{
    char *end;
    long  pid;

    for (pid = strtol(pids, &end, 10); pid > 0; pid = strtol(end, &end, 10)) {
        if (kill((pid_t) pid, 0) == -1 && ngx_errno == ESRCH) {
            vg_saga_push(list, pool, vg_printf(pool, "%ld", pid).data);
        }
    }
}


static void
vg_saga_count_row(PGresult *rows, int row)
{
    ngx_uint_t state;

    for (state = 0; state < VG_SAGA_STATES; state++) {
        if (ngx_strcmp(PQgetvalue(rows, row, 1), vg_saga_states[state]) == 0) {
            vg_saga_count_now(vg_str(PQgetvalue(rows, row, 0)), state,
                              strtoul(PQgetvalue(rows, row, 2), NULL, 10));
        }
    }
}


static void
vg_saga_looked(vg_unit_t *unit)
{
    int             i, n = 0;
    char           *dead = NULL;
    ngx_uint_t      due = 0;
    vg_pool_t       pool;
    vg_saga_poll_t *poll = unit->data;

    if (!vg_kit_ok(unit) || ngx_exiting) {
        vg_saga_polled(poll);
        return;
    }
    poll->polls++;
    pool = vg_arena_of(poll->pool);
    vg_saga_count_none(poll->database);
    n = PQntuples(unit->rows);
    for (i = 0; i < n; i++) {
        vg_saga_count_row(unit->rows, i);
        due |= PQgetvalue(unit->rows, i, 3)[0] == 't';
        vg_saga_dead(&pool, &dead, PQgetvalue(unit->rows, i, 4));
    }
    if (due || dead != NULL) {
        vg_saga_take(poll, &pool,
                     dead ? vg_printf(&pool, "%s}", dead).data : "{}");
    } else {
        vg_saga_polled(poll);
    }
}


static void
vg_saga_swept(vg_unit_t *unit)
{
    vg_saga_poll_t *poll = unit->data;

    poll->sweeps = 0;
    poll->more =
        vg_kit_ok(unit)
        && strtoul(PQgetvalue(unit->rows, 0, 0), NULL, 10) >= VG_SAGA_OLD;
}


static void
vg_saga_look(ngx_event_t *ev)
{
    vg_pool_t       pool;
    vg_saga_poll_t *poll = ev->data;

    if ((poll->more || poll->polls % VG_SAGA_SWEEP == 1) && !poll->sweeps) {
        poll->sweeps = 1;
        vg_saga_ask_database(poll, &poll->sweep, vg_saga_sweeping, vg_saga_none,
                             VG_LANE_SLOW, vg_saga_swept);
    }
    poll->pool = ngx_create_pool(1024, ev->log);
    if (poll->pool == NULL) {
        vg_saga_polled(poll);
        return;
    }
    pool = vg_arena_of(poll->pool);
    poll->values[0] =
        vg_printf(&pool, "%.*s", (int) vg_host->node.len, vg_host->node.data)
            .data;
    vg_saga_ask_database(poll, &poll->unit, vg_saga_looking, poll->values,
                         VG_LANE_READ, vg_saga_looked);
}


void
vg_saga_poll_start(void)
{
    ngx_uint_t      i;
    vg_saga_poll_t *poll;

    for (i = 0; i < vg_host->databases.nelts; i++) {
        poll = &vg_saga_polls[i];
        poll->database = i;
        poll->timer.handler = vg_saga_look;
        poll->timer.data = poll;
        poll->timer.log = ngx_cycle->log;
        poll->timer.cancelable = 1;
        ngx_add_timer(&poll->timer, VG_SAGA_POLL);
    }
}

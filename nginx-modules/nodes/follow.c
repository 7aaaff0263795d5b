/*
 * follow.c: what of the log concerns what workers keep in memory: revoked keys
 * and tokens. The log is read by events' follower.c; the bell is only quicker.
 */

#include "nodes.h"

typedef struct {
    const char *type;
    void (*handler)(vg_str_t aggregate, vg_str_t payload);
} vg_follow_type_t;


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


static void
vg_follow_key(vg_str_t aggregate, vg_str_t payload)
{
    (void) payload;
    vg_follow_tell(aggregate);
}


static void
vg_follow_revoked(vg_str_t aggregate, vg_str_t payload)
{
    (void) aggregate;
    vg_revoked_heard(payload);
}


static const vg_follow_type_t vg_follow_types[] = {
    { "api_key.revoked.v1", vg_follow_key },
    { "api_key.updated.v1", vg_follow_key },
    { VG_REVOKED_EVENT, vg_follow_revoked },
    { NULL, NULL },
};


void
vg_nodes_followed(vg_str_t type, vg_str_t aggregate, vg_str_t payload)
{
    const vg_follow_type_t *t;

    for (t = vg_follow_types; t->type != NULL; t++) {
        if (vg_str_eq(type, t->type)) {
            t->handler(aggregate, payload);
        }
    }
}


void
vg_nodes_unfollowed(void)
{
    vg_follow_tell(VG_STR(""));
    vg_revoked_unheard();
}

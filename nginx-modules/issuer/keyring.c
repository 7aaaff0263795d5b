/*
 * keyring.c: this worker's signing keys. The folder is looked at once a second,
 * so that `voltgate keys rotate` needs no reload, which would hand chargers
 * over; what cannot be read is told once, and the keys that are held stay.
 */

#include <sys/stat.h>

#include "identity.h"
#include "issuer.h"

#define VG_KEYRING_LOOK 1000 /* ms */

static struct {
    vg_signing_t   *keys;
    struct timespec seen;     /* of the folder                            */
    char            why[256]; /* it was not taken, as told; "": it was    */
    ngx_event_t     look;
} vg_ring;


/* All that lie there, for auth: one that is not shown any more has signed
 * nothing that is still valid. */
static vg_jwt_keys_t *
vg_keyring_verify(const vg_signing_t *keys)
{
    size_t         i;
    const char    *wrong = NULL;
    vg_str_t       none = { NULL, 0 };
    vg_jwt_keys_t *set = vg_jwt_keys_create(VG_JWT_ES256 | VG_JWT_RS256, true);

    for (i = 0; set != NULL && i < keys->count && wrong == NULL; i++) {
        wrong = vg_jwt_keys_add(set, keys->key[i].pkey, none);
    }
    if (wrong != NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: signing key %s: %s", keys->key[i - 1].kid,
                      wrong);
    }
    return set;
}


static void
vg_keyring_take(vg_signing_t *keys)
{
    vg_signing_free(vg_ring.keys);
    vg_ring.keys = keys;
    vg_auth_house(vg_keyring_verify(keys));
}


/* Has the folder changed? A folder that is gone has not. What came within the
 * same tick of its clock as the look before left the same time behind, so one
 * that has just changed is looked at again. */
static ngx_uint_t
vg_keyring_moved(void)
{
    time_t      age;
    ngx_uint_t  same;
    struct stat st;

    if (stat((const char *) vg_issuer->folder.data, &st) != 0) {
        return 0;
    }
    age = ngx_time() - st.st_mtim.tv_sec;
    same = st.st_mtim.tv_sec == vg_ring.seen.tv_sec
           && st.st_mtim.tv_nsec == vg_ring.seen.tv_nsec;
    vg_ring.seen = st.st_mtim;
    return !same || (age >= 0 && age < 2);
}


static void
vg_keyring_read(void)
{
    char          why[256];
    vg_signing_t *keys;

    keys = vg_signing_read((const char *) vg_issuer->folder.data, why);
    if (keys == NULL && ngx_strcmp(why, vg_ring.why) != 0) {
        (void) ngx_cpystrn((u_char *) vg_ring.why, (u_char *) why, sizeof(why));
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: voltgate_signing_keys %V: %s; the keys that "
                      "are held stay",
                      &vg_issuer->folder, why);
    }
    if (keys != NULL) {
        vg_ring.why[0] = '\0';
        vg_keyring_take(keys);
    }
}


/* A file that is still being written, or whose mode was wrong, becomes one that
 * can be read without a change of its folder. */
static ngx_uint_t
vg_keyring_due(void)
{
    return vg_keyring_moved() || vg_ring.why[0] != '\0';
}


static void
vg_keyring_look(ngx_event_t *ev)
{
    if (vg_keyring_due()) {
        vg_keyring_read();
    }
    ngx_add_timer(ev, VG_KEYRING_LOOK);
}


void
vg_keyring_start(const vg_issuer_conf_t *conf)
{
    if (conf->folder.len == 0) {
        return;
    }
    (void) vg_keyring_moved();
    vg_keyring_read();
    vg_ring.look.handler = vg_keyring_look;
    vg_ring.look.data = &vg_nobody;
    vg_ring.look.log = ngx_cycle->log;
    vg_ring.look.cancelable = 1;
    ngx_add_timer(&vg_ring.look, VG_KEYRING_LOOK);
}


void
vg_keyring_stop(void)
{
    if (vg_ring.look.timer_set) {
        ngx_del_timer(&vg_ring.look);
    }
    vg_signing_free(vg_ring.keys);
    vg_ring.keys = NULL;
}


const vg_signing_t *
vg_keyring(void)
{
    return vg_ring.keys;
}

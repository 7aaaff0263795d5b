/*
 * around.h: hooks, the rows by which a plugin stands before or behind another
 * one's route.
 */

#ifndef VG_AROUND_H
#define VG_AROUND_H

#include "host.h"

/* where on a call's way */
typedef enum {
    VG_AROUND_FIELDS, /* before its fields are looked at                    */
    VG_AROUND_ROUTE,  /* behind them, before the route's own plugin         */
    VG_AROUND_ANSWER, /* behind that                                        */
    VG_AROUND_PLACES,
} vg_around_place_t;

/* What stands at one route, in order: of place p those from first[p] on, until
 * first[p + 1]. */
struct vg_around_s {
    vg_endpoint_t **hooks;
    ngx_uint_t      first[VG_AROUND_PLACES + 1];
};

/* Would all hooks have an order, were this generation the present one? */
ngx_int_t vg_around_try(vg_host_t *host, const vg_plugin_slot_t *plugin,
                        char *why, size_t size);

/* Puts those of the present generations in order. NGX_ERROR: why says what is
 * wrong; those who stand in a circle stand by their names then. Joined anew at
 * each change of host->plugins. */
ngx_int_t vg_around_join(vg_host_t *host, char *why, size_t size);

/* Runs those that stand there, one after the other; then next(), in any case,
 * with the error of the one that refused. The call may be over by then. */
void vg_around_run(vg_call_t *call, vg_around_place_t place,
                   void (*next)(vg_call_t *));

typedef struct {
    ngx_uint_t after;
    vg_str_t   name;
} vg_stand_word_t;

/* the next of "after NAME, before NAME"; VG_ERROR: it is not said so;
 * VG_DONE: there is none */
vg_rc_t vg_stand_next(const char **p, vg_stand_word_t *word);

/* behind the method that a hook's path begins with; NULL: it begins with none */
const char *vg_stand_path(const vg_endpoint_t *hook, vg_method_t *method);

/* NULL, or what is wrong with a row's `stands`, and with a hook by itself */
const char *vg_around_wrong(const vg_endpoint_t *e);

#endif /* VG_AROUND_H */

/*
 * fan.h: one question of the house to each database, and one answer of all.
 */

#ifndef VG_FAN_H
#define VG_FAN_H

#include "db.h"

typedef enum {
    VG_FAN_LIST,  /* rows (body, id): the latest first, as a page          */
    VG_FAN_NAMES, /* the same in the order of ids                         */
    VG_FAN_ONE,   /* a row (body, …) of one of them; body NULL: a conflict */
    VG_FAN_SUM,   /* a row (number) each: {"count": their sum}             */
} vg_fan_kind_t;

/* Asks all databases at once, and goes on with vg_call_awaited() when the last
 * has answered; if one cannot, so says the call. To be called by a house
 * route's run(); values live as long as the call. */
void vg_fan_run(vg_call_t *call, vg_fan_kind_t kind, const vg_statement_t *st,
                const char **values, vg_lane_t lane);

/* For values: s, which ends in a NUL then; data NULL is NULL. A field as text,
 * or NULL; and for a list, its cursor and how many
 * are asked for, which is one more than are shown. */
const char *vg_fan_text(vg_call_t *call, vg_str_t s);
const char *vg_fan_field(vg_call_t *call, const char *name);
const char *vg_fan_cursor(vg_call_t *call);
const char *vg_fan_limit(vg_call_t *call);

#endif /* VG_FAN_H */

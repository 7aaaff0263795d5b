/*
 * outgoing.h: what a step asks of the outside, whoever is asked. Rooms offer
 * ways (ocpp/way.c, outbound/request.c, outbound/mail.c), steps.c takes them.
 */

#ifndef VG_OUTGOING_H
#define VG_OUTGOING_H

#include "vg.h"

/* What came of something that was asked of the outside: of a charge point, a
 * service, a mail server. Lives until the callback returns. */
typedef struct {
    const char *error;  /* an error's name; NULL: it went well            */
    vg_str_t    result; /* JSON text                                      */
    vg_str_t    detail; /* with error: a JSON object; data NULL: none     */
} vg_said_t;

typedef void (*vg_said_pt)(void *data, const vg_said_t *said);

/* A way out of the house, of what a step's command() has bound. said is called
 * once, within a time of its own, never before this returns unless there is no
 * memory; who asks holds the call until then. */
typedef void (*vg_way_pt)(vg_call_t *call, const void *what, vg_said_pt said,
                          void *data);

#endif /* VG_OUTGOING_H */

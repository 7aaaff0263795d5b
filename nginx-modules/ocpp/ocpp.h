/*
 * ocpp.h: what other rooms ask of this one.
 */

#ifndef VG_OCPP_H
#define VG_OCPP_H

#include "host.h"

typedef enum {
    VG_OCPP_OK,            /* result                                       */
    VG_OCPP_ERROR,         /* a CALLERROR: code, description               */
    VG_OCPP_NOT_CONNECTED, /* nothing was sent; also: not accepted yet     */
    VG_OCPP_SILENT,        /* sent or not, no answer: not to be repeated   */
    VG_OCPP_FULL,          /* too many commands wait for this charger      */
} vg_ocpp_status_t;

typedef struct {
    vg_ocpp_status_t status;
    vg_str_t         result; /* JSON text of the CALLRESULT's payload      */
    vg_str_t         code;
    vg_str_t         description;
} vg_ocpp_outcome_t;

/* outcome lives until done returns */
typedef void (*vg_ocpp_done_pt)(void *data, const vg_ocpp_outcome_t *outcome);

/* Sends a CALL, whichever worker holds the socket. payload: a JSON object.
 * timeout in ms, 0: voltgate_ocpp_call_timeout. done is called once, never
 * before this returns, unless there is no memory. Sent at most once. */
void vg_ocpp_command(vg_str_t charge_point, const char *action,
                     vg_str_t payload, ngx_msec_t timeout, vg_ocpp_done_pt done,
                     void *data);

/* its counts, for the metrics */
void vg_ocpp_metrics(vg_out_t *out);

#endif /* VG_OCPP_H */

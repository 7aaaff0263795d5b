/*
 * signature.h: what a provider's header says of who signed, and when.
 *
 * Pure: knows neither the kit nor a secret.
 */

#ifndef BILLING_SIGNATURE_H
#define BILLING_SIGNATURE_H

#include "vg_json.h"

#define SIGNATURES 8 /* of one header; more are not looked at             */

typedef struct {
    vg_str_t when; /* as it is written, since that is what was signed     */
    int64_t  at;   /* the same, in s since 1970                           */
    vg_str_t v1[SIGNATURES];
    unsigned count;
} signature_t;

/* "t=1763772000,v1=5257a8…,v1=…,v0=…": one t, and at least one v1 of 64
 * digits. false: it is no such thing. */
bool signature_read(vg_str_t header, signature_t *signature);

#endif /* BILLING_SIGNATURE_H */

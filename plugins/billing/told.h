/*
 * told.h: what a webhook of a provider says: the event's name and kind, and
 * which payment it is about. Whether it is true is signature.c's and the push's.
 *
 * Pure: knows neither the kit nor the database.
 */

#ifndef BILLING_TOLD_H
#define BILLING_TOLD_H

#include "vg_json.h"

#define TOLD_NAME 255   /* bytes of an id, of a type                         */
#define TOLD_OLD  90000 /* s; Razorpay's: sent again for a day               */
#define TOLD_SKEW 300   /* s; how far ahead their clock may be               */

typedef struct {
    vg_str_t event, type; /* 1 to TOLD_NAME bytes that can be seen            */
    vg_str_t ref;         /* the provider's payment; data NULL: it says none  */
    vg_str_t intent;      /* ours, a uuid; the same                           */
} told_t;

typedef enum { TOLD_OK, TOLD_NONSENSE, TOLD_OLDER } told_rc_t;

/* now: s since 1970. What has its id in a header is given that. */
told_rc_t told_stripe(const vg_json_t *body, told_t *told);
told_rc_t told_razorpay(const vg_json_t *body, vg_str_t event, int64_t now,
                        told_t *told);

#endif /* BILLING_TOLD_H */

/*
 * bill.h: an invoice while it is reckoned. invoice.c reads it, sums it and
 * prints it; benefit.c takes off what a subscription gives.
 *
 * Amounts come in with at most 12 places and are held in 10^-12 of the
 * currency; rates in 10^-4 per cent; volumes in 10^-9 of their unit.
 */

#ifndef BILLING_BILL_H
#define BILLING_BILL_H

#include "benefit.h"
#include "exact.h"

#define RATE_PLACES   4
#define VOLUME_PLACES 9
#define HUNDRED       ((exact_t) 1000000) /* per cent, in 10^-4          */

typedef struct {
    vg_str_t type, kind, text, reservation, unit, price;
    exact_t  rate, volume, amount;
    bool     priced; /* MIN_PRICE and MAX_PRICE are not                   */
    exact_t  minor, rest; /* the line's share in minor units, and what of
                             one was cut off                              */
} line_t;

typedef struct {
    exact_t rate, base, amount; /* base and amount in minor units         */
    exact_t listed, sum; /* without a least or highest price, and with it */
} tax_t;

typedef struct {
    vg_pool_t *pool;
    int        digits;
    exact_t    unit; /* one minor unit, in 10^-12                         */
    bool       unknown, lessened; /* lessened: by a benefit               */
    size_t     nlines, ntaxes, adjusted;
    line_t    *lines;
    tax_t     *taxes;
} bill_t;

/* Once the sums of its rates are known; there is room for one more line for each
 * line and each rate. False: no memory. */
bool benefit_take(bill_t *bill, benefit_t *benefit);

#endif

/*
 * exact.h: decimal numbers as integers, in multiples of 10^-places.
 */

#ifndef BILLING_EXACT_H
#define BILLING_EXACT_H

#include "vg_json.h"

/* holds 20,000 times the largest number of 12 places, and a billion of that */
typedef __int128 exact_t;

#define EXACT_DIGITS 12 /* that are read before the point                */

/* False, and 0: none, with an exponent, or with too many digits on either side. */
bool exact_read(vg_str_t text, int places, exact_t *value);

/* Without needless zeros behind the first least places; data NULL: no
 * memory. */
vg_str_t exact_print(vg_pool_t *pool, exact_t value, int places, int least);

/* to the nearest, half away from zero */
exact_t exact_divide(exact_t value, exact_t by);

/* value times part of whole, cut; value >= 0, 0 <= part <= whole, whole > 0.
 * The product may be larger than any exact_t: it is not made. */
exact_t exact_share(exact_t value, exact_t part, exact_t whole);

#endif

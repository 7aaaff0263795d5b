/*
 * prorate.h: what a part of a cycle is worth.
 *
 * Pure. Money is in minor units, time in microseconds, as the clock of the
 * plan's zone cut the cycle; both are integers.
 *
 * There is one rounding: what is used up of a price from the cycle's beginning
 * to a moment, half up to the minor unit. Everything else is a difference of
 * such: what is left is the price less what is used, what a part costs is what
 * is used at its end less what was at its beginning. So the parts of a cycle
 * add up to its price, however it is cut, and who goes up and down in one
 * moment has paid nothing for it.
 */

#ifndef BILLING_PRORATE_H
#define BILLING_PRORATE_H

#include "exact.h"

/* What is left of a price after elapsed of whole: price at 0 or before, 0 at
 * the end or behind. whole > 0; price * whole fits exact_t with a digit to
 * spare for prices below 10^18 and cycles below 10^15 us. */
exact_t prorate_left(exact_t price, int64_t elapsed, int64_t whole);

/* What a change from one price to another costs at that moment; below zero it
 * is given back. */
exact_t prorate_change(exact_t from, exact_t to, int64_t elapsed,
                       int64_t whole);

#endif

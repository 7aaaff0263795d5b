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
 * moment has paid nothing for it, unless energy was used.
 */

#ifndef BILLING_PRORATE_H
#define BILLING_PRORATE_H

#include "exact.h"

/* What is left of a price after elapsed of whole: price at 0 or before, 0 at
 * the end or behind. whole > 0; price * whole fits exact_t with a digit to
 * spare for prices below 10^18 and cycles below 10^15 us. */
exact_t prorate_left(exact_t price, int64_t elapsed, int64_t whole);

/* What is left of a price where its cycle includes energy: of its time or of
 * its energy, whichever is less, so that nobody is given back what was used.
 * Energy is in 10^-9 kWh; included 0: time alone. */
exact_t prorate_unused(exact_t price, int64_t elapsed, int64_t whole,
                       int64_t used, int64_t included);

/* What a cycle includes when its plan changes: of what it had (had; of which
 * the plan's own was from) what belongs to the time before, or what was used of
 * it, where that is more; and of the other plan's what belongs to the rest. */
exact_t prorate_energy(exact_t had, exact_t from, exact_t to, exact_t used,
                       int64_t elapsed, int64_t whole);

#endif

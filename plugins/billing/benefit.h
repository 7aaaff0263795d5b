/*
 * benefit.h: what a subscription gives a session: so much of its energy is
 * paid with the plan, and the rest of it costs less.
 *
 * Pure. Energy is what the tariff's energy lines say that cost something; what
 * is free uses nothing up. Where prices differ within a session the included
 * energy is of each line the same share: no line comes first. It takes off what
 * that share costs; a tariff's highest price has lowered that in proportion, a
 * least price has not, and stays. The discount is off what energy costs then.
 *
 * What is taken off is cut to 10^-12 of the currency, so no rate and no total
 * falls below zero.
 */

#ifndef BILLING_BENEFIT_H
#define BILLING_BENEFIT_H

#include "vg_json.h"

typedef struct {
    vg_str_t included; /* kWh that are left; data NULL: none              */
    vg_str_t discount; /* per cent off energy; data NULL: none            */
    vg_str_t taken;    /* out: kWh that were used of those that are left  */
} benefit_t;

#endif

/*
 * receipt.h: JSON in, JSON out: what the plugin's hooks and its tests call.
 */

#ifndef PRICING_RECEIPT_H
#define PRICING_RECEIPT_H

#include "fault.h"

/* Prices input (as in session.h) by the tariff in json: OCPI's CDR costs and
 * the lines that they are made of, as README.md describes them. data NULL:
 * faults say why, those of the tariff under "tariff.". */
vg_str_t receipt(vg_pool_t *pool, const vg_json_t *input, const vg_json_t *json,
                 faults_t *faults);

/* What a session that began now in this zone would pay, per dimension:
 * {"ENERGY":{"element":0,"price":0.25,"vat":10,"step_size":1} and so on}. What
 * depends on current or power is left out: neither is known yet. data NULL:
 * the tariff or the zone is wrong. */
vg_str_t prices_at(vg_pool_t *pool, const vg_json_t *json, vg_str_t name,
                   int64_t now);

#endif

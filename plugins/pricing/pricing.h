/*
 * pricing.h: the hooks of pricing's routes, for the manifest.
 */

#ifndef PRICING_PRICING_H
#define PRICING_PRICING_H

#include "vg.h"

extern const vg_field_t tariff_set_fields[];
extern const vg_field_t station_prices_fields[];
extern const vg_field_t rate_list_fields[];
extern const vg_field_t quote_fields[];
extern const vg_field_t rate_fields[];
extern const vg_field_t surge_fields[];
extern const vg_field_t station_told_fields[];
extern const vg_field_t station_gone_fields[];

vg_rc_t tariff_set_check(vg_call_t *call);
vg_rc_t station_prices_render(vg_call_t *call);
vg_rc_t rate_list_render(vg_call_t *call);
vg_rc_t quote_check(vg_call_t *call);
vg_rc_t rate_check(vg_call_t *call);

#endif

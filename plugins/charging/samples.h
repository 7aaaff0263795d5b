/*
 * samples.h: OCPP's meterValue[] as rows. Pure C.
 */

#ifndef SAMPLES_H
#define SAMPLES_H

#include "vg_json.h"

/* The samples of a meterValue[] as the text of a charging.sample[], each with
 * OCPP's defaults filled in (1.6, 7.43), energy in Wh, power in kW, current in
 * A, exact. NULL gives the empty array; data NULL: no memory. */
vg_str_t samples_text(vg_pool_t *pool, const vg_json_t *meter);

#endif

/*
 * decimal.h: exact amounts. Owns their units; knows no tariff.
 *
 * Prices, volumes and percentages are int64_t in the units below. Money is
 * an integer number of ninths of 10^-22 of the currency: the smallest unit in
 * which price x microseconds / 3600, price x energy, and VAT on both have no
 * remainder. Nothing is rounded before it is printed.
 */

#ifndef PRICING_DECIMAL_H
#define PRICING_DECIMAL_H

#include "vg_json.h"

#define PRICE_PLACES  6  /* currency per kWh, hour, session: 10^-6        */
#define VAT_PLACES    4  /* per cent: 10^-4                               */
#define ENERGY_PLACES 9  /* kWh: 10^-9                                    */
#define POWER_PLACES  6  /* kW and A: 10^-6                               */
#define EXACT_PLACES  12 /* of unrounded amounts in answers              */
#define TOTAL_PLACES  4  /* of OCPI's totals                              */

#define SECOND ((int64_t) 1000000) /* in microseconds                    */
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define WH     ((int64_t) 1000000) /* in 10^-9 kWh                       */

typedef __int128 money_t;

/* A JSON number (exponents too) as a multiple of 10^-places. False: no
 * number, digits behind the places, negative, or above max. */
bool decimal_parse(vg_str_t text, int places, int64_t max, int64_t *value);

/* Digits behind the point of a JSON number without exponent. */
int decimal_places(vg_str_t text);

/* A multiple of 10^-places without needless zeros; data NULL: no memory. */
vg_str_t decimal_print(vg_pool_t *pool, money_t value, int places);

/* value x part / whole, to the nearest, half up; whole 0 gives value */
int64_t share(int64_t value, int64_t part, int64_t whole);

/* False: too large to be held. */
bool money_time(int64_t price, int64_t microseconds, money_t *money);
bool money_energy(int64_t price, int64_t energy, money_t *money);
bool money_flat(int64_t price, money_t *money);
bool money_with_vat(money_t money, int64_t vat, money_t *with);
bool money_add(money_t *sum, money_t money);

/* Half up (away from zero), as a multiple of 10^-places. */
money_t money_round(money_t money, int places);

#endif

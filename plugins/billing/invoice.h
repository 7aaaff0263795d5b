/*
 * invoice.h: the arithmetic of an invoice.
 *
 * Pure: knows neither the kit nor the database. From the lines that the
 * tariff engine rated to lines, taxes and totals in the currency's minor
 * unit. Integers only.
 *
 * There is one rounding of money for each rate of tax, half up (away from
 * zero): the exact sum of the lines of that rate, to the minor unit. The
 * lines share it out by largest remainder, so they add up to it and none is
 * off by a whole unit. Tax is that rounded sum times the rate, rounded the
 * same way, as the reader of the invoice can check.
 */

#ifndef BILLING_INVOICE_H
#define BILLING_INVOICE_H

#include "benefit.h"

typedef enum {
    INVOICE_OK,
    INVOICE_NOTHING,  /* there is nothing to pay                         */
    INVOICE_NONSENSE, /* the costs are no costs                          */
    INVOICE_NO_MEMORY,
} invoice_rc_t;

/* costs: as `pricing.rate` answers them; a line may have a kind of its own, and
 * one with a text, which a person wrote, has no amount: it is price times
 * volume. tax_rate: per cent, for lines whose
 * tariff names no VAT; data NULL: not known, taxed at 0 and marked. minor_units: digits that the currency has behind
 * the point. benefit: what a subscription gives; NULL: nothing.
 * *invoice: {currency, minorUnits, lines:[{type, kind?, text?, reservation, unit, price,
 * volume, taxRate, amount}], taxes:[{rate, base, amount}], net, tax, total,
 * taxUnknown}. */
invoice_rc_t invoice_make(vg_pool_t *pool, const vg_json_t *costs,
                          vg_str_t tax_rate, vg_str_t minor_units,
                          benefit_t *benefit, vg_str_t *invoice);

#endif

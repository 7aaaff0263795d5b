/*
 * page.h: what an invoice looks like on paper, as a document for vg_paper().
 * Pure: knows neither the kit nor the database.
 */

#ifndef BILLING_PAGE_H
#define BILLING_PAGE_H

#include "vg_json.h"

/* shown: {invoice, minorUnits, seller, buyer} as invoice_page.sql has it; with
 * `corrects`, the number of the invoice that it corrects, a credit note.
 * Nothing of it is computed here but what is left to pay. data NULL: no
 * memory, or no invoice. */
vg_str_t page_make(vg_pool_t *pool, const vg_json_t *shown);

#endif

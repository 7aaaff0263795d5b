/*
 * words.h: all words that an invoice has of its own, by language. Pure.
 */

#ifndef BILLING_WORDS_H
#define BILLING_WORDS_H

#include "vg_json.h"

/* what a line is for, by its kind, or by its type */
typedef struct {
    const char *kind, *words;
} words_kind_t;

typedef struct {
    const char *invoice, *credit_note, *number, *date, *due, *supplied, *utc;
    const char *corrects, *customer, *bill_to, *vat_id, *register_;
    const char *position, *description, *quantity, *price, *tax, *amount;
    const char *net, *tax_of, *total, *paid, *credited, *open, *settled;
    const char *pay, *pay_by, *naming, *reason, *unknown_tax, *page;
    const words_kind_t *kinds; /* ends with a NULL kind */
} words_t;

extern const words_t words_english;

/* data NULL: the language has no words for it */
vg_str_t words_of(const words_t *words, vg_str_t kind);

#endif

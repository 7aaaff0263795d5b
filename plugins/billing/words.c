/*
 * words.c: see words.h. Another language is another table.
 */

#include "words.h"

static const words_kind_t kinds_english[] = {
    { "ENERGY", "Charging, by energy" },
    { "TIME", "Charging, by time" },
    { "PARKING_TIME", "Time connected without charging" },
    { "FLAT", "Fee for the session" },
    { "MIN_PRICE", "Up to the least price" },
    { "MAX_PRICE", "Down to the highest price" },
    { "INCLUDED", "Included in the subscription" },
    { "DISCOUNT", "Discount by the subscription" },
    { "RESERVATION", "Reservation" },
    { "SUBSCRIPTION", "Subscription" },
    { "PARKING", "Parking" },
    { "CREDIT", "Credit" },
    { NULL, NULL },
};

const words_t words_english = {
    .invoice = "Invoice",
    .credit_note = "Credit note",
    .number = "Number",
    .date = "Date",
    .due = "Due",
    .supplied = "Supplied",
    .utc = "UTC",
    .corrects = "Corrects",
    .customer = "Customer",
    .bill_to = "Bill to",
    .vat_id = "VAT ID",
    .register_ = "Register",
    .position = "#",
    .description = "Description",
    .quantity = "Quantity",
    .price = "Unit price",
    .tax = "Tax",
    .amount = "Amount",
    .net = "Net",
    .tax_of = "of",
    .total = "Total",
    .paid = "Paid",
    .credited = "Credited",
    .open = "To pay",
    .settled = "This invoice is settled. Nothing is to be paid.",
    .pay = "Please pay",
    .pay_by = "by",
    .naming = "and name",
    .reason = "Reason:",
    .unknown_tax = "No rate of tax is known for this supply; none was charged.",
    .kinds = kinds_english,
    .page = "Page {page} of {pages}",
};


vg_str_t
words_of(const words_t *words, vg_str_t kind)
{
    const words_kind_t *k;

    for (k = words->kinds; k->kind != NULL; k++) {
        if (vg_str_eq(kind, k->kind)) {
            return vg_str(k->words);
        }
    }
    return (vg_str_t){ NULL, 0 };
}

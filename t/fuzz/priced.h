/*
 * priced.h: what must hold of every price and every invoice.
 */

#ifndef VG_FUZZ_PRICED_H
#define VG_FUZZ_PRICED_H

#include "../../plugins/billing/invoice.h"
#include "fuzz.h"

#define TRILLION ((__int128) 1000000000000)


static inline __int128
member(const vg_json_t *node, const char *name, int places)
{
    return fuzz_decimal(vg_json_text(node, name), places);
}


/* an amount of all items of a list; one that has none counts as nothing */
static inline __int128
sum_of(const vg_json_t *list, const char *name, int places)
{
    __int128 sum = 0;

    REQUIRE(list != NULL && list->type == VG_JSON_ARRAY);
    for (list = list->first; list != NULL; list = list->next) {
        if (vg_json_get(list, name) != NULL) {
            sum += member(list, name, places);
        }
    }
    return sum;
}


/* 10^-12 to 10^-4, half up; nothing here is below zero */
static inline __int128
rounded(__int128 amount)
{
    return (amount + 50000000) / 100000000;
}


static inline void
priced(const vg_json_t *costs)
{
    static const char *const parts[] = { "total_fixed_cost",
                                         "total_energy_cost", "total_time_cost",
                                         "total_parking_cost",
                                         "total_reservation_cost" };
    size_t                   i;
    const vg_json_t         *lines = vg_json_get(costs, "lines");
    const vg_json_t         *exact = vg_json_get(costs, "unrounded");
    const vg_json_t         *total = vg_json_get(costs, "total_cost");

    REQUIRE(costs != NULL);
    REQUIRE(member(exact, "excl_vat", 12) >= 0);
    REQUIRE(sum_of(lines, "excl_vat", 12) == member(exact, "excl_vat", 12));
    REQUIRE(member(total, "excl_vat", 4)
            == rounded(member(exact, "excl_vat", 12)));
    if (vg_json_get(exact, "incl_vat") != NULL) {
        REQUIRE(member(exact, "incl_vat", 12) >= 0);
        REQUIRE(sum_of(lines, "incl_vat", 12) == member(exact, "incl_vat", 12));
        REQUIRE(member(total, "incl_vat", 4)
                == rounded(member(exact, "incl_vat", 12)));
    }
    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        REQUIRE(member(vg_json_get(costs, parts[i]), "excl_vat", 4) >= 0);
    }
}


/* an invoice's own sums, in minor units */
static inline void
adds_up(const vg_json_t *invoice)
{
    int      digits = (int) member(invoice, "minorUnits", 0);
    __int128 net = member(invoice, "net", digits);
    __int128 tax = member(invoice, "tax", digits);

    REQUIRE(sum_of(vg_json_get(invoice, "lines"), "amount", digits) == net);
    REQUIRE(sum_of(vg_json_get(invoice, "taxes"), "base", digits) == net);
    REQUIRE(sum_of(vg_json_get(invoice, "taxes"), "amount", digits) == tax);
    REQUIRE(member(invoice, "total", digits) == net + tax);
}


static inline void
invoiced(vg_pool_t *pool, vg_str_t text)
{
    const vg_json_t *invoice = vg_json_parse(pool, text, NULL);

    REQUIRE(invoice != NULL);
    adds_up(invoice);
}


/* What was priced can be billed, up to a trillion, and is not below zero. */
static inline void
billed(vg_pool_t *pool, const vg_json_t *costs)
{
    vg_str_t     text = { NULL, 0 };
    invoice_rc_t rc =
        invoice_make(pool, costs, VG_STR("19"), VG_STR("2"), NULL, &text);

    if (rc == INVOICE_OK) {
        invoiced(pool, text);
    } else if (rc == INVOICE_NONSENSE) {
        REQUIRE(member(vg_json_get(costs, "unrounded"), "excl_vat", 12)
                >= TRILLION * 1000);
    }
}

#endif /* VG_FUZZ_PRICED_H */

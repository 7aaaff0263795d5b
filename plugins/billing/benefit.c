/*
 * benefit.c: what a subscription takes off an invoice; see benefit.h.
 */

#include "bill.h"

#define PERCENT_OF_VOLUME 100000 /* a rate's 10^-4 in a volume's 10^-9     */

typedef struct {
    bill_t *bill;
    size_t  lines;   /* that it has by itself                             */
    exact_t volume;  /* of its energy, in 10^-9 kWh                       */
    exact_t taken;   /* of that                                           */
    exact_t running; /* of volume, so far                                 */
} take_t;


/* No number, or one below zero, is nothing. */
static exact_t
given(vg_str_t text, int places)
{
    exact_t value;

    return exact_read(text, places, &value) && value > 0 ? value : 0;
}


/* What is free, or free by a highest price, is not asked after. */
static bool
is_energy(const tax_t *tax, const line_t *line)
{
    return line->rate == tax->rate && tax->sum > 0 && line->priced
           && vg_str_eq(line->type, "ENERGY") && line->reservation.data == NULL
           && line->text.data == NULL && line->amount > 0 && line->volume > 0;
}


static exact_t
energy_volume(const bill_t *bill)
{
    size_t  i, t;
    exact_t volume = 0;

    for (t = 0; t < bill->ntaxes; t++) {
        for (i = 0; i < bill->nlines; i++) {
            if (is_energy(&bill->taxes[t], &bill->lines[i])) {
                volume += bill->lines[i].volume;
            }
        }
    }
    return volume;
}


static void
line_take(bill_t *bill, tax_t *tax, line_t less)
{
    tax->sum -= less.amount;
    bill->lessened = true;
    less.amount = -less.amount;
    less.rate = tax->rate;
    less.priced = true;
    bill->lines[bill->nlines++] = less;
}


/* Of each line of energy its share, a line of its own. The shares are
 * differences of cut running sums, so they add up to what is taken. Answers
 * what energy of this rate costs beyond it. */
static exact_t
energy_take(take_t *take, tax_t *tax)
{
    size_t      i;
    exact_t     before, cost, rest = 0;
    const tax_t was = *tax;
    line_t     *line, less;

    for (i = 0; i < take->lines; i++) {
        line = &take->bill->lines[i];
        if (!is_energy(&was, line)) {
            continue;
        }
        cost = was.sum < was.listed
                   ? exact_share(line->amount, was.sum, was.listed)
                   : line->amount;
        before = exact_share(take->taken, take->running, take->volume);
        take->running += line->volume;
        less = (line_t){ .type = VG_STR("INCLUDED"),
                         .unit = line->unit,
                         .price = line->price };
        less.volume =
            before - exact_share(take->taken, take->running, take->volume);
        less.amount = exact_share(cost, take->taken, take->volume);
        rest += cost - less.amount;
        if (take->taken > 0) {
            line_take(take->bill, tax, less);
        }
    }
    return rest;
}


static void
discount_take(bill_t *bill, tax_t *tax, exact_t cost, exact_t percent)
{
    exact_t amount = exact_share(cost, percent, HUNDRED);

    if (amount > 0) {
        line_take(bill, tax,
                  (line_t){ .type = VG_STR("DISCOUNT"),
                            .unit = VG_STR("%"),
                            .volume = percent * PERCENT_OF_VOLUME,
                            .amount = amount });
    }
}


bool
benefit_take(bill_t *bill, benefit_t *benefit)
{
    size_t  t;
    exact_t left = given(benefit->included, VOLUME_PLACES);
    exact_t percent = given(benefit->discount, RATE_PLACES);
    take_t  take = { .bill = bill, .lines = bill->nlines };

    take.volume = energy_volume(bill);
    take.taken = left < take.volume ? left : take.volume;
    for (t = 0; t < bill->ntaxes && take.volume > 0; t++) {
        discount_take(bill, &bill->taxes[t],
                      energy_take(&take, &bill->taxes[t]), percent);
    }
    benefit->taken = exact_print(bill->pool, take.taken, VOLUME_PLACES, 0);
    return benefit->taken.data != NULL;
}

/*
 * invoice.c: the arithmetic of an invoice; see invoice.h, and bill.h for what
 * is counted in what.
 */

#include <string.h>

#include "bill.h"
#include "invoice.h"

#define AMOUNT_PLACES 12
#define PRICE_PLACES  6
#define RATE_MAX      (10 * HUNDRED)
#define LINES_MAX     20000
#define DIGITS_MAX    4 /* that a currency has behind the point           */
#define ADJUSTED_MAX  2 /* a least and a highest price                   */
#define BILLION       ((exact_t) 1000000000)
#define THOUSAND      ((exact_t) 1000) /* price times volume has 15 places    */
#define AMOUNT_MAX    (BILLION * BILLION * 1000000) /* a trillion, in 10^-12 */


/* ------------------------------------------------------------------ lines */

static bool
text_same(vg_str_t a, vg_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


/* One line for each price of each component, whenever it held; what a person
 * wrote stays a line of its own. */
static void
line_add(bill_t *bill, const line_t *line)
{
    size_t  i;
    line_t *seen;

    for (i = 0; i < bill->nlines; i++) {
        seen = &bill->lines[i];
        if (line->text.data == NULL && seen->text.data == NULL
            && seen->priced == line->priced && seen->rate == line->rate
            && text_same(seen->type, line->type)
            && text_same(seen->price, line->price)
            && text_same(seen->reservation, line->reservation))
        {
            seen->volume += line->volume;
            seen->amount += line->amount;
            return;
        }
    }
    bill->lines[bill->nlines++] = *line;
}


/* An amount as the tariff engine has it, or, of a line that a person wrote,
 * price times volume. */
static bool
line_amount(line_t *line, const vg_json_t *node, exact_t price)
{
    if (line->text.data == NULL) {
        return exact_read(vg_json_text(node, "excl_vat"), AMOUNT_PLACES,
                          &line->amount);
    }
    if (!line->priced || price < 0 || line->volume < 0
        || (price > 0 && line->volume > AMOUNT_MAX * THOUSAND / price))
    {
        return false;
    }
    line->amount = exact_divide(price * line->volume, THOUSAND);
    return true;
}


static bool
line_read(bill_t *bill, const vg_json_t *node, vg_str_t tax_rate)
{
    exact_t  price = 0;
    line_t   line = { .type = vg_json_text(node, "type") };
    vg_str_t rate = vg_json_text(node, "vat");
    vg_str_t volume = vg_json_text(node, "volume");

    line.reservation = vg_json_text(node, "reservation");
    line.kind = vg_json_text(node, "kind");
    line.text = vg_json_text(node, "text");
    line.unit = vg_json_text(node, "unit");
    line.price = vg_json_text(node, "price");
    line.priced = line.price.data != NULL;
    if (line.type.data == NULL
        || (line.priced
            && (!exact_read(line.price, PRICE_PLACES, &price)
                || !exact_read(volume, VOLUME_PLACES, &line.volume)))
        || !line_amount(&line, node, price))
    {
        return false;
    }
    if (!line.priced) {
        line_add(bill, &line);
        return ++bill->adjusted <= ADJUSTED_MAX;
    }
    if (rate.data == NULL) {
        rate = tax_rate.data != NULL ? tax_rate : VG_STR("0");
        bill->unknown |= tax_rate.data == NULL && line.amount != 0;
    }
    if (!exact_read(rate, RATE_PLACES, &line.rate) || line.rate > RATE_MAX
        || line.rate < 0)
    {
        return false;
    }
    line_add(bill, &line);
    return true;
}


static bool
lines_read(bill_t *bill, const vg_json_t *list, vg_str_t tax_rate)
{
    const vg_json_t *node;

    for (node = list->first; node != NULL; node = node->next) {
        if (!line_read(bill, node, tax_rate)) {
            return false;
        }
    }
    return true;
}


/* ------------------------------------------------------------------ taxes */

static tax_t *
tax_of(bill_t *bill, exact_t rate)
{
    size_t i;

    for (i = 0; i < bill->ntaxes; i++) {
        if (bill->taxes[i].rate == rate) {
            return &bill->taxes[i];
        }
    }
    bill->taxes[bill->ntaxes] = (tax_t){ .rate = rate };
    return &bill->taxes[bill->ntaxes++];
}


/* Of equal sums the first. An invoice with nothing but a least price has the
 * rate of the country. */
static tax_t *
tax_largest(bill_t *bill, vg_str_t tax_rate)
{
    size_t  i;
    tax_t  *largest = bill->taxes;
    exact_t rate = 0;

    if (bill->ntaxes == 0) {
        bill->unknown |= tax_rate.data == NULL;
        (void) exact_read(tax_rate, RATE_PLACES, &rate);
        return tax_of(bill, rate);
    }
    for (i = 1; i < bill->ntaxes; i++) {
        if (bill->taxes[i].sum > largest->sum) {
            largest = &bill->taxes[i];
        }
    }
    return largest;
}


/* A least or highest price moves the sum of each rate in proportion, to a
 * billionth; the largest bears what is left. Each share is a line. */
static void
adjustment_share(bill_t *bill, line_t *line, vg_str_t tax_rate)
{
    size_t  i;
    exact_t part, total = 0, whole = line->amount;
    tax_t  *tax, *largest = tax_largest(bill, tax_rate);
    line_t *share;

    for (i = 0; i < bill->ntaxes; i++) {
        total += bill->taxes[i].sum;
    }
    for (i = 0; i < bill->ntaxes && total > 0; i++) {
        tax = &bill->taxes[i];
        if (tax == largest || tax->sum <= 0 || tax->sum > total) {
            continue;
        }
        part = exact_divide(tax->sum * BILLION / total * whole, BILLION);
        share = &bill->lines[bill->nlines++];
        *share = *line;
        share->rate = tax->rate;
        share->amount = part;
        tax->sum += part;
        line->amount -= part;
    }
    line->rate = largest->rate;
    largest->sum += line->amount;
}


static void
taxes_sum(bill_t *bill, vg_str_t tax_rate)
{
    size_t i, n = bill->nlines;

    for (i = 0; i < n; i++) {
        if (bill->lines[i].priced) {
            tax_of(bill, bill->lines[i].rate)->sum += bill->lines[i].amount;
        }
    }
    for (i = 0; i < bill->ntaxes; i++) {
        bill->taxes[i].listed = bill->taxes[i].sum;
    }
    for (i = 0; i < n; i++) {
        if (!bill->lines[i].priced) {
            adjustment_share(bill, &bill->lines[i], tax_rate);
        }
    }
}


/* the line of a rate with the largest remainder, the first of equals */
static line_t *
line_due(bill_t *bill, exact_t rate)
{
    size_t  i;
    line_t *line, *due = NULL;

    for (i = 0; i < bill->nlines; i++) {
        line = &bill->lines[i];
        if (line->rate == rate && (due == NULL || line->rest > due->rest)) {
            due = line;
        }
    }
    return due;
}


/* The rounded sum of one rate, shared out to its lines: each has what is
 * whole in it, the largest remainders get one more. */
static void
tax_share(bill_t *bill, tax_t *tax)
{
    size_t  i;
    exact_t left;
    line_t *line;

    tax->base = left = exact_divide(tax->sum, bill->unit);
    tax->amount = exact_divide(tax->base * tax->rate, HUNDRED);
    for (i = 0; i < bill->nlines; i++) {
        line = &bill->lines[i];
        if (line->rate == tax->rate) {
            line->rest = (line->amount % bill->unit + bill->unit) % bill->unit;
            line->minor = (line->amount - line->rest) / bill->unit;
            left -= line->minor;
        }
    }
    for (; left > 0 && (line = line_due(bill, tax->rate)) != NULL; left--) {
        line->minor++;
        line->rest = -1;
    }
}


/* A tariff's least or highest price including VAT is what was promised: the
 * largest tax gives way, so that the total is that price; unless a
 * subscription has made it another. */
static void
promise_keep(bill_t *bill, const vg_json_t *costs, vg_str_t tax_rate)
{
    size_t  i;
    exact_t promised, total = 0;
    tax_t  *largest;

    if (!bill->adjusted || bill->lessened
        || !exact_read(
            vg_json_text(vg_json_get(costs, "unrounded"), "incl_vat"),
            AMOUNT_PLACES, &promised))
    {
        return;
    }
    for (i = 0; i < bill->ntaxes; i++) {
        total += bill->taxes[i].base + bill->taxes[i].amount;
    }
    largest = tax_largest(bill, tax_rate);
    largest->amount += exact_divide(promised, bill->unit) - total;
}


/* ----------------------------------------------------------------- output */

static void
out_amount(vg_out_t *out, const char *key, const bill_t *bill, exact_t minor)
{
    vg_out_member_raw(
        out, key, exact_print(bill->pool, minor, bill->digits, bill->digits));
}


static void
line_render(vg_out_t *out, const bill_t *bill, const line_t *line)
{
    vg_out_open(out, '{');
    vg_out_member(out, "type", line->type);
    if (line->kind.data != NULL) {
        vg_out_member(out, "kind", line->kind);
    }
    if (line->text.data != NULL) {
        vg_out_member(out, "text", line->text);
    }
    vg_out_member(out, "reservation", line->reservation);
    if (line->priced) {
        vg_out_member(out, "unit", line->unit);
        vg_out_member_raw(out, "price",
                          line->price.data != NULL ? line->price
                                                   : VG_STR("null"));
        vg_out_member_raw(
            out, "volume",
            exact_print(bill->pool, line->volume, VOLUME_PLACES, 0));
    }
    vg_out_member_raw(out, "taxRate",
                      exact_print(bill->pool, line->rate, RATE_PLACES, 0));
    out_amount(out, "amount", bill, line->minor);
    vg_out_close(out, '}');
}


static vg_str_t
bill_render(const bill_t *bill, vg_str_t currency)
{
    size_t   i;
    exact_t  net = 0, tax = 0;
    vg_out_t out;

    vg_out_init(&out, bill->pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "currency", currency);
    vg_out_key(&out, "minorUnits");
    vg_out_int(&out, bill->digits);
    vg_out_key(&out, "lines");
    vg_out_open(&out, '[');
    for (i = 0; i < bill->nlines; i++) {
        line_render(&out, bill, &bill->lines[i]);
    }
    vg_out_close(&out, ']');
    vg_out_key(&out, "taxes");
    vg_out_open(&out, '[');
    for (i = 0; i < bill->ntaxes; i++) {
        net += bill->taxes[i].base;
        tax += bill->taxes[i].amount;
        vg_out_open(&out, '{');
        vg_out_member_raw(
            &out, "rate",
            exact_print(bill->pool, bill->taxes[i].rate, RATE_PLACES, 0));
        out_amount(&out, "base", bill, bill->taxes[i].base);
        out_amount(&out, "amount", bill, bill->taxes[i].amount);
        vg_out_close(&out, '}');
    }
    vg_out_close(&out, ']');
    out_amount(&out, "net", bill, net);
    out_amount(&out, "tax", bill, tax);
    out_amount(&out, "total", bill, net + tax);
    vg_out_key(&out, "taxUnknown");
    vg_out_bool(&out, bill->unknown);
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static exact_t
bill_total(const bill_t *bill)
{
    size_t  i;
    exact_t total = 0;

    for (i = 0; i < bill->ntaxes; i++) {
        total += bill->taxes[i].base + bill->taxes[i].amount;
    }
    return total;
}


invoice_rc_t
invoice_make(vg_pool_t *pool, const vg_json_t *costs, vg_str_t tax_rate,
             vg_str_t minor_units, benefit_t *benefit, vg_str_t *invoice)
{
    int              i;
    exact_t          digits, total;
    vg_str_t         currency = vg_json_text(costs, "currency");
    const vg_json_t *list = vg_json_get(costs, "lines");
    bill_t           bill = { .pool = pool, .unit = 1 };

    if (currency.len != 3 || list == NULL || list->type != VG_JSON_ARRAY
        || list->count > LINES_MAX || !exact_read(minor_units, 0, &digits)
        || digits < 0 || digits > DIGITS_MAX)
    {
        return INVOICE_NONSENSE;
    }
    bill.digits = (int) digits;
    for (i = bill.digits; i < AMOUNT_PLACES; i++) {
        bill.unit *= 10;
    }
    bill.lines = vg_calloc(pool, (ADJUSTED_MAX + 3) * (list->count + 1)
                                     * sizeof(line_t));
    bill.taxes = vg_calloc(pool, (list->count + 1) * sizeof(tax_t));
    if (bill.lines == NULL || bill.taxes == NULL) {
        return INVOICE_NO_MEMORY;
    }
    if (!lines_read(&bill, list, tax_rate)) {
        return INVOICE_NONSENSE;
    }
    taxes_sum(&bill, tax_rate);
    if (benefit != NULL && !benefit_take(&bill, benefit)) {
        return INVOICE_NO_MEMORY;
    }
    for (i = 0; (size_t) i < bill.ntaxes; i++) {
        tax_share(&bill, &bill.taxes[i]);
    }
    promise_keep(&bill, costs, tax_rate);
    total = bill_total(&bill);
    if (total == 0) {
        return INVOICE_NOTHING;
    }
    if (total < 0 || total >= AMOUNT_MAX / bill.unit) {
        return INVOICE_NONSENSE;
    }
    *invoice = bill_render(&bill, currency);
    return invoice->data != NULL ? INVOICE_OK : INVOICE_NO_MEMORY;
}

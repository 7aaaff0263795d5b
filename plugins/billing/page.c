/*
 * page.c: what an invoice looks like on paper; see page.h.
 *
 * All words are in one table: another language is another one.
 */

#include <string.h>

#include "exact.h"
#include "page.h"

#define RATE_PLACES   4
#define PRICE_PLACES  12
#define VOLUME_PLACES 12

typedef struct {
    const char *invoice, *credit_note, *number, *date, *due, *supplied, *utc;
    const char *corrects, *customer, *bill_to, *vat_id, *register_, *bank;
    const char *position, *description, *quantity, *price, *tax, *amount;
    const char *net, *tax_of, *total, *paid, *credited, *open, *settled;
    const char *pay, *pay_by, *naming, *unknown_tax, *page;
} words_t;

static const words_t english = {
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
    .bank = "Bank",
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
    .unknown_tax = "No rate of tax is known for this supply; none was charged.",
    .page = "Page {page} of {pages}",
};

/* what a line is for, by its kind or its type */
static const struct {
    const char *kind, *words;
} kinds_english[] = {
    { "ENERGY", "Charging, by energy" },
    { "TIME", "Charging, by time" },
    { "PARKING_TIME", "Time connected without charging" },
    { "FLAT", "Fee for the session" },
    { "MIN_PRICE", "Up to the least price" },
    { "MAX_PRICE", "Down to the highest price" },
    { "RESERVATION", "Reservation" },
    { "SUBSCRIPTION", "Subscription" },
    { "PARKING", "Parking" },
    { NULL, NULL },
};

typedef struct {
    vg_pool_t       *pool;
    vg_out_t         out;
    const words_t   *words;
    const vg_json_t *shown, *invoice, *seller, *buyer;
    vg_str_t         currency;
    int              digits;
    bool             credit_note;
    exact_t          open;
} page_t;


/* ------------------------------------------------------------------ texts */

static bool
is_there(vg_str_t text)
{
    return text.data != NULL && text.len > 0;
}


/* a, a blank, b; either may be missing */
static vg_str_t
with_blank(page_t *page, vg_str_t a, vg_str_t b)
{
    if (!is_there(a) || !is_there(b)) {
        return is_there(a) ? a : b;
    }
    return vg_printf(page->pool, "%.*s %.*s", (int) a.len, a.data, (int) b.len,
                     b.data);
}


/* A line of its own behind what is there. */
static vg_str_t
with_line(page_t *page, vg_str_t text, vg_str_t line)
{
    if (!is_there(text) || !is_there(line)) {
        return is_there(text) ? text : line;
    }
    return vg_printf(page->pool, "%.*s\n%.*s", (int) text.len, text.data,
                     (int) line.len, line.data);
}


/* what somebody wrote, as one line */
static vg_str_t
one_line(page_t *page, vg_str_t text)
{
    char  *copy;
    size_t i;

    if (!is_there(text) || (copy = vg_alloc(page->pool, text.len)) == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    memcpy(copy, text.data, text.len);
    for (i = 0; i < text.len; i++) {
        if (copy[i] == '\n' || copy[i] == '\r' || copy[i] == '\0') {
            copy[i] = ' ';
        }
    }
    return (vg_str_t){ copy, text.len };
}


static vg_str_t
line_of(page_t *page, const vg_json_t *node, const char *name)
{
    return one_line(page, vg_json_text(node, name));
}


/* "VAT ID DE123", or nothing */
static vg_str_t
labelled(page_t *page, const char *label, vg_str_t text)
{
    return is_there(text) ? with_blank(page, vg_str(label), text) : text;
}


/* A number with all its digits and, at least, the currency's; what is no such
 * number as it came. */
static vg_str_t
number(page_t *page, vg_str_t text, int places, int least)
{
    exact_t value;

    return exact_read(text, places, &value)
               ? exact_print(page->pool, value, places, least)
               : text;
}


static vg_str_t
amount(page_t *page, const vg_json_t *node, const char *name)
{
    return number(page, vg_json_text(node, name), page->digits, page->digits);
}


static vg_str_t
day(vg_str_t instant)
{
    instant.len = instant.len < 10 ? instant.len : 10;
    return instant;
}


/* "2026-11-21 01:00 - 02:00 UTC" */
static vg_str_t
supplied(page_t *page)
{
    vg_str_t from = vg_json_text(page->invoice, "suppliedFrom");
    vg_str_t to = vg_json_text(page->invoice, "suppliedTo");
    bool     same;

    if (from.len < 16 || to.len < 16) {
        return (vg_str_t){ NULL, 0 };
    }
    same = memcmp(from.data, to.data, 10) == 0;
    return vg_printf(page->pool, "%.10s %.5s \xe2\x80\x93 %.*s%s%.5s %s",
                     from.data, from.data + 11, same ? 0 : 10, to.data,
                     same ? "" : " ", to.data + 11, page->words->utc);
}


/* ----------------------------------------------------------------- blocks */

static void
cells(page_t *page, vg_str_t a, vg_str_t b, vg_str_t c)
{
    vg_out_t *out = &page->out;

    vg_out_open(out, '[');
    vg_out_string(out, a);
    vg_out_string(out, b);
    vg_out_string(out, c);
    vg_out_close(out, ']');
}


/* Begins a block, its rows are what follows until block_end(). shape: its other
 * members, with the bracket before them. */
static void
block_begin(page_t *page, const char *shape)
{
    vg_out_raw(&page->out, vg_str(shape));
    vg_out_key(&page->out, "rows");
    vg_out_open(&page->out, '[');
}


static void
block_end(page_t *page)
{
    vg_out_close(&page->out, ']');
    vg_out_close(&page->out, '}');
}


static vg_str_t
address(page_t *page, const vg_json_t *party)
{
    vg_str_t         text;
    const vg_json_t *a = vg_json_get(party, "address");

    text = line_of(page, a, "street");
    text = with_line(page, text,
                     with_blank(page, line_of(page, a, "postalCode"),
                                line_of(page, a, "city")));
    text = with_line(page, text, line_of(page, a, "country"));
    text = with_line(page, text,
                     labelled(page, page->words->vat_id,
                              line_of(page, party, "vatId")));
    return with_line(page, text, line_of(page, party, "email"));
}


static const char *
title(const page_t *page)
{
    return page->credit_note ? page->words->credit_note : page->words->invoice;
}


static vg_str_t
seller_name(page_t *page)
{
    vg_str_t name = line_of(page, page->seller, "name");

    return is_there(name) ? name : line_of(page, page->invoice, "issuer");
}


static void
dates(page_t *page)
{
    vg_str_t       labels, values, text;
    size_t         i;
    const words_t *w = page->words;
    const struct {
        const char *label;
        vg_str_t    value;
    } rows[] = {
        { w->number, line_of(page, page->invoice, "number") },
        { w->corrects, line_of(page, page->shown, "corrects") },
        { w->date, day(vg_json_text(page->invoice, "issuedAt")) },
        { w->due, day(vg_json_text(page->invoice, "dueAt")) },
        { w->supplied, supplied(page) },
    };

    text = address(page, page->seller);
    labels = values = (vg_str_t){ NULL, 0 };
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (is_there(rows[i].value)) {
            labels = with_line(page, labels, vg_str(rows[i].label));
            values = with_line(page, values, rows[i].value);
        }
    }
    block_begin(page, "{\"widths\":[5,1.2,3.4],\"align\":\"LLR\",\"before\":8");
    cells(page, text, labels, values);
    block_end(page);
}


static void
heads(page_t *page)
{
    vg_str_t       name = line_of(page, page->buyer, "name");
    vg_str_t       id = line_of(page, page->buyer, "id");
    const words_t *w = page->words;

    block_begin(page, "{\"widths\":[2,1],\"align\":\"LR\",\"size\":17,"
                      "\"bold\":true");
    cells(page, seller_name(page), vg_str(title(page)), (vg_str_t){ NULL, 0 });
    block_end(page);
    dates(page);
    block_begin(page, "{\"widths\":[1],\"size\":7.5,\"grey\":true,"
                      "\"before\":22");
    vg_out_open(&page->out, '[');
    vg_out_string(&page->out, vg_str(w->bill_to));
    vg_out_close(&page->out, ']');
    block_end(page);
    block_begin(page, "{\"widths\":[1]");
    vg_out_open(&page->out, '[');
    vg_out_string(
        &page->out,
        with_line(page,
                  is_there(name) ? name : labelled(page, w->customer, id),
                  address(page, page->buyer)));
    vg_out_close(&page->out, ']');
    block_end(page);
}


/* ------------------------------------------------------------------ lines */

static vg_str_t
description(page_t *page, const vg_json_t *line)
{
    size_t   i;
    vg_str_t kind = vg_json_text(line, "kind");
    vg_str_t type = vg_json_text(line, "type"), words = type;

    for (i = 0; kinds_english[i].kind != NULL; i++) {
        if (vg_str_eq(type, kinds_english[i].kind)) {
            words = vg_str(kinds_english[i].words);
        }
    }
    for (i = 0; kinds_english[i].kind != NULL; i++) {
        if (vg_str_eq(kind, kinds_english[i].kind)
            || (is_there(vg_json_text(line, "reservation"))
                && strcmp(kinds_english[i].kind, "RESERVATION") == 0))
        {
            words = vg_str(kinds_english[i].words);
        }
    }
    if (is_there(vg_json_text(line, "text"))) {
        words = vg_json_text(line, "text");
    }
    return one_line(page, words);
}


static void
line_row(page_t *page, const vg_json_t *line, size_t position)
{
    vg_out_t *out = &page->out;
    vg_str_t  volume = vg_json_text(line, "volume");
    vg_str_t  rate = vg_json_text(line, "taxRate");

    vg_out_open(out, '[');
    vg_out_string(out, vg_printf(page->pool, "%zu", position));
    vg_out_string(out, description(page, line));
    vg_out_string(out, is_there(volume)
                           ? with_blank(page,
                                        number(page, volume, VOLUME_PLACES, 0),
                                        line_of(page, line, "unit"))
                           : volume);
    vg_out_string(out, number(page, vg_json_text(line, "price"), PRICE_PLACES,
                              page->digits));
    vg_out_string(out, with_blank(page, number(page, rate, RATE_PLACES, 0),
                                  VG_STR("%")));
    vg_out_string(out, amount(page, line, "amount"));
    vg_out_close(out, ']');
}


static void
lines(page_t *page)
{
    size_t           position = 0;
    const words_t   *w = page->words;
    const vg_json_t *list = vg_json_get(page->invoice, "lines"), *line;

    vg_out_raw(&page->out,
               VG_STR("{\"widths\":[0.5,4.4,2.1,1.7,1.1,2],\"align\":\"RLRRRR\""
                      ",\"size\":8.5,\"before\":26,\"lines\":true"));
    vg_out_key(&page->out, "head");
    vg_out_open(&page->out, '[');
    vg_out_string(&page->out, vg_str(w->position));
    vg_out_string(&page->out, vg_str(w->description));
    vg_out_string(&page->out, vg_str(w->quantity));
    vg_out_string(&page->out, vg_str(w->price));
    vg_out_string(&page->out, vg_str(w->tax));
    vg_out_string(&page->out,
                  with_blank(page, vg_str(w->amount), page->currency));
    vg_out_close(&page->out, ']');
    vg_out_key(&page->out, "rows");
    vg_out_open(&page->out, '[');
    for (line = list != NULL ? list->first : NULL; line != NULL;
         line = line->next) {
        line_row(page, line, ++position);
    }
    block_end(page);
}


/* ----------------------------------------------------------------- totals */

static void
total(page_t *page, const char *label, vg_str_t value, bool strong)
{
    vg_str_t none = { NULL, 0 }, words = vg_str(label);

    if (!strong) {
        cells(page, none, words, value);
        return;
    }
    vg_out_open(&page->out, '{');
    vg_out_member_raw(&page->out, "bold", VG_STR("true"));
    vg_out_member_raw(&page->out, "rule", VG_STR("true"));
    vg_out_key(&page->out, "cells");
    cells(page, none, with_blank(page, words, page->currency), value);
    vg_out_close(&page->out, '}');
}


static void
tax_row(page_t *page, const vg_json_t *tax)
{
    vg_str_t none = { NULL, 0 }, label;
    vg_str_t rate = number(page, vg_json_text(tax, "rate"), RATE_PLACES, 0);
    vg_str_t base = amount(page, tax, "base");

    label = vg_printf(page->pool, "%s %.*s %% %s %.*s", page->words->tax,
                      (int) rate.len, rate.data ? rate.data : "",
                      page->words->tax_of, (int) base.len,
                      base.data ? base.data : "");
    cells(page, none, label, amount(page, tax, "amount"));
}


/* what was done about it, and what is left */
static void
paid_rows(page_t *page)
{
    size_t         i;
    bool           any = false;
    exact_t        value, sum = 0;
    const words_t *w = page->words;
    const struct {
        const char *name, *label;
    } rows[] = { { "paid", w->paid }, { "credited", w->credited } };

    if (page->credit_note
        || !exact_read(vg_json_text(page->invoice, "total"), page->digits,
                       &page->open))
    {
        return;
    }
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (exact_read(vg_json_text(page->invoice, rows[i].name), page->digits,
                       &value)
            && value != 0)
        {
            total(page, rows[i].label,
                  exact_print(page->pool, -value, page->digits, page->digits),
                  false);
            sum += value;
            any = true;
        }
    }
    page->open -= sum;
    if (any) {
        total(page, w->open,
              exact_print(page->pool, page->open, page->digits, page->digits),
              true);
    }
}


static void
totals(page_t *page)
{
    const vg_json_t *list = vg_json_get(page->invoice, "taxes"), *tax;

    block_begin(page, "{\"widths\":[3,3,1.6],\"align\":\"LLR\",\"before\":10,"
                      "\"together\":true");
    total(page, page->words->net, amount(page, page->invoice, "net"), false);
    for (tax = list != NULL ? list->first : NULL; tax != NULL; tax = tax->next)
    {
        tax_row(page, tax);
    }
    total(page, page->words->total, amount(page, page->invoice, "total"), true);
    paid_rows(page);
    block_end(page);
}


/* "Please pay 5.95 EUR by 2026-12-06 and name INV-1" */
static vg_str_t
request(page_t *page)
{
    vg_str_t text, due = day(vg_json_text(page->invoice, "dueAt"));

    text = exact_print(page->pool, page->open, page->digits, page->digits);
    text = with_blank(page, vg_str(page->words->pay), text);
    text = with_blank(page, text, page->currency);
    if (is_there(due)) {
        text = with_blank(page, text, vg_str(page->words->pay_by));
        text = with_blank(page, text, due);
    }
    text = with_blank(page, text, vg_str(page->words->naming));
    return with_blank(page, text, line_of(page, page->invoice, "number"));
}


static void
notes(page_t *page)
{
    vg_str_t         text = { NULL, 0 };
    const vg_json_t *unknown = vg_json_get(page->invoice, "taxUnknown");

    if (!page->credit_note) {
        text = page->open > 0 ? request(page) : vg_str(page->words->settled);
    }
    if (unknown != NULL && unknown->type == VG_JSON_TRUE) {
        text = with_line(page, text, vg_str(page->words->unknown_tax));
    }
    if (!is_there(text)) {
        return;
    }
    block_begin(page, "{\"widths\":[1],\"before\":18,\"together\":true");
    vg_out_open(&page->out, '[');
    vg_out_string(&page->out, text);
    vg_out_close(&page->out, ']');
    block_end(page);
}


/* -------------------------------------------------------------- the whole */

static void
feet(page_t *page)
{
    vg_out_t        *out = &page->out;
    const vg_json_t *seller = page->seller;
    vg_str_t         bank = line_of(page, seller, "bank");

    bank = with_blank(
        page, bank,
        labelled(page, "IBAN", line_of(page, seller, "iban")));
    bank = with_blank(page, bank,
                      labelled(page, "BIC", line_of(page, seller, "bic")));
    vg_out_key(out, "foot");
    vg_out_open(out, '[');
    vg_out_string(out,
                  with_blank(page, seller_name(page),
                             labelled(page, page->words->register_,
                                      line_of(page, seller, "register"))));
    if (is_there(bank)) {
        vg_out_string(out, labelled(page, page->words->bank, bank));
    }
    if (is_there(vg_json_text(seller, "footer"))) {
        vg_out_string(out, line_of(page, seller, "footer"));
    }
    vg_out_close(out, ']');
}


static void
document(page_t *page)
{
    vg_out_t *out = &page->out;
    vg_str_t  name = with_blank(page, vg_str(title(page)),
                                line_of(page, page->invoice, "number"));

    vg_out_open(out, '{');
    vg_out_member(out, "title", name);
    vg_out_member(out, "author", seller_name(page));
    vg_out_key(out, "running");
    vg_out_open(out, '[');
    vg_out_string(out, name);
    vg_out_string(out, seller_name(page));
    vg_out_close(out, ']');
    feet(page);
    vg_out_member(out, "number", vg_str(page->words->page));
    vg_out_key(out, "blocks");
    vg_out_open(out, '[');
    heads(page);
    lines(page);
    totals(page);
    notes(page);
    vg_out_close(out, ']');
    vg_out_close(out, '}');
}


vg_str_t
page_make(vg_pool_t *pool, const vg_json_t *shown)
{
    page_t   page = { .pool = pool, .words = &english, .shown = shown };
    vg_str_t digits = vg_json_text(shown, "minorUnits");

    page.invoice = vg_json_get(shown, "invoice");
    page.seller = vg_json_get(shown, "seller");
    page.buyer = vg_json_get(shown, "buyer");
    if (page.invoice == NULL || digits.len != 1 || digits.data[0] < '0'
        || digits.data[0] > '9')
    {
        return (vg_str_t){ NULL, 0 };
    }
    page.digits = digits.data[0] - '0';
    page.currency = line_of(&page, page.invoice, "currency");
    page.credit_note = is_there(vg_json_text(shown, "corrects"));
    vg_out_init(&page.out, pool);
    document(&page);
    return vg_out_str(&page.out);
}

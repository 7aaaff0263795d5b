/*
 * page.c: what an invoice looks like on paper; see page.h.
 */

#include <string.h>

#include "exact.h"
#include "page.h"
#include "text.h"
#include "words.h"

#define RATE_PLACES   4
#define PRICE_PLACES  12
#define VOLUME_PLACES 12

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

static vg_str_t
amount(page_t *page, const vg_json_t *node, const char *name)
{
    return text_number(page->pool, vg_json_text(node, name), page->digits,
                       page->digits);
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
row(page_t *page, const vg_str_t *texts, size_t count)
{
    size_t i;

    vg_out_open(&page->out, '[');
    for (i = 0; i < count; i++) {
        vg_out_string(&page->out, texts[i]);
    }
    vg_out_close(&page->out, ']');
}

#define ROW(page, ...)                                                         \
    row(page, (const vg_str_t[]){ __VA_ARGS__ },                               \
        sizeof((const vg_str_t[]){ __VA_ARGS__ }) / sizeof(vg_str_t))


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

    text = text_line_of(page->pool, a, "street");
    text = text_with_line(
        page->pool, text,
        text_with_blank(page->pool, text_line_of(page->pool, a, "postalCode"),
                        text_line_of(page->pool, a, "city")));
    text = text_with_line(page->pool, text,
                          text_line_of(page->pool, a, "country"));
    text =
        text_with_line(page->pool, text,
                       text_labelled(page->pool, page->words->vat_id,
                                     text_line_of(page->pool, party, "vatId")));
    return text_with_line(page->pool, text,
                          text_line_of(page->pool, party, "email"));
}


static const char *
title(const page_t *page)
{
    return page->credit_note ? page->words->credit_note : page->words->invoice;
}


static vg_str_t
seller_name(page_t *page)
{
    vg_str_t name = text_line_of(page->pool, page->seller, "name");

    return text_is(name) ? name
                         : text_line_of(page->pool, page->invoice, "issuer");
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
        { w->number, text_line_of(page->pool, page->invoice, "number") },
        { w->corrects, text_line_of(page->pool, page->shown, "corrects") },
        { w->date, day(vg_json_text(page->invoice, "issuedAt")) },
        { w->due, day(vg_json_text(page->invoice, "dueAt")) },
        { w->supplied, supplied(page) },
    };

    text = address(page, page->seller);
    labels = values = (vg_str_t){ NULL, 0 };
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (text_is(rows[i].value)) {
            labels = text_with_line(page->pool, labels, vg_str(rows[i].label));
            values = text_with_line(page->pool, values, rows[i].value);
        }
    }
    block_begin(page, "{\"widths\":[5,1.2,3.4],\"align\":\"LLR\",\"before\":8");
    ROW(page, text, labels, values);
    block_end(page);
}


static void
heads(page_t *page)
{
    vg_str_t       name = text_line_of(page->pool, page->buyer, "name");
    vg_str_t       id = text_line_of(page->pool, page->buyer, "id");
    const words_t *w = page->words;

    block_begin(page, "{\"widths\":[2,1],\"align\":\"LR\",\"size\":17,"
                      "\"bold\":true");
    ROW(page, seller_name(page), vg_str(title(page)));
    block_end(page);
    dates(page);
    block_begin(page, "{\"widths\":[1],\"size\":7.5,\"grey\":true,"
                      "\"before\":22");
    ROW(page, vg_str(w->bill_to));
    block_end(page);
    block_begin(page, "{\"widths\":[1]");
    name = text_is(name) ? name : text_labelled(page->pool, w->customer, id);
    ROW(page, text_with_line(page->pool, name, address(page, page->buyer)));
    block_end(page);
}


/* ------------------------------------------------------------------ lines */

/* what a person wrote, else words for its kind, or its type, else that */
static vg_str_t
description(page_t *page, const vg_json_t *line)
{
    vg_str_t words = vg_json_text(line, "text");
    vg_str_t type = vg_json_text(line, "type");

    if (!text_is(words)) {
        words = words_of(page->words, vg_json_text(line, "kind"));
    }
    if (!text_is(words) && text_is(vg_json_text(line, "reservation"))) {
        words = words_of(page->words, VG_STR("RESERVATION"));
    }
    if (!text_is(words)) {
        words = words_of(page->words, type);
    }
    return text_one_line(page->pool, text_is(words) ? words : type);
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
    vg_out_string(out, text_is(volume) ? text_with_blank(
                           page->pool,
                           text_number(page->pool, volume, VOLUME_PLACES, 0),
                           text_line_of(page->pool, line, "unit"))
                                       : volume);
    vg_out_string(out, text_number(page->pool, vg_json_text(line, "price"),
                                   PRICE_PLACES, page->digits));
    vg_out_string(out,
                  text_with_blank(page->pool,
                                  text_number(page->pool, rate, RATE_PLACES, 0),
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
               VG_STR("{\"widths\":[0.9,3.5,2,1.9,1,2.7],\"align\":\"RLRRRR\""
                      ",\"size\":8.5,\"before\":26,\"lines\":true"));
    vg_out_key(&page->out, "head");
    ROW(page, vg_str(w->position), vg_str(w->description), vg_str(w->quantity),
        vg_str(w->price), vg_str(w->tax),
        text_with_blank(page->pool, vg_str(w->amount), page->currency));
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
        ROW(page, none, words, value);
        return;
    }
    vg_out_open(&page->out, '{');
    vg_out_member_raw(&page->out, "bold", VG_STR("true"));
    vg_out_member_raw(&page->out, "rule", VG_STR("true"));
    vg_out_key(&page->out, "cells");
    ROW(page, none, text_with_blank(page->pool, words, page->currency), value);
    vg_out_close(&page->out, '}');
}


static void
tax_row(page_t *page, const vg_json_t *tax)
{
    vg_str_t none = { NULL, 0 }, label;
    vg_str_t rate =
        text_number(page->pool, vg_json_text(tax, "rate"), RATE_PLACES, 0);
    vg_str_t base = amount(page, tax, "base");

    label = vg_printf(page->pool, "%s %.*s %% %s %.*s", page->words->tax,
                      (int) rate.len, rate.data ? rate.data : "",
                      page->words->tax_of, (int) base.len,
                      base.data ? base.data : "");
    ROW(page, none, label, amount(page, tax, "amount"));
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

    if (page->credit_note) {
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

    block_begin(page, "{\"widths\":[2.8,2.8,2],\"align\":\"LLR\",\"before\":10,"
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
    text = text_with_blank(page->pool, vg_str(page->words->pay), text);
    text = text_with_blank(page->pool, text, page->currency);
    if (text_is(due)) {
        text = text_with_blank(page->pool, text, vg_str(page->words->pay_by));
        text = text_with_blank(page->pool, text, due);
    }
    text = text_with_blank(page->pool, text, vg_str(page->words->naming));
    return text_with_blank(page->pool, text,
                           text_line_of(page->pool, page->invoice, "number"));
}


static void
notes(page_t *page)
{
    vg_str_t         text = { NULL, 0 };
    const vg_json_t *unknown = vg_json_get(page->invoice, "taxUnknown");

    if (page->credit_note) {
        text = text_labelled(page->pool, page->words->reason,
                             text_line_of(page->pool, page->invoice, "reason"));
    } else {
        text = page->open > 0 ? request(page) : vg_str(page->words->settled);
    }
    if (unknown != NULL && unknown->type == VG_JSON_TRUE) {
        text =
            text_with_line(page->pool, text, vg_str(page->words->unknown_tax));
    }
    if (!text_is(text)) {
        return;
    }
    block_begin(page, "{\"widths\":[1],\"before\":18,\"together\":true");
    ROW(page, text);
    block_end(page);
}


/* -------------------------------------------------------------- the whole */

static void
feet(page_t *page)
{
    size_t           i;
    vg_out_t        *out = &page->out;
    vg_pool_t       *pool = page->pool;
    const vg_json_t *seller = page->seller;
    const vg_str_t   feet[] = {
          text_dotted(pool, seller_name(page),
                      text_labelled(pool, page->words->register_,
                                    text_line_of(pool, seller, "register"))),
          text_dotted(
              pool, text_line_of(pool, seller, "bank"),
              text_dotted(
                  pool,
                  text_labelled(pool, "IBAN", text_line_of(pool, seller, "iban")),
                  text_labelled(pool, "BIC", text_line_of(pool, seller, "bic")))),
          text_line_of(pool, seller, "footer"),
    };

    vg_out_key(out, "foot");
    vg_out_open(out, '[');
    for (i = 0; i < sizeof(feet) / sizeof(feet[0]); i++) {
        if (text_is(feet[i])) {
            vg_out_string(out, feet[i]);
        }
    }
    vg_out_close(out, ']');
}


static void
document(page_t *page)
{
    vg_out_t *out = &page->out;
    vg_str_t  name =
        text_with_blank(page->pool, vg_str(title(page)),
                        text_line_of(page->pool, page->invoice, "number"));

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
    page_t   page = { .pool = pool, .words = &words_english, .shown = shown };
    vg_str_t digits = vg_json_text(shown, "minorUnits"), total;

    page.invoice = vg_json_get(shown, "invoice");
    page.seller = vg_json_get(shown, "seller");
    page.buyer = vg_json_get(shown, "buyer");
    if (page.invoice == NULL || digits.len != 1 || digits.data[0] < '0'
        || digits.data[0] > '9')
    {
        return (vg_str_t){ NULL, 0 };
    }
    page.digits = digits.data[0] - '0';
    total = vg_json_text(page.invoice, "total");
    if (!exact_read(total, page.digits, &page.open) && total.data != NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    page.currency = text_line_of(page.pool, page.invoice, "currency");
    page.credit_note = text_is(vg_json_text(shown, "corrects"));
    vg_out_init(&page.out, pool);
    document(&page);
    return vg_out_str(&page.out);
}

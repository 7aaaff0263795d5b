/*
 * unit_benefit.c: what a subscription takes off, against sums done by hand; and
 * what must hold of any.
 */

#define _GNU_SOURCE /* memmem */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "invoice.h"
#include "exact.h"
#include "../../../t/lib/scarce.h"

typedef struct {
    const char *name;
    const char *costs;
    const char *included, *discount; /* NULL: none                        */
    const char *taken;
    const char *expected; /* parts of the invoice, by |; NULL: none       */
} case_t;

/* clang-format off */
#define L(type, unit, price, vat, volume, excl)                              \
    "{\"type\":\"" type "\",\"price\":" price ",\"vat\":" vat                 \
    ",\"volume\":" volume ",\"unit\":\"" unit "\",\"excl_vat\":" excl "}"
#define E(price, vat, volume, excl) L("ENERGY", "kWh", price, vat, volume, excl)
#define T(price, vat, volume, excl) L("TIME", "h", price, vat, volume, excl)
#define COSTS(currency, lines)                                                 \
    "{\"currency\":\"" currency "\",\"lines\":[" lines "]}"
#define OFF(price, volume, rate, amount)                                     \
    "{\"type\":\"INCLUDED\",\"reservation\":null,\"unit\":\"kWh\",\"price\":" \
    price ",\"volume\":-" volume ",\"taxRate\":" rate ",\"amount\":-" amount "}"
#define CUT(percent, rate, amount)                                           \
    "{\"type\":\"DISCOUNT\",\"reservation\":null,\"unit\":\"%\","            \
    "\"price\":null,\"volume\":" percent ",\"taxRate\":" rate                \
    ",\"amount\":-" amount "}"

static const case_t  cases[] = {
    { "four of ten kWh are included",
      COSTS("EUR", E("0.5", "19", "10", "5")), "4", NULL, "4",
      OFF("0.5", "4", "19", "2.00")
      "|\"taxes\":[{\"rate\":19,\"base\":3.00,\"amount\":0.57}],\"net\":3.00,"
      "\"tax\":0.57,\"total\":3.57" },
    { "all of it is: there is nothing to pay, and it is used",
      COSTS("EUR", E("0.5", "19", "10", "5")), "50", "20", "10", NULL },
    { "energy alone: an hour is paid",
      COSTS("EUR", E("0.5", "19", "10", "5") "," T("2", "19", "1", "2")),
      "50", NULL, "10",
      OFF("0.5", "10", "19", "5.00") "|\"net\":2.00,\"tax\":0.38" },
    { "a discount is off energy, and not off time",
      COSTS("EUR", E("0.5", "19", "10", "5") "," T("2", "19", "1", "2")),
      NULL, "10", "0",
      CUT("10", "19", "0.50") "|\"net\":6.50,\"tax\":1.24,\"total\":7.74" },
    { "a discount is off what is not included",
      COSTS("EUR", E("0.5", "19", "10", "5")), "4", "10", "4",
      OFF("0.5", "4", "19", "2.00") "," CUT("10", "19", "0.30")
      "|\"net\":2.70,\"tax\":0.51,\"total\":3.21" },
    { "of two prices the same share: 3 of 12 is a quarter of each",
      COSTS("EUR", E("0.5", "19", "8", "4") "," E("0.25", "19", "4", "1")),
      "3", NULL, "3",
      OFF("0.5", "2", "19", "1.00") "," OFF("0.25", "1", "19", "0.25")
      "|\"net\":3.75" },
    { "of two rates, too; each has its discount, and rounds its own sum: 0.375",
      COSTS("EUR", E("0.5", "19", "8", "4") "," E("0.25", "7", "4", "1")),
      "3", "50", "3",
      OFF("0.5", "2", "19", "1.00") "," CUT("50", "19", "1.50") ","
      OFF("0.25", "1", "7", "0.25") "," CUT("50", "7", "0.37")
      "|{\"rate\":19,\"base\":1.50,\"amount\":0.29},"
      "{\"rate\":7,\"base\":0.38,\"amount\":0.03}" },
    { "shares of thirds add up to what is used",
      COSTS("EUR", E("0.3", "0", "1", "0.3") "," E("0.6", "0", "1", "0.6") ","
            E("0.9", "0", "1", "0.9")), "1", NULL, "1",
      "\"volume\":-0.333333333|\"volume\":-0.333333333"
      "|\"volume\":-0.333333334|\"net\":1.20" },
    { "what is free uses nothing up",
      COSTS("EUR", E("0", "19", "30", "0") "," E("0.5", "19", "10", "5")),
      "10", NULL, "10", NULL },
    { "nor what costs nothing but its time",
      COSTS("EUR", E("0", "19", "30", "0") "," T("2", "19", "1", "2")),
      "10", "10", "0", "\"net\":2.00" },
    { "a highest price lowers what it is worth in proportion",
      COSTS("EUR", E("0.5", "19", "40", "20") "," T("5", "19", "1", "5")
            ",{\"type\":\"MAX_PRICE\",\"excl_vat\":-15}"),
      "20", "10", "20",
      "\"type\":\"MAX_PRICE\"|" OFF("0.5", "20", "19", "4.00") ","
      CUT("10", "19", "0.40") "|\"net\":5.60" },
    { "all of it included, below a highest price: time is left, no less",
      COSTS("EUR", E("0.5", "19", "40", "20") "," T("5", "19", "1", "5")
            ",{\"type\":\"MAX_PRICE\",\"excl_vat\":-15}"),
      "100", NULL, "40", OFF("0.5", "40", "19", "8.00") "|\"net\":2.00" },
    { "a least price stays",
      COSTS("EUR", E("0.5", "19", "2", "1")
            ",{\"type\":\"MIN_PRICE\",\"excl_vat\":4}"),
      "10", "10", "2",
      "{\"type\":\"MIN_PRICE\",\"reservation\":null,\"taxRate\":19,"
      "\"amount\":4.00},"
      OFF("0.5", "2", "19", "1.00") "|\"net\":4.00" },
    { "a promise including tax is one no more",
      "{\"currency\":\"EUR\",\"unrounded\":{\"excl_vat\":10,"
      "\"incl_vat\":11},\"lines\":["
      E("0.5", "19", "50", "25")
      ",{\"type\":\"MAX_PRICE\",\"excl_vat\":-15,\"incl_vat\":-18.75}]}",
      "25", NULL, "25", "\"net\":5.00,\"tax\":0.95,\"total\":5.95" },
    { "but it is, where nothing was taken off",
      "{\"currency\":\"EUR\",\"unrounded\":{\"excl_vat\":10,"
      "\"incl_vat\":11},\"lines\":["
      E("0.5", "19", "50", "25")
      ",{\"type\":\"MAX_PRICE\",\"excl_vat\":-15,\"incl_vat\":-18.75}]}",
      "0", "0", "0", "\"net\":10.00,\"tax\":1.00,\"total\":11.00" },
    { "a reservation's energy is none of a session's",
      COSTS("EUR", "{\"type\":\"ENERGY\",\"reservation\":\"RESERVATION\","
            "\"price\":0.5,\"volume\":10,\"unit\":\"kWh\",\"excl_vat\":5}"),
      "10", "10", "0", "\"net\":5.00" },
    { "the yen has no minor unit: the whole is rounded, once",
      COSTS("JPY", E("30", "10", "1.25", "37.5")), "0.25", "10", "0.25",
      "\"volume\":-0.25|\"amount\":-3}|\"net\":27,\"tax\":3,\"total\":30" },
    { "what is no number gives nothing",
      COSTS("EUR", E("0.5", "19", "10", "5")), "-3", "x", "0",
      "\"net\":5.00" },
    { "a hundred per cent of what is left",
      COSTS("EUR", E("0.5", "19", "10", "5")), "4", "100", "4", NULL },
};
/* clang-format on */

static int number, failed;


static void
ok(bool good, const char *name, vg_str_t got)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
    if (!good) {
        failed++;
        printf("# %.*s\n", (int) got.len, got.data ? got.data : "(none)");
    }
}


static vg_str_t
text_or_none(const char *text)
{
    return text != NULL ? vg_str(text) : (vg_str_t){ NULL, 0 };
}


/* each part, in that order */
static bool
contains(vg_str_t text, const char *parts)
{
    size_t      len;
    const char *found;

    for (;; parts += len + 1) {
        len = strcspn(parts, "|");
        found = memmem(text.data, text.len, parts, len);
        if (found == NULL) {
            return false;
        }
        text.len -= (size_t) (found - text.data) + len;
        text.data = found + len;
        if (parts[len] == '\0') {
            return true;
        }
    }
}


static void
case_run(const case_t *c)
{
    bool         good;
    vg_pool_t   *pool = vg_arena_create();
    vg_str_t     invoice = { NULL, 0 };
    benefit_t    benefit = { text_or_none(c->included),
                             text_or_none(c->discount),
                             { NULL, 0 } };
    invoice_rc_t rc;

    rc = invoice_make(pool, vg_json_parse(pool, vg_str(c->costs), NULL),
                      VG_STR("19"),
                      strstr(c->costs, "JPY") ? VG_STR("0") : VG_STR("2"),
                      &benefit, &invoice);
    good = c->expected ? rc == INVOICE_OK && contains(invoice, c->expected)
                       : rc == INVOICE_NOTHING;
    ok(good && vg_str_eq(benefit.taken, c->taken), c->name,
       good ? benefit.taken : invoice);
    vg_arena_destroy(pool);
}


static uint64_t seed = 88172645463325252u;

static int
chance(int below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int) (seed % (uint64_t) below);
}


/* Energy and time at three rates, at prices that make thirds, often with a
 * highest price that they would pass. */
static const vg_json_t *
costs_any(vg_pool_t *pool)
{
    int      i, n = 1 + chance(8), volume, price;
    int64_t  sum = 0, most;
    vg_str_t lines = VG_STR("");

    for (i = 0; i < n; i++) {
        volume = 1 + chance(90000);
        price = chance(4) ? 1 + chance(900) : 0;
        sum += (int64_t) volume * price;
        lines = vg_printf(pool,
                          "%.*s%s{\"type\":\"%s\",\"price\":0.%03d,\"vat\":%d,"
                          "\"volume\":%d.%03d,\"unit\":\"kWh\","
                          "\"excl_vat\":%d.%06d}",
                          (int) lines.len, lines.data, i ? "," : "",
                          chance(4) ? "ENERGY" : "TIME", price,
                          (const int[]){ 0, 7, 19 }[chance(3)], volume / 1000,
                          volume % 1000, volume * price / 1000000,
                          volume * price % 1000000);
    }
    if (sum > 0 && chance(2)) {
        most = 1 + chance(20000000) % sum;
        lines = vg_printf(pool,
                          "%.*s,{\"type\":\"MAX_PRICE\",\"excl_vat\":-%" PRId64
                          ".%06" PRId64 "}",
                          (int) lines.len, lines.data, (sum - most) / 1000000,
                          (sum - most) % 1000000);
    }
    lines = vg_printf(pool, "{\"currency\":\"EUR\",\"lines\":[%.*s]}",
                      (int) lines.len, lines.data);
    return vg_json_parse(pool, lines, NULL);
}


static exact_t
member(const vg_json_t *node, const char *name, int places)
{
    exact_t value;

    return exact_read(vg_json_text(node, name), places, &value) ? value : -1;
}


/* Lines add up to bases, those to the net; no base, tax or total is below zero;
 * what INCLUDED lines say adds up to what is used, and that is all that was
 * left, or all that was charged. */
static bool
holds(const vg_json_t *made, exact_t left, exact_t taken)
{
    exact_t          sum, net = 0, used = 0, energy = 0;
    const vg_json_t *tax, *line, *lines = vg_json_get(made, "lines");

    for (tax = vg_json_get(made, "taxes")->first; tax; tax = tax->next) {
        sum = 0;
        for (line = lines->first; line; line = line->next) {
            if (member(line, "taxRate", 4) == member(tax, "rate", 4)) {
                sum += member(line, "amount", 2);
            }
        }
        if (sum != member(tax, "base", 2) || sum < 0
            || member(tax, "amount", 2) < 0) {
            return false;
        }
        net += sum;
    }
    for (line = lines->first; line; line = line->next) {
        if (vg_str_eq(vg_json_text(line, "type"), "INCLUDED")) {
            used -= member(line, "volume", 9);
        } else if (vg_str_eq(vg_json_text(line, "type"), "ENERGY")
                   && member(line, "price", 6) > 0)
        {
            energy += member(line, "volume", 9);
        }
    }
    return net == member(made, "net", 2) && member(made, "total", 2) >= net
           && used == taken && taken == (left < energy ? left : energy);
}


/* Whatever is charged, included and discounted. */
static void
any_run(void)
{
    int          round, wrong = 0, none = 0;
    exact_t      left, taken;
    vg_str_t     invoice;
    benefit_t    benefit;
    vg_pool_t   *pool;
    invoice_rc_t rc;

    for (round = 0; round < 20000; round++) {
        pool = vg_arena_create();
        left = chance(3) ? (exact_t) chance(2000000) * 100003 : 0;
        benefit = (benefit_t){
            .included = exact_print(pool, left, 9, 0),
            .discount = vg_printf(pool, "%d.%04d", chance(2) ? chance(100) : 0,
                                  chance(10000)),
        };
        invoice = (vg_str_t){ NULL, 0 };
        rc = invoice_make(pool, costs_any(pool), VG_STR("19"), VG_STR("2"),
                          &benefit, &invoice);
        none += rc == INVOICE_NOTHING;
        wrong += rc != INVOICE_OK && rc != INVOICE_NOTHING;
        if (!exact_read(benefit.taken, 9, &taken) || taken > left
            || (rc == INVOICE_OK
                && !holds(vg_json_parse(pool, invoice, NULL), left, taken)))
        {
            wrong++;
        }
        vg_arena_destroy(pool);
    }
    ok(wrong == 0 && none > 10 && none < round / 2,
       "20,000 at random add up, and nothing is below zero",
       VG_STR("see above"));
}


/* Wherever memory ends there is no invoice, and it is not the costs' fault. */
static void
scarce_run(void)
{
    static const char text[] = COSTS("EUR", E("0.25", "10", "20", "5"));
    bool              good = true;
    size_t            n;
    scarce_t          scarce = { vg_arena_create(), 0 };
    vg_pool_t         small = { scarce_alloc, &scarce };
    vg_str_t          invoice;
    benefit_t         benefit = { VG_STR("4"), VG_STR("10"), { NULL, 0 } };
    const vg_json_t  *costs = vg_json_parse(scarce.arena, vg_str(text), NULL);
    invoice_rc_t      rc = INVOICE_NO_MEMORY;

    for (n = 0; rc == INVOICE_NO_MEMORY && n < 1000; n++) {
        scarce.left = n;
        rc = invoice_make(&small, costs, VG_STR("19"), VG_STR("2"), &benefit,
                          &invoice);
        good = good && (rc == INVOICE_NO_MEMORY || rc == INVOICE_OK);
    }
    ok(good && rc == INVOICE_OK && n > 5,
       "with too little memory there is none", VG_STR("see above"));
    vg_arena_destroy(scarce.arena);
}


/* against the product itself, where that has room */
static void
share_run(void)
{
    int     i, wrong = 0;
    exact_t value, part, whole;

    for (i = 0; i < 100000; i++) {
        value = (exact_t) chance(INT32_MAX) * chance(INT32_MAX);
        whole = 1 + (exact_t) chance(INT32_MAX) * chance(1000);
        part = (exact_t) chance(INT32_MAX) * chance(1000) % (whole + 1);
        wrong += exact_share(value, part, whole) != value * part / whole;
    }
    value = (exact_t) 1 << 125;
    wrong += exact_share(value, value - 1, value) != value - 1;
    wrong += exact_share(value, 1, 2) != value / 2;
    wrong += exact_share(value, 0, 7) != 0;
    ok(wrong == 0, "a share is the product divided, cut", VG_STR("see above"));
}


int
main(void)
{
    size_t i;

    printf("1..%zu\n", sizeof(cases) / sizeof(cases[0]) + 3);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        case_run(&cases[i]);
    }
    any_run();
    scarce_run();
    share_run();
    return failed != 0;
}

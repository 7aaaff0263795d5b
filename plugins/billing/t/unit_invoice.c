/*
 * unit_invoice.c: the arithmetic of invoices, against sums done by hand.
 */

#define _GNU_SOURCE /* memmem */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "invoice.h"
#include "../../../t/lib/scarce.h"

typedef struct {
    const char *name;
    const char *costs;
    const char *tax_rate; /* NULL: not known                              */
    const char *expected; /* a part of the invoice; NULL: there is none   */
} case_t;

/* clang-format off */
#define E(price, vat, volume, excl)                                          \
    "{\"type\":\"ENERGY\",\"price\":" price vat ",\"volume\":" volume         \
    ",\"unit\":\"kWh\",\"excl_vat\":" excl "}"
#define T(price, vat, volume, excl)                                          \
    "{\"type\":\"TIME\",\"price\":" price vat ",\"volume\":" volume           \
    ",\"unit\":\"h\",\"excl_vat\":" excl "}"
#define M(text, price, volume)                                               \
    "{\"type\":\"MANUAL\",\"kind\":\"MANUAL\",\"text\":\"" text          \
    "\",\"price\":" price ",\"vat\":20,\"volume\":" volume "}"
/* clang-format on */
#define VAT(rate) ",\"vat\":" rate
#define COSTS(currency, lines)                                                 \
    "{\"currency\":\"" currency "\",\"lines\":[" lines "]}"

/* clang-format off */
static const case_t  cases[] = {
    { "what a person wrote is price times volume, a line of its own",
      COSTS("EUR", M("Hat", "9.999999", "1.5") "," M("Hat", "9.999999", "1.5")),
      NULL,
      "{\"type\":\"MANUAL\",\"kind\":\"MANUAL\",\"text\":\"Hat\","
      "\"reservation\":null,\"unit\":null,\"price\":9.999999,"
      "\"volume\":1.5,\"taxRate\":20,\"amount\":15.00},{" },
    { "and is rounded with the others of its rate",
      COSTS("EUR", M("Hat", "0.333333", "0.5") "," M("Cap", "0.01", "1.5")),
      NULL,
      "\"taxes\":[{\"rate\":20,\"base\":0.18,\"amount\":0.04}]" },
    { "energy with the tariff's VAT",
      COSTS("EUR", E("0.25", VAT("10"), "20", "5")), "19",
      "\"net\":5.00,\"tax\":0.50,\"total\":5.50,\"taxUnknown\":false" },
    { "a line says price, volume, rate and amount",
      COSTS("EUR", E("0.25", VAT("10"), "20", "5")), NULL,
      "{\"type\":\"ENERGY\",\"reservation\":null,\"unit\":\"kWh\","
      "\"price\":0.25,\"volume\":20,\"taxRate\":10,\"amount\":5.00}" },
    { "no VAT in the tariff: the country's rate",
      COSTS("EUR", E("0.5", "", "10", "5")), "25.5",
      "\"taxes\":[{\"rate\":25.5,\"base\":5.00,\"amount\":1.28}],"
      "\"net\":5.00,\"tax\":1.28,\"total\":6.28,\"taxUnknown\":false" },
    { "no rate known: taxed at 0 and marked",
      COSTS("EUR", E("0.5", "", "10", "5")), NULL,
      "\"net\":5.00,\"tax\":0.00,\"total\":5.00,\"taxUnknown\":true" },
    { "VAT 0 in the tariff is known",
      COSTS("EUR", E("0.5", VAT("0"), "10", "5")), NULL,
      "\"total\":5.00,\"taxUnknown\":false" },
    { "the yen has no minor unit, half goes up",
      COSTS("JPY", E("30", VAT("10"), "1.25", "37.5")), NULL,
      "\"minorUnits\":0,\"lines\":[{\"type\":\"ENERGY\",\"reservation\":null,"
      "\"unit\":\"kWh\",\"price\":30,\"volume\":1.25,\"taxRate\":10,"
      "\"amount\":38}],\"taxes\":[{\"rate\":10,\"base\":38,\"amount\":4}],"
      "\"net\":38,\"tax\":4,\"total\":42" },
    { "the dinar of Bahrain has three digits",
      COSTS("BHD", E("0.0305", VAT("10"), "1", "0.0305")), NULL,
      "\"net\":0.031,\"tax\":0.003,\"total\":0.034" },
    { "the dinar of Kuwait has three digits",
      COSTS("KWD", E("0.1", VAT("0"), "1.005", "0.1005")), NULL,
      "\"net\":0.101,\"tax\":0.000,\"total\":0.101" },
    { "one rounding for a rate: two thirds of a cent are one",
      COSTS("EUR", E("0.1", VAT("10"), "0.033", "0.003333333333")
            "," T("0.2", VAT("10"), "0.0167", "0.003333333333")), NULL,
      "\"amount\":0.01},{\"type\":\"TIME\",\"reservation\":null,"
      "\"unit\":\"h\",\"price\":0.2,\"volume\":0.0167,\"taxRate\":10,"
      "\"amount\":0.00}]" },
    { "the largest remainder gets the cent",
      COSTS("EUR", E("1", VAT("10"), "1.004", "1.004")
            "," T("1", VAT("10"), "1.009", "1.009")), NULL,
      "\"amount\":1.00},{\"type\":\"TIME\",\"reservation\":null,"
      "\"unit\":\"h\",\"price\":1,\"volume\":1.009,\"taxRate\":10,"
      "\"amount\":1.01}],\"taxes\":[{\"rate\":10,\"base\":2.01,"
      "\"amount\":0.20}]" },
    { "two rates are two taxes",
      COSTS("EUR", E("0.25", VAT("19"), "40", "10")
            "," T("2", VAT("7"), "1", "2")), NULL,
      "\"taxes\":[{\"rate\":19,\"base\":10.00,\"amount\":1.90},"
      "{\"rate\":7,\"base\":2.00,\"amount\":0.14}],"
      "\"net\":12.00,\"tax\":2.04,\"total\":14.04" },
    { "the same price of one component is one line",
      COSTS("EUR", E("0.25", VAT("10"), "10", "2.5")
            "," E("0.30", VAT("10"), "10", "3")
            "," E("0.25", VAT("10"), "5.5", "1.375")), NULL,
      "\"lines\":[{\"type\":\"ENERGY\",\"reservation\":null,\"unit\":\"kWh\","
      "\"price\":0.25,\"volume\":15.5,\"taxRate\":10,\"amount\":3.88},"
      "{\"type\":\"ENERGY\",\"reservation\":null,\"unit\":\"kWh\","
      "\"price\":0.30,\"volume\":10,\"taxRate\":10,\"amount\":3.00}]" },
    { "a least price is a line, taxed as the most of it is",
      COSTS("EUR", E("0.25", VAT("10"), "1", "0.25")
            ",{\"type\":\"MIN_PRICE\",\"excl_vat\":0.25}"), NULL,
      "{\"type\":\"MIN_PRICE\",\"reservation\":null,\"taxRate\":10,"
      "\"amount\":0.25}],\"taxes\":[{\"rate\":10,\"base\":0.50,"
      "\"amount\":0.05}]" },
    { "a highest price including VAT is what is paid",
      "{\"currency\":\"EUR\",\"unrounded\":{\"excl_vat\":10,"
      "\"incl_vat\":11},\"lines\":["
      E("0.5", VAT("19"), "50", "25")
      ",{\"type\":\"MAX_PRICE\",\"excl_vat\":-15,\"incl_vat\":-18.75}]}", NULL,
      "\"net\":10.00,\"tax\":1.00,\"total\":11.00" },
    { "a highest price is shared by the rates as their sums are",
      COSTS("EUR", E("0.5", VAT("19"), "50", "25")
            "," T("2", VAT("7"), "10", "20")
            ",{\"type\":\"MAX_PRICE\",\"excl_vat\":-35}"), NULL,
      "{\"type\":\"MAX_PRICE\",\"reservation\":null,\"taxRate\":19,"
      "\"amount\":-19.44},{\"type\":\"MAX_PRICE\",\"reservation\":null,"
      "\"taxRate\":7,\"amount\":-15.56}],\"taxes\":[{\"rate\":19,"
      "\"base\":5.56,\"amount\":1.06},{\"rate\":7,\"base\":4.44,"
      "\"amount\":0.31}],\"net\":10.00,\"tax\":1.37,\"total\":11.37" },
    { "a least price of nothing has the country's rate",
      COSTS("EUR", "{\"type\":\"MIN_PRICE\",\"excl_vat\":2}"), "19",
      "\"taxes\":[{\"rate\":19,\"base\":2.00,\"amount\":0.38}]" },
    { "half of a cent down is away from zero",
      COSTS("EUR", E("0.01", VAT("0"), "1", "-0.015") ","
            E("1", VAT("7"), "1", "1")), NULL,
      "{\"rate\":0,\"base\":-0.02,\"amount\":0.00}" },
    { "nothing to pay is no invoice",
      COSTS("EUR", E("0", VAT("10"), "20", "0")), NULL, NULL },
    { "less than half a cent is no invoice",
      COSTS("EUR", E("0.004", VAT("10"), "1", "0.004")), NULL, NULL },
    { "no lines are no invoice", COSTS("EUR", ""), NULL, NULL },
};

static const char *const  nonsense[] = {
    COSTS("EUR", E("1", VAT("25"), "1", "800000000000")),
    COSTS("EUR", M("Dear", "999999999", "999") "," M("Dear", "9", "999999999")),
    COSTS("EUR", E("1", VAT("25"), "1", "-1")),
    COSTS("EUR", M("Too much", "999999999999", "999999999999")),
    COSTS("EUR", M("Below zero", "-1", "1")),
    "{}",
    "{\"currency\":\"EUR\"}",
    "{\"currency\":\"EURO\",\"lines\":[]}",
    "{\"currency\":\"EUR\",\"lines\":[1]}",
    "{\"currency\":\"EUR\",\"lines\":[{\"type\":\"ENERGY\"}]}",
    COSTS("EUR", E("1e1", VAT("10"), "1", "1")),
    COSTS("EUR", E("1", VAT("10"), "-", "1e")),
    COSTS("EUR", E("1", VAT("10"), "1e3", "1")),
    COSTS("EUR", E("1", VAT("10"), "1", "1e5")),
    COSTS("EUR", E("1", VAT("10"), "1", "1234567890123456")),
    COSTS("EUR", "{\"type\":\"MIN_PRICE\",\"excl_vat\":1},"
                 "{\"type\":\"MAX_PRICE\",\"excl_vat\":1},"
                 "{\"type\":\"ODD_PRICE\",\"excl_vat\":1}"),
    COSTS("EUR", E("1", VAT("-1"), "1", "1")),
    COSTS("EUR", E("1", VAT("100000"), "1", "1")),
    COSTS("EUR", E("1", VAT("10"), "1", "0.0000000000001")),
};
/* clang-format on */

static int number, failed;


static void
ok(bool passed, const char *name, vg_str_t got)
{
    number++;
    printf("%sok %d - %s\n", passed ? "" : "not ", number, name);
    if (!passed) {
        failed++;
        printf("# got: %.*s\n", (int) got.len, got.data ? got.data : "");
    }
}


static bool
contains(vg_str_t text, const char *part)
{
    return text.data != NULL
           && memmem(text.data, text.len, part, strlen(part)) != NULL;
}


/* digits behind the point, of the currencies above */
static vg_str_t
digits_of(const char *costs)
{
    return strstr(costs, "\"JPY\"") != NULL ? VG_STR("0")
           : strstr(costs, "\"BHD\"") != NULL
                   || strstr(costs, "\"KWD\"") != NULL
               ? VG_STR("3")
               : VG_STR("2");
}


static void
case_run(const case_t *c)
{
    vg_pool_t   *pool = vg_arena_create();
    vg_str_t     invoice = { NULL, 0 }, rate = { NULL, 0 };
    invoice_rc_t rc;

    rate = c->tax_rate ? vg_str(c->tax_rate) : rate;
    rc = invoice_make(pool, vg_json_parse(pool, vg_str(c->costs), NULL), rate,
                      digits_of(c->costs), NULL, &invoice);
    ok(c->expected ? rc == INVOICE_OK && contains(invoice, c->expected)
                   : rc == INVOICE_NOTHING,
       c->name, invoice);
    vg_arena_destroy(pool);
}


static void
nonsense_run(const char *costs)
{
    vg_pool_t   *pool = vg_arena_create();
    vg_str_t     invoice = { NULL, 0 };
    invoice_rc_t rc;

    rc = invoice_make(pool, vg_json_parse(pool, vg_str(costs), NULL),
                      VG_STR("19"), VG_STR("2"), NULL, &invoice);
    ok(rc == INVOICE_NONSENSE, "nonsense is refused", vg_str(costs));
    vg_arena_destroy(pool);
}


/* Lines add up to the net, whatever they are. */
static void
sums_run(void)
{
    vg_out_t         out;
    vg_str_t         invoice;
    uint64_t         seed = 88172645463325252u;
    long             sum, net;
    int              i, round, wrong = 0;
    vg_pool_t       *pool;
    const vg_json_t *made, *line;

    for (round = 0; round < 500; round++) {
        pool = vg_arena_create();
        vg_out_init(&out, pool);
        vg_out_open(&out, '{');
        vg_out_member(&out, "currency", VG_STR("JPY"));
        vg_out_key(&out, "lines");
        vg_out_open(&out, '[');
        for (i = 0; i < 12; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            vg_out_raw(
                &out,
                vg_printf(
                    pool,
                    "{\"type\":\"ENERGY\",\"price\":%d,\"vat\":%d,\"volume\":1,"
                    "\"excl_vat\":%d.%03d}",
                    i + 1, i % 2 ? 10 : 19, (int) (seed % 1000),
                    (int) (seed / 1000 % 1000)));
        }
        vg_out_close(&out, ']');
        vg_out_close(&out, '}');
        invoice = vg_out_str(&out);
        if (invoice_make(pool, vg_json_parse(pool, invoice, NULL), VG_STR("19"),
                         VG_STR("0"), NULL, &invoice)
            != INVOICE_OK)
        {
            wrong++;
            vg_arena_destroy(pool);
            continue;
        }
        made = vg_json_parse(pool, invoice, NULL);
        sum = 0;
        for (line = vg_json_get(made, "lines")->first; line != NULL;
             line = line->next) {
            sum += strtol(vg_json_text(line, "amount").data, NULL, 10);
        }
        net = strtol(vg_json_text(made, "net").data, NULL, 10);
        wrong += sum != net;
        vg_arena_destroy(pool);
    }
    ok(wrong == 0, "lines add up to the net, 500 times", VG_STR("see above"));
}


/* Wherever memory ends there is no invoice, and it is not the costs' fault. */
static void
scarce_run(void)
{
    static const char text[] = COSTS("EUR", E("0.25", VAT("10"), "20", "5"));
    bool              good = true;
    size_t            n;
    scarce_t          scarce = { vg_arena_create(), 0 };
    vg_pool_t         small = { scarce_alloc, &scarce };
    vg_str_t          invoice;
    const vg_json_t  *costs = vg_json_parse(scarce.arena, vg_str(text), NULL);
    invoice_rc_t      rc = INVOICE_NO_MEMORY;

    for (n = 0; rc == INVOICE_NO_MEMORY && n < 1000; n++) {
        scarce.left = n;
        rc = invoice_make(&small, costs, VG_STR("19"), VG_STR("2"), NULL,
                          &invoice);
        good = good && (rc == INVOICE_NO_MEMORY || rc == INVOICE_OK);
    }
    good = good && rc == INVOICE_OK && n > 5;
    failed += !good;
    printf("%sok %d - with too little memory there is none\n",
           good ? "" : "not ", ++number);
    vg_arena_destroy(scarce.arena);
}


int
main(void)
{
    size_t i;

    printf("1..%zu\n", sizeof(cases) / sizeof(cases[0])
                           + sizeof(nonsense) / sizeof(nonsense[0]) + 2);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        case_run(&cases[i]);
    }
    for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        nonsense_run(nonsense[i]);
    }
    sums_run();
    scarce_run();
    return failed != 0;
}

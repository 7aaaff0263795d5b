/*
 * unit_page.c: what stands on an invoice's pages, as a document.
 */

#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int        tests, failures;
static vg_pool_t *pool;


static void
ok(bool good, const char *what)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}


#define SHOWN(digits, invoice, more)                                           \
    "{\"minorUnits\":\"" digits "\",\"seller\":{\"name\":\"S\"},"              \
    "\"buyer\":{\"id\":\"b\"}" more ",\"invoice\":{\"number\":\"INV-1\","      \
    "\"currency\":\"EUR\"," invoice "}}"

#define LINE(members) "\"lines\":[{" members "}]"


/* the document's text; "" where there is none; freed with the pool */
static const char *
made(const char *shown)
{
    vg_str_t         text, whole;
    const vg_json_t *json = vg_json_parse(pool, vg_str(shown), NULL);

    text = page_make(pool, json);
    if (json == NULL || text.data == NULL
        || vg_json_parse(pool, text, NULL) == NULL)
    {
        return "";
    }
    whole = vg_printf(pool, "%.*s", (int) text.len, text.data);
    return whole.data;
}


static void
shows(const char *shown, const char *part, const char *what)
{
    const char *text = made(shown);
    bool        good = strstr(text, part) != NULL;

    ok(good, what);
    if (!good) {
        printf("# %s\n", text);
    }
}


static void
hides(const char *shown, const char *part, const char *what)
{
    const char *text = made(shown);

    ok(text[0] != '\0' && strstr(text, part) == NULL, what);
}


static void
lines(void)
{
    shows(
        SHOWN("2",
              LINE("\"type\":\"ENERGY\",\"price\":0.5,\"volume\":3,\"unit\":"
                   "\"kWh\",\"taxRate\":19.0,\"amount\":1.5"),
              ""),
        "[\"1\",\"Charging, by energy\",\"3 kWh\",\"0.50\",\"19 %\",\"1.50\"]",
        "digits of the currency at least");
    shows(SHOWN("0",
                LINE("\"type\":\"FLAT\",\"price\":0.125,\"volume\":1.000,"
                     "\"taxRate\":25.5,\"amount\":-3"),
                ""),
          "\"1\",\"0.125\",\"25.5 %\",\"-3\"]", "all digits of a price");
    shows(SHOWN("3", LINE("\"type\":\"MIN_PRICE\",\"taxRate\":0,\"amount\":1"),
                ""),
          "[\"1\",\"Up to the least price\",null,null,\"0 %\",\"1.000\"]",
          "what has no price has none");
    shows(SHOWN("2", LINE("\"type\":\"X\",\"kind\":\"RESERVATION\""), ""),
          "\"Reservation\"", "by its kind");
    shows(SHOWN("2", LINE("\"type\":\"TIME\",\"reservation\":\"RESERVATION\""),
                ""),
          "\"Reservation\"", "a line of a reservation is called so");
    shows(SHOWN("2", LINE("\"type\":\"TIME\""), ""), "\"Charging, by time\"",
          "by its type");
    shows(SHOWN("2", LINE("\"type\":\"NEW\",\"kind\":\"NEW\""), ""), "\"NEW\"",
          "by its name where there are no words");
    shows(SHOWN("2",
                LINE("\"type\":\"MANUAL\",\"kind\":\"MANUAL\",\"text\":\"two\\n"
                     "lines \\u0000\""),
                ""),
          "\"two lines  \"", "what a person wrote, in one line");
    shows(SHOWN("2", LINE("\"amount\":123456789012345678901"), ""),
          "\"123456789012345678901\"", "what is no amount as it came");
}


static void
left(void)
{
    shows(SHOWN("2", "\"total\":5.95,\"paid\":0,\"credited\":0", ""),
          "Please pay 5.95 EUR and name INV-1", "all of it");
    shows(SHOWN("2",
                "\"total\":5.95,\"paid\":1.9,\"credited\":1,\"dueAt\":\"2026-"
                "12-06T10:00:00Z\"",
                ""),
          "Please pay 3.05 EUR by 2026-12-06 and name INV-1", "the rest");
    shows(SHOWN("2", "\"total\":5.95,\"paid\":1.9,\"credited\":1", ""),
          "[null,\"Paid\",\"-1.90\"],[null,\"Credited\",\"-1.00\"],"
          "{\"bold\":true,\"rule\":true,\"cells\":[null,\"To pay EUR\","
          "\"3.05\"]}",
          "what was done about it");
    shows(SHOWN("2", "\"total\":5.95,\"paid\":5.95,\"credited\":0", ""),
          "is settled", "nothing");
    hides(SHOWN("2", "\"total\":5.95,\"paid\":5.95", ""), "Please pay",
          "nor is it asked for");
    shows(SHOWN("2", "\"total\":1,\"taxUnknown\":true", ""),
          "No rate of tax is known", "no tax for want of a rate");
    hides(SHOWN("2", "\"total\":1,\"taxUnknown\":false", ""),
          "No rate of tax is known", "tax");
}


static void
parties(void)
{
    shows(SHOWN("2", "\"total\":1", ""), "\"Customer b\"", "by its id");
    shows(SHOWN("2", "\"issuer\":\"i\"", ",\"corrects\":\"INV-0\""),
          "\"Credit note INV-1\"", "a credit note is called so");
    shows(SHOWN("2", "\"total\":1", ",\"corrects\":\"INV-0\""),
          "Number\\nCorrects\",\"INV-1\\nINV-0\"", "and says of what");
    hides(SHOWN("2", "\"total\":1", ",\"corrects\":\"INV-0\""), "pay",
          "and asks for nothing");
    shows("{\"minorUnits\":\"2\",\"invoice\":{\"issuer\":\"i-1\"}}", "\"i-1\"",
          "an issuer of no name has its id");
    shows(SHOWN("2",
                "\"suppliedFrom\":\"2026-11-21T23:00:00Z\",\"suppliedTo\":"
                "\"2026-11-22T01:30:00Z\"",
                ""),
          "2026-11-21 23:00 \xe2\x80\x93 2026-11-22 01:30 UTC",
          "over midnight");
    shows("{\"minorUnits\":\"2\",\"invoice\":{},\"seller\":{\"name\":\"a\\nb\","
          "\"address\":{\"street\":\"s\",\"postalCode\":\"1\",\"city\":\"c\"},"
          "\"vatId\":\"V\",\"bic\":\"B\"}}",
          "s\\n1 c\\nVAT ID V", "an address");
    ok(made("{\"minorUnits\":\"2\"}")[0] == '\0', "no invoice");
    ok(made("{\"invoice\":{}}")[0] == '\0', "no digits");
    ok(made("{\"minorUnits\":\"12\",\"invoice\":{}}")[0] == '\0',
       "digits that are none");
    ok(made(SHOWN("2", "\"total\":1234567890123.45", ""))[0] == '\0',
       "a total that is not understood is not asked for");
}


int
main(void)
{
    pool = vg_arena_create();
    lines();
    left();
    parties();
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}

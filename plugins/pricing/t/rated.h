/*
 * rated.h: what the tests of prices share: tariffs written in brief, and the
 * engine asked in JSON.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "receipt.h"

static int        tests, failures;
static vg_pool_t *pool;


static inline bool
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
    return good;
}


/* ---------------------------------------------------------------- tariffs */

#define C(type, price, vat, step)                                              \
    "{\"type\":\"" type "\",\"price\":" price "," vat "\"step_size\":" step "}"
#define VAT(percent)  "\"vat\":" percent ","
#define NOVAT         ""
#define E(components) "{\"price_components\":[" components "]}"
#define ER(components, limits)                                                 \
    "{\"price_components\":[" components "],\"restrictions\":{" limits "}}"
#define T(members, elements)                                                   \
    "{\"currency\":\"EUR\"," members "\"elements\":[" elements "]}"

#define KWH_025 C("ENERGY", "0.25", VAT("10.0"), "1")
#define START   C("FLAT", "0.50", VAT("20"), "1")

#define ENERGY_OF(kwh) "{\"type\":\"ENERGY\",\"volume\":" kwh "}"
#define HOURS_OF(h)    "{\"type\":\"TIME\",\"volume\":" h "}"


/* ------------------------------------------------------------- the engine */

static inline const vg_json_t *
rate(vg_str_t text)
{
    faults_t         faults = { .pool = pool };
    const vg_json_t *input = vg_json_parse(pool, text, NULL);
    vg_str_t         answer;
    fault_t         *fault;

    answer = receipt(pool, input, vg_json_get(input, "tariff"), &faults);
    for (fault = faults.first; fault != NULL; fault = fault->next) {
        printf("# %s %s\n", fault->path, fault->message);
    }

    return answer.data == NULL ? NULL : vg_json_parse(pool, answer, NULL);
}


static inline vg_str_t
total(const vg_json_t *answer, const char *name, const char *tax)
{
    return vg_json_text(vg_json_get(answer, name), tax);
}


static inline int64_t
exact(vg_str_t text)
{
    int64_t  value = 0;
    bool     negative = text.len > 0 && text.data[0] == '-';
    vg_str_t digits = { text.data + negative, text.len - negative };

    (void) decimal_parse(digits, 12, INT64_MAX / 2, &value);
    return negative ? -value : value;
}


static inline const vg_json_t *
line_at(const vg_json_t *answer, int index)
{
    const vg_json_t *lines = vg_json_get(answer, "lines");
    const vg_json_t *line = lines != NULL ? lines->first : NULL;

    while (line != NULL && index-- > 0) {
        line = line->next;
    }

    return line;
}


static inline bool
line_is(const vg_json_t *answer, int index, const char *start,
        const char *volume, const char *excl)
{
    const vg_json_t *line = line_at(answer, index);
    bool same = vg_str_eq(vg_json_text(line, "start_date_time"), start)
                && vg_str_eq(vg_json_text(line, "volume"), volume)
                && vg_str_eq(vg_json_text(line, "excl_vat"), excl);

    if (!same && line != NULL) {
        printf("# line %d is %.*s\n", index, (int) line->raw.len,
               line->raw.data);
    }

    return same;
}


/* One charging period from start to end, in a zone. */
static inline const vg_json_t *
one(const char *tariff, const char *start, const char *end, const char *zone,
    const char *dimensions)
{
    return rate(vg_printf(pool,
                          "{\"tariff\":%s,\"start_date_time\":\"%s\","
                          "\"end_date_time\":\"%s\",\"time_zone\":\"%s\","
                          "\"charging_periods\":[{\"start_date_time\":\"%s\","
                          "\"dimensions\":[%s]}]}",
                          tariff, start, end, zone, start, dimensions));
}

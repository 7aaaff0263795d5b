/*
 * unit_scarce.c: prices where memory ends, at each allocation in turn: there
 * is the whole answer or none, never a part of it. And sums that are too large.
 */

#include "rated.h"
#include "../../../t/lib/scarce.h"

#define LIMITS                                                                 \
    "\"min_price\":{\"excl_vat\":500,\"incl_vat\":600},"                       \
    "\"max_price\":{\"excl_vat\":650,\"incl_vat\":790},"
#define ENTRY(start, energy)                                                   \
    "{\"start_date_time\":\"" start "\",\"dimensions\":[" ENERGY_OF(           \
        energy) ",{\"type\":\"POWER\",\"volume\":11}]}"

/* The answer with room for n allocations, and whether it needed all of them. */
static vg_str_t
answer_with(size_t n, const vg_json_t *input, bool *ended)
{
    scarce_t  scarce = { pool, n };
    vg_pool_t small = { scarce_alloc, &scarce };
    faults_t  faults = { .pool = &small };
    vg_str_t  answer;

    answer = receipt(&small, input, vg_json_get(input, "tariff"), &faults);
    *ended = answer.data == NULL;
    return answer;
}


static vg_str_t
prices_with(size_t n, const vg_json_t *input, bool *ended)
{
    scarce_t  scarce = { pool, n };
    vg_pool_t small = { scarce_alloc, &scarce };
    vg_str_t  answer =
        prices_at(&small, vg_json_get(input, "tariff"), VG_STR("Europe/Berlin"),
                  INT64_C(1700000000000000));

    *ended = answer.data == NULL;
    return answer;
}


static void
each(vg_str_t (*with)(size_t, const vg_json_t *, bool *),
     const vg_json_t *input, const char *name)
{
    bool     ended = true;
    size_t   n, partly = 0;
    vg_str_t whole = with(SIZE_MAX, input, &ended), some;

    ok(!ended && whole.len > 0, name);
    ended = true;
    for (n = 0; ended && n < 100000; n++) {
        some = with(n, input, &ended);
        partly += !ended
                  && (some.len != whole.len
                      || memcmp(some.data, whole.data, some.len) != 0);
    }
    ok(!ended && n > 10 && partly == 0, "with less memory it has none");
}


/* more lines than the first allocation holds, and a limit that is a line */
static const vg_json_t *
many_lines(void)
{
    int      i;
    vg_out_t out;

    vg_out_init(&out, pool);
    vg_out_raw(
        &out,
        VG_STR("{\"tariff\":" T(
            LIMITS, E(KWH_025)) ","
                                "\"start_date_time\":\"2024-01-01T00:00:00Z\","
                                "\"end_date_time\":\"2024-01-02T00:00:00Z\","
                                "\"time_zone\":\"Europe/Berlin\","
                                "\"charging_periods\":["));
    for (i = 0; i < 32; i++) {
        out.comma = i > 0;
        vg_out_raw(&out, vg_printf(pool, ENTRY("2024-01-01T%02d:%02d:00Z", "1"),
                                   i / 2, i % 2 * 30));
    }
    out.comma = false;
    vg_out_raw(&out, VG_STR("]}"));
    return vg_json_parse(pool, vg_out_str(&out), NULL);
}


static void
test_large(void)
{
    const vg_json_t *input;
    faults_t         faults = { .pool = pool };

    input = vg_json_parse(
        pool,
        VG_STR("{\"tariff\":" T(
            "",
            E(C("ENERGY", "999999999", VAT("100"),
                "1000000000"))) ","
                                "\"start_date_time\":\"2024-01-01T00:00:00Z\","
                                "\"end_date_time\":\"2024-01-02T00:00:00Z\","
                                "\"charging_periods\":[" ENTRY(
                                    "2024-01-01T00:00:00Z", "1000000") "]}"),
        NULL);
    ok(receipt(pool, input, vg_json_get(input, "tariff"), &faults).data == NULL
           && faults.first != NULL
           && strcmp(faults.first->message, "cost too much to be counted") == 0,
       "what is too large to be counted is refused");
    if (faults.first != NULL) {
        printf("# %s %s\n", faults.first->path, faults.first->message);
    }
}


int
main(void)
{
    const vg_json_t *input;

    pool = vg_arena_create();
    input = many_lines();
    each(answer_with, input, "thirty-two lines and a limit are priced");
    each(prices_with, input, "the prices of now are told");
    test_large();
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}

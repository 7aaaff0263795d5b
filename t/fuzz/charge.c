/* with: plugins/charging/periods.c plugins/pricing/cost.c plugins/pricing/decimal.c plugins/pricing/fault.c plugins/pricing/moment.c plugins/pricing/receipt.c plugins/pricing/restriction.c plugins/pricing/session.c plugins/pricing/tariff.c plugins/pricing/walk.c plugins/pricing/zone.c plugins/billing/exact.c plugins/billing/invoice.c plugins/billing/benefit.c
 *
 * charge.c: any meter values and statuses of a session, cut into periods,
 * priced and billed. No Wh is lost or found on the way.
 */

#include "../../plugins/billing/invoice.h"
#include "../../plugins/charging/periods.h"
#include "../../plugins/pricing/receipt.h"
#include "priced.h"


/* the ENERGY of all periods, in 10^-9 kWh */
static __int128
energy_of(const vg_json_t *arguments)
{
    __int128         energy = 0;
    const vg_json_t *period, *d;

    period = vg_json_get(arguments, "charging_periods")->first;
    for (; period != NULL; period = period->next) {
        d = vg_json_get(period, "dimensions")->first;
        for (; d != NULL; d = d->next) {
            if (vg_str_eq(vg_json_text(d, "type"), "ENERGY")) {
                energy += fuzz_decimal(vg_json_text(d, "volume"), 9);
            }
        }
    }
    return energy;
}


static void
cut(vg_pool_t *pool, const vg_json_t *costing, vg_str_t text)
{
    __int128         moved;
    faults_t         faults = { .pool = pool };
    vg_str_t         answer, stop = vg_json_text(costing, "meterStopWh");
    const vg_json_t *arguments = vg_json_parse(pool, text, NULL), *costs;

    REQUIRE(arguments != NULL);
    if (stop.data != NULL) { /* a register that ran backwards moved nothing */
        moved = fuzz_decimal(stop, 0)
                - fuzz_decimal(vg_json_text(costing, "meterStartWh"), 0);
        REQUIRE(energy_of(arguments) == (moved > 0 ? moved : 0) * 1000000);
    }
    answer =
        receipt(pool, arguments, vg_json_get(arguments, "tariff"), &faults);
    if (answer.data == NULL) {
        REQUIRE(faults.count > 0);
        return;
    }
    costs = vg_json_parse(pool, answer, NULL);
    priced(costs);
    billed(pool, costs);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy = fuzz_copy(data, size);
    vg_str_t         arguments;
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *costing;

    costing = vg_json_parse(pool, (vg_str_t){ copy, size }, NULL);
    if (costing != NULL
        && periods_arguments(pool, costing, 1800000000000000, &arguments)
               == PERIODS_OK)
    {
        cut(pool, costing, arguments);
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

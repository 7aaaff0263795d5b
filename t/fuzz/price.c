/* with: plugins/pricing/cost.c plugins/pricing/decimal.c plugins/pricing/fault.c plugins/pricing/moment.c plugins/pricing/receipt.c plugins/pricing/restriction.c plugins/pricing/session.c plugins/pricing/tariff.c plugins/pricing/walk.c plugins/pricing/zone.c plugins/billing/exact.c plugins/billing/invoice.c plugins/billing/benefit.c
 *
 * price.c: any tariff and charge, priced and billed. A price is never below
 * zero, lines add up to it, and what was priced can be billed.
 */

#include "../../plugins/billing/invoice.h"
#include "../../plugins/pricing/receipt.h"
#include "priced.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy = fuzz_copy(data, size);
    vg_pool_t       *pool = vg_arena_create();
    faults_t         faults = { .pool = pool };
    vg_str_t         answer;
    const vg_json_t *input, *costs;

    input = vg_json_parse(pool, (vg_str_t){ copy, size }, NULL);
    if (input != NULL && input->type == VG_JSON_OBJECT) {
        answer = receipt(pool, input, vg_json_get(input, "tariff"), &faults);
        REQUIRE((answer.data == NULL) == (faults.count > 0));
        if (answer.data != NULL) {
            costs = vg_json_parse(pool, answer, NULL);
            priced(costs);
            billed(pool, costs);
        }
        (void) prices_at(pool, vg_json_get(input, "tariff"),
                         vg_json_text(input, "time_zone"), 1800000000000000);
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

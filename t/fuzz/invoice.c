/* with: plugins/billing/exact.c plugins/billing/invoice.c plugins/billing/benefit.c
 *
 * invoice.c: any costs as an invoice. An invoice adds up, also after what a
 * subscription takes off.
 */

#include "priced.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy = fuzz_copy(data, size);
    vg_str_t         rest = { copy, size }, rate, text;
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *costs;
    benefit_t        benefit = { VG_STR("7.000000001"),
                                 VG_STR("33.3333"),
                                 { NULL, 0 } };

    rate = fuzz_line(&rest);
    rate = rate.len > 0 ? rate : (vg_str_t){ NULL, 0 };
    costs = vg_json_parse(pool, rest, NULL);
    if (costs != NULL
        && invoice_make(pool, costs, rate, VG_STR("2"), NULL, &text)
               == INVOICE_OK)
    {
        invoiced(pool, text);
    }
    if (costs != NULL
        && invoice_make(pool, costs, rate, VG_STR("2"), &benefit, &text)
               == INVOICE_OK)
    {
        invoiced(pool, text);
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

/* with: plugins/billing/told.c
 *
 * webhook.c: any bytes as what a payment provider tells, by whom the first byte
 * says. What is taken is within bounds, and nothing but what it says it is.
 */

#include "../../plugins/billing/told.h"
#include "fuzz.h"

#define NOW 1771000000


static void
seen(vg_str_t text)
{
    size_t i;

    REQUIRE(text.len > 0 && text.len <= TOLD_NAME);
    for (i = 0; i < text.len; i++) {
        REQUIRE(text.data[i] > ' ' && text.data[i] <= '~');
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char      *copy;
    size_t     i;
    told_t     told;
    vg_pool_t *pool;
    vg_json_t *json;
    told_rc_t  rc = TOLD_NONSENSE;

    if (size < 1) {
        return 0;
    }
    copy = fuzz_copy(data + 1, size - 1);
    pool = vg_arena_create();
    json = vg_json_parse(pool, (vg_str_t){ copy, size - 1 }, NULL);
    if (json != NULL) {
        rc = data[0] % 2 ? told_razorpay(json, VG_STR("evt_1"), NOW, &told)
                         : told_stripe(json, &told);
    }
    if (rc == TOLD_OK) {
        seen(told.event);
        seen(told.type);
        if (told.ref.data != NULL) {
            seen(told.ref);
        }
        REQUIRE(told.intent.data == NULL || told.intent.len == 36);
        for (i = 0; told.intent.data != NULL && i < 36; i++) {
            REQUIRE(memchr("0123456789abcdef-", told.intent.data[i], 17));
        }
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

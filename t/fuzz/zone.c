/* with: plugins/pricing/zone.c plugins/pricing/moment.c
 *
 * zone.c: any bytes as a TZif file. The next change lies in the future, so
 * that who walks along them gets to the end.
 */

#include "../../plugins/pricing/zone.h"
#include "fuzz.h"

#define STEPS 50


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int        i, k;
    char      *copy = fuzz_copy(data, size);
    int64_t    at, next;
    vg_pool_t *pool = vg_arena_create();
    zone_t    *zone = zone_read(pool, (vg_str_t){ copy, size });

    /* from long before the first file of its kind to the year 9999 */
    for (k = 0; zone != NULL && k < 3; k++) {
        at = k == 0 ? -3000000000 : k == 1 ? 0 : 250000000000;
        for (i = 0; i < STEPS && at < 253402300800; i++) {
            (void) zone_offset(zone, at, &next);
            REQUIRE(next > at);
            at = next;
        }
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

/* with: nginx-modules/core/pan.c
 *
 * pan.c: any bytes. What is masked is found no more, as the bytes stand, and
 * nothing but digits of what was found has changed; the ways of looking agree
 * where there is no code.
 */

#include "fuzz.h"
#include "pan.h"


/* digits of other scripts are read in JSON and URLs alone */
static bool
foreign(const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char) b[i] >= 0x80) {
            return true;
        }
    }
    return false;
}


static size_t
differ(const char *a, const char *b, size_t size)
{
    size_t i, n = 0;

    for (i = 0; i < size; i++) {
        if (a[i] != b[i]) {
            REQUIRE(a[i] >= '0' && a[i] <= '9' && b[i] == 'X');
            n++;
        }
    }
    return n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char  *copy = fuzz_copy(data, size), *masked = fuzz_copy(data, size);
    bool   found = vg_pan_found(copy, size, VG_PAN_PLAIN);
    size_t count = vg_pan_mask(masked, size), n;

    n = differ(copy, masked, size);
    REQUIRE((count > 0) == found);
    REQUIRE(n >= 13 * count && n <= 19 * count);
    REQUIRE(!vg_pan_found(masked, size, VG_PAN_PLAIN));
    if (foreign(copy, size)) {
        (void) vg_pan_found(copy, size, VG_PAN_JSON);
        (void) vg_pan_found(copy, size, VG_PAN_URL);
        free(masked);
        free(copy);
        return 0;
    }
    if (memchr(copy, '\\', size) == NULL) {
        REQUIRE(vg_pan_found(copy, size, VG_PAN_JSON) == found);
    }
    if (memchr(copy, '%', size) == NULL && memchr(copy, '+', size) == NULL) {
        REQUIRE(vg_pan_found(copy, size, VG_PAN_URL) == found);
    }
    if (memchr(copy, '\\', size) == NULL) {
        free(masked);
        masked = malloc(size + 7); /* the same, read by each byte */
        REQUIRE(masked != NULL);
        memcpy(masked, copy, size);
        for (size_t i = 0; i < 7; i++) {
            masked[size + i] = "\n\\u0041"[i];
        }
        REQUIRE(vg_pan_found(masked, size + 7, VG_PAN_JSON) == found);
    }
    free(masked);
    free(copy);
    return 0;
}

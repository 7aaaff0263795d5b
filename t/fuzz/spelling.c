/* with: plugins/accounts/spelling.c
 *
 * spelling.c: any bytes as plates, VINs, names, addresses and the like. What
 * one of them takes holds no line's end, which would go into a mail's head.
 */

#include <string.h>

#include "../../plugins/accounts/spelling.h"
#include "fuzz.h"

static const spelling_pt rules[] = {
    spelling_line,  spelling_vin,   spelling_country,
    spelling_phone, spelling_email, spelling_language,
};


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t i;
    char  *copy = fuzz_copy(data, size);

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i](copy, size) && size != 0) {
            REQUIRE(memchr(copy, '\n', size) == NULL);
            REQUIRE(memchr(copy, '\r', size) == NULL);
        }
    }
    free(copy);
    return 0;
}

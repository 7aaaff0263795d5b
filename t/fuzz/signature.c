/* with: plugins/billing/signature.c
 *
 * signature.c: any bytes as a Stripe-Signature. What is taken has one time of
 * digits and signatures of 64, all of them parts of the header.
 */

#include "../../plugins/billing/signature.h"
#include "fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char       *copy = fuzz_copy(data, size);
    unsigned    i;
    signature_t s;

    if (signature_read((vg_str_t){ copy, size }, &s)) {
        REQUIRE(s.count >= 1 && s.count <= SIGNATURES);
        REQUIRE(s.when.data >= copy && s.when.data + s.when.len <= copy + size);
        REQUIRE(s.when.len > 0 && s.at >= 0);
        for (i = 0; i < s.count; i++) {
            REQUIRE(s.v1[i].len == 64 && s.v1[i].data > copy);
            REQUIRE(s.v1[i].data + 64 <= copy + size);
        }
    }
    free(copy);
    return 0;
}

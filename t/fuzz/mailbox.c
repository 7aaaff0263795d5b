/* with: plugins/accounts/email.c plugins/accounts/network.c |
 *
 * mailbox.c: any text as an address of a mailbox, or as a network. What passes
 * is one mailbox in one line of ASCII, and what libc takes for a network.
 */

#include <arpa/inet.h>

#include "../../plugins/accounts/email.h"
#include "../../plugins/accounts/network.h"
#include "fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         *copy = fuzz_copy(data, size), *slash, text[64] = "";
    size_t        ats = 0;
    unsigned char bytes[16];

    if (email_fault((vg_str_t){ copy, size }) == NULL) {
        REQUIRE(size <= 254);
        for (size_t i = 0; i < size; i++) {
            REQUIRE(copy[i] > ' ' && copy[i] < 0x7f);
            REQUIRE(strchr("\"(),:;<>[\\]", copy[i]) == NULL);
            ats += copy[i] == '@';
        }
        REQUIRE(ats == 1);
    }
    if (network_fault((vg_str_t){ copy, size }) == NULL) {
        REQUIRE(size < sizeof(text));
        memcpy(text, copy, size);
        slash = strchr(text, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        REQUIRE(inet_pton(AF_INET, text, bytes) == 1
                || inet_pton(AF_INET6, text, bytes) == 1);
    }
    free(copy);
    return 0;
}

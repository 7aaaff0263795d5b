/*
 * unit_signature.c: headers of a provider, right and wrong.
 */

#include <stdio.h>
#include <string.h>

#include "signature.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int tests, failures;

/* clang-format off */
static const struct {
    const char *header;
    int         count; /* of v1; -1: refused */
    long long   at;
} headers[] = {
    { "t=1763772000,v1=" HEX, 1, 1763772000 },
    { "v1=" HEX ",t=1", 1, 1 },
    { "t=1, v1=" HEX ", v1=" HEX, 2, 1 },
    { "t=1,v0=x,v1=" HEX ",vx", 1, 1 },
    { "t=1,v1=" HEX ",v1=" HEX ",v1=" HEX ",v1=" HEX ",v1=" HEX ",v1=" HEX ",v1=" HEX ",v1=" HEX ",v1=" HEX, 8, 1 },
    { "t=1,v1=" HEX ",", 1, 1 },
    { "", -1, 0 }, { ",", -1, 0 }, { "t=1", -1, 0 }, { "v1=" HEX, -1, 0 },
    { "t=,v1=" HEX, -1, 0 }, { "t=a,v1=" HEX, -1, 0 }, { "t=-1,v1=" HEX, -1, 0 },
    { "t=1,t=1,v1=" HEX, -1, 0 }, { "t=1234567890123,v1=" HEX, -1, 0 },
    { "t=1,v1=", -1, 0 }, { "t=1,v1=" HEX "0", -1, 0 }, { "t=1,v1=x" HEX, -1, 0 },
    { "t=1,v1=0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", -1, 0 },
    { "t =1,v1=" HEX, -1, 0 }, { "T=1,V1=" HEX, -1, 0 },
};
/* clang-format on */


int
main(void)
{
    bool        good;
    size_t      i;
    signature_t s;

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        good = signature_read(
            (vg_str_t){ headers[i].header, strlen(headers[i].header) }, &s);
        good = headers[i].count < 0 ? !good
                                    : good && (int) s.count == headers[i].count
                                          && s.at == headers[i].at;
        tests++;
        failures += !good;
        printf("%sok %d - %s\n", good ? "" : "not ", tests, headers[i].header);
    }
    printf("1..%d\n", tests);
    return failures != 0;
}

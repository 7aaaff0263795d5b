/* with: nginx-modules/core/span.c
 *
 * unit_span.c: how long something is kept, read and counted back.
 */

#include "span.h"

#include <stdio.h>
#include <string.h>

static int tests, failures;


static void
ok(bool good, const char *what)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}


static void
reads(const char *text, int count, char unit)
{
    vg_span_t span = { -1, '?' };
    bool      good = vg_span_read(&span, text, strlen(text));

    ok(count < 0 ? !good : good && span.count == count && span.unit == unit,
       text);
}


/* all in seconds since 1970 */
static void
before(const char *text, int64_t now, int64_t wanted)
{
    vg_span_t span = { 0, '?' };
    int64_t   got;

    (void) vg_span_read(&span, text, strlen(text));
    got = vg_span_before(&span, now * 1000000 + 7);
    ok(got == wanted * 1000000 + 7, text);
    if (got != wanted * 1000000 + 7) {
        printf("# %lld\n", (long long) (got / 1000000));
    }
}


int
main(void)
{
    static const char *const wrong[] = {
        "",    "d",     "90",   "0d",       "-1d",     "1.5d",     "1m",
        "1M",  "1s",    " 1d",  "1d ",      "d1",      "101y",     "99999w",
        "+1d", "1 day", "1e3d", "forever ", "Forever", "0forever", "9999999d",
    };
    size_t i;

    reads("12h", 12, 'h');
    reads("90d", 90, 'd');
    reads("8w", 8, 'w');
    reads("10y", 10, 'y');
    reads("100y", 100, 'y');
    reads("forever", 0, 'y');
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        reads(wrong[i], -1, 0);
    }

    before("1h", 1795260000, 1795256400);
    before("2d", 1795260000, 1795260000 - 172800);
    before("1w", 1795260000, 1795260000 - 604800);
    before("10y", 1795219200, 1479686400); /* 2016-11-21 */
    before("1y", 1835395200, 1803772800);  /* 2028-02-29 to 2027-02-28 */
    before("4y", 1835395200, 1709078400);  /* 2028-02-29 to 2024-02-28 */

    printf("1..%d\n", tests);
    return failures != 0;
}

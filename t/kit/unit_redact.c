/* with: nginx-modules/ocpp/redact.c nginx-modules/core/pan.c
 *
 * unit_redact.c: what of a frame is kept, and what is not.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/ocpp/redact.h"

static int tests, failures;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


/* clang-format off */
static const struct {
    const char *text, *kept; /* NULL: as it is */
} frames[] = {
    { "[2,\"1\",\"Heartbeat\",{}]", NULL },
    { "[2,\"1\",\"ChangeConfiguration\",{\"key\":\"AuthorizationKey\",\"value\":\"6162\"}]",
      "[2,\"1\",\"ChangeConfiguration\",{\"key\":\"AuthorizationKey\",\"value\":\"***\"}]" },
    { "[2,\"1\",\"ChangeConfiguration\",{\"value\":\"6162\",\"key\":\"authorizationkey\"}]",
      "[2,\"1\",\"ChangeConfiguration\",{\"value\":\"***\",\"key\":\"authorizationkey\"}]" },
    { "[2,\"1\",\"ChangeConfiguration\",{\"key\":\"HeartbeatInterval\",\"value\":\"60\"}]", NULL },
    { "[2,\"1\",\"ChangeConfiguration\",{\"key\":\"Authorization\\u004bey\",\"value\":\"6162\"}]",
      "[2,\"1\",\"ChangeConfiguration\",{\"key\":\"Authorization\\u004bey\",\"value\":\"***\"}]" },
    { "[3,\"1\",{\"configurationKey\":[{\"key\":\"WifiPassword\",\"readonly\":false,\"value\":\"x\"},"
      "{\"key\":\"A\",\"value\":\"1\"}],\"unknownKey\":[\"b\"]}]",
      "[3,\"1\",{\"configurationKey\":[{\"key\":\"WifiPassword\",\"readonly\":false,\"value\":\"***\"},"
      "{\"key\":\"A\",\"value\":\"1\"}],\"unknownKey\":[\"b\"]}]" },
    { "[2,\"1\",\"Authorize\",{\"idTag\":\"04A1B2C3D4\"}]",
      "[2,\"1\",\"Authorize\",{\"idTag\":\"***C3D4\"}]" },
    { "[2,\"1\",\"Authorize\",{\"idTag\" : \"short\"}]", "[2,\"1\",\"Authorize\",{\"idTag\" : \"***\"}]" },
    { "[2,\"1\",\"Authorize\",{\"idTag\":\"\\u0030\\u0031234\"}]",
      "[2,\"1\",\"Authorize\",{\"idTag\":\"***\"}]" },
    { "[3,\"1\",{\"idTagInfo\":{\"status\":\"Accepted\",\"parentIdTag\":\"GROUP-0001\"}}]",
      "[3,\"1\",{\"idTagInfo\":{\"status\":\"Accepted\",\"parentIdTag\":\"***0001\"}}]" },
    { "[2,\"1\",\"StopTransaction\",{\"idTag\":\"04A1B2C3D4\",\"transactionData\":[{\"sampledValue\":"
      "[{\"value\":\"12\"}]}]}]",
      "[2,\"1\",\"StopTransaction\",{\"idTag\":\"***C3D4\",\"transactionData\":[{\"sampledValue\":"
      "[{\"value\":\"12\"}]}]}]" },
    { "[2,\"1\",\"GetDiagnostics\",{\"location\":\"ftp://me:pw@h/x\"}]",
      "[2,\"1\",\"GetDiagnostics\",{\"location\":\"***@h/x\"}]" },
    { "[2,\"1\",\"GetDiagnostics\",{\"location\":\"ftp://h/x\"}]", NULL },
    { "{\"a\":{\"password\":\"x\",\"apnPassword\":7,\"secrets\":[\"a\",\"b\"]}}",
      "{\"a\":{\"password\":\"***\",\"apnPassword\":\"***\",\"secrets\":[\"***\",\"***\"]}}" },
    { "{\"pass\\u0077ord\":\"x\"}", "{\"pass\\u0077ord\":\"***\"}" },
    { "[2,\"1\",\"DataTransfer\",{\"vendorId\":\"v\",\"data\":\"{\\\"idTag\\\":\\\"0\\\"}\"}]",
      "[2,\"1\",\"DataTransfer\",{\"vendorId\":\"v\",\"data\":\"***\"}]" },
    { "[2,\"1\",\"DataTransfer\",{\"vendorId\":\"v\",\"data\":\"17 degrees\"}]", NULL },
    { "[2,\"1\",\"DataTransfer\",{\"vendorId\":\"v\",\"data\":\"pan 4111 1111 1111 1111\"}]",
      "[2,\"1\",\"DataTransfer\",{\"vendorId\":\"v\",\"data\":\"pan XXXX XXXX XXXX XXXX\"}]" },
    { "[2,\"1\",\"DataTransfer\",{\"vendorId\":\"4111\\u0031111\\u00311111111\"}]", "" },
    { "[2,\"1\",\"DataTransfer\",{\"messageId\":\"password\",\"data\":[\"a\",[1]]}]",
      "[2,\"1\",\"DataTransfer\",{\"messageId\":\"password\",\"data\":[\"***\",[\"***\"]]}]" },
    { "[2,\"1\",\"DataTransfer\",{\"data\":[\"a\"],\"vendorId\":\"v\"}]", NULL },
    { "[\"\\\\\",\"a\\\"b\",{\"idTag\":\"\\\"\"}]", "[\"\\\\\",\"a\\\"b\",{\"idTag\":\"***\"}]" },
    { "[2,\"1\",\"Authorize\",{\"idTag\":\"notclosed", "[2,\"1\",\"Authorize\",{\"idTag\":\"***osed" },
    { "{\"key\":\"AuthorizationKey\",\"value\":\"cut of", "{\"key\":\"AuthorizationKey\",\"value\":\"***" },
    { "{\"value\":\"a\",", "{\"value\":\"***\"," },
    { "no JSON at all \xc3\xa4", NULL },
    { "}}}]]]:::\"", NULL },
    { "", NULL },
};
/* clang-format on */


/* a list in so many others, with a second value that no member names */
static void
test_depth(int depth, bool shown)
{
    int    i;
    bool   cut;
    char   text[128], out[256];
    size_t n = 0, len;

    for (i = 0; i < depth; i++) {
        text[n++] = '[';
    }
    n += (size_t) snprintf(text + n, sizeof(text) - n, "\"one\",\"two\",3");
    len = vg_redact((vg_str_t){ text, n }, out, sizeof(out) - 1, &cut);
    out[len] = '\0';
    ok((strstr(out, "one") != NULL) == shown
           && (strstr(out, "two") != NULL) == shown
           && (strchr(out, '3') != NULL) == shown,
       shown ? "what is not too deep is shown" : "deeper, all is hidden");
}


static void
test_cut(void)
{
    char   out[64], text[] = "[\"aaaaaaaaaa\xe2\x82\xac\xe2\x82\xac\"]";
    bool   cut, good = true;
    size_t room, len;

    for (room = 0; room < sizeof(text); room++) {
        memset(out, 'x', sizeof(out));
        len = vg_redact(vg_str(text), out, room, &cut);
        good &= len <= room && cut == (room < sizeof(text) - 1)
                && vg_str_utf8((vg_str_t){ out, len })
                && memcmp(out, text, len) == 0 && out[room] == 'x';
    }
    ok(good, "what is cut ends at a character");
    len = vg_redact(VG_STR("{\"idTag\":\"1\",\"idTag\":\"2\"}"), out, 25, &cut);
    ok(len == 25 && cut, "what grows is cut, too");
}


/* bytes of any kind, also close to what it looks for */
static void
test_noise(void)
{
    static const char signs[] = "{}[]:,\"\\u ab\xc3\xa4value";
    char              text[300], out[300];
    bool              cut, good = true;
    size_t            i, len, room;
    int               round;

    for (round = 0; round < 200000; round++) {
        len = (size_t) random() % sizeof(text);
        room = (size_t) random() % sizeof(out);
        for (i = 0; i < len; i++) {
            text[i] = signs[(size_t) random() % (sizeof(signs) - 1)];
        }
        good &= vg_redact((vg_str_t){ text, len }, out, room, &cut) <= room;
    }
    ok(good, "noise stays within its room");
}


int
main(void)
{
    size_t      i, len;
    bool        cut;
    char        out[512];
    const char *kept;

    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        kept = frames[i].kept ? frames[i].kept : frames[i].text;
        len = vg_redact(vg_str(frames[i].text), out, sizeof(out), &cut);
        ok(len == strlen(kept) && memcmp(out, kept, len) == 0 && !cut, kept);
        if (len != strlen(kept) || memcmp(out, kept, len) != 0) {
            printf("# got %.*s\n", (int) len, out);
        }
    }
    test_depth(16, true);
    test_depth(17, false);
    test_cut();
    test_noise();
    printf("1..%d\n", tests);
    return failures != 0;
}

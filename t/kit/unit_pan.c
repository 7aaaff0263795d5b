/* with: nginx-modules/core/pan.c
 *
 * unit_pan.c: which bytes are the number of a card, which are not, how often
 * that is said of numbers that are something else, and what a look costs.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../nginx-modules/core/pan.h"

static int tests, failures;


static void
ok(bool good, const char *name, const char *text)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s %s\n", good ? "" : "not ", tests, name, text);
}


/* clang-format off */
/* numbers that issuers and payment providers publish for tests */
static const char *const numbers[] = {
    "4111111111111111", "4242424242424242", "4012888888881881", "4222222222222", "4000056655665556",
    "5555555555554444", "5105105105105100", "2223003122003222", "2720990000000007",
    "378282246310005", "371449635398431", "343434343434343",
    "30569309025904", "38520000023237", "36227206271667", "3056930009020004",
    "6011111111111117", "6011000990139424", "6445644564456445", "6555900000604105",
    "3530111333300000", "3566002020360505", "6200000000000005", "6205500000000000004",
    "6759649826438453", "6304000000000000", "5018000000000009", "6763946698000005",
    "2200000000000004", "5085000000000007", "6073849700004947", "5066991111111118", "6062825624254001",
    NULL
};

static const struct { vg_pan_form_t form; const char *text; } found[] = {
    { VG_PAN_PLAIN, "4111 1111 1111 1111" },
    { VG_PAN_PLAIN, "4111-1111-1111-1111" },
    { VG_PAN_PLAIN, "4111 - 1111 - 1111 - 1111" },
    { VG_PAN_PLAIN, "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1" },
    { VG_PAN_PLAIN, "3782 822463 10005" },
    { VG_PAN_PLAIN, "4111 1111 1111 1111 123" },
    { VG_PAN_PLAIN, "12 4111 1111 1111 1111" },
    { VG_PAN_PLAIN, "12/30 4111111111111111 12/30" },
    { VG_PAN_PLAIN, "-4111111111111111" },
    { VG_PAN_PLAIN, "4111111111111111.00" },
    { VG_PAN_PLAIN, "card:4111111111111111" },
    { VG_PAN_PLAIN, "pan=4111111111111111;" },
    { VG_PAN_PLAIN, "\xe2\x84\x96" "4111111111111111\xe2\x80\xa6" },
    { VG_PAN_PLAIN, "+4111111111111111" },
    { VG_PAN_PLAIN, "x7 4111111111111111" },
    { VG_PAN_PLAIN, "123456789012345678901234567890 4111111111111111" },
    { VG_PAN_PLAIN, "1,4111111111111111,\"a\"" },
    { VG_PAN_PLAIN, "411111111111-1111" },
    { VG_PAN_JSON,  "{\"note\":\"4111111111111111\"}" },
    { VG_PAN_JSON,  "{\"4111111111111111\":1}" },
    { VG_PAN_JSON,  "{\"note\":4111111111111111}" },
    { VG_PAN_JSON,  "[{\"a\":{\"b\":[\"pay by 4111 1111 1111 1111, thanks\"]}}]" },
    { VG_PAN_JSON,  "\"a\\n4111111111111111\"" },
    { VG_PAN_JSON,  "\"\\u0034\\u0031\\u0031\\u0031111111111111\"" },
    { VG_PAN_JSON,  "\"4111\\u0020111111111111\"" },
    { VG_PAN_JSON,  "\"4111\\u002d1111\\u002D11111111\"" },
    { VG_PAN_JSON,  "\"\\u00e94111111111111111\\u00e9\"" },
    { VG_PAN_JSON,  "{\"note\":\"4111111111111111" },                       /* parses as nothing */
    { VG_PAN_JSON,  "]]]4111111111111111\\u00" },
    { VG_PAN_URL,   "/stations/4111111111111111" },
    { VG_PAN_URL,   "q=4111+1111+1111+1111&x=1" },
    { VG_PAN_URL,   "q=%34%31%31%31111111111111" },
    { VG_PAN_URL,   "q=4111%201111%2d1111%2D1111" },
    { VG_PAN_URL,   "q=a%204111111111111111%" },
    { VG_PAN_JSON,  "\"\xef\xbc\x94\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\"" },
    { VG_PAN_JSON,  "{\"n\":\"\xd9\xa4\xd9\xa1\xd9\xa1\xd9\xa1 \xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\"}" },
    { VG_PAN_JSON,  "\"4111\xc2\xa0" "1111\xe2\x80\x91" "1111\xe2\x80\x93" "1111\"" },
    { VG_PAN_JSON,  "\"\\uFF14111\\u3000111111111111\"" },
    { VG_PAN_URL,   "q=%EF%BC%94111111111111111" },
    { VG_PAN_URL,   "q=4111%C2%A01111%E2%80%9311111111" },
};

static const struct { vg_pan_form_t form; const char *text; } none[] = {
    { VG_PAN_PLAIN, "" },
    { VG_PAN_PLAIN, "4111111111111112" },                                   /* its check digit */
    { VG_PAN_PLAIN, "7992739871300001" },                                   /* nobody's range */
    { VG_PAN_PLAIN, "411111111111111" },                                    /* Visa has none of 15 */
    { VG_PAN_PLAIN, "41111111111111111111" },                               /* more than 19 */
    { VG_PAN_PLAIN, "x4111111111111111" },                                  /* a name */
    { VG_PAN_PLAIN, "4111111111111111x" },
    { VG_PAN_PLAIN, "tok_4111111111111111" },
    { VG_PAN_PLAIN, "0.4111111111111111" },                                 /* a place, a price */
    { VG_PAN_PLAIN, "4111    1111 1111 1111" },                             /* columns */
    { VG_PAN_PLAIN, "4111,1111,1111,1111" },
    { VG_PAN_PLAIN, "4111\n1111\n1111\n1111" },
    { VG_PAN_PLAIN, "+424242424242" },
    { VG_PAN_PLAIN, "+4222222222222" },                                     /* 13 digits of a telephone */
    { VG_PAN_PLAIN, "4915112345674" },
    { VG_PAN_PLAIN, "01939333-0000-7000-8000-0000000000a1" },
    { VG_PAN_PLAIN, "41111111-1111-1111-8000-000000000001" },               /* all digits, and right */
    { VG_PAN_PLAIN, "a0000000-0000-4000-4111-111111111111" },
    { VG_PAN_PLAIN, "DE89 5390 0754 7034 0000 00" },                        /* an IBAN */
    { VG_PAN_PLAIN, "490154203237518" },                                    /* an IMEI, checked the same way */
    { VG_PAN_PLAIN, "8949010000000000003" },                                /* a SIM card's */
    { VG_PAN_PLAIN, "4006381333931" },                                      /* an article's, EAN-13 */
    { VG_PAN_PLAIN, "WVWZZZ1JZXW000001" },
    { VG_PAN_PLAIN, "2026-11-22 10:30:00.123456 2026-11-22" },
    { VG_PAN_JSON,  "{\"lat\":54.32323232323232,\"lon\":10.4111111111111111}" },
    { VG_PAN_JSON,  "\"\\u4111111111111111\"" },
    { VG_PAN_JSON,  "\"\\\\u0034111111111111111\"" },
    { VG_PAN_URL,   "a%2B4222222222222" },
    { VG_PAN_URL,   "%3411111111111111" },
    { VG_PAN_JSON,  "\"\xef\xbc\x94\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\"" },
    { VG_PAN_JSON,  "\"\xef\xbc\x94\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x92\"" },
    { VG_PAN_JSON,  "\"\xef\xbc\x94x\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\xef\xbc\x91\"" },
    { VG_PAN_URL,   "q=%EF%BC111111111111111" },
    { VG_PAN_URL,   "q=%EF%BC%" },
    { VG_PAN_JSON,  "\"\\uFF1\"" },
    { VG_PAN_PLAIN, "\xe2\x82\xac 12 345 678 901 234 \xc2\xa7 4" },
};
/* clang-format on */


static void
table(void)
{
    char   text[64];
    size_t i;

    for (i = 0; numbers[i] != NULL; i++) {
        ok(vg_pan_found(numbers[i], strlen(numbers[i]), VG_PAN_PLAIN),
           "is one:", numbers[i]);
        (void) snprintf(text, sizeof(text), "%s", numbers[i]);
        text[strlen(text) - 1] ^= 1;
        ok(!vg_pan_found(text, strlen(text), VG_PAN_PLAIN), "is none:", text);
    }
    for (i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        ok(vg_pan_found(found[i].text, strlen(found[i].text), found[i].form),
           "found in", found[i].text);
    }
    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        ok(!vg_pan_found(none[i].text, strlen(none[i].text), none[i].form),
           "not in", none[i].text);
    }
}


/* wherever it stands, and however the steps of 13 fall */
static void
places(void)
{
    char   text[256], copy[256];
    bool   all = true, masked = true;
    size_t len, at;

    for (len = 16; len < sizeof(text); len++) {
        for (at = 0; at + 16 <= len; at++) {
            memset(text, '.', len);
            memcpy(text + at, "4111111111111111", 16);
            all = all && vg_pan_found(text, len, VG_PAN_PLAIN)
                  && vg_pan_found(text, len, VG_PAN_JSON);
            memcpy(copy, text, len);
            memset(text + at, 'X', 16);
            masked = masked && vg_pan_mask(copy, len) == 1
                     && memcmp(copy, text, len) == 0;
        }
    }
    ok(all, "found at each place", "");
    ok(masked, "and masked there, and nothing else", "");
    (void) snprintf(text, sizeof(text),
                    "4111 1111-1111 1111 5555555555554444,4111111111111112");
    ok(vg_pan_mask(text, strlen(text)) == 2
           && strcmp(text, "XXXX XXXX-XXXX XXXX XXXXXXXXXXXXXXXX,"
                           "4111111111111112")
                  == 0,
       "two are masked, a third is none:", text);
}


/* ---------------------------------------------- what is something else */

static uint64_t seed = 88172645463325252u; /* xorshift: the same each time */

static uint64_t
drawn(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

#define TRIES 200000

static void
digits(char *p, int n)
{
    while (n-- > 0) {
        *p++ = (char) ('0' + drawn(10));
    }
    *p = '\0';
}

static void
of(char *p, int n, const char *alphabet)
{
    while (n-- > 0) {
        *p++ = alphabet[drawn(strlen(alphabet))];
    }
    *p = '\0';
}

/* behind it comes what is there; answers where */
static char *
put(char *p, const char *text)
{
    while (*text != '\0') {
        *p++ = *text++;
    }
    return p;
}

static void
uuid(char *p, char version)
{
    of(p, 36, "0123456789abcdef");
    p[8] = p[13] = p[18] = p[23] = '-';
    p[14] = version;
    p[19] = "89ab"[drawn(4)];
}

static void
uuid4(char *p)
{
    uuid(p, '4');
}
static void
uuid7(char *p)
{
    uuid(p, '7');
    (void) put(p, "0193");
}
/* the worst of them: no letter in it */
static void
uuid_of_digits(char *p)
{
    of(p, 36, "0123456789");
    p[8] = p[13] = p[18] = p[23] = '-';
}
static void
sha256(char *p)
{
    of(p, 64, "0123456789abcdef");
}
static void
trace(char *p)
{
    of(put(p, "00-"), 49, "0123456789abcdef");
    p[35] = '-';
    *put(p + 52, "-01") = '\0';
}
static void
vin(char *p)
{
    of(p, 17, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789");
    if (strspn(p, "0123456789") == 17) {
        p[0] = 'W';
    }
}
static void
phone(char *p)
{
    *p = '+';
    p[1] = (char) ('1' + drawn(9));
    digits(p + 2, 6 + drawn(9));
}
static void
phone_bare(char *p)
{
    *p = '4';
    p[1] = "013456789"[drawn(9)];
    digits(p + 2, 11);
}
static void
milliseconds(char *p)
{
    sprintf(p, "17%011llu", (unsigned long long) drawn(100000000000));
}
static void
microseconds(char *p)
{
    sprintf(p, "17%014llu", (unsigned long long) drawn(100000000000000));
}
static void
snowflake(char *p)
{
    sprintf(p, "1%018llu", (unsigned long long) drawn(1000000000000000000));
}
static void
place(char *p)
{
    sprintf(p, "%d.%014llu", (int) drawn(90),
            (unsigned long long) drawn(100000000000000));
}
static void
imei(char *p)
{
    sprintf(p, "35%013llu", (unsigned long long) drawn(10000000000000));
}
static void
token(char *p)
{
    of(put(p, "tok_"), 24, "0123456789ABCDEFabcdef");
}
static void
meter15(char *p)
{
    digits(p, 15);
}
static void
meter14(char *p)
{
    digits(p, 14);
}
static void
number16(char *p)
{
    digits(p, 16);
}
static void
int8(char *p)
{
    sprintf(p, "%llu", (unsigned long long) drawn(9223372036854775807));
}

/* clang-format off */
static const struct {
    const char *name;
    void      (*draw)(char *);
    int         most; /* of a million */
} others[] = {
    { "UUIDs of version 4", uuid4, 0 },
    { "UUIDs of version 7", uuid7, 0 },
    { "UUIDs without a letter", uuid_of_digits, 0 },
    { "SHA-256 in hex", sha256, 0 },
    { "traces, whose header is let be", trace, 60 },
    { "VINs", vin, 0 },
    { "telephone numbers with +", phone, 0 },
    { "telephone numbers of 13 digits without", phone_bare, 0 },
    { "Unix time in ms", milliseconds, 0 },
    { "Unix time in us", microseconds, 0 },
    { "snowflakes", snowflake, 0 },
    { "coordinates", place, 0 },
    { "IMEIs", imei, 0 },
    { "tokens", token, 0 },
    { "meters of 14 digits", meter14, 5000 },
    { "meters of 15 digits", meter15, 3000 },
    { "random numbers of 16 digits", number16, 35000 },
    { "random int8", int8, 25000 },
};
/* clang-format on */

static void
something_else(void)
{
    char   text[128], name[128];
    long   n, hits;
    size_t i;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        for (n = hits = 0; n < TRIES; n++) {
            others[i].draw(text);
            hits += vg_pan_found(text, strlen(text), VG_PAN_PLAIN);
        }
        (void) snprintf(name, sizeof(name), "%ld of %d (%.3f %%)", hits, TRIES,
                        100.0 * hits / TRIES);
        ok(hits * (1000000 / TRIES) <= others[i].most, others[i].name, name);
    }
}


/* ------------------------------------------------------------- its cost */

static double
seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void
cost(const char *name, const char *text, vg_pan_form_t form)
{
    int      i, times = 20000;
    size_t   len = strlen(text);
    double   took = seconds();
    unsigned hits = 0;

    for (i = 0; i < times; i++) {
        hits += vg_pan_found(text, len, form);
        __asm__ volatile("" : : "r"(text) : "memory");
    }
    took = seconds() - took;
    printf("# %s: %zu bytes in %.3f us, %.0f bytes/us\n", name, len,
           took / times * 1e6, len * times / took / 1e6);
    ok(hits == 0 && len * times / took > 20e6, "is quick:", name);
}

static void
costs(void)
{
    static char big[20000], spaces[4000], numbered[4000];
    const char *call =
        "{\"connectorId\":\"0193a2c4-5d6e-7f80-9123-456789abcdef\","
        "\"vehicleId\":\"0193a2c4-5d6e-7f80-9123-456789abcde0\","
        "\"startTime\":\"2026-11-22T10:30:00Z\","
        "\"endTime\":\"2026-11-22T11:30:00Z\",\"note\":\"by the gate\"}";

    for (char *p = big; p + 300 < big + sizeof(big);) {
        p = put(p, call);
    }
    memset(spaces, ' ', sizeof(spaces) - 1);
    for (char *p = numbered; p + 20 < numbered + sizeof(numbered);) {
        p = put(p, "1234567890123,");
    }
    cost("a reservation", call, VG_PAN_JSON);
    cost("a body of 20 kB", big, VG_PAN_JSON);
    cost("the same, by each byte", big, VG_PAN_URL);
    big[1] = '\\';
    big[2] = 'u';
    cost("the same with \\u", big, VG_PAN_JSON);
    cost("spaces", spaces, VG_PAN_JSON);
    cost("numbers of 13 digits", numbered, VG_PAN_JSON);
    cost("a path", "/api/v1/stations/0193a2c4-5d6e-7f80-9123-456789abcdef",
         VG_PAN_URL);
}


int
main(void)
{
    table();
    places();
    something_else();
    costs();
    printf("1..%d\n", tests);
    return failures != 0;
}

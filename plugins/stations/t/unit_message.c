/*
 * unit_message.c: payloads against their tables, and times at the byte where
 * they end. What each message demands is tested from other people's schemas
 * (t/ocpp/payload.t).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

typedef struct {
    const char *name;
    const char *action;
    const char *payload; /* NULL: none                                   */
    const char *wrong;   /* "path: text" each, by "; "                   */
} case_t;

/* clang-format off */
static const case_t cases[] = {
    { "nothing is {}", "ClearCache", NULL, "" },
    { "what is needed is missed", "Reset", NULL, "type: is required" },
    { "an action that is none", "Reboot", "{}", "-" },
    { "one that chargers send is none", "Heartbeat", "{}", "-" },
    { "all that is wrong", "ReserveNow",
      "{\"connectorId\":-1,\"idTag\":7,\"expiryDate\":\"soon\",\"x\":1}",
      "connectorId: is out of range; "
      "expiryDate: must be an RFC 3339 time with an offset; "
      "idTag: must be a string; reservationId: is required; "
      "x: is not known" },
    { "items have their number", "GetConfiguration",
      "{\"key\":[\"a\",1,null]}",
      "key[1]: must be a string; key[2]: must be a string" },
    { "an empty list of periods is none", "SetChargingProfile",
      "{\"connectorId\":0,\"csChargingProfiles\":{\"chargingProfileId\":1,"
      "\"stackLevel\":0,\"chargingProfilePurpose\":\"TxDefaultProfile\","
      "\"chargingProfileKind\":\"Relative\",\"chargingSchedule\":{"
      "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[]}}}",
      "csChargingProfiles.chargingSchedule.chargingSchedulePeriod: "
      "has too few items" },
    { "whole numbers are whole", "RemoteStopTransaction",
      "{\"transactionId\":1.0}", "transactionId: must be a whole number" },
    { "and in 32 bits", "RemoteStopTransaction",
      "{\"transactionId\":2147483648}", "transactionId: is out of range" },
    { "also those of 40 digits", "RemoteStopTransaction",
      "{\"transactionId\":-1000000000000000000000000000000000000000}",
      "transactionId: is out of range" },
    { "the least is one", "RemoteStopTransaction",
      "{\"transactionId\":-2147483648}", "" },
    { "characters are counted, not bytes", "RemoteStartTransaction",
      "{\"idTag\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
      "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
      "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}", "" },
    { "no NUL", "DataTransfer", "{\"vendorId\":\"a\\u0000\"}",
      "vendorId: must not contain NUL" },
    { "a foreign name is cut between characters", "ClearCache",
      "{\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
      "\xc3\xa4\":1}",
      "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg: "
      "is not known" },
};

static const struct {
    const char *text;
    bool        good;
} times[] = {
    { "2026-11-21T10:00:00Z", true },      { "2026-11-21T10:00:00+01:00", true },
    { "2026-11-21T10:00:00.1Z", true },    { "2024-02-29T00:00:00Z", true },
    { "2100-02-29T00:00:00Z", false },     { "2000-02-29T00:00:00-00:00", true },
    { "2026-02-30T00:00:00Z", false },     { "2026-04-31T00:00:00Z", false },
    { "2026-00-10T00:00:00Z", false },     { "2026-11-21T10:00:00", false },
    { "2026-11-21T10:00:00.", false },     { "2026-11-21T10:00:00.1", false },
    { "2026-11-21T10:00:00+1:00", false }, { "2026-11-21T10:00:00+01", false },
    { "2026-11-21T10:00:00+24:00", false },{ "2026-11-21T10:60:00Z", false },
    { "2026-11-21t10:00:00Z", false },     { "1826-11-21T10:00:00Z", false },
    { "2026-11-21T10:00:00ZZ", false },    { "", false },
    { "2026-11-21T10:00:00.123456789012345Z", false },
};
/* clang-format on */

static int number;


static void
check(bool good, const char *name, const char *got, const char *expected)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
    if (!good) {
        printf("# got      %s\n# expected %s\n", got, expected);
    }
}


static void
wrong_add(void *data, const char *path, const char *text)
{
    char  *all = data;
    size_t len = strlen(all);

    (void) snprintf(all + len, 1000 - len, "%s%s: %s", len ? "; " : "", path,
                    text);
}


static void
check_case(const case_t *it)
{
    bool        good;
    char        all[1000] = "";
    vg_pool_t  *pool = vg_arena_create();
    vg_json_t  *payload = NULL;
    const char *expected = it->wrong;

    if (it->payload != NULL) {
        payload = vg_json_parse(pool, vg_str(it->payload), NULL);
        check(payload != NULL, it->name, "no JSON", it->payload);
    }
    good = message_check(pool, vg_str(it->action), payload, wrong_add, all);
    if (strcmp(expected, "-") == 0) {
        check(!good && all[0] == '\0', it->name, all, "refused");
    } else {
        check(good == (*expected == '\0') && strcmp(all, expected) == 0,
              it->name, all, expected);
    }
    vg_arena_destroy(pool);
}


/* in a piece of memory that ends where the text does: a sanitizer sees a look
 * beyond */
static void
check_time(const char *text, bool good)
{
    size_t len = strlen(text);
    char  *exact = malloc(len ? len : 1);

    if (exact == NULL) {
        exit(1);
    }
    for (size_t i = 0; i < len; i++) {
        exact[i] = text[i]; /* without its NUL */
    }
    check(message_time((vg_str_t){ exact, len }) == good, text, "the other",
          good ? "a time" : "no time");
    free(exact);
}


int
main(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_case(&cases[i]);
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        check_time(times[i].text, times[i].good);
    }
    printf("1..%d\n", number);
    return 0;
}

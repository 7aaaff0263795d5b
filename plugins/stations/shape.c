/*
 * shape.c: a station whose statuses are slots, filled with the latest words.
 *
 * The cache keeps the station; what its connectors do is a word each, beside
 * it. PostgreSQL writes a slot as "status" : "Charging@<since>@<connector>",
 * the station's own, before them, as "status" : "". json_build_object() is the
 * only one to set a blank before a colon, and a quote inside of a string has a
 * backslash: no name or metadata of a client can look like a slot.
 */

#define _GNU_SOURCE /* memmem */

#include <string.h>
#include <time.h>

#include "stations.h"

#define SLOT       "\"status\" : \""
#define SLOTS_MAX  (CONNECTORS_MAX + 1)
#define SLOTS_FEW  16
#define UUID       36
#define MICROS_MAX 18 /* digits */

/* OCPP 1.6, 7.7 ChargePointStatus; a word is an index into it */
static const char *const statuses[] = {
    "Available", "Preparing", "Charging",    "SuspendedEVSE", "SuspendedEV",
    "Finishing", "Reserved",  "Unavailable", "Faulted",
};

#define STATUSES ((int) (sizeof(statuses) / sizeof(statuses[0])))

enum { AVAILABLE, PREPARING, FINISHING = 5, RESERVED, UNAVAILABLE, FAULTED };

typedef struct {
    vg_str_t text; /* what stands between the quotes */
    int      word;
} slot_t;

int
status_word(vg_str_t text, bool any_case)
{
    for (int i = 0; i < STATUSES; i++) {
        if (text.len == strlen(statuses[i])
            && (any_case ? strncasecmp : strncmp)(text.data, statuses[i],
                                                  text.len)
                   == 0)
        {
            return i;
        }
    }

    return -1;
}

vg_str_t
status_text(int word)
{
    return vg_str(statuses[word]);
}

/* stations.station_status() of 002_shape.sql, by which lists are filtered */
static int
station_word(const slot_t *slots, size_t n)
{
    bool is[STATUSES] = { false };

    for (size_t i = 1; i < n; i++) {
        is[slots[i].word] = true;
    }

    if (is[AVAILABLE]) {
        return AVAILABLE;
    }
    for (int i = PREPARING; i <= FINISHING; i++) {
        if (is[i]) {
            return 2; /* Charging, any stage of it */
        }
    }
    if (is[RESERVED]) {
        return RESERVED;
    }

    return is[UNAVAILABLE] || !is[FAULTED] ? UNAVAILABLE : FAULTED;
}

/* The connector's word: out of the slot, or a later one. -1: not known. */
static int
slot_word(vg_call_t *call, vg_str_t text)
{
    int         word, now;
    int64_t     at = 0;
    vg_str_t    connector;
    const char *mark = memchr(text.data, '@', text.len);
    const char *end = text.data + text.len, *p;

    if (mark == NULL || end - mark < UUID + 3) {
        return -1;
    }
    connector = (vg_str_t){ end - UUID, UUID };
    if (vg_kept(call)) {
        now = vg_word(call, connector);

        return now < STATUSES ? now : -1;
    }

    for (p = mark + 1; p < connector.data - 1 && p - mark <= MICROS_MAX; p++) {
        if (*p < '0' || *p > '9') {
            return -1;
        }
        at = at * 10 + (*p - '0');
    }
    word = status_word((vg_str_t){ text.data, (size_t) (mark - text.data) },
                       false);
    now = word < 0 ? -1 : vg_word_put(call, connector, at, word);

    return now < 0 || now >= STATUSES ? word : now;
}

static vg_str_t
filled(vg_call_t *call, vg_str_t row, const slot_t *slots, size_t n)
{
    char       *out = vg_alloc(vg_pool(call), row.len + n * 16);
    char       *to = out;
    vg_str_t    word;
    const char *from = row.data;

    if (out == NULL) {
        return (vg_str_t){ NULL, 0 };
    }

    for (size_t i = 0; i < n; i++) {
        to = mempcpy(to, from, (size_t) (slots[i].text.data - from));
        word = status_text(slots[i].word);
        to = mempcpy(to, word.data, word.len);
        from = slots[i].text.data + slots[i].text.len;
    }
    to = mempcpy(to, from, (size_t) (row.data + row.len - from));

    return (vg_str_t){ out, (size_t) (to - out) };
}

vg_rc_t
station_render(vg_call_t *call)
{
    size_t      n = 0;
    slot_t      few[SLOTS_FEW], *slots = few;
    vg_str_t    row = vg_row_text(call);
    const char *p = row.data, *end, *quote;

    if (row.data == NULL) {
        return vg_refuse(call, "internal");
    }
    end = row.data + row.len;
    while (n < SLOTS_MAX
           && (p = memmem(p, (size_t) (end - p), SLOT, sizeof(SLOT) - 1)))
    {
        p += sizeof(SLOT) - 1;
        quote = memchr(p, '"', (size_t) (end - p));
        if (quote == NULL) {
            return vg_refuse(call, "internal");
        }
        if (n == SLOTS_FEW) {
            slots = vg_alloc(vg_pool(call), SLOTS_MAX * sizeof(slot_t));
            if (slots == NULL) {
                return vg_refuse(call, "internal");
            }
            memcpy(slots, few, sizeof(few));
        }
        slots[n].text = (vg_str_t){ p, (size_t) (quote - p) };
        if (n > 0) {
            slots[n].word = slot_word(call, slots[n].text);
            if (slots[n].word < 0) {
                return vg_kept(call) ? VG_DECLINED
                                     : vg_refuse(call, "internal");
            }
        }
        n++;
        p = quote;
    }
    if (n == 0) {
        return vg_refuse(call, "internal");
    }
    slots[0].word = station_word(slots, n);

    return vg_reply(call, filled(call, row, slots, n));
}


/* ------------------------------------------------------------------- words */

/* after the commit: `at` is the statement's, in microseconds */
vg_rc_t
status_render(vg_call_t *call)
{
    const vg_json_t *row = vg_row(call);
    vg_str_t         at = vg_json_text(row, "at");
    vg_str_t         connector = vg_json_text(row, "connectorId");
    int64_t          micros = 0;

    for (size_t i = 0; i < at.len && i < MICROS_MAX; i++) {
        micros = micros * 10 + (at.data[i] - '0');
    }
    if (connector.data != NULL) {
        (void) vg_word_put(call, connector, micros,
                           status_word(vg_json_text(row, "status"), false));
    }

    return vg_reply(call, VG_STR("{}"));
}

/* clang-format off */

const vg_field_t status_told_fields[] = {
    { VG_BODY, "connectorId", VG_UUID, VG_NULLABLE, .about = "the connector" },
    { VG_BODY, "status", VG_TEXT, VG_REQUIRED, 1, 20, .about = "its status" },
    { VG_BODY, "receivedAt", VG_TIME, VG_REQUIRED, .about = "since when" },
    VG_FIELDS_END
};

const vg_field_t station_told_fields[] = {
    { VG_BODY, "stationId", VG_UUID, VG_REQUIRED, .about = "the station" },
    VG_FIELDS_END
};

/* clang-format on */

/* vg.z()'s own text, which receivedAt is; -1: it is another */
static int64_t
instant(vg_str_t text)
{
    char      copy[32] = "", sign;
    int       end = 0, scale = 1000000;
    int64_t   fraction = 0;
    struct tm tm = { 0 };

    if (text.len >= sizeof(copy)) {
        return -1;
    }
    memcpy(copy, text.data, text.len);
    if (strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
        return -1;
    }
    end = (int) strlen("2026-01-01T00:00:00");
    sign = copy[end];
    for (end += sign == '.'; copy[end] >= '0' && copy[end] <= '9' && scale > 1;
         end++)
    {
        fraction = fraction * 10 + (copy[end] - '0');
        scale /= 10;
    }

    return copy[end] == 'Z' ? timegm(&tm) * 1000000 + fraction * scale : -1;
}

vg_rc_t
status_told(vg_call_t *call)
{
    int              word = status_word(vg_get(call, "status")->text, false);
    int64_t          at = instant(vg_get(call, "receivedAt")->text);
    const vg_json_t *connector = vg_get(call, "connectorId");

    if (word >= 0 && at >= 0 && connector != NULL) {
        (void) vg_word_put(call, connector->text, at, word);
    }

    return VG_OK;
}

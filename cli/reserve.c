/*
 * reserve.c: ReserveNow and CancelReservation of OCPP 1.6: a simulated charge
 * point keeps one reservation, and lets it go when it has expired.
 */

#define _GNU_SOURCE

#include <string.h>
#include <time.h>

#include "simulate.h"


/* Seconds since 1970 of an RFC 3339 time; -1: it is none. */
static int64_t
time_of(vg_str_t text)
{
    char        zoned[40] = "";
    struct tm   tm = { .tm_isdst = 0 };
    const char *rest;
    int64_t     at;

    if (text.len == 0 || text.len >= sizeof(zoned)) {
        return -1;
    }
    memcpy(zoned, text.data, text.len);
    rest = strptime(zoned, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest == NULL) {
        return -1;
    }
    at = (int64_t) timegm(&tm);
    if (*rest == '.') {
        rest += 1 + strspn(rest + 1, "0123456789");
    }
    if (*rest == 'Z' || *rest == '\0') {
        return at;
    }
    rest = strptime(rest, "%z", &tm);
    return rest != NULL ? at - (int64_t) tm.tm_gmtoff : -1;
}


vg_str_t
remote_reserve(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    vg_str_t tag = vg_json_text(payload, "idTag");
    int64_t  id = 0, connector = 0;
    int64_t  expiry = time_of(vg_json_text(payload, "expiryDate"));

    (void) pool;
    if (!says_int(payload, "reservationId", &id) || id == 0 || tag.len == 0
        || tag.len >= sizeof(st->reserved_tag)
        || !says_int(payload, "connectorId", &connector) || connector < 0
        || connector > st->connectors || expiry <= (int64_t) time(NULL))
    {
        return REMOTE_STATUS("Rejected");
    }
    if (strcmp(st->status, "Faulted") == 0) {
        return REMOTE_STATUS("Faulted");
    }
    if (st->inoperative) {
        return REMOTE_STATUS("Unavailable");
    }
    if (station_charges(st) || st->tag[0] != '\0'
        || (st->reservation != 0 && st->reservation != id))
    {
        return REMOTE_STATUS("Occupied");
    }
    st->reservation = id;
    memcpy(st->reserved_tag, tag.data, tag.len);
    st->reserved_tag[tag.len] = '\0';
    st->reserved_until =
        st->sim->now + (expiry - (int64_t) time(NULL)) * SECOND;
    st->connector = connector > 0 ? (int) connector : st->connector;
    st->status = "Reserved";
    st->asides |= 1U << STEP_STATUS;
    return REMOTE_STATUS("Accepted");
}


void
reserve_clear(station_t *st)
{
    st->reservation = 0;
    st->status = st->step == STEP_REMOTE ? "Preparing" : "Available";
    st->asides |= 1U << STEP_STATUS;
}


vg_str_t
remote_cancel(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    int64_t id = 0;

    (void) pool;
    if (st->reservation == 0 || !says_int(payload, "reservationId", &id)
        || id != st->reservation)
    {
        return REMOTE_STATUS("Rejected");
    }
    reserve_clear(st);
    return REMOTE_STATUS("Accepted");
}

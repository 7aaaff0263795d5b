/*
 * span.c: see span.h. There is no `m`: some would mean minutes by it, others
 * months.
 */

#define _DEFAULT_SOURCE

#include "span.h"

#include <string.h>
#include <time.h>

#define SECOND 1000000LL /* us */

static const struct {
    char    unit;
    int     most;
    int64_t seconds; /* 0: of the calendar */
} units[] = {
    { 'h', 24 * 366, 3600 },
    { 'd', 366 * 100, 86400 },
    { 'w', 53 * 100, 604800 },
    { 'y', 100, 0 },
};


bool
vg_span_read(vg_span_t *span, const char *text, size_t len)
{
    int    count = 0;
    size_t i;

    if (len == 7 && memcmp(text, "forever", 7) == 0) {
        *span = (vg_span_t){ 0, 'y' };
        return true;
    }
    if (len < 2 || len > 6) {
        return false;
    }
    for (i = 0; i < len - 1; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        count = count * 10 + (text[i] - '0');
    }
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].unit == text[len - 1]) {
            *span = (vg_span_t){ count, text[len - 1] };
            return count > 0 && count <= units[i].most;
        }
    }
    return false;
}


int64_t
vg_span_before(const vg_span_t *span, int64_t now)
{
    size_t    i;
    time_t    seconds = (time_t) (now / SECOND);
    struct tm date;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].unit == span->unit && units[i].seconds != 0) {
            return now - span->count * units[i].seconds * SECOND;
        }
    }
    (void) gmtime_r(&seconds, &date);
    date.tm_year -= span->count;
    if (date.tm_mon == 1 && date.tm_mday == 29) {
        date.tm_mday = 28; /* else March 1: a day too early for the rows */
    }
    return (int64_t) timegm(&date) * SECOND + now % SECOND;
}

/*
 * instant.c: is a text a date and time of RFC 3339 that exists? Pure C.
 */

#include <string.h>

#include "vg_json.h"


/* so many digits, as a number; -1 when they are not there */
static int
vg_instant_part(vg_str_t text, size_t *at, size_t digits)
{
    int value = 0;

    if (text.len - *at < digits) {
        return -1;
    }
    while (digits--) {
        if (text.data[*at] < '0' || text.data[*at] > '9') {
            return -1;
        }
        value = value * 10 + (text.data[(*at)++] - '0');
    }
    return value;
}


static bool
vg_instant_sign(vg_str_t text, size_t *at, const char *any)
{
    /* strchr() finds a NUL in every string */
    if (*at < text.len && text.data[*at] != '\0'
        && strchr(any, text.data[*at]) != NULL)
    {
        (*at)++;
        return true;
    }
    return false;
}


static bool
vg_instant_date(vg_str_t text, size_t *at)
{
    static const int days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };
    int y, m, d, last;

    y = vg_instant_part(text, at, 4);
    if (y < 1970 || !vg_instant_sign(text, at, "-")) {
        return false;
    }
    m = vg_instant_part(text, at, 2);
    if (m < 1 || m > 12 || !vg_instant_sign(text, at, "-")) {
        return false;
    }
    d = vg_instant_part(text, at, 2);
    last = days[m - 1]
           + (m == 2 && (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)));
    return d >= 1 && d <= last;
}


/* An offset may lead out of the years 1970 to 9999; minutes are those of the
 * text's day in UTC. */
static bool
vg_instant_years(vg_str_t text, int minutes)
{
    if (minutes < 0) {
        return memcmp(text.data, "1970-01-01", 10) != 0;
    }
    return minutes < 1440 || memcmp(text.data, "9999-12-31", 10) != 0;
}


/* +hh:mm to the end; minutes are those of the day that the text has */
static bool
vg_instant_offset(vg_str_t text, size_t at, int minutes)
{
    int h, m, east = text.data[at++] == '+' ? 1 : -1;

    h = vg_instant_part(text, &at, 2);
    if (h < 0 || h > 14 || !vg_instant_sign(text, &at, ":")) {
        return false;
    }
    m = vg_instant_part(text, &at, 2);
    return m >= 0 && m <= 59 && at == text.len
           && vg_instant_years(text, minutes - east * (h * 60 + m));
}


bool
vg_instant(vg_str_t text, bool *offset)
{
    int    h, m, s;
    size_t at = 0;

    *offset = true;
    if (text.len > 40 || !vg_instant_date(text, &at)
        || !vg_instant_sign(text, &at, "Tt"))
    {
        return false;
    }
    h = vg_instant_part(text, &at, 2);
    if (h < 0 || h > 23 || !vg_instant_sign(text, &at, ":")) {
        return false;
    }
    m = vg_instant_part(text, &at, 2);
    if (m < 0 || m > 59 || !vg_instant_sign(text, &at, ":")) {
        return false;
    }
    s = vg_instant_part(text, &at, 2);
    if (s < 0 || s > 59) {
        return false;
    }
    if (vg_instant_sign(text, &at, ".")) {
        if (vg_instant_part(text, &at, 1) < 0) {
            return false;
        }
        while (vg_instant_part(text, &at, 1) >= 0) {
            continue; /* any number of digits */
        }
    }
    if (vg_instant_sign(text, &at, "Zz")) {
        return at == text.len;
    }
    if (at < text.len && (text.data[at] == '+' || text.data[at] == '-')) {
        return vg_instant_offset(text, at, h * 60 + m);
    }
    *offset = false;
    return at == text.len;
}

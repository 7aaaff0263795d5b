/*
 * exact.c: decimal numbers as integers; see exact.h.
 */

#include "exact.h"

#define EXACT_BITS 126 /* of a number that can be doubled                */


bool
exact_read(vg_str_t text, int places, exact_t *value)
{
    size_t  i = 0;
    int     before = 0, behind = -1;
    bool    minus;
    exact_t read = 0;

    *value = 0;
    if (text.data == NULL || text.len == 0) {
        return false;
    }
    minus = text.data[0] == '-';
    for (i = minus; i < text.len; i++) {
        if (text.data[i] == '.' && behind < 0) {
            behind = 0;
            continue;
        }
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        read = read * 10 + (text.data[i] - '0');
        behind += behind >= 0;
        if (behind > places || (behind < 0 && ++before > EXACT_DIGITS)) {
            return false;
        }
    }
    for (behind = behind < 0 ? 0 : behind; behind < places; behind++) {
        read *= 10;
    }
    *value = minus ? -read : read;
    return true;
}


vg_str_t
exact_print(vg_pool_t *pool, exact_t value, int places, int least)
{
    char  text[64];
    char *end = text + sizeof(text), *p = end, *point;
    bool  minus = value < 0;
    int   i;

    value = minus ? -value : value;
    for (i = 0; i <= places || value > 0; i++) {
        if (i == places && places > 0) {
            *--p = '.';
        }
        *--p = (char) ('0' + (int) (value % 10));
        value /= 10;
    }
    point = end - places - 1;
    while (places > 0 && end[-1] == '0' && end - point - 1 > least) {
        end--;
    }
    end -= places > 0 && end[-1] == '.';
    if (minus) {
        *--p = '-';
    }
    return vg_printf(pool, "%.*s", (int) (end - p), p);
}


exact_t
exact_divide(exact_t value, exact_t by)
{
    return value < 0 ? -((-value + by / 2) / by) : (value + by / 2) / by;
}


/* digit by digit of value, in base two: what is kept is below whole */
exact_t
exact_share(exact_t value, exact_t part, exact_t whole)
{
    int     bit;
    exact_t quotient = 0, rest = 0;

    if (part >= whole) {
        return value;
    }
    for (bit = EXACT_BITS - 1; bit >= 0; bit--) {
        quotient *= 2;
        rest *= 2;
        if (rest >= whole) {
            rest -= whole;
            quotient++;
        }
        if (value >> bit & 1) {
            rest += part;
        }
        if (rest >= whole) {
            rest -= whole;
            quotient++;
        }
    }
    return quotient;
}

/*
 * decimal.c: exact amounts; see decimal.h.
 */

#include <string.h>

#include "decimal.h"

#define EXPONENT_MAX 30

/* What one smallest unit of price is worth in ninths of 10^-22, per unit of
 * what it prices. All are multiples of VAT_WHOLE, so that VAT leaves no rest. */
#define PER_MICROSECOND 25000000
#define PER_ENERGY      90000000
#define PER_FLAT        90000000000000000
#define VAT_WHOLE       1000000 /* 100 % in units of VAT */


static const char *
digits(const char *p, const char *end, int *count)
{
    for (*count = 0; p < end && *p >= '0' && *p <= '9'; p++) {
        ++*count;
    }

    return p;
}


/* the exponent at p, or out of bounds */
static int
exponent(const char *p, const char *end)
{
    bool negative = p < end && *p == '-';
    int  value = 0;

    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    for (; p < end && value <= EXPONENT_MAX; p++) {
        value = value * 10 + (*p - '0');
    }

    return negative ? -value : value;
}


/* The text is a number by JSON's grammar, as vg_json_parse() has seen to. */
bool
decimal_parse(vg_str_t text, int places, int64_t max, int64_t *value)
{
    const char *p = text.data;
    const char *end = text.data + text.len;
    bool        negative = p < end && *p == '-';
    int         whole, fraction = 0, shift;
    money_t     sum = 0;
    const char *first = negative ? p + 1 : p;

    p = digits(first, end, &whole);
    if (p < end && *p == '.') {
        p = digits(p + 1, end, &fraction);
    }
    shift = places - fraction;
    if (p < end) {
        shift += exponent(p + 1, end);
    }
    if (shift > EXPONENT_MAX || shift < -2 * EXPONENT_MAX) {
        return false;
    }

    for (; first < end && *first != 'e' && *first != 'E'; first++) {
        if (*first == '.') {
            continue;
        }
        sum = sum * 10 + (*first - '0');
        if (sum > (money_t) INT64_MAX * INT64_MAX / 16) {
            return false;
        }
    }
    for (; shift > 0 && sum <= max; shift--) {
        sum *= 10;
    }
    for (; shift < 0; shift++) {
        if (sum % 10 != 0) {
            return false;
        }
        sum /= 10;
    }
    if (sum > max || (negative && sum != 0)) {
        return false;
    }

    *value = (int64_t) sum;
    return true;
}


int
decimal_places(vg_str_t text)
{
    const char *point = memchr(text.data, '.', text.len);

    return point == NULL ? 0 : (int) (text.data + text.len - point - 1);
}


vg_str_t
decimal_print(vg_pool_t *pool, money_t value, int places)
{
    char              text[64];
    char             *p = text + sizeof(text);
    unsigned __int128 rest =
        value < 0 ? -(unsigned __int128) value : (unsigned __int128) value;
    bool  digit = false;
    int   i;
    char *copy;

    for (i = 0; i < places || rest != 0 || i == places; i++) {
        if (i == places && digit) {
            *--p = '.';
        }
        if (rest % 10 != 0 || i >= places || digit) {
            *--p = (char) ('0' + (int) (rest % 10));
            digit = true;
        }
        rest /= 10;
    }
    if (value < 0) {
        *--p = '-';
    }

    copy = vg_alloc(pool, (size_t) (text + sizeof(text) - p));
    if (copy == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    memcpy(copy, p, (size_t) (text + sizeof(text) - p));

    return (vg_str_t){ copy, (size_t) (text + sizeof(text) - p) };
}


int64_t
share(int64_t value, int64_t part, int64_t whole)
{
    if (part >= whole) {
        return value;
    }

    return (int64_t) (((money_t) value * part * 2 + whole)
                      / ((money_t) whole * 2));
}


static bool
product(int64_t price, int64_t volume, int64_t unit, money_t *money)
{
    return !__builtin_mul_overflow((money_t) price * volume, (money_t) unit,
                                   money);
}


bool
money_time(int64_t price, int64_t microseconds, money_t *money)
{
    return product(price, microseconds, PER_MICROSECOND, money);
}


bool
money_energy(int64_t price, int64_t energy, money_t *money)
{
    return product(price, energy, PER_ENERGY, money);
}


bool
money_flat(int64_t price, money_t *money)
{
    return product(price, 1, PER_FLAT, money);
}


bool
money_with_vat(money_t money, int64_t vat, money_t *with)
{
    return !__builtin_mul_overflow(money / VAT_WHOLE, (money_t) VAT_WHOLE + vat,
                                   with);
}


bool
money_add(money_t *sum, money_t money)
{
    return !__builtin_add_overflow(*sum, money, sum);
}


money_t
money_round(money_t money, int places)
{
    money_t unit = 9;
    money_t half, rounded;
    int     i;

    for (i = places; i < 22; i++) {
        unit *= 10;
    }
    half = (money < 0 ? -money : money) % unit;
    rounded = money / unit;
    if (half >= unit - half) {
        rounded += money < 0 ? -1 : 1;
    }

    return rounded;
}

/*
 * samples.c: OCPP's meterValue[] as rows, OCPP 1.6, 7.33 and 7.43. Pure C.
 *
 * A reading that is no number, more than anything can show, or of a unit that
 * does not belong to what was measured, is kept as it came and counts for
 * nothing. Units differ by powers
 * of ten, so a number keeps its digits and its exponent moves.
 */

#include <string.h>
#include <strings.h>

#include "samples.h"

typedef enum { ENERGY_WH, POWER_KW, CURRENT_A, AMOUNTS } amount_t;

/* what is billed or shown, and in which units it comes */
static const struct {
    const char *measurand;
    const char *unit;
    amount_t    amount;
    int         shift; /* power of ten                                   */
} units[] = {
    { "Energy.Active.Import.Register", "wh", ENERGY_WH, 0 },
    { "Energy.Active.Import.Register", "kwh", ENERGY_WH, 3 },
    { "Power.Active.Import", "kw", POWER_KW, 0 },
    { "Power.Active.Import", "w", POWER_KW, -3 },
    { "Power.Active.Import", "", POWER_KW, -3 },
    { "Current.Import", "a", CURRENT_A, 0 },
    { "Current.Import", "", CURRENT_A, 0 },
    { NULL, NULL, AMOUNTS, 0 },
};

/* a row of the type, in the order of its columns */
typedef struct {
    vg_str_t at, measurand, phase, context, location, unit, raw;
    vg_str_t amounts[AMOUNTS];
} sample_t;

#define COLUMNS (sizeof(sample_t) / sizeof(vg_str_t))

#define DIGITS_MAX 12 /* before the point: below 1 TWh, and all else is less */
#define NOTHING    (-1000)

typedef struct {
    vg_str_t digits; /* with sign and point                            */
    int      exponent;
} number_t;


static size_t
count_digits(const char *p, const char *end)
{
    const char *from = p;

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return (size_t) (p - from);
}


/* e+12 up to the end; an empty text is 0 */
static bool
read_exponent(const char *p, const char *end, int *exponent)
{
    bool   negative;
    size_t n;

    *exponent = 0;
    if (p == end) {
        return true;
    }
    if (*p != 'e' && *p != 'E') {
        return false;
    }
    p++;
    negative = p < end && *p == '-';
    p += p < end && (*p == '+' || *p == '-');
    n = count_digits(p, end);
    if (n < 1 || n > 2 || p + n != end) {
        return false;
    }
    while (n--) {
        *exponent = *exponent * 10 + (*p++ - '0');
    }
    *exponent = negative ? -*exponent : *exponent;
    return true;
}


/* how many digits stand before the point, without leading zeros: below 0 as
 * many zeros follow it; 0 has NOTHING */
static int
magnitude(vg_str_t digits)
{
    size_t      i;
    const char *dot = memchr(digits.data, '.', digits.len);
    size_t      point = dot ? (size_t) (dot - digits.data) : digits.len;

    for (i = 0; i < digits.len; i++) {
        if (digits.data[i] >= '1' && digits.data[i] <= '9') {
            return i < point ? (int) (point - i) : -(int) (i - point - 1);
        }
    }
    return NOTHING;
}


/* a decimal of at most 15 digits before the point and 15 behind it, not below
 * zero; spaces around it are nothing */
static bool
read_number(vg_str_t text, number_t *number)
{
    bool        negative;
    size_t      n;
    const char *p = text.data, *end = text.data + text.len, *from;

    while (p < end && *p == ' ') {
        p++;
    }
    while (end > p && end[-1] == ' ') {
        end--;
    }
    from = p;
    negative = p < end && *p == '-';
    p += p < end && (*p == '+' || *p == '-');
    n = count_digits(p, end);
    if (n < 1 || n > 15) {
        return false;
    }
    p += n;
    if (p < end && *p == '.') {
        n = count_digits(++p, end);
        if (n < 1 || n > 15) {
            return false;
        }
        p += n;
    }
    number->digits = (vg_str_t){ from, (size_t) (p - from) };
    return read_exponent(p, end, &number->exponent)
           && !(negative && magnitude(number->digits) != NOTHING);
}


static bool
same_unit(vg_str_t unit, const char *name)
{
    return unit.len == strlen(name)
           && strncasecmp(unit.data, name, unit.len) == 0;
}


/* energy of the whole register alone: phases are parts of it */
static bool
count_amount(vg_pool_t *pool, sample_t *s)
{
    size_t    i;
    number_t  number;
    vg_str_t *amount;

    for (i = 0; units[i].measurand != NULL; i++) {
        if (!vg_str_eq(s->measurand, units[i].measurand)
            || !same_unit(s->unit, units[i].unit)
            || (units[i].amount == ENERGY_WH && s->phase.len > 0)
            || !read_number(s->raw, &number)
            || magnitude(number.digits) + number.exponent + units[i].shift
                   > DIGITS_MAX)
        {
            continue;
        }
        amount = &s->amounts[units[i].amount];
        *amount =
            vg_printf(pool, "%.*se%d", (int) number.digits.len,
                      number.digits.data, number.exponent + units[i].shift);
        return amount->data != NULL;
    }
    return true;
}


static vg_str_t
text_or(const vg_json_t *sample, const char *name, vg_str_t otherwise)
{
    vg_str_t text = vg_json_text(sample, name);

    return text.data ? text : otherwise;
}


/* a number as text, as most chargers have it; what is neither, as it came */
static vg_str_t
raw_value(const vg_json_t *value)
{
    if (value == NULL || value->type == VG_JSON_NULL) {
        return VG_STR("");
    }
    return value->text.data ? value->text : value->raw;
}


static bool
read_sample(vg_pool_t *pool, const vg_json_t *json, sample_t *s)
{
    bool     energy;
    vg_str_t format;

    s->measurand =
        text_or(json, "measurand", VG_STR("Energy.Active.Import.Register"));
    s->phase = text_or(json, "phase", VG_STR(""));
    s->context = text_or(json, "context", VG_STR("Sample.Periodic"));
    s->location = text_or(json, "location", VG_STR("Outlet"));
    format = text_or(json, "format", VG_STR("Raw"));
    energy =
        s->measurand.len >= 7 && memcmp(s->measurand.data, "Energy.", 7) == 0;
    s->unit = text_or(json, "unit", energy ? VG_STR("Wh") : VG_STR(""));
    s->raw = raw_value(vg_json_get(json, "value"));
    memset(s->amounts, 0, sizeof(s->amounts));
    if (!vg_str_eq(format, "Raw") || !vg_str_eq(s->location, "Outlet")) {
        return true;
    }
    return count_amount(pool, s);
}


/* ------------------------------------------------- PostgreSQL's text form */

/* A column in a record in an array: quoted twice (manual, 8.15.6, 8.16.6). */
static char *
put_column(char *p, vg_str_t value)
{
    size_t i;

    if (value.data == NULL) {
        return p;
    }
    *p++ = '\\';
    *p++ = '"';
    for (i = 0; i < value.len; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\') {
            memset(p, '\\', 3);
            p += 3;
        }
        *p++ = value.data[i];
    }
    *p++ = '\\';
    *p++ = '"';
    return p;
}


static void
put_sample(vg_out_t *out, const sample_t *s)
{
    size_t          i, size = sizeof(",\"()\"");
    char           *text, *p;
    const vg_str_t *columns = &s->at;

    for (i = 0; i < COLUMNS; i++) {
        size += 4 * columns[i].len + sizeof("\\\"\\\",");
    }
    text = p = vg_alloc(out->pool, size);
    if (p == NULL) {
        out->failed = true;
        return;
    }
    *p++ = '"';
    for (i = 0; i < COLUMNS; i++) {
        *p++ = i == 0 ? '(' : ',';
        p = put_column(p, columns[i]);
    }
    *p++ = ')';
    *p++ = '"';
    vg_out_raw(out, (vg_str_t){ text, (size_t) (p - text) });
}


/* without an offset it is UTC; unreadable: none */
static vg_str_t
read_instant(vg_pool_t *pool, vg_str_t text)
{
    bool offset;

    if (text.data == NULL || !vg_instant(text, &offset)) {
        return (vg_str_t){ NULL, 0 };
    }
    return offset ? text : vg_printf(pool, "%.*sZ", (int) text.len, text.data);
}


vg_str_t
samples_text(vg_pool_t *pool, const vg_json_t *meter)
{
    sample_t         s;
    vg_out_t         out;
    const vg_json_t *m, *v, *values;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    for (m = meter ? meter->first : NULL; m != NULL; m = m->next) {
        s.at = read_instant(pool, vg_json_text(m, "timestamp"));
        values = vg_json_get(m, "sampledValue");
        for (v = values ? values->first : NULL; v != NULL; v = v->next) {
            if (!read_sample(pool, v, &s)) {
                out.failed = true;
                break;
            }
            put_sample(&out, &s);
        }
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}

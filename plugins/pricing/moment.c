/*
 * moment.c: instants and civil dates; see moment.h.
 */

#include "decimal.h"
#include "moment.h"

typedef struct {
    const char *p;
    const char *end;
    bool        bad;
} text_t;


int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}


/* Years are counted from March, so that the leap day ends a year. */
int64_t
days_from_date(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t from_march = (month + 9) % 12;
    int64_t days = (153 * from_march + 2) / 5 + day - 1;

    return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400)
           + days - 719468;
}


int64_t
year_of_day(int64_t day)
{
    int64_t year = 1970 + floor_div(day * 400, 146097);

    while (days_from_date(year + 1, 1, 1) <= day) {
        year++;
    }
    while (days_from_date(year, 1, 1) > day) {
        year--;
    }

    return year;
}


int
weekday(int64_t day)
{
    int64_t since_monday = day + 3; /* 1970-01-01 was a Thursday */

    return (int) (since_monday - floor_div(since_monday, 7) * 7);
}


static int
days_of_month(int64_t year, int month)
{
    if (month == 12) {
        return 31;
    }

    return (int) (days_from_date(year, month + 1, 1)
                  - days_from_date(year, month, 1));
}


static int
number(text_t *text, int width, int min, int max)
{
    int value = 0;

    for (; width > 0; width--) {
        if (text->p == text->end || *text->p < '0' || *text->p > '9') {
            text->bad = true;
            return min;
        }
        value = value * 10 + (*text->p++ - '0');
    }
    if (value < min || value > max) {
        text->bad = true;
        return min;
    }

    return value;
}


static bool
letter(text_t *text, char wanted)
{
    if (text->p < text->end && (*text->p & ~0x20) == (wanted & ~0x20)) {
        text->p++;
        return true;
    }

    return false;
}


static void
need(text_t *text, char wanted)
{
    if (text->p < text->end && *text->p == wanted) {
        text->p++;
        return;
    }
    text->bad = true;
}


static int64_t
date(text_t *text)
{
    int year, month, day;

    year = number(text, 4, 1970, 9999);
    need(text, '-');
    month = number(text, 2, 1, 12);
    need(text, '-');
    day = number(text, 2, 1, days_of_month(year, month));

    return days_from_date(year, month, day);
}


/* microseconds; digits behind the sixth are dropped */
static int64_t
fraction(text_t *text)
{
    int64_t value = 0;
    int64_t unit = SECOND / 10;
    int     count = 0;

    while (text->p < text->end && *text->p >= '0' && *text->p <= '9') {
        value += unit * (*text->p++ - '0');
        unit /= 10;
        count++;
    }
    if (count == 0 || count > 12) {
        text->bad = true;
    }

    return value;
}


static int64_t
offset(text_t *text)
{
    int64_t sign, minutes;

    if (text->p == text->end || letter(text, 'Z')) {
        return 0;
    }
    if (*text->p != '+' && *text->p != '-') {
        text->bad = true;
        return 0;
    }

    sign = *text->p++ == '-' ? -1 : 1;
    minutes = number(text, 2, 0, 23) * (int64_t) 60;
    need(text, ':');
    minutes += number(text, 2, 0, 59);

    return sign * minutes * 60 * SECOND;
}


bool
moment_parse(vg_str_t value, int64_t *moment)
{
    text_t  text = { value.data, value.data + value.len, false };
    int64_t at = date(&text) * DAY;

    if (text.bad || (!letter(&text, 'T') && !letter(&text, ' '))) {
        return false;
    }
    at += number(&text, 2, 0, 23) * HOUR;
    need(&text, ':');
    at += number(&text, 2, 0, 59) * (60 * SECOND);
    need(&text, ':');
    at += number(&text, 2, 0, 59) * SECOND;
    if (text.p < text.end && *text.p == '.') {
        text.p++;
        at += fraction(&text);
    }
    at -= offset(&text);

    *moment = at;
    return !text.bad && text.p == text.end && at >= 0;
}


vg_str_t
moment_print(vg_pool_t *pool, int64_t moment)
{
    int64_t  day = floor_div(moment, DAY);
    int64_t  rest = moment - day * DAY;
    int64_t  year = year_of_day(day);
    int      of_year = (int) (day - days_from_date(year, 1, 1));
    int      month = 1;
    vg_str_t parts;

    while (of_year >= days_of_month(year, month)) {
        of_year -= days_of_month(year, month++);
    }
    parts = rest % SECOND == 0
                ? VG_STR("")
                : vg_printf(pool, ".%06d", (int) (rest % SECOND));
    if (parts.data == NULL) {
        return parts;
    }

    return vg_printf(pool, "%04d-%02d-%02dT%02d:%02d:%02d%.*sZ", (int) year,
                     month, of_year + 1, (int) (rest / HOUR),
                     (int) (rest / (60 * SECOND) % 60),
                     (int) (rest / SECOND % 60), (int) parts.len, parts.data);
}


bool
date_parse(vg_str_t value, int64_t *day)
{
    text_t text = { value.data, value.data + value.len, false };

    *day = date(&text);
    return !text.bad && text.p == text.end;
}


bool
clock_parse(vg_str_t value, int64_t *minutes)
{
    text_t text = { value.data, value.data + value.len, false };

    *minutes = number(&text, 2, 0, 23) * (int64_t) 60;
    need(&text, ':');
    *minutes += number(&text, 2, 0, 59);

    return !text.bad && text.p == text.end;
}

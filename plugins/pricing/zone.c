/*
 * zone.c: IANA time zones from TZif files; see zone.h.
 *
 * Instants inside the file's table are looked up there; behind it the POSIX
 * rule of the file's last line holds.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moment.h"
#include "zone.h"

#define NAME_MAX_BYTES 64
#define FILE_MAX_BYTES 65536
#define HEADER_BYTES   44
#define TYPE_BYTES     6
#define DAY_SECONDS    86400

/* a day of the year on which the clocks change */
typedef struct {
    char    kind; /* 'M' month.week.weekday, 'J' 1 to 365 without the leap
                     day, '0' 0 to 365 with it */
    int     month, week, day;
    int64_t time; /* seconds after local midnight, may be negative */
} change_t;

struct zone_s {
    size_t               count;
    const unsigned char *times; /* count big-endian int64 */
    const unsigned char *index; /* count types            */
    const unsigned char *types; /* of TYPE_BYTES          */
    bool                 rule;
    bool                 summer; /* the rule has two offsets */
    int64_t              standard, daylight;
    change_t             begin, finish;
};

typedef struct {
    const char *p;
    const char *end;
    bool        bad;
} text_t;


static int64_t
big_endian(const unsigned char *p, int bytes)
{
    uint64_t value = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

    for (; bytes > 0; bytes--) {
        value = value << 8 | *p++;
    }

    return (int64_t) value;
}


/* ------------------------------------------------------------ POSIX rules */

static int64_t
number(text_t *text, int64_t max)
{
    int64_t value = 0;
    bool    any = false;

    while (text->p < text->end && *text->p >= '0' && *text->p <= '9'
           && value <= max)
    {
        value = value * 10 + (*text->p++ - '0');
        any = true;
    }
    if (!any || value > max) {
        text->bad = true;
    }

    return value;
}


static bool
take(text_t *text, char c)
{
    if (text->p < text->end && *text->p == c) {
        text->p++;
        return true;
    }

    return false;
}


/* [+-]hh[:mm[:ss]] in seconds */
static int64_t
clock_time(text_t *text, int64_t hours)
{
    int64_t sign = 1, value;

    if (take(text, '-')) {
        sign = -1;
    } else {
        (void) take(text, '+');
    }
    value = number(text, hours) * 3600;
    if (take(text, ':')) {
        value += number(text, 59) * 60;
        if (take(text, ':')) {
            value += number(text, 59);
        }
    }

    return sign * value;
}


static void
abbreviation(text_t *text)
{
    const char *start = text->p;
    bool        quoted = take(text, '<');

    while (
        text->p < text->end && *text->p != '>'
        && (quoted || ((*text->p | 0x20) >= 'a' && (*text->p | 0x20) <= 'z')))
    {
        text->p++;
    }
    if ((quoted && !take(text, '>')) || text->p - start < 3) {
        text->bad = true;
    }
}


static change_t
change(text_t *text)
{
    change_t at = { '0', 0, 0, 0, 7200 };

    if (!take(text, ',')) {
        text->bad = true;
    }
    if (take(text, 'M')) {
        at.kind = 'M';
        at.month = (int) number(text, 12);
        text->bad |= !take(text, '.');
        at.week = (int) number(text, 5);
        text->bad |= !take(text, '.');
        at.day = (int) number(text, 6);
        text->bad |= at.month == 0 || at.week == 0;
    } else {
        at.kind = take(text, 'J') ? 'J' : '0';
        at.day = (int) number(text, 365);
        text->bad |= at.kind == 'J' && at.day == 0;
    }
    if (take(text, '/')) {
        at.time = clock_time(text, 167);
    }

    return at;
}


/* "CET-1CEST,M3.5.0,M10.5.0/3": west is positive there, east here */
static bool
read_rule(zone_t *zone, const char *p, const char *end)
{
    text_t text = { p, end, false };

    if (p == end) {
        return true;
    }

    abbreviation(&text);
    zone->standard = -clock_time(&text, 24);
    zone->rule = true;
    if (!text.bad && text.p < end) {
        abbreviation(&text);
        zone->daylight = zone->standard + 3600;
        if (text.p < end && *text.p != ',') {
            zone->daylight = -clock_time(&text, 24);
        }
        zone->begin = change(&text);
        zone->finish = change(&text);
        zone->summer = true;
    }

    return !text.bad && text.p == end;
}


/* seconds since 1970 by the clock on the wall */
static int64_t
change_in(const change_t *at, int64_t year)
{
    int64_t first = days_from_date(year, at->kind == 'M' ? at->month : 1, 1);
    int64_t day, end, wait;

    if (at->kind == 'M') {
        end = at->month == 12 ? days_from_date(year + 1, 1, 1)
                              : days_from_date(year, at->month + 1, 1);
        /* Sunday is 0 in the rule and 6 in weekday() */
        wait = (at->day + 6) % 7 - weekday(first) + 7;
        day = first + wait % 7 + 7 * ((int64_t) at->week - 1);
        while (day >= end) {
            day -= 7;
        }
    } else {
        day = first + at->day - (at->kind == 'J');
        if (at->kind == 'J' && at->day >= 60
            && days_from_date(year, 3, 1) - first == 60)
        {
            day++;
        }
    }

    return day * DAY_SECONDS + at->time;
}


static int64_t
rule_offset(const zone_t *zone, int64_t at, int64_t *next)
{
    int64_t year = year_of_day(floor_div(at, DAY_SECONDS));
    int64_t offset = zone->standard;
    int64_t last = INT64_MIN;
    int64_t y, when[2];
    int     i;

    *next = INT64_MAX;
    if (!zone->summer) {
        return offset;
    }

    for (y = year - 1; y <= year + 1; y++) {
        when[0] = change_in(&zone->begin, y) - zone->standard;
        when[1] = change_in(&zone->finish, y) - zone->daylight;
        for (i = 0; i < 2; i++) {
            /* of two at the same instant the beginning wins: such a rule
             * means summer all the year */
            if (when[i] <= at
                && (when[i] > last || (i == 0 && when[i] == last))) {
                last = when[i];
                offset = i == 0 ? zone->daylight : zone->standard;
            }
            if (when[i] > at && when[i] < *next) {
                *next = when[i];
            }
        }
    }

    return offset;
}


/* ------------------------------------------------------------------ files */

typedef struct {
    size_t utc, standard, leap, times, types, letters;
} header_t;


static bool
read_header(vg_str_t bytes, size_t at, header_t *header)
{
    const unsigned char *p = (const unsigned char *) bytes.data + at;
    size_t *counts[] = { &header->utc,   &header->standard, &header->leap,
                         &header->times, &header->types,    &header->letters };
    size_t  i;

    if (at > bytes.len || bytes.len - at < HEADER_BYTES
        || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
    {
        return false;
    }
    for (i = 0; i < 6; i++) {
        *counts[i] = (size_t) big_endian(p + 20 + i * 4, 4);
        if (*counts[i] > FILE_MAX_BYTES) {
            return false;
        }
    }

    return header->types > 0 && header->leap == 0;
}


static size_t
block_size(const header_t *header, size_t time)
{
    return header->times * (time + 1) + header->types * TYPE_BYTES
           + header->letters + header->leap * (time + 4) + header->standard
           + header->utc;
}


static bool
sound(const zone_t *zone, const header_t *header)
{
    size_t i;

    for (i = 0; i < zone->count; i++) {
        if (zone->index[i] >= header->types
            || (i > 0
                && big_endian(zone->times + i * 8, 8)
                       <= big_endian(zone->times + i * 8 - 8, 8)))
        {
            return false;
        }
    }

    return true;
}


zone_t *
zone_read(vg_pool_t *pool, vg_str_t bytes)
{
    header_t             header;
    zone_t              *zone;
    const unsigned char *block;
    const char          *line, *end;
    size_t               at, size;
    char                *copy;

    /* the first block has 32-bit times and is of no use */
    if (!read_header(bytes, 0, &header)) {
        return NULL;
    }
    at = HEADER_BYTES + block_size(&header, 4);
    if (!read_header(bytes, at, &header)) {
        return NULL;
    }
    at += HEADER_BYTES;
    size = block_size(&header, 8);
    if (bytes.len - at < size + 2) {
        return NULL;
    }

    zone = vg_calloc(pool, sizeof(*zone));
    copy = vg_alloc(pool, bytes.len - at);
    if (zone == NULL || copy == NULL) {
        return NULL;
    }
    memcpy(copy, bytes.data + at, bytes.len - at);
    block = (const unsigned char *) copy;
    zone->count = header.times;
    zone->times = block;
    zone->index = block + header.times * 8;
    zone->types = zone->index + header.times;

    line = copy + size + 1;
    end = memchr(line, '\n', bytes.len - at - size - 1);
    if (line[-1] != '\n' || end == NULL || !read_rule(zone, line, end)) {
        return NULL;
    }

    return sound(zone, &header) ? zone : NULL;
}


/* Letters, digits, + - _ and single slashes between them: nothing that could
 * leave the folder. "right/" has leap seconds, which UTC here has not. */
static bool
is_name(vg_str_t name)
{
    size_t i;
    char   c, before = '/';

    if (name.data == NULL || name.len == 0 || name.len > NAME_MAX_BYTES) {
        return false;
    }
    for (i = 0; i < name.len; i++) {
        c = name.data[i];
        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9')
            && c != '+' && c != '-' && c != '_' && !(c == '/' && before != '/'))
        {
            return false;
        }
        before = c;
    }

    return before != '/'
           && (name.len < 6 || memcmp(name.data, "right/", 6) != 0);
}


static ssize_t
read_whole(const char *path, char *bytes, size_t size)
{
    struct stat info;
    ssize_t     got = -1;
    int         file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (file < 0) {
        return -1;
    }
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode)
        && info.st_size <= (off_t) size)
    {
        got = read(file, bytes, size);
    }
    close(file);

    return got;
}


zone_t *
zone_load(vg_pool_t *pool, vg_str_t name)
{
    char    path[sizeof(ZONE_FOLDER) + NAME_MAX_BYTES] = ZONE_FOLDER;
    char    bytes[FILE_MAX_BYTES];
    ssize_t len;

    if (!is_name(name)) {
        return NULL;
    }

    memcpy(path + sizeof(ZONE_FOLDER) - 1, name.data, name.len);
    len = read_whole(path, bytes, sizeof(bytes));
    if (len < 0) {
        return NULL;
    }

    return zone_read(pool, (vg_str_t){ bytes, (size_t) len });
}


int64_t
zone_offset(const zone_t *zone, int64_t at, int64_t *next)
{
    size_t low = 0, high = zone->count, middle;
    size_t type = 0; /* before the first change it is type 0 */

    while (low < high) {
        middle = (low + high) / 2;
        if (big_endian(zone->times + middle * 8, 8) <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->rule) {
        return rule_offset(zone, at, next);
    }

    *next =
        low < zone->count ? big_endian(zone->times + low * 8, 8) : INT64_MAX;
    if (low > 0) {
        type = zone->index[low - 1];
    }

    return big_endian(zone->types + type * TYPE_BYTES, 4);
}

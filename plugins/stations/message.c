/*
 * message.c: a payload against its table; see message.h.
 *
 * Strict, unlike what is taken from chargers: what is sent is ours to get
 * right, and a charger's CALLERROR names no member.
 */

#include <string.h>

#include "message.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

typedef struct {
    vg_pool_t       *pool;
    message_wrong_pt wrong;
    void            *data;
    bool             good;
} judge_t;

static void object_check(judge_t *judge, const message_part_t *parts,
                         const vg_json_t *node, const char *path);


static void
judge_wrong(judge_t *judge, const char *path, const char *text)
{
    judge->good = false;
    if (path != NULL) {
        judge->wrong(judge->data, path, text);
    }
}


/* how many bytes from p on, before end, are of set: strspn() needs a NUL */
static size_t
span(const char *p, const char *end, const char *set)
{
    size_t n = 0;

    while (p + n < end && p[n] != '\0' && strchr(set, p[n]) != NULL) {
        n++;
    }
    return n;
}


static bool
two_digits(const char *p, int min, int max)
{
    int value = (p[0] - '0') * 10 + p[1] - '0';

    return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9'
           && value >= min && value <= max;
}


static int
month_days(const char *date)
{
    static const int days[] = {
        31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    };
    int month = (date[5] - '0') * 10 + date[6] - '0';
    int year = (date[0] - '0') * 1000 + (date[1] - '0') * 100
               + (date[2] - '0') * 10 + date[3] - '0';

    if (month == 2 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0))) {
        return 28;
    }
    return days[month - 1];
}


bool
message_time(vg_str_t text)
{
    const char *p = text.data, *end = p + text.len;

    if (text.len < sizeof("2026-11-21T10:00:00Z") - 1 || text.len > 35
        || !two_digits(p, 19, 99) || !two_digits(p + 2, 0, 99) || p[4] != '-'
        || !two_digits(p + 5, 1, 12) || p[7] != '-'
        || !two_digits(p + 8, 1, month_days(p)) || p[10] != 'T'
        || !two_digits(p + 11, 0, 23) || p[13] != ':'
        || !two_digits(p + 14, 0, 59) || p[16] != ':'
        || !two_digits(p + 17, 0, 59))
    {
        return false;
    }
    p += 19;
    if (*p == '.') {
        size_t digits = span(p + 1, end, DIGITS);

        if (digits == 0 || p + 1 + digits >= end) {
            return false;
        }
        p += 1 + digits;
    }
    if (end - p == 1) {
        return *p == 'Z';
    }
    return end - p == 6 && (*p == '+' || *p == '-') && two_digits(p + 1, 0, 23)
           && p[3] == ':' && two_digits(p + 4, 0, 59);
}


static size_t
characters(vg_str_t text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char) text.data[i] & 0xc0) != 0x80;
    }
    return count;
}


static const char *
text_check(const message_part_t *part, const vg_json_t *node)
{
    size_t count = characters(node->text);

    if (memchr(node->text.data, '\0', node->text.len) != NULL) {
        return "must not contain NUL";
    }
    if (count < (size_t) part->min) {
        return "is too short";
    }
    return part->max && count > (size_t) part->max ? "is too long" : NULL;
}


static const char *
int_check(const message_part_t *part, const vg_json_t *node)
{
    bool    minus = node->text.data[0] == '-';
    int64_t value = 0;
    int64_t min = part->min || part->max ? part->min : INT32_MIN;
    int64_t max = part->min || part->max ? part->max : INT32_MAX;

    for (size_t i = minus; i < node->text.len; i++) {
        if (node->text.data[i] < '0' || node->text.data[i] > '9') {
            return "must be a whole number";
        }
        if (value > INT32_MAX) {
            return "is out of range";
        }
        value = value * 10 + (node->text.data[i] - '0');
    }
    value = minus ? -value : value;
    return value < min || value > max ? "is out of range" : NULL;
}


/* schemas say multipleOf 0.1, which "16.10" is not written as */
static const char *
tenth_check(const message_part_t *part, const vg_json_t *node)
{
    size_t      len = node->text.len;
    const char *point = memchr(node->text.data, '.', len);
    size_t      whole = point ? (size_t) (point - node->text.data) : len;

    (void) part;
    if (node->text.data[0] == '-') {
        return "must not be negative";
    }
    if (span(node->text.data, node->text.data + len, DIGITS ".") < len
        || (point && node->text.data + len - point != 2))
    {
        return "must have at most one digit behind the point";
    }
    return whole > 9 ? "is out of range" : NULL;
}


static const char *
time_check(const message_part_t *part, const vg_json_t *node)
{
    (void) part;
    return message_time(node->text) ? NULL
                                    : "must be an RFC 3339 time with an offset";
}


static const char *
uri_check(const message_part_t *part, const vg_json_t *node)
{
    const char *p = node->text.data, *colon = memchr(p, ':', node->text.len);
    size_t      len = colon ? (size_t) (colon - p) : 0;

    (void) part;
    if (node->text.len > 2048) {
        return "is too long";
    }
    if (len < 2 || colon == p + node->text.len - 1
        || !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
        || span(p, colon, LETTERS DIGITS "+-.") < len)
    {
        return "must be a URI with a scheme";
    }
    for (size_t i = 0; i < node->text.len; i++) {
        if (p[i] <= ' ' || p[i] > '~' || strchr("\"<>\\^`{|}", p[i])) {
            return "holds what no URI may hold";
        }
    }
    return NULL;
}


static const char *
enum_check(const message_part_t *part, const vg_json_t *node)
{
    size_t len;

    for (const char *p = part->values; *p != '\0'; p += len + (p[len] == '|')) {
        len = strcspn(p, "|");
        if (node->text.len == len && memcmp(p, node->text.data, len) == 0) {
            return NULL;
        }
    }
    return "is not one of the known values";
}


/* what each type is in JSON, how that is said, and what else it must be */
static const struct {
    vg_json_type_t json;
    const char    *otherwise;
    const char *(*check)(const message_part_t *part, const vg_json_t *node);
} types[] = {
    [MESSAGE_TEXT] = { VG_JSON_STRING, "must be a string", text_check },
    [MESSAGE_INT] = { VG_JSON_NUMBER, "must be a whole number", int_check },
    [MESSAGE_TENTH] = { VG_JSON_NUMBER, "must be a number", tenth_check },
    [MESSAGE_TIME] = { VG_JSON_STRING, "must be a string", time_check },
    [MESSAGE_URI] = { VG_JSON_STRING, "must be a string", uri_check },
    [MESSAGE_ENUM] = { VG_JSON_STRING, "must be a string", enum_check },
    [MESSAGE_OBJECT] = { VG_JSON_OBJECT, "must be an object", NULL },
    [MESSAGE_LIST] = { VG_JSON_ARRAY, "must be an array", NULL },
};


static void
value_check(judge_t *judge, const message_part_t *part, const vg_json_t *node,
            const char *path)
{
    size_t      i = 0;
    const char *text = NULL;

    if (node->type != types[part->type].json) {
        judge_wrong(judge, path, types[part->type].otherwise);
        return;
    }
    if (types[part->type].check != NULL) {
        text = types[part->type].check(part, node);
    }
    if (part->type == MESSAGE_LIST) {
        if (node->count < (size_t) part->min) {
            text = "has too few items";
        } else if (part->max && node->count > (size_t) part->max) {
            text = "has too many items";
        }
    }
    if (text != NULL) {
        judge_wrong(judge, path, text);
    } else if (part->type == MESSAGE_OBJECT) {
        object_check(judge, part->parts, node, path);
    } else if (part->type == MESSAGE_LIST) {
        for (const vg_json_t *m = node->first; m != NULL; m = m->next) {
            value_check(judge, part->parts, m,
                        vg_printf(judge->pool, "%s[%zu]", path, i++).data);
        }
    }
}


/* Names that came from outside are cut: an answer is no echo. */
static const char *
path_join(judge_t *judge, const char *path, vg_str_t name)
{
    int len = name.len < 64 ? (int) name.len : 64;

    while (len < (int) name.len && len > 0
           && ((unsigned char) name.data[len] & 0xc0) == 0x80)
    {
        len--; /* not in the middle of a character */
    }
    return vg_printf(judge->pool, "%s%s%.*s", path ? path : "",
                     path && *path ? "." : "", len, name.data)
        .data;
}


static void
object_check(judge_t *judge, const message_part_t *parts, const vg_json_t *node,
             const char *path)
{
    const vg_json_t      *value;
    const message_part_t *part;

    for (part = parts; part != NULL && part->name != NULL; part++) {
        value = vg_json_get(node, part->name);
        if (value != NULL) {
            value_check(judge, part, value,
                        path_join(judge, path, vg_str(part->name)));
        } else if (part->required) {
            judge_wrong(judge, path_join(judge, path, vg_str(part->name)),
                        "is required");
        }
    }
    for (value = node ? node->first : NULL; value != NULL; value = value->next)
    {
        for (part = parts; part != NULL && part->name != NULL; part++) {
            if (vg_str_eq(value->key, part->name)) {
                break;
            }
        }
        if (part == NULL || part->name == NULL) {
            judge_wrong(judge, path_join(judge, path, value->key),
                        "is not known");
        }
    }
}


static const message_t *
message_find(vg_str_t action)
{
    const message_t *const tables[] = { message_basic, message_security };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const message_t *m = tables[i]; m->action != NULL; m++) {
            if (vg_str_eq(action, m->action)) {
                return m;
            }
        }
    }
    return NULL;
}


bool
message_check(vg_pool_t *pool, vg_str_t action, const vg_json_t *payload,
              message_wrong_pt wrong, void *data)
{
    judge_t          judge = { pool, wrong, data, true };
    const message_t *message = message_find(action);

    if (message == NULL) {
        return false;
    }
    object_check(&judge, message->parts, payload, "");
    return judge.good;
}

/*
 * accept.c: Accept (RFC 9110, 12.5.1); see accept.h.
 */

#include <string.h>
#include <strings.h>

#include "accept.h"

typedef struct {
    int exact; /* 3: by name, 2: type/ *, 1: * / *, 0: not at all        */
    int q;     /* thousandths                                            */
} liking_t;


static vg_str_t
trim(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    while (p < end && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    return (vg_str_t){ p, (size_t) (end - p) };
}


/* up to the next mark that stands in no quoted string */
static const char *
mark(const char *p, const char *end, char at)
{
    bool quoted = false;

    for (; p < end && (quoted || *p != at); p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (quoted && *p == '\\' && p + 1 < end) {
            p++;
        }
    }
    return p;
}


/* "0.25" is 250; what is no such number is 0: not wanted */
static int
thousandths(vg_str_t text)
{
    int    q = 0, scale = 1000;
    size_t i;

    if (text.len == 0 || text.len > 5 || text.data[0] < '0'
        || text.data[0] > '1' || (text.len > 1 && text.data[1] != '.'))
    {
        return 0;
    }
    q = (text.data[0] - '0') * 1000;
    for (i = 2; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
        scale /= 10;
        q += (text.data[i] - '0') * scale;
    }
    return q > 1000 ? 0 : q;
}


static bool
same(vg_str_t a, const char *b)
{
    return a.len == strlen(b) && strncasecmp(a.data, b, a.len) == 0;
}


static int
exactness(vg_str_t range, const char *type, const char *group)
{
    return same(range, type) ? 3 : same(range, group) ? 2 : same(range, "*/*");
}


static liking_t
liking(vg_str_t accept, const char *type, const char *group)
{
    int         exact, q;
    vg_str_t    parameter;
    liking_t    best = { 0, 0 };
    const char *p, *semicolon, *next, *end = accept.data + accept.len;

    for (p = accept.data; p < end; p = next + 1) {
        next = mark(p, end, ',');
        semicolon = mark(p, next, ';');
        exact = exactness(trim(p, semicolon), type, group);
        for (q = 1000; semicolon < next;) {
            p = semicolon + 1;
            semicolon = mark(p, next, ';');
            parameter = trim(p, semicolon);
            if (parameter.len > 1 && strncasecmp(parameter.data, "q=", 2) == 0)
            {
                q = thousandths(
                    (vg_str_t){ parameter.data + 2, parameter.len - 2 });
            }
        }
        if (exact > best.exact) {
            best = (liking_t){ exact, q };
        }
    }
    return best;
}


bool
vg_accept_csv(vg_str_t accept)
{
    liking_t csv = liking(accept, "text/csv", "text/*");
    liking_t json = liking(accept, "application/json", "application/*");

    return csv.q > json.q
           || (csv.q > 0 && csv.q == json.q && csv.exact > json.exact);
}

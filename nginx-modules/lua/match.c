/*
 * match.c: a pattern as a row of items, and the search for a way through it.
 * Each item that goes back recurses once, so the depth is that of the pattern,
 * whatever the subject.
 */

#include <ctype.h>
#include <string.h>

#include "match.h"

enum {
    END,
    CHARACTER,
    ANY,
    CLASS,
    OPEN,
    CLOSE,
    POSITION,
    AGAIN,
    BALANCE,
    FRONTIER,
    LAST
};
enum { ONCE, MAYBE, MOST, MANY, LEAST }; /* x x? x* x+ x-                   */

typedef struct {
    const unsigned char *at, *end;
} pattern_t;


static bool
has(const vg_match_item_t *item, unsigned char c)
{
    return (item->set[c >> 5] >> (c & 31)) & 1;
}


static void
add(vg_match_item_t *item, unsigned c)
{
    item->set[c >> 5] |= (uint32_t) 1 << (c & 31);
}


/* %a and its kin; false: the letter is no class and stands for itself */
static bool
add_class(vg_match_item_t *item, unsigned char letter)
{
    static const char letters[] = "acdglpsuwxz";
    static int (*const tests[])(int) = { isalpha, iscntrl,  isdigit, isgraph,
                                         islower, ispunct,  isspace, isupper,
                                         isalnum, isxdigit, NULL };
    const char *found = strchr(letters, tolower(letter));

    if (letter == '\0' || found == NULL) {
        return false;
    }
    for (unsigned c = 0; c < 256; c++) {
        bool in = tests[found - letters] != NULL
                      ? tests[found - letters]((int) c) != 0
                      : c == 0;

        if (in != (isupper(letter) != 0)) {
            add(item, c);
        }
    }
    return true;
}


/* Where a set ends: its first character is one of it, whatever it is, and so is
 * what follows a %. NULL: nowhere. */
static const unsigned char *
set_end(const unsigned char *at, const unsigned char *end)
{
    const unsigned char *first = at;

    while (at < end && (*at != ']' || at == first)) {
        at += *at == '%' && end - at > 1 ? 2 : 1;
    }
    return at < end ? at : NULL;
}


/* behind the [; leaves at behind the ] */
static const char *
set_of(pattern_t *p, vg_match_item_t *item)
{
    bool not = p->at < p->end && *p->at == '^';
    const unsigned char *at = p->at + (not ? 1 : 0);
    const unsigned char *end = set_end(at, p->end);

    if (end == NULL) {
        return "malformed pattern (missing ']')";
    }
    for (; at < end; at++) {
        if (*at == '%') {
            at++;
            if (!add_class(item, *at)) {
                add(item, *at);
            }
        } else if (end - at > 2 && at[1] == '-') {
            for (unsigned c = *at; c <= at[2]; c++) {
                add(item, c);
            }
            at += 2;
        } else {
            add(item, *at);
        }
    }
    p->at = end + 1;
    for (unsigned i = 0; not &&i < 8; i++) {
        item->set[i] = ~item->set[i];
    }
    return NULL;
}


static void
often(pattern_t *p, vg_match_item_t *item)
{
    static const char signs[] = "?*+-";
    const char       *found;

    found = p->at < p->end && *p->at ? strchr(signs, *p->at) : NULL;
    if (found != NULL) {
        item->often = (uint8_t) (MAYBE + (found - signs));
        p->at++;
    }
}


/* behind the % */
static const char *
escaped(pattern_t *p, vg_match_item_t *item)
{
    unsigned char c;

    if (p->at == p->end) {
        return "malformed pattern (ends with '%')";
    }
    c = *p->at++;
    if (c == 'b') {
        if (p->end - p->at < 2) {
            return "missing arguments to '%b'";
        }
        item->kind = BALANCE;
        item->a = *p->at++;
        item->b = *p->at++;
    } else if (c == 'f') {
        if (p->at == p->end || *p->at++ != '[') {
            return "missing '[' after '%f' in pattern";
        }
        item->kind = FRONTIER;
        return set_of(p, item);
    } else if (isdigit(c)) {
        item->kind = AGAIN;
        item->a = (uint8_t) (c - '1');
        return c == '0' ? "invalid capture index" : NULL;
    } else {
        item->kind = add_class(item, c) ? CLASS : CHARACTER;
        item->a = c;
        often(p, item);
    }
    return NULL;
}


static const char *
one(pattern_t *p, vg_match_item_t *item)
{
    const char   *wrong = NULL;
    unsigned char c = *p->at++;

    switch (c) {
    case '(':
        item->kind = OPEN;
        if (p->at < p->end && *p->at == ')') {
            item->kind = POSITION;
            p->at++;
        }
        break;
    case ')':
        item->kind = CLOSE;
        break;
    case '%':
        return escaped(p, item);
    default:
        if (c == '$' && p->at == p->end) {
            item->kind = LAST;
            break;
        }
        item->kind = c == '.' ? ANY : c == '[' ? CLASS : CHARACTER;
        item->a = c;
        if (c == '[') {
            wrong = set_of(p, item);
        }
        often(p, item);
    }
    return wrong;
}


const char *
vg_match_compile(vg_match_t *m, const char *pattern, size_t len)
{
    unsigned    opened = 0, all = 0;
    pattern_t   p = { (const unsigned char *) pattern, NULL };
    const char *wrong = NULL;

    p.end = p.at + len;
    m->anchored = len > 0 && *pattern == '^';
    p.at += m->anchored;
    m->items = 0;
    while (wrong == NULL && p.at < p.end) {
        vg_match_item_t *item = &m->item[m->items];

        if (m->items++ == VG_MATCH_ITEMS) {
            return "pattern too long";
        }
        memset(item, 0, sizeof(*item));
        wrong = one(&p, item);
        opened += item->kind == OPEN;
        all += item->kind == OPEN || item->kind == POSITION;
        if (item->kind == CLOSE && opened-- == 0) {
            return "invalid pattern capture";
        }
        if (all > VG_MATCH_CAPTURES) {
            return "too many captures";
        }
        if (item->kind == AGAIN && item->a >= all) {
            return "invalid capture index";
        }
    }
    m->item[m->items] = (vg_match_item_t){ .kind = END };
    return wrong ? wrong : opened ? "unfinished capture" : NULL;
}


/* ------------------------------------------------------------------ a match */

static const char *run(vg_match_t *m, unsigned i, const char *s);


static bool
fits(const vg_match_item_t *item, const char *s)
{
    unsigned char c = (unsigned char) *s;

    return item->kind == CHARACTER ? c == item->a
           : item->kind == CLASS   ? has(item, c)
                                   : true;
}


static bool
step(vg_match_t *m, uint64_t n)
{
    if (m->steps <= n) {
        m->steps = 0;
        m->wrong = "the pattern takes too many steps";
        return false;
    }
    m->steps -= n;
    return true;
}


/* as many as there are, then fewer */
static const char *
most(vg_match_t *m, unsigned i, const char *s, ptrdiff_t least)
{
    ptrdiff_t   n = 0, room = m->end - s;
    const char *end = NULL;

    while (n < room && fits(&m->item[i], s + n)) {
        n++;
    }
    if (!step(m, (uint64_t) n / 4)) {
        return NULL;
    }
    for (; end == NULL && m->wrong == NULL && n >= least; n--) {
        end = run(m, i + 1, s + n);
    }
    return end;
}


static const char *
least(vg_match_t *m, unsigned i, const char *s)
{
    const char *end;

    for (;;) {
        end = run(m, i + 1, s);
        if (end != NULL || m->wrong != NULL || s == m->end
            || !fits(&m->item[i], s)) {
            return end;
        }
        s++;
    }
}


static const char *
balance(vg_match_t *m, const vg_match_item_t *item, const char *s)
{
    size_t      deep = 1;
    const char *at = s + 1;

    if (s == m->end || (uint8_t) *s != item->a) {
        return NULL;
    }
    for (; at < m->end; at++) {
        if ((uint8_t) *at == item->b) {
            if (--deep == 0) {
                return step(m, (uint64_t) (at - s) / 4) ? at + 1 : NULL;
            }
        } else {
            deep += (uint8_t) *at == item->a;
        }
    }
    (void) step(m, (uint64_t) (at - s) / 4);
    return NULL;
}


static const char *
again(vg_match_t *m, const vg_match_item_t *item, const char *s)
{
    const vg_match_capture_t *c = &m->capture[item->a];

    if (item->a >= m->captures || c->len == VG_MATCH_OPEN) {
        m->wrong = "invalid capture index";
        return NULL;
    }
    if (c->len == VG_MATCH_POSITION) {
        return NULL;
    }
    return c->len <= m->end - s && memcmp(c->at, s, (size_t) c->len) == 0
                   && step(m, (uint64_t) c->len / 16)
               ? s + c->len
               : NULL;
}


static const char *
capture(vg_match_t *m, unsigned i, const char *s, ptrdiff_t len)
{
    const char *end;

    m->capture[m->captures++] = (vg_match_capture_t){ s, len };
    end = run(m, i + 1, s);
    m->captures -= end == NULL;
    return end;
}


static const char *
captured(vg_match_t *m, unsigned i, const char *s)
{
    unsigned    n = m->captures;
    const char *end;

    while (n > 0 && m->capture[n - 1].len != VG_MATCH_OPEN) {
        n--;
    }
    if (n == 0) {
        m->wrong = "invalid pattern capture";
        return NULL;
    }
    m->capture[n - 1].len = s - m->capture[n - 1].at;
    end = run(m, i + 1, s);
    if (end == NULL) {
        m->capture[n - 1].len = VG_MATCH_OPEN;
    }
    return end;
}


static bool
frontier(const vg_match_t *m, const vg_match_item_t *item, const char *s)
{
    return !has(item, s == m->subject ? 0 : (unsigned char) s[-1])
           && has(item, s == m->end ? 0 : (unsigned char) *s);
}


/* what matches once, or not at all: where it ends */
static const char *
once(vg_match_t *m, unsigned i, const char *s)
{
    const vg_match_item_t *item = &m->item[i];

    switch (item->kind) {
    case AGAIN:
        return again(m, item, s);
    case BALANCE:
        return balance(m, item, s);
    case FRONTIER:
        return frontier(m, item, s) ? s : NULL;
    case LAST:
        return s == m->end ? s : NULL;
    default:
        return s < m->end && fits(item, s) ? s + 1 : NULL;
    }
}


static const char *
run(vg_match_t *m, unsigned i, const char *s)
{
    const char *end;

    for (; s != NULL && m->item[i].kind != END; i++) {
        const vg_match_item_t *item = &m->item[i];

        if (!step(m, 1)) {
            return NULL;
        }
        switch (item->kind) {
        case OPEN:
            return capture(m, i, s, VG_MATCH_OPEN);
        case POSITION:
            return capture(m, i, s, VG_MATCH_POSITION);
        case CLOSE:
            return captured(m, i, s);
        default:
            break;
        }
        switch (item->often) {
        case ONCE:
            s = once(m, i, s);
            break;
        case MAYBE:
            end = s < m->end && fits(item, s) ? run(m, i + 1, s + 1) : NULL;
            if (end != NULL || m->wrong != NULL) {
                return end;
            }
            break;
        case LEAST:
            return least(m, i, s);
        default:
            return most(m, i, s, item->often == MANY);
        }
    }
    return s;
}


const char *
vg_match_at(vg_match_t *m, const char *s)
{
    m->captures = 0;
    m->wrong = NULL;
    return run(m, 0, s);
}

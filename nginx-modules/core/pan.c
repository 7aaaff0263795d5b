/*
 * pan.c: looks for numbers of payment cards in one pass over the bytes.
 *
 * Digits that follow each other, with spaces or hyphens between, are a run; the
 * last 19 of it are kept. Where a group of digits ends, each group before it
 * may have begun a number that ends here.
 *
 * Nearly all bytes are in no run of 13, so one byte of 13 is looked at, and
 * only a run around it is read.
 */

#include "pan.h"

#include <stdint.h>
#include <string.h>

#define VG_PAN_LEAST 13
#define VG_PAN_MOST  19
#define VG_PAN_GAP   3  /* spaces and hyphens between two groups          */
#define VG_PAN_PHONE 15 /* digits behind a +, at most: E.164              */

#define L(n)    (1u << (n))
#define FROM_16 (L(16) | L(17) | L(18) | L(19))
#define ANY     (L(13) | L(14) | L(15) | FROM_16)

/* By its first six digits: who may have issued it, with how many digits. Of 13
 * digits Visa has issued none for long; one that begins like a country's
 * telephone numbers (all of 40 to 49 but these) is one of those. */
static const struct {
    uint32_t from, to, lengths;
} vg_pan_ranges[] = {
    { 220000, 220499, FROM_16 },               /* Mir */
    { 222100, 272099, L(16) },                 /* Mastercard */
    { 300000, 305999, L(14) | FROM_16 },       /* Diners Club */
    { 309500, 309599, L(14) | FROM_16 },       /* Diners Club */
    { 340000, 349999, L(15) },                 /* American Express */
    { 352800, 358999, FROM_16 },               /* JCB */
    { 360000, 369999, L(14) | FROM_16 },       /* Diners Club */
    { 370000, 379999, L(15) },                 /* American Express */
    { 380000, 399999, L(14) | FROM_16 },       /* Diners Club */
    { 400000, 499999, L(16) | L(18) | L(19) }, /* Visa */
    { 422000, 422999, L(13) },                 /* Visa */
    { 424000, 429999, L(13) },                 /* Visa */
    { 501800, 501899, ANY },                   /* Maestro */
    { 501900, 501999, L(16) },                 /* Dankort */
    { 502000, 502099, ANY },                   /* Maestro */
    { 503800, 503899, ANY },                   /* Maestro */
    { 506099, 506198, L(16) | L(18) | L(19) }, /* Verve */
    { 506699, 506778, L(16) },                 /* Elo */
    { 508500, 508999, L(16) },                 /* RuPay */
    { 509000, 509999, L(16) },                 /* Elo */
    { 510000, 559999, L(16) },                 /* Mastercard */
    { 589300, 589399, ANY },                   /* Maestro */
    { 601100, 601199, FROM_16 },               /* Discover */
    { 606282, 606282, L(16) },                 /* Hipercard */
    { 606985, 608500, L(16) },                 /* RuPay */
    { 620000, 629999, FROM_16 },               /* UnionPay */
    { 630400, 630499, ANY },                   /* Maestro */
    { 644000, 659999, FROM_16 },               /* Discover, RuPay, Troy */
    { 675900, 675999, ANY },                   /* Maestro */
    { 676100, 676399, ANY },                   /* Maestro */
    { 810000, 820199, FROM_16 },               /* UnionPay, RuPay */
    { 860000, 860099, L(16) },                 /* Uzcard */
    { 979200, 979299, L(16) },                 /* Troy */
    { 986000, 986099, L(16) },                 /* Humo */
};

enum { OTHER, DIGIT, JOINT, LETTER };

#define IS_JOINT(c) ((c) == ' ' || (c) == '-')
#define IS_DIGIT(c) ((unsigned char) ((c) - '0') <= 9)

typedef struct {
    uint8_t value;
    bool    begins; /* a group that may be a number's first               */
    char    joint;  /* what stands before that                            */
    size_t  at;
} vg_pan_digit_t;

typedef struct {
    vg_pan_digit_t digit[VG_PAN_MOST]; /* the run's last                  */
    unsigned       n, all;  /* of those; of the run                        */
    unsigned       gap;     /* bytes since the last one                   */
    unsigned       letters; /* just before                                */
    bool           plus, named, country, words; /* of the run: vg_pan_run() */
    char           before, earlier; /* the last two bytes              */
    size_t         first, last;     /* where what was found stands     */
} vg_pan_t;


static unsigned
vg_pan_class(char c)
{
    if (IS_DIGIT(c)) {
        return DIGIT;
    }
    if (IS_JOINT(c)) {
        return JOINT;
    }
    return (unsigned char) ((c | 0x20) - 'a') < 26 || c == '_' ? LETTER : OTHER;
}


static bool
vg_pan_issued(const vg_pan_digit_t *d, unsigned count)
{
    size_t   i;
    uint32_t six = 0;

    for (i = 0; i < 6; i++) {
        six = six * 10 + d[i].value;
    }
    for (i = 0; i < sizeof(vg_pan_ranges) / sizeof(vg_pan_ranges[0]); i++) {
        if (six >= vg_pan_ranges[i].from && six <= vg_pan_ranges[i].to
            && (vg_pan_ranges[i].lengths & L(count)))
        {
            return true;
        }
    }
    return false;
}


/* ISO/IEC 7812-1, annex B: every second one from the right is doubled */
static bool
vg_pan_checked(const vg_pan_digit_t *d, unsigned count)
{
    unsigned i, twice, sum = 0;

    for (i = 0; i < count; i++) {
        twice = d[i].value << ((count - i) % 2 == 0);
        sum += twice > 9 ? twice - 9 : twice;
    }
    return sum % 10 == 0;
}


/* Part of a UUID: its first three groups, or its last two. */
static bool
vg_pan_uuid(const vg_pan_digit_t *d, unsigned count, char after)
{
    if (count != 16) {
        return false;
    }
    if (d[4].begins) {
        return d[4].joint == '-' && d[0].joint == '-' && !d[8].begins
               && !d[12].begins;
    }
    return after == '-' && d[8].begins && d[8].joint == '-' && d[12].begins
           && d[12].joint == '-';
}


/* a group has ended, before this byte */
static bool
vg_pan_ended(vg_pan_t *p, char after)
{
    unsigned i;

    if (p->words || (p->plus && p->all <= VG_PAN_PHONE)) {
        return false;
    }
    for (i = 0; i + VG_PAN_LEAST <= p->n; i++) {
        if (p->digit[i].begins && vg_pan_issued(p->digit + i, p->n - i)
            && vg_pan_checked(p->digit + i, p->n - i)
            && !vg_pan_uuid(p->digit + i, p->n - i, after))
        {
            p->first = p->digit[i].at;
            p->last = p->digit[p->n - 1].at;
            return true;
        }
    }
    return false;
}


/* A run begins. named: glued to a word (a VIN, a key, a hash); or the digits
 * behind a point. Two letters and two digits may be an IBAN's: words, then. */
static void
vg_pan_run(vg_pan_t *p)
{
    bool escape = p->letters == 1 && p->earlier == '\\'; /* \n of JSON */

    p->n = p->all = p->gap = 0;
    p->plus = p->before == '+';
    p->named = (p->letters != 0 && !escape)
               || (p->before == '.' && IS_DIGIT(p->earlier));
    p->country = p->letters == 2;
    p->words = false;
}


static void
vg_pan_digit(vg_pan_t *p, char c, size_t at)
{
    bool follows = p->n != 0 && p->gap == 0;

    if (p->n == 0) {
        vg_pan_run(p);
    }
    if (p->n == VG_PAN_MOST) {
        memmove(p->digit, p->digit + 1, sizeof(p->digit) - sizeof(*p->digit));
        p->n--;
    }
    p->digit[p->n++] = (vg_pan_digit_t){
        .value = c - '0',
        .begins = !follows && (p->all != 0 || !p->named),
        .joint = p->before,
        .at = at,
    };
    p->all++;
    p->gap = 0;
}


/* true: a number has ended before this byte */
static bool
vg_pan_feed(vg_pan_t *p, char c, size_t at)
{
    bool found = false;
    unsigned class = vg_pan_class(c);

    if (class == DIGIT) {
        vg_pan_digit(p, c, at);
    } else if (p->n != 0 && p->gap == 0) {
        p->words |= p->all == 2 && p->country;
        found = class != LETTER && vg_pan_ended(p, c);
    }
    if (class == JOINT && p->n != 0 && ++p->gap <= VG_PAN_GAP) {
        /* the run may go on */
    } else if (class != DIGIT) {
        p->n = 0;
    }
    p->letters = class == LETTER ? p->letters + 1 : 0;
    p->earlier = p->before;
    p->before = c;
    return found;
}


/* ------------------------------------------------------- bytes as they stand */

static bool
vg_pan_part(char c)
{
    return IS_DIGIT(c) || IS_JOINT(c);
}


/* What stands before a place, as if it had been fed. */
static void
vg_pan_before(vg_pan_t *p, const char *b, size_t at)
{
    size_t i = at;

    memset(p, 0, sizeof(*p));
    while (i > 0 && at - i < 3 && vg_pan_class(b[i - 1]) == LETTER) {
        i--;
    }
    p->letters = at - i;
    p->before = at > 0 ? b[at - 1] : '\0';
    p->earlier = at > 1 ? b[at - 2] : '\0';
}


/* The first one from a place on; false: none. */
static bool
vg_pan_next(vg_pan_t *p, const char *b, size_t len, size_t floor)
{
    size_t i = floor + VG_PAN_LEAST - 1, from;

    for (; i < len; i += VG_PAN_LEAST) {
        if (!vg_pan_part(b[i])) {
            floor = i + 1;
            continue;
        }
        for (from = i; from > floor && vg_pan_part(b[from - 1]); from--) {
            /* to where they begin */
        }
        for (i++; i < len && vg_pan_part(b[i]); i++) {
            /* to behind them */
        }
        floor = i;
        if (i - from < VG_PAN_LEAST) {
            continue;
        }
        for (vg_pan_before(p, b, from); from < i; from++) {
            if (vg_pan_feed(p, b[from], from)) {
                return true;
            }
        }
        if (vg_pan_feed(p, i < len ? b[i] : '\0', i)) {
            return true;
        }
    }
    return false;
}


size_t
vg_pan_mask(char *bytes, size_t len)
{
    size_t   count = 0, i = 0;
    vg_pan_t p;

    while (vg_pan_next(&p, bytes, len, i)) {
        for (i = p.first; i <= p.last; i++) {
            if (IS_DIGIT(bytes[i])) {
                bytes[i] = 'X';
            }
        }
        count++;
    }
    return count;
}


/* ------------------------------------------------------------ bytes in code */

static int
vg_pan_hex(char c)
{
    if (IS_DIGIT(c)) {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* a byte of two digits; -1: it is none */
static int
vg_pan_byte(const char *b, size_t len)
{
    int high = len < 2 ? -1 : vg_pan_hex(b[0]);
    int low = len < 2 ? -1 : vg_pan_hex(b[1]);

    return high < 0 || low < 0 ? -1 : high << 4 | low;
}


/* A byte, or what stands for one: how many bytes that takes. \uXXXX is a
 * whole character, which no byte of UTF-8 follows. */
static size_t
vg_pan_escape(const char *b, size_t len, vg_pan_form_t form, uint32_t *c)
{
    int high, low;

    *c = (unsigned char) b[0];
    if (form == VG_PAN_URL) {
        low = b[0] == '%' ? vg_pan_byte(b + 1, len - 1) : -1;
        *c = low >= 0 ? (uint32_t) low : b[0] == '+' ? ' ' : *c;
        return low >= 0 ? 3 : 1;
    }
    if (form != VG_PAN_JSON || b[0] != '\\' || len < 2) {
        return 1;
    }
    high = b[1] == 'u' && len >= 6 ? vg_pan_byte(b + 2, 2) : -1;
    low = high >= 0 ? vg_pan_byte(b + 4, 2) : -1;
    if (low < 0) {
        return 2;
    }
    *c = (uint32_t) high << 8 | (uint32_t) low;
    return 6;
}


/* Digits of other scripts, as phones write them, and what looks like a space
 * or a hyphen. First bytes of those in UTF-8: vg_pan_leads. */
static const struct {
    uint16_t from, to;
    char     as; /* the first one; '0' goes on                            */
} vg_pan_alike[] = {
    { 0x00a0, 0x00a0, ' ' }, { 0x0660, 0x0669, '0' }, { 0x06f0, 0x06f9, '0' },
    { 0x0966, 0x096f, '0' }, { 0x09e6, 0x09ef, '0' }, { 0x0e50, 0x0e59, '0' },
    { 0x2000, 0x200a, ' ' }, { 0x2010, 0x2015, '-' }, { 0x202f, 0x202f, ' ' },
    { 0x2212, 0x2212, '-' }, { 0x3000, 0x3000, ' ' }, { 0xff0d, 0xff0d, '-' },
    { 0xff10, 0xff19, '0' },
};

static const unsigned char vg_pan_leads[] = { 0xc2, 0xd9, 0xdb, 0xe0,
                                              0xe2, 0xe3, 0xef };

#define VG_PAN_FOREIGN ((char) 0x80) /* no part of a number, nor of a word */


static char
vg_pan_like(uint32_t c)
{
    size_t i;

    for (i = 0; i < sizeof(vg_pan_alike) / sizeof(vg_pan_alike[0]); i++) {
        if (c >= vg_pan_alike[i].from && c <= vg_pan_alike[i].to) {
            return vg_pan_alike[i].as == '0'
                       ? (char) ('0' + (c - vg_pan_alike[i].from))
                       : vg_pan_alike[i].as;
        }
    }
    return VG_PAN_FOREIGN;
}


/* One character, and how many bytes it takes. */
static size_t
vg_pan_char(const char *b, size_t len, vg_pan_form_t form, char *c)
{
    size_t   n, m, more;
    uint32_t code, next;

    n = vg_pan_escape(b, len, form, &code);
    if (n < 6 && code >= 0xc0) {
        more = code >= 0xf0 ? 3 : code >= 0xe0 ? 2 : 1;
        code &= 0x3fu >> more;
        for (; more > 0 && n < len; more--) {
            m = vg_pan_escape(b + n, len - n, form, &next);
            if ((next & 0xc0) != 0x80 || m == 6) {
                break;
            }
            code = code << 6 | (next & 0x3f);
            n += m;
        }
    }
    *c = code < 0x80 ? (char) code : vg_pan_like(code);
    return n;
}


static bool
vg_pan_decoded(const char *b, size_t len, vg_pan_form_t form)
{
    char     c;
    size_t   i = 0;
    vg_pan_t p = { .n = 0 };

    while (i < len) {
        i += vg_pan_char(b + i, len - i, form, &c);
        if (vg_pan_feed(&p, c, i)) {
            return true;
        }
    }
    return vg_pan_feed(&p, '\0', len);
}


static bool
vg_pan_coded(const char *b, size_t len, vg_pan_form_t form)
{
    size_t      i;
    const char *p = b, *end = b + len;

    for (i = 0; form != VG_PAN_PLAIN && i < sizeof(vg_pan_leads); i++) {
        if (memchr(b, vg_pan_leads[i], len) != NULL) {
            return true;
        }
    }
    if (form == VG_PAN_URL) {
        return memchr(b, '%', len) != NULL || memchr(b, '+', len) != NULL;
    }
    while (form == VG_PAN_JSON && (p = memchr(p, '\\', end - p)) != NULL) {
        if (++p < end && *p == 'u') {
            return true;
        }
    }
    return false;
}


bool
vg_pan_found(const char *bytes, size_t len, vg_pan_form_t form)
{
    vg_pan_t p;

    if (len < VG_PAN_LEAST) {
        return false;
    }
    return vg_pan_coded(bytes, len, form) ? vg_pan_decoded(bytes, len, form)
                                          : vg_pan_next(&p, bytes, len, 0);
}

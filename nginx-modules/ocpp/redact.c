/*
 * redact.c: strings of a frame, by the name of their member.
 */

#include "redact.h"

#include <string.h>

#include "pan.h"

#define VG_REDACT_DEPTH 16 /* deeper, all values are hidden               */
#define VG_REDACT_LAST  4  /* characters of a tag that tell it from others */
#define VG_REDACT_LONG  8  /* characters; of a shorter tag none are shown  */

typedef enum {
    VG_REDACT_SHOW,
    VG_REDACT_HIDE,
    VG_REDACT_TAG,     /* but for its last characters                     */
    VG_REDACT_ADDRESS, /* but for "user:password@" in it                  */
    VG_REDACT_SETTING, /* when its object names a secret                  */
} vg_redact_how_t;

static const struct {
    const char     *member;
    vg_redact_how_t how;
} vg_redact_members[] = {
    { "idTag", VG_REDACT_TAG },        { "parentIdTag", VG_REDACT_TAG },
    { "idToken", VG_REDACT_TAG },      { "groupIdToken", VG_REDACT_TAG },
    { "location", VG_REDACT_ADDRESS }, { "remoteLocation", VG_REDACT_ADDRESS },
    { "value", VG_REDACT_SETTING }, /* ChangeConfiguration, GetConfiguration */
    { "data", VG_REDACT_SETTING },  /* DataTransfer: a vendor's own        */
    { NULL, VG_REDACT_SHOW },
};

/* in any case, anywhere in a member's name or in an object with a setting */
static const char *const vg_redact_words[] = {
    "authorizationkey", "password", "passwd",   "secret", "credential",
    "privatekey",       "psk",      "apitoken", "simpin", NULL,
};

/* what DataTransfer may carry inside of a string */
static const char *const vg_redact_carried[] = { "idtag", "idtoken", NULL };

typedef struct {
    const char *p, *end;
    char       *out;
    size_t      len, room;
    bool        full;
    int         depth;
    const char *opened[VG_REDACT_DEPTH]; /* where each object began        */
    vg_str_t    member;                  /* whose value comes next         */
} vg_redact_t;


static void
vg_redact_put(vg_redact_t *r, const char *bytes, size_t len)
{
    if (len > r->room - r->len) {
        r->full = true; /* nothing after what did not fit */
        len = r->room - r->len;
    }
    memcpy(r->out + r->len, bytes, len);
    r->len += len;
}


static bool
vg_redact_at(const char *text, size_t len, const char *word)
{
    size_t i;

    for (i = 0; word[i] != '\0'; i++) {
        if (i == len || (text[i] | 0x20) != (word[i] | 0x20)) {
            return false;
        }
    }
    return true;
}


/* The words are letters and a backslash: setting one bit is enough to compare
 * them in any case, at worst it hides more. */
static bool
vg_redact_has(vg_str_t text, const char *const *words)
{
    size_t i, w;

    for (i = 0; i < text.len; i++) {
        for (w = 0; words[w] != NULL; w++) {
            if ((text.data[i] | 0x20) == (words[w][0] | 0x20)
                && vg_redact_at(text.data + i, text.len - i, words[w]))
            {
                return true;
            }
        }
    }
    return false;
}


/* behind the string that begins at p, or the end */
static const char *
vg_redact_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        p += *p == '\\' && p + 1 < end;
    }
    return p < end ? p + 1 : end;
}


/* The object around p, from its beginning, also where p is within a list of
 * it; data NULL: where it ends is not known. */
static vg_str_t
vg_redact_around(const vg_redact_t *r, const char *p)
{
    int         depth = 1;
    const char *start;

    if (r->depth == 0 || r->depth > VG_REDACT_DEPTH) {
        return (vg_str_t){ NULL, 0 };
    }
    while (depth < r->depth && *r->opened[r->depth - depth] == '[') {
        depth++;
    }
    start = r->opened[r->depth - depth];
    while (p < r->end && depth > 0) {
        if (*p == '"') {
            p = vg_redact_string(p, r->end);
            continue;
        }
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        p++;
    }
    return depth == 0 ? (vg_str_t){ start, (size_t) (p - start) }
                      : (vg_str_t){ NULL, 0 };
}


/* A letter that is written as \u0041 hides a word: then all is secret. */
static bool
vg_redact_secret(const vg_redact_t *r, const char *value, bool carried)
{
    static const char *const escape[] = { "\\u", NULL };
    vg_str_t                 object = vg_redact_around(r, value);

    return object.data == NULL || vg_redact_has(object, vg_redact_words)
           || vg_redact_has(object, escape)
           || (carried && vg_redact_has(object, vg_redact_carried));
}


static vg_redact_how_t
vg_redact_how(const vg_redact_t *r, const char *value)
{
    int i;

    if (r->depth > VG_REDACT_DEPTH) {
        return VG_REDACT_HIDE;
    }
    if (r->member.data == NULL) {
        return VG_REDACT_SHOW;
    }
    if (vg_redact_has(r->member, vg_redact_words)
        || memchr(r->member.data, '\\', r->member.len) != NULL)
    {
        return VG_REDACT_HIDE;
    }
    for (i = 0; vg_redact_members[i].member != NULL; i++) {
        if (r->member.len == strlen(vg_redact_members[i].member)
            && vg_redact_at(r->member.data, r->member.len,
                            vg_redact_members[i].member))
        {
            break;
        }
    }
    if (vg_redact_members[i].how != VG_REDACT_SETTING) {
        return vg_redact_members[i].how;
    }
    return vg_redact_secret(r, value, r->member.len == sizeof("data") - 1)
               ? VG_REDACT_HIDE
               : VG_REDACT_SHOW;
}


/* text: without its quotes */
static void
vg_redact_value(vg_redact_t *r, vg_redact_how_t how, vg_str_t text)
{
    size_t i;

    switch (how) {

    case VG_REDACT_TAG:
        vg_redact_put(r, "***", 3);
        for (i = 0; i < text.len; i++) { /* ASCII alone, and no escapes */
            if (text.data[i] <= ' ' || text.data[i] > '~'
                || text.data[i] == '\\') {
                return;
            }
        }
        if (text.len >= VG_REDACT_LONG) {
            vg_redact_put(r, text.data + text.len - VG_REDACT_LAST,
                          VG_REDACT_LAST);
        }
        return;

    case VG_REDACT_ADDRESS:
        for (i = text.len; i > 0 && text.data[i - 1] != '@'; i--) {
            /* void */
        }
        if (i > 0) {
            vg_redact_put(r, "***@", 4);
        }
        vg_redact_put(r, text.data + i, text.len - i);
        return;

    case VG_REDACT_SHOW:
        vg_redact_put(r, text.data, text.len);
        return;

    default:
        vg_redact_put(r, "***", 3);
    }
}


/* A string: a member's name when a colon follows, else a value. */
static void
vg_redact_text(vg_redact_t *r)
{
    vg_str_t    text;
    const char *start = r->p, *colon;
    bool        closed;

    r->p = vg_redact_string(start, r->end);
    closed = r->p - start >= 2 && r->p[-1] == '"';
    text = (vg_str_t){ start + 1, (size_t) (r->p - start) - 1 - closed };
    for (colon = r->p; colon < r->end && strchr(" \t\r\n", *colon) != NULL;
         colon++) {
        /* void */
    }
    vg_redact_put(r, "\"", 1);
    if (colon < r->end && *colon == ':') {
        vg_redact_put(r, text.data, text.len);
        r->member = text;
    } else {
        vg_redact_value(r, vg_redact_how(r, r->p), text);
    }
    if (closed) {
        vg_redact_put(r, "\"", 1);
    }
}


/* A number or a word, which may be a PIN. */
static void
vg_redact_scalar(vg_redact_t *r)
{
    const char     *start = r->p;
    vg_redact_how_t how;

    while (r->p < r->end && strchr(" \t\r\n,:{}[]\"", *r->p) == NULL) {
        r->p++;
    }
    how = vg_redact_how(r, r->p);
    if (how == VG_REDACT_SHOW || how == VG_REDACT_ADDRESS) {
        vg_redact_put(r, start, (size_t) (r->p - start));
    } else {
        vg_redact_put(r, "\"***\"", 5);
    }
}


static void
vg_redact_sign(vg_redact_t *r)
{
    char sign = *r->p;

    if (sign == '{' || sign == '[') {
        if (r->depth < VG_REDACT_DEPTH) {
            r->opened[r->depth] = r->p;
        }
        r->depth++;
    } else if ((sign == '}' || sign == ']') && r->depth > 0) {
        r->depth--;
    }
    /* a list's items are its member's: {"password": ["a"]} */
    if (sign == ',' || sign == '{' || sign == '}') {
        if (sign != ',' || r->depth == 0 || r->depth > VG_REDACT_DEPTH
            || *r->opened[r->depth - 1] == '{')
        {
            r->member = (vg_str_t){ NULL, 0 };
        }
    }
    vg_redact_put(r, r->p++, 1);
}


/* A charger's message is taken as it is, or its session would be lost; but the
 * number of a card is not kept. One in code (\u0034) takes all with it. */
static size_t
vg_redact_cards(char *out, size_t len)
{
    (void) vg_pan_mask(out, len);
    return vg_pan_found(out, len, VG_PAN_JSON) ? 0 : len;
}


size_t
vg_redact(vg_str_t text, char *out, size_t room, bool *cut)
{
    vg_redact_t r = { .p = text.data, .out = out, .room = room };

    /* what does not fit is not looked at: its cost is bounded, too */
    r.end = text.data + (text.len < room ? text.len : room);
    while (r.p < r.end && !r.full) {
        if (*r.p == '"') {
            vg_redact_text(&r);
        } else if (strchr(" \t\r\n,:{}[]", *r.p) != NULL) {
            vg_redact_sign(&r);
        } else {
            vg_redact_scalar(&r);
        }
    }
    *cut = r.full || text.len > room;
    while (*cut && r.len > 0 && ((unsigned char) out[r.len - 1] & 0xc0) == 0x80)
    {
        r.len--; /* the rest of a character, whose start goes next */
    }
    if (*cut && r.len > 0 && ((unsigned char) out[r.len - 1] & 0xc0) == 0xc0) {
        r.len--;
    }
    return vg_redact_cards(out, r.len);
}

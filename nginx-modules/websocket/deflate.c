/*
 * deflate.c: permessage-deflate over zlib, without context takeover.
 */

#include "deflate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#define VG_DEFLATE_WINDOW_MIN 9 /* zlib does not press with 8             */
#define VG_DEFLATE_WINDOW_MAX 15
#define VG_DEFLATE_LEVEL      6
#define VG_DEFLATE_MEMORY     5 /* 8 KiB of hashes to clear each message   */
#define VG_DEFLATE_TAIL       4 /* bytes that each message ends without    */

static const unsigned char vg_deflate_tail[VG_DEFLATE_TAIL] = { 0, 0, 0xff,
                                                                0xff };

/* what is left of a header */
typedef struct {
    const char *p, *end;
} vg_deflate_scan_t;

enum {
    VG_PARAM_SERVER_NO_TAKEOVER = 0x01,
    VG_PARAM_CLIENT_NO_TAKEOVER = 0x02,
    VG_PARAM_SERVER_BITS = 0x04,
    VG_PARAM_CLIENT_BITS = 0x08,
};

enum { VG_VALUE_NONE, VG_VALUE_BITS, VG_VALUE_EITHER };

static const struct {
    const char *name;
    unsigned    flag;
    int         value;
} vg_deflate_params[] = {
    { "server_no_context_takeover", VG_PARAM_SERVER_NO_TAKEOVER,
      VG_VALUE_NONE },
    { "client_no_context_takeover", VG_PARAM_CLIENT_NO_TAKEOVER,
      VG_VALUE_NONE },
    { "server_max_window_bits", VG_PARAM_SERVER_BITS, VG_VALUE_BITS },
    { "client_max_window_bits", VG_PARAM_CLIENT_BITS, VG_VALUE_EITHER },
    { NULL, 0, 0 },
};


/* ----------------------------------------------------------------- offers */

static void
vg_deflate_space(vg_deflate_scan_t *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t')) {
        s->p++;
    }
}


/* 1: it was there, and is passed */
static int
vg_deflate_sign(vg_deflate_scan_t *s, char sign)
{
    vg_deflate_space(s);
    if (s->p == s->end || *s->p != sign) {
        return 0;
    }
    s->p++;
    return 1;
}


/* a token, or what stands in quotes; len 0: neither */
static vg_str_t
vg_deflate_word(vg_deflate_scan_t *s)
{
    int         quoted = vg_deflate_sign(s, '"');
    const char *start = s->p;
    vg_str_t    word;

    while (s->p < s->end
           && (quoted ? *s->p != '"' : strchr(" \t,;=\"", *s->p) == NULL))
    {
        s->p++;
    }
    word = (vg_str_t){ start, (size_t) (s->p - start) };
    if (quoted && !vg_deflate_sign(s, '"')) {
        word.len = 0;
    }
    return word;
}


/* 8 to 15, without a leading zero; 0: it is no such number */
static unsigned
vg_deflate_bits(vg_str_t word)
{
    unsigned n = 0;
    size_t   i;

    if (word.len == 0 || word.len > 2 || word.data[0] == '0') {
        return 0;
    }
    for (i = 0; i < word.len; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') {
            return 0;
        }
        n = n * 10 + (unsigned) (word.data[i] - '0');
    }
    return n >= 8 && n <= VG_DEFLATE_WINDOW_MAX ? n : 0;
}


/* One parameter of an offer; 0: it cannot be accepted. */
static int
vg_deflate_param(vg_deflate_scan_t *s, unsigned *seen, unsigned *window)
{
    int      i = 0, has;
    unsigned bits = 0;
    vg_str_t name = vg_deflate_word(s), value = { "", 0 };

    has = vg_deflate_sign(s, '=');
    if (has) {
        value = vg_deflate_word(s);
        bits = vg_deflate_bits(value);
    }
    while (vg_deflate_params[i].name != NULL
           && (name.len != strlen(vg_deflate_params[i].name)
               || strncasecmp(name.data, vg_deflate_params[i].name, name.len)
                      != 0))
    {
        i++;
    }
    if (vg_deflate_params[i].name == NULL || (*seen & vg_deflate_params[i].flag)
        || (has && (bits == 0 || vg_deflate_params[i].value == VG_VALUE_NONE))
        || (!has && vg_deflate_params[i].value == VG_VALUE_BITS))
    {
        return 0;
    }
    *seen |= vg_deflate_params[i].flag;
    if (vg_deflate_params[i].flag == VG_PARAM_SERVER_BITS) {
        *window = bits;
    }
    return 1;
}


/* One element of the list. */
static unsigned
vg_deflate_offer(vg_deflate_scan_t *s)
{
    int      good;
    unsigned seen = 0, window = VG_DEFLATE_WINDOW_MAX;
    vg_str_t name = vg_deflate_word(s);

    good = name.len == sizeof("permessage-deflate") - 1
           && strncasecmp(name.data, "permessage-deflate", name.len) == 0;
    while (vg_deflate_sign(s, ';')) {
        good &= vg_deflate_param(s, &seen, &window);
    }
    return good && window >= VG_DEFLATE_WINDOW_MIN ? window : 0;
}


unsigned
vg_deflate_offered(vg_str_t offers)
{
    unsigned          window;
    vg_deflate_scan_t s = { offers.data, offers.data + offers.len };

    while (s.p < s.end) {
        window = vg_deflate_offer(&s);
        vg_deflate_space(&s);
        if (s.p < s.end && *s.p != ',') {
            return 0; /* no list: nothing of it is believed */
        }
        if (window != 0) {
            return window;
        }
        s.p += s.p < s.end;
    }
    return 0;
}


vg_str_t
vg_deflate_answer(unsigned window, char *text)
{
    char bits[32] = "";
    int  n;

    if (window < VG_DEFLATE_WINDOW_MAX) {
        (void) snprintf(bits, sizeof(bits), "; server_max_window_bits=%u",
                        window);
    }
    n = snprintf(text, VG_DEFLATE_ANSWER,
                 "permessage-deflate; server_no_context_takeover; "
                 "client_no_context_takeover%s",
                 bits);
    return (vg_str_t){ text, (size_t) n };
}


/* --------------------------------------------------------------- messages */

/* One for each window that was ever agreed on; NULL: no memory. */
static z_stream *
vg_deflate_stream(unsigned window)
{
    static z_stream streams[VG_DEFLATE_WINDOW_MAX + 1];
    static char     made[VG_DEFLATE_WINDOW_MAX + 1];

    if (made[window]) {
        return deflateReset(&streams[window]) == Z_OK ? &streams[window] : NULL;
    }
    if (deflateInit2(&streams[window], VG_DEFLATE_LEVEL, Z_DEFLATED,
                     -(int) window, VG_DEFLATE_MEMORY, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        return NULL;
    }
    made[window] = 1;
    return &streams[window];
}


size_t
vg_deflate(unsigned window, vg_str_t text, char *out, size_t room)
{
    size_t    len;
    z_stream *z =
        window >= VG_DEFLATE_WINDOW_MIN && window <= VG_DEFLATE_WINDOW_MAX
            ? vg_deflate_stream(window)
            : NULL;

    if (z == NULL || text.len == 0) {
        return 0;
    }
    if (room > text.len + VG_DEFLATE_TAIL - 1) {
        room = text.len + VG_DEFLATE_TAIL - 1;
    }
    z->next_in = (Bytef *) text.data;
    z->avail_in = (uInt) text.len;
    z->next_out = (Bytef *) out;
    z->avail_out = (uInt) room;
    /* no room left over: there may be more of it */
    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in != 0
        || z->avail_out == 0) {
        return 0;
    }
    len = room - z->avail_out;
    return len > VG_DEFLATE_TAIL ? len - VG_DEFLATE_TAIL : 0;
}


static z_stream *
vg_inflate_stream(void)
{
    static z_stream stream;
    static char     made;

    if (made) {
        return inflateReset(&stream) == Z_OK ? &stream : NULL;
    }
    if (inflateInit2(&stream, -VG_DEFLATE_WINDOW_MAX) != Z_OK) {
        return NULL;
    }
    made = 1;
    return &stream;
}


/* Goes on with so many bytes. One more than there is room for is asked for
 * into spare, so that what fits exactly is told from what does not. */
static int
vg_inflate_some(z_stream *z, const unsigned char *bytes, size_t len)
{
    int           rc = Z_OK;
    Bytef        *next;
    unsigned char spare;

    z->next_in = (Bytef *) bytes;
    z->avail_in = (uInt) len;
    while (rc == Z_OK && z->avail_in > 0 && z->avail_out > 0) {
        rc = inflate(z, Z_SYNC_FLUSH);
    }
    if ((rc == Z_OK || rc == Z_BUF_ERROR) && z->avail_out == 0) {
        next = z->next_out;
        z->next_out = &spare;
        z->avail_out = 1;
        rc = inflate(z, Z_SYNC_FLUSH);
        z->next_out = next;
        if (z->avail_out == 0) {
            return Z_MEM_ERROR;
        }
        z->avail_out = 0;
    }
    return rc == Z_BUF_ERROR ? Z_OK : rc;
}


vg_inflate_t
vg_inflate(vg_str_t pressed, char *out, size_t room, size_t *len)
{
    int       rc;
    z_stream *z = vg_inflate_stream();

    *len = 0;
    if (z == NULL) {
        return VG_INFLATE_NO_MEMORY;
    }
    z->next_out = (Bytef *) out;
    z->avail_out = (uInt) room;
    rc = vg_inflate_some(z, (const unsigned char *) pressed.data, pressed.len);
    if (rc == Z_OK) {
        rc = vg_inflate_some(z, vg_deflate_tail, VG_DEFLATE_TAIL);
    } else if (rc == Z_STREAM_END && z->avail_in > 1) {
        return VG_INFLATE_BROKEN; /* RFC 7692, 7.2.3.4: one byte may follow */
    }
    *len = room - z->avail_out;
    return rc == Z_MEM_ERROR                  ? VG_INFLATE_TOO_LONG
           : rc == Z_OK || rc == Z_STREAM_END ? VG_INFLATE_OK
                                              : VG_INFLATE_BROKEN;
}

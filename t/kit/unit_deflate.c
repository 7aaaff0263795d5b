/* with: nginx-modules/websocket/deflate.c | -lz
 *
 * unit_deflate.c: which offers of permessage-deflate are taken, and messages
 * there and back, broken ones and bombs.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../../nginx-modules/websocket/deflate.h"

static int tests, failures;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


static const struct {
    const char *offers;
    unsigned    window;
} offered[] = {
    { "permessage-deflate", 15 },
    { " Permessage-Deflate ", 15 },
    { "permessage-deflate; client_max_window_bits", 15 },
    { "permessage-deflate; client_max_window_bits=9", 15 },
    { "permessage-deflate;server_no_context_takeover"
      ";client_no_context_takeover",
      15 },
    { "permessage-deflate; server_max_window_bits=10", 10 },
    { "permessage-deflate; server_max_window_bits=\"11\"", 11 },
    { "permessage-deflate; server_max_window_bits=8", 0 },
    { "permessage-deflate; server_max_window_bits=8, permessage-deflate", 15 },
    { "x-webkit-deflate-frame, permessage-deflate; server_max_window_bits = 9",
      9 },
    { "permessage-deflate; server_max_window_bits", 0 },
    { "permessage-deflate; server_max_window_bits=16", 0 },
    { "permessage-deflate; server_max_window_bits=09", 0 },
    { "permessage-deflate; server_max_window_bits=1x", 0 },
    { "permessage-deflate; server_max_window_bits=\"10", 0 },
    { "permessage-deflate; client_max_window_bits=7", 0 },
    { "permessage-deflate; client_max_window_bits; client_max_window_bits", 0 },
    { "permessage-deflate; server_no_context_takeover=1", 0 },
    { "permessage-deflate; server_no_context_takeover=", 0 },
    { "permessage-deflate; unknown", 0 },
    { "permessage-deflate;", 0 },
    { "permessage-deflate x", 0 },
    { "permessage-deflated", 0 },
    { "", 0 },
    { ",,", 0 },
    { "\"", 0 },
    { ";=\"", 0 },
};


static void
test_offers(void)
{
    size_t i;
    char   text[VG_DEFLATE_ANSWER], name[160];

    for (i = 0; i < sizeof(offered) / sizeof(offered[0]); i++) {
        (void) snprintf(name, sizeof(name), "'%s' gives a window of %u",
                        offered[i].offers, offered[i].window);
        ok(vg_deflate_offered(vg_str(offered[i].offers)) == offered[i].window,
           name);
    }
    ok(vg_str_eq(vg_deflate_answer(15, text),
                 "permessage-deflate; server_no_context_takeover; "
                 "client_no_context_takeover"),
       "the answer takes no context over");
    ok(vg_deflate_answer(10, text).len == strlen(text)
           && strstr(text, "; server_max_window_bits=10") != NULL,
       "and names the window that was asked for");
}


static char plain[65536], pressed[70000], back[65536];


/* there and back, on each window */
static bool
survives(size_t size)
{
    size_t   n, len = 0;
    unsigned window;

    for (window = 9; window <= 15; window++) {
        n = vg_deflate(window, (vg_str_t){ plain, size }, pressed,
                       sizeof(pressed));
        if (n == 0 || n >= size
            || vg_inflate((vg_str_t){ pressed, n }, back, sizeof(back), &len)
                   != VG_INFLATE_OK
            || len != size || memcmp(back, plain, size) != 0)
        {
            return false;
        }
    }
    return true;
}


static void
test_messages(void)
{
    size_t i, n, len;

    for (i = 0; i < sizeof(plain); i++) {
        plain[i] = "[2,\"1\",\"MeterValues\",{}]"[(i * i / 7) % 24];
    }
    ok(survives(200) && survives(65536) && survives(200),
       "messages come back as they were, on each window");
    for (i = 0; i < sizeof(plain); i++) {
        plain[i] = (char) random();
    }
    ok(vg_deflate(15, (vg_str_t){ plain, 1000 }, pressed, sizeof(pressed)) == 0,
       "what would not shrink is left");
    memset(plain, 'a', sizeof(plain));
    n = vg_deflate(15, (vg_str_t){ plain, 1000 }, pressed, sizeof(pressed));
    ok(n > 0 && vg_deflate(15, (vg_str_t){ plain, 1000 }, pressed, n + 3) == 0,
       "what has no room is left");
    ok(vg_inflate((vg_str_t){ pressed, n }, back, 1000, &len) == VG_INFLATE_OK
           && len == 1000,
       "a message that fits exactly");
    ok(vg_inflate((vg_str_t){ pressed, n }, back, 999, &len)
           == VG_INFLATE_TOO_LONG,
       "one byte more is too long");
    ok(vg_inflate((vg_str_t){ "", 1 }, back, 10, &len) == VG_INFLATE_OK
           && len == 0,
       "the empty message of RFC 7692, 7.2.3.6");
    ok(vg_inflate(VG_STR("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), back, 10, &len)
               == VG_INFLATE_OK
           && len == 5 && memcmp(back, "Hello", 5) == 0,
       "a final block, 7.2.3.4");
    ok(vg_inflate(VG_STR("\xf3\x48\xcd\xc9\xc9\x07\x00more"), back, 10, &len)
           == VG_INFLATE_BROKEN,
       "which nothing may follow");
    ok(vg_inflate(VG_STR("\xff\xff\xff\xff"), back, 10, &len)
           == VG_INFLATE_BROKEN,
       "what is no DEFLATE data");
}


/* 100 MiB of zeros in 100 KiB, cut to a message of 64 KiB */
static void
test_bomb(void)
{
    int      i;
    size_t   len;
    z_stream z = { 0 };
    char    *bomb = malloc(1 << 20);

    if (bomb == NULL
        || deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK)
    {
        ok(false, "no memory");
        free(bomb);
        return;
    }
    memset(plain, 0, sizeof(plain));
    z.next_out = (Bytef *) bomb;
    z.avail_out = 1 << 20;
    for (i = 0; i < 1600; i++) {
        z.next_in = (Bytef *) plain;
        z.avail_in = sizeof(plain);
        (void) deflate(&z, Z_NO_FLUSH);
    }
    (void) deflate(&z, Z_SYNC_FLUSH);
    memset(back, 'x', sizeof(back));
    ok(z.total_in == 1600ul * sizeof(plain)
           && vg_inflate((vg_str_t){ bomb, 65536 }, back, 60000, &len)
                  == VG_INFLATE_TOO_LONG
           && back[59999] == 0 && back[60000] == 'x',
       "a bomb is stopped at its bound");
    ok(vg_inflate(VG_STR("\xf2\x48\xcd\xc9\xc9\x07\x00"), back, 60000, &len)
               == VG_INFLATE_OK
           && len == 5,
       "and the next message is read");
    (void) deflateEnd(&z);
    free(bomb);
}


int
main(void)
{
    test_offers();
    test_messages();
    test_bomb();
    printf("1..%d\n", tests);
    return failures != 0;
}

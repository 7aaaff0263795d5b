/*
 * deflate.h: permessage-deflate, RFC 7692: what was offered, and one message
 * pressed or unpressed.
 *
 * Pure C over zlib: knows neither sockets nor the kit, so that it can be
 * unit-tested and fuzzed alone. No context is taken over in either direction:
 * one pair of streams serves all connections of a process, and one that is
 * idle costs nothing. Not for threads.
 */

#ifndef VG_DEFLATE_H
#define VG_DEFLATE_H

#include "vg_json.h"

#define VG_DEFLATE_ANSWER 112 /* bytes of the longest answer, with its NUL   */

typedef enum {
    VG_INFLATE_OK,
    VG_INFLATE_BROKEN,   /* no DEFLATE data                               */
    VG_INFLATE_TOO_LONG, /* more than there is room for                   */
    VG_INFLATE_NO_MEMORY,
} vg_inflate_t;

/* The window, in bits, that we may press with, by the first offer in the
 * value of Sec-WebSocket-Extensions that can be accepted; 0: there is none. */
unsigned vg_deflate_offered(vg_str_t offers);

/* Sec-WebSocket-Extensions of the answer; text has VG_DEFLATE_ANSWER bytes. */
vg_str_t vg_deflate_answer(unsigned window, char *text);

/* Bytes written to out; 0: they would be no fewer, or no memory. */
size_t vg_deflate(unsigned window, vg_str_t text, char *out, size_t room);

/* out is filled with *len bytes, never more than room. */
vg_inflate_t vg_inflate(vg_str_t pressed, char *out, size_t room, size_t *len);

#endif /* VG_DEFLATE_H */

/*
 * trace.c: W3C Trace Context: the caller's trace goes on in ours, under a
 * span of our own; without a valid one a trace begins here.
 */

#include "host.h"

#define VG_TRACE_ID   3 /* where it begins in "00-<32>-<16>-<2>" */
#define VG_TRACE_SPAN 36


static ngx_uint_t
vg_trace_hex(const u_char *p, size_t len)
{
    size_t     i;
    ngx_uint_t some = 0;

    for (i = 0; i < len; i++) {
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'))) {
            return 0;
        }
        some |= p[i] != '0';
    }
    return some;
}


static ngx_uint_t
vg_trace_valid(const ngx_str_t *s)
{
    const u_char *p = s->data;

    return s->len == VG_TRACEPARENT && p[0] == '0' && p[1] == '0' && p[2] == '-'
           && p[35] == '-' && p[52] == '-' && vg_trace_hex(p + VG_TRACE_ID, 32)
           && vg_trace_hex(p + VG_TRACE_SPAN, 16) && p[53] == '0'
           && (p[54] == '0' || p[54] == '1');
}


void
vg_trace_make(char *text, const ngx_str_t *given)
{
    u_char random[24], *p = (u_char *) text;

    vg_random(random, sizeof(random));
    p = ngx_cpymem(p, "00-", 3);
    p = ngx_hex_dump(p, random, 16);
    *p++ = '-';
    p = ngx_hex_dump(p, random + 16, 8);
    p = ngx_cpymem(p, "-00", 3);
    *p = '\0';
    if (given != NULL && vg_trace_valid(given)) {
        ngx_memcpy(text + VG_TRACE_ID, given->data + VG_TRACE_ID, 32);
        text[VG_TRACEPARENT - 1] = (char) given->data[VG_TRACEPARENT - 1];
    }
}

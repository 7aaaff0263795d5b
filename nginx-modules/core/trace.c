/*
 * trace.c: W3C Trace Context: the caller's trace goes on in ours, under a
 * span of our own; without a valid one a trace begins here.
 */

#include "host.h"

#define VG_TRACE_ID    3 /* where it begins in "00-<32>-<16>-<2>" */
#define VG_TRACE_SPAN  36
#define VG_TRACE_FLAGS 53


/* capitals are none */
static ngx_int_t
vg_trace_digit(u_char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


static ngx_uint_t
vg_trace_hex(const u_char *p, size_t len)
{
    size_t     i;
    ngx_uint_t some = 0;

    for (i = 0; i < len; i++) {
        if (vg_trace_digit(p[i]) < 0) {
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
           && vg_trace_hex(p + VG_TRACE_SPAN, 16)
           && vg_trace_digit(p[VG_TRACE_FLAGS]) >= 0
           && vg_trace_digit(p[VG_TRACE_FLAGS + 1]) >= 0;
}


void
vg_trace_make(char *text, const ngx_str_t *given)
{
    u_char random[24], *p = (u_char *) text;

    vg_random_id(random, sizeof(random));
    p = ngx_cpymem(p, "00-", 3);
    p = ngx_hex_dump(p, random, 16);
    *p++ = '-';
    p = ngx_hex_dump(p, random + 16, 8);
    p = ngx_cpymem(p, "-00", 3);
    *p = '\0';
    if (given != NULL && vg_trace_valid(given)) {
        ngx_memcpy(text + VG_TRACE_ID, given->data + VG_TRACE_ID, 32);
        /* of the flags only "sampled" is ours to hand on */
        text[VG_TRACEPARENT - 1] =
            vg_trace_digit(given->data[VG_TRACE_FLAGS + 1]) & 1 ? '1' : '0';
    }
}

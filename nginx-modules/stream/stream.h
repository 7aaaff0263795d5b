/*
 * stream.h: answers that go on: a frame each time when what they show moved.
 */

#ifndef VG_STREAM_H
#define VG_STREAM_H

#include "http.h"

/* Else the first frame is a whole answer, as of any GET. */
ngx_uint_t vg_stream_wanted(ngx_http_request_t *r);

/* Before the call runs: does the request ask for what a stream can be? */
vg_rc_t vg_stream_check(vg_http_t *http);

/* The first frame is there. NGX_DONE: the stream holds the request's
 * reference from now on; else what a handler gives. With call->error the
 * answer is that error. */
ngx_int_t vg_stream_open(vg_http_t *http, vg_call_t *call);

#endif /* VG_STREAM_H */

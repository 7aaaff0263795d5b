/*
 * span.h: how long something is kept, as the conf writes it: "12h", "90d",
 * "8w", "10y", "forever"; pure C.
 */

#ifndef VG_SPAN_H
#define VG_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int  count; /* 0: forever                                            */
    char unit;  /* h, d, w, y                                            */
} vg_span_t;

bool vg_span_read(vg_span_t *span, const char *text, size_t len);

/* The moment that lies a span before now, in microseconds since 1970. A year
 * is one of the calendar, so that ten of them are as long as the law's. */
int64_t vg_span_before(const vg_span_t *span, int64_t now);

#endif /* VG_SPAN_H */

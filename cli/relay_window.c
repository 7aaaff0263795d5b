/*
 * relay_window.c: a ring of what is not confirmed, oldest first. Pure.
 */

#include <stdlib.h>

#include "relay_window.h"


bool
relay_window_make(relay_window_t *w, size_t size)
{
    *w = (relay_window_t){ .size = size, .tag = 1 };
    w->pos = calloc(size, sizeof(int64_t));
    w->done = calloc(size, sizeof(bool));
    return w->pos != NULL && w->done != NULL;
}


void
relay_window_free(relay_window_t *w)
{
    free(w->pos);
    free(w->done);
    *w = (relay_window_t){ .size = 0 };
}


void
relay_window_reset(relay_window_t *w, int64_t settled)
{
    w->first = 0;
    w->count = 0;
    w->tag = 1;
    w->settled = settled;
}


bool
relay_window_full(const relay_window_t *w)
{
    return w->count == w->size;
}


uint64_t
relay_window_next(const relay_window_t *w)
{
    return w->tag + w->count;
}


void
relay_window_push(relay_window_t *w, int64_t pos)
{
    size_t at = (w->first + w->count) % w->size;

    w->pos[at] = pos;
    w->done[at] = false;
    w->count++;
}


static void
relay_window_settle(relay_window_t *w)
{
    while (w->count > 0 && w->done[w->first]) {
        w->settled = w->pos[w->first];
        w->first = (w->first + 1) % w->size;
        w->count--;
        w->tag++;
    }
}


int64_t
relay_window_confirm(relay_window_t *w, uint64_t tag, bool multiple)
{
    int64_t anew = 0;
    size_t  last, at;

    if (multiple && tag == 0) {
        tag = w->tag + w->count - 1;
        if (w->count == 0) {
            return 0;
        }
    }
    if (tag == 0 || tag >= w->tag + w->count) {
        return -1;
    }
    if (tag < w->tag) {
        return 0; /* settled before */
    }
    last = tag - w->tag;
    for (size_t i = multiple ? 0 : last; i <= last; i++) {
        at = (w->first + i) % w->size;
        anew += !w->done[at];
        w->done[at] = true;
    }
    relay_window_settle(w);
    return anew;
}

/*
 * relay_window.h: events that the broker has, and has not confirmed yet.
 *
 * Tags count from 1 within a session, as RabbitMQ's do. What is settled is
 * the position up to which all are confirmed: a hole holds it back.
 */

#ifndef VG_RELAY_WINDOW_H
#define VG_RELAY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t *pos;
    bool    *done;
    size_t   size;
    size_t   first; /* place of the oldest                              */
    size_t   count;
    uint64_t tag;     /* of the oldest                                  */
    int64_t  settled; /* a position of the log                          */
} relay_window_t;

/* false: no memory */
bool relay_window_make(relay_window_t *w, size_t size);
void relay_window_free(relay_window_t *w);
/* empty, for a new session that begins behind settled */
void relay_window_reset(relay_window_t *w, int64_t settled);
bool relay_window_full(const relay_window_t *w);
/* the tag that the next one will have, and its entry; not when full */
uint64_t relay_window_next(const relay_window_t *w);
void     relay_window_push(relay_window_t *w, int64_t pos);
/* Confirms tag, with all before it if multiple (0: all). How many that was
 * anew; -1: there is no such tag. */
int64_t relay_window_confirm(relay_window_t *w, uint64_t tag, bool multiple);

#endif /* VG_RELAY_WINDOW_H */

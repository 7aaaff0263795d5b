/*
 * schedule.c: which charge point is due next: a binary heap, so that 5,000
 * who wait cost nothing.
 */

#include <stdlib.h>

#include "simulate.h"


int
schedule_open(schedule_t *schedule, size_t count)
{
    schedule->count = 0;
    schedule->heap = calloc(count + 1, sizeof(station_t *));
    return schedule->heap == NULL;
}


void
schedule_close(schedule_t *schedule)
{
    free(schedule->heap);
    *schedule = (schedule_t){ .heap = NULL };
}


static void
schedule_put(schedule_t *schedule, size_t place, station_t *st)
{
    schedule->heap[place] = st;
    st->place = place;
}


void
schedule_move(schedule_t *schedule, station_t *st)
{
    station_t **heap = schedule->heap;
    size_t      place = st->place, child;

    while (place > 0 && heap[(place - 1) / 2]->due > st->due) {
        schedule_put(schedule, place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    while ((child = 2 * place + 1) < schedule->count) {
        if (child + 1 < schedule->count
            && heap[child + 1]->due < heap[child]->due) {
            child++;
        }
        if (heap[child]->due >= st->due) {
            break;
        }
        schedule_put(schedule, place, heap[child]);
        place = child;
    }
    schedule_put(schedule, place, st);
}


void
schedule_add(schedule_t *schedule, station_t *st)
{
    schedule_put(schedule, schedule->count++, st);
    schedule_move(schedule, st);
}

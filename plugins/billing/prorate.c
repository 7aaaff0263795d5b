/*
 * prorate.c: what a part of a cycle is worth; see prorate.h.
 */

#include "prorate.h"


exact_t
prorate_left(exact_t price, int64_t elapsed, int64_t whole)
{
    if (elapsed <= 0) {
        return price;
    }
    if (elapsed >= whole) {
        return 0;
    }
    return price - exact_divide(price * elapsed, whole);
}


exact_t
prorate_unused(exact_t price, int64_t elapsed, int64_t whole, int64_t used,
               int64_t included)
{
    exact_t of_energy, of_time = prorate_left(price, elapsed, whole);

    if (included <= 0) {
        return of_time;
    }
    of_energy = prorate_left(price, used, included);
    return of_energy < of_time ? of_energy : of_time;
}


exact_t
prorate_energy(exact_t had, exact_t from, exact_t to, exact_t used,
               int64_t elapsed, int64_t whole)
{
    exact_t before = had - prorate_left(from, elapsed, whole);

    return (before > used ? before : used) + prorate_left(to, elapsed, whole);
}

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
prorate_change(exact_t from, exact_t to, int64_t elapsed, int64_t whole)
{
    return prorate_left(to, elapsed, whole)
           - prorate_left(from, elapsed, whole);
}

/*
 * cards.h: a charge point's frame without the numbers of cards.
 */

#ifndef VG_CARDS_H
#define VG_CARDS_H

#include "frame.h"

/* Of what may be kept of a frame: X in place of the digits of each, in a JSON
 * number zeros behind the first. Its id stays: it is the answer's, too. What
 * cannot be written anew is {}, or nothing. */
void vg_cards_mask(vg_pool_t *pool, vg_frame_t *frame);

#endif /* VG_CARDS_H */

/*
 * text.h: texts as a page has them. Pure. Data NULL, and empty, is "none", also
 * where there is no memory.
 */

#ifndef BILLING_TEXT_H
#define BILLING_TEXT_H

#include "vg_json.h"

bool text_is(vg_str_t text);

/* a, a blank, b; either may be missing */
vg_str_t text_with_blank(vg_pool_t *pool, vg_str_t a, vg_str_t b);

/* the same with a dot between them */
vg_str_t text_dotted(vg_pool_t *pool, vg_str_t a, vg_str_t b);

/* the same with a line of its own */
vg_str_t text_with_line(vg_pool_t *pool, vg_str_t text, vg_str_t line);

/* what somebody wrote, as one line; and a member of an object so */
vg_str_t text_one_line(vg_pool_t *pool, vg_str_t text);
vg_str_t text_line_of(vg_pool_t *pool, const vg_json_t *node, const char *name);

/* "VAT ID DE123", or nothing */
vg_str_t text_labelled(vg_pool_t *pool, const char *label, vg_str_t text);

/* A number with all its digits and, behind the point, at least so many; what is
 * no such number as it came. */
vg_str_t text_number(vg_pool_t *pool, vg_str_t text, int places, int least);

#endif

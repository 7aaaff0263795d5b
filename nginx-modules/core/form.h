/*
 * form.h: application/x-www-form-urlencoded (RFC 6749, appendix B), as a JSON
 * object of strings. Pure C over vg_json.h.
 */

#ifndef VG_FORM_H
#define VG_FORM_H

#include "vg_json.h"

/* Undoes %XX and +. False: a broken %XX, bytes that are no UTF-8, or no
 * memory. */
bool vg_form_decode(vg_pool_t *pool, vg_str_t in, vg_str_t *out);

/* The whole form. A name that comes twice is a member that comes twice, which
 * vg_json_parse() refuses. data NULL: *wrong says why, fit for a client. */
vg_str_t vg_form_json(vg_pool_t *pool, vg_str_t form, const char **wrong);

#endif /* VG_FORM_H */

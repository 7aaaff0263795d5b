/*
 * forms.h: forms of texts that several routes take.
 */

#ifndef BILLING_FORMS_H
#define BILLING_FORMS_H

#include "vg.h"

/* Both refuse the field where it is there and is none. */
vg_rc_t capitals_check(vg_call_t *call, const char *field);
vg_rc_t day_check(vg_call_t *call, const char *field);

#endif

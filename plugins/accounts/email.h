/*
 * email.h: what this house takes for an address of a mailbox. Pure C.
 */

#ifndef EMAIL_H
#define EMAIL_H

#include "vg_json.h"

/* NULL: it is one; else why not, fit for a client. */
const char *email_fault(vg_str_t email);

#endif /* EMAIL_H */

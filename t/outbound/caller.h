/*
 * caller.h: see caller.c.
 */

#ifndef CALLER_H
#define CALLER_H

#include "vg.h"

extern const vg_field_t call_fields[], call_later_fields[], call_job_fields[];
extern const vg_field_t mail_fields[];
extern const vg_step_t  call_steps[], call_after_steps[], call_job_steps[];
extern const vg_step_t  mail_steps[];

#endif /* CALLER_H */

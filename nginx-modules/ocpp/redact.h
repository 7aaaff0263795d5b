/*
 * redact.h: a frame as it may be kept: without passwords, keys and the tags
 * of people, and numbers of cards.
 *
 * Pure C: one pass over text that need not be JSON, so that what is broken is
 * kept, too. Can be unit-tested and fuzzed alone.
 */

#ifndef VG_REDACT_H
#define VG_REDACT_H

#include "vg_json.h"

/* Bytes written to out, at most room; *cut: there was more. Never cuts inside
 * of a character. */
size_t vg_redact(vg_str_t text, char *out, size_t room, bool *cut);

#endif /* VG_REDACT_H */

/*
 * accept.h: which of two forms a client would rather have. Pure C.
 */

#ifndef VG_ACCEPT_H
#define VG_ACCEPT_H

#include "vg_json.h"

/* Does an Accept header want CSV more than JSON? The greater q wins; of
 * equals the one that is named more exactly, then JSON. */
bool vg_accept_csv(vg_str_t accept);

#endif /* VG_ACCEPT_H */

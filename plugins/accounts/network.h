/*
 * network.h: networks that a key may call from. Pure C.
 */

#ifndef NETWORK_H
#define NETWORK_H

#include "vg_json.h"

/* NULL: an address or a network, IPv4 or IPv6, in CIDR; else why not. */
const char *network_fault(vg_str_t text);

#endif /* NETWORK_H */

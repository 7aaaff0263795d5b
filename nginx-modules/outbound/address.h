/*
 * address.h: may what users name be called at this address? Pure C.
 */

#ifndef VG_ADDRESS_H
#define VG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Addresses of a network; IPv4 is written as IPv6 has it, ::ffff:a.b.c.d */
typedef struct {
    uint8_t  bytes[16];
    unsigned bits;
} vg_network_t;

/* "10.0.0.0/8", "fd00::/8", "192.0.2.1". false: it is none, or has bits
 * behind its length. */
bool vg_network_read(const char *text, vg_network_t *network);

/* Is it in one of those networks? */
bool vg_address_in(const struct sockaddr *address, socklen_t len,
                   const vg_network_t *networks, size_t count);

/* Is it an address of the public internet, or in one of those networks?
 * Anything else, and whatever embeds such an IPv4 address, is not: loopback,
 * private, link-local, shared, documentation, multicast, unspecified ... */
bool vg_address_may(const struct sockaddr *address, socklen_t len,
                    const vg_network_t *allowed, size_t count);

#endif /* VG_ADDRESS_H */

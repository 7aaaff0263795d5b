/*
 * address.c: see address.h. After IANA's registries of special-purpose
 * addresses; of IPv6 only what is given out as global unicast is public.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

#define MAPPED 96 /* bits of ::ffff:0:0/96, before an IPv4 address */

/* clang-format off */
static const struct { uint32_t net; unsigned bits; } v4_special[] = {
    { 0x00000000, 8 },  /* 0.0.0.0: this network               */
    { 0x0a000000, 8 },  /* 10.0.0.0: private                   */
    { 0x64400000, 10 }, /* 100.64.0.0: shared, carriers' NAT   */
    { 0x7f000000, 8 },  /* 127.0.0.0: loopback                 */
    { 0xa9fe0000, 16 }, /* 169.254.0.0: link-local             */
    { 0xac100000, 12 }, /* 172.16.0.0: private                 */
    { 0xc0000000, 24 }, /* 192.0.0.0: protocol assignments     */
    { 0xc0000200, 24 }, /* 192.0.2.0: documentation            */
    { 0xc0586300, 24 }, /* 192.88.99.0: 6to4 relays            */
    { 0xc0a80000, 16 }, /* 192.168.0.0: private                */
    { 0xc6120000, 15 }, /* 198.18.0.0: benchmarks              */
    { 0xc6336400, 24 }, /* 198.51.100.0: documentation         */
    { 0xcb007100, 24 }, /* 203.0.113.0: documentation          */
    { 0xe0000000, 3 },  /* 224.0.0.0: multicast, reserved, broadcast */
    { 0, 0 },
};

/* all that is not within 2000::/3 is not public, but for what maps IPv4 */
static const struct { uint8_t net[6]; unsigned bits; } v6_special[] = {
    { { 0x20, 0x01, 0x00 }, 23 },             /* 2001::: protocols, Teredo */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },       /* documentation             */
    { { 0x20, 0x02 }, 16 },                   /* 6to4                      */
    { { 0x3f, 0xff, 0x00 }, 20 },             /* documentation             */
    { { 0x26, 0x20, 0x00, 0x4f, 0x80 }, 48 }, /* AS112                     */
    { { 0 }, 0 },
};
/* clang-format on */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };


static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0
           && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}


static bool
v4_public(const uint8_t *bytes)
{
    size_t   i;
    uint32_t address = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16
                       | (uint32_t) bytes[2] << 8 | bytes[3];

    for (i = 0; v4_special[i].bits != 0; i++) {
        if ((address ^ v4_special[i].net) >> (32 - v4_special[i].bits) == 0) {
            return false;
        }
    }
    return true;
}


static bool
v6_public(const uint8_t *bytes)
{
    size_t i;

    if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0) {
        return v4_public(bytes + 12);
    }
    if (bytes[0] >> 5 != 1) {
        return false;
    }
    for (i = 0; v6_special[i].bits != 0; i++) {
        if (same_bits(bytes, v6_special[i].net, v6_special[i].bits)) {
            return false;
        }
    }
    return true;
}


/* with 16 bytes, IPv4 as mapped; false: it is neither */
static bool
bytes_of(const struct sockaddr *address, socklen_t len, uint8_t *bytes)
{
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET && len >= sizeof(v4)) {
        memcpy(&v4, address, sizeof(v4));
        memcpy(bytes, mapped, 12);
        memcpy(bytes + 12, &v4.sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6 && len >= sizeof(v6)) {
        memcpy(&v6, address, sizeof(v6));
        memcpy(bytes, &v6.sin6_addr, 16);
        return true;
    }
    return false;
}


bool
vg_address_in(const struct sockaddr *address, socklen_t len,
              const vg_network_t *networks, size_t count)
{
    size_t  i;
    uint8_t bytes[16];

    if (!bytes_of(address, len, bytes)) {
        return false;
    }
    for (i = 0; i < count; i++) {
        if (same_bits(bytes, networks[i].bytes, networks[i].bits)) {
            return true;
        }
    }
    return false;
}


bool
vg_address_may(const struct sockaddr *address, socklen_t len,
               const vg_network_t *allowed, size_t count)
{
    uint8_t bytes[16];

    return vg_address_in(address, len, allowed, count)
           || (bytes_of(address, len, bytes) && v6_public(bytes));
}


/* digits alone, no more than a length of bits can have */
static bool
bits_of(const char *text, unsigned most, unsigned *bits)
{
    char *end;
    long  n;

    if (text[0] < '0' || text[0] > '9' || strlen(text) > 3) {
        return false;
    }
    n = strtol(text, &end, 10);
    *bits = (unsigned) n;
    return *end == '\0' && n <= (long) most;
}


bool
vg_network_read(const char *text, vg_network_t *network)
{
    char        name[INET6_ADDRSTRLEN];
    bool        v4 = strchr(text, ':') == NULL;
    size_t      len = strcspn(text, "/");
    unsigned    i, bits = v4 ? 32 : 128;
    const char *slash = text[len] == '/' ? text + len + 1 : NULL;

    if (len >= sizeof(name) || (slash && !bits_of(slash, bits, &bits))) {
        return false;
    }
    memcpy(name, text, len);
    name[len] = '\0';
    memcpy(network->bytes, mapped, 12);
    if (inet_pton(v4 ? AF_INET : AF_INET6, name, network->bytes + (v4 ? 12 : 0))
        != 1)
    {
        return false;
    }
    network->bits = bits + (v4 ? MAPPED : 0);
    for (i = network->bits; i < 128; i++) {
        if (network->bytes[i / 8] >> (7 - i % 8) & 1) {
            return false;
        }
    }
    return true;
}

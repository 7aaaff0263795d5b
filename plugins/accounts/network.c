/*
 * network.c: networks that a key may call from: "192.0.2.0/24", "2001:db8::/32",
 * or one address. No bits behind the prefix: who writes them means something
 * else than what would be taken.
 */

#include <arpa/inet.h>
#include <string.h>

#include "network.h"

/* 0 to most, without leading zeros; else -1 */
static int
prefix_of(const char *p, int most)
{
    int n = 0;

    if (p[0] == '\0' || strlen(p) > 3 || (p[0] == '0' && p[1] != '\0')) {
        return -1;
    }
    for (; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') {
            return -1;
        }
        n = n * 10 + (*p - '0');
    }
    return n <= most ? n : -1;
}


const char *
network_fault(vg_str_t text)
{
    int           bits, prefix;
    char          copy[64], *slash;
    unsigned char bytes[16];

    if (text.len == 0 || text.len >= sizeof(copy)
        || memchr(text.data, '\0', text.len) != NULL)
    {
        return "must be a network";
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    bits = inet_pton(AF_INET, copy, bytes) == 1    ? 32
           : inet_pton(AF_INET6, copy, bytes) == 1 ? 128
                                                   : 0;
    prefix = slash ? prefix_of(slash + 1, bits) : bits;
    if (bits == 0 || prefix < 0) {
        return "must be a network, such as 192.0.2.0/24 or 2001:db8::/32";
    }
    for (int i = prefix; i < bits; i++) {
        if (bytes[i / 8] & (0x80 >> i % 8)) {
            return "has bits behind its prefix";
        }
    }
    return NULL;
}

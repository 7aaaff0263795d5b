/* with: nginx-modules/outbound/address.c |
 *
 * unit_address.c: which addresses users may have us call.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "../../nginx-modules/outbound/address.h"

static int          tests, failures;
static vg_network_t networks[4];
static size_t       nnetworks;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


static bool
may(const char *text)
{
    struct sockaddr_in      v4 = { .sin_family = AF_INET };
    struct sockaddr_in6     v6 = { .sin6_family = AF_INET6 };
    struct sockaddr_storage any;

    memset(&any, 0, sizeof(any));
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(&any, &v4, sizeof(v4));
        return vg_address_may((struct sockaddr *) &any, sizeof(v4), networks,
                              nnetworks);
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1) {
        printf("# %s is no address\n", text);
        failures++;
    }
    memcpy(&any, &v6, sizeof(v6));
    return vg_address_may((struct sockaddr *) &any, sizeof(v6), networks,
                          nnetworks);
}


static const char *const refused[] = { "0.0.0.0",
                                       "0.1.2.3",
                                       "10.0.0.0",
                                       "10.255.255.255",
                                       "100.64.0.1",
                                       "100.127.255.255",
                                       "127.0.0.1",
                                       "127.255.255.254",
                                       "169.254.169.254",
                                       "172.16.0.1",
                                       "172.31.255.255",
                                       "192.0.0.8",
                                       "192.0.2.1",
                                       "192.88.99.1",
                                       "192.168.0.1",
                                       "198.18.0.1",
                                       "198.19.255.255",
                                       "198.51.100.7",
                                       "203.0.113.9",
                                       "224.0.0.1",
                                       "239.255.255.255",
                                       "240.0.0.1",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "::127.0.0.1",
                                       "::ffff:127.0.0.1",
                                       "::ffff:10.0.0.1",
                                       "::ffff:0.0.0.0",
                                       "64:ff9b::10.0.0.1",
                                       "64:ff9b:1::1",
                                       "100::1",
                                       "fc00::1",
                                       "fd12:3456::1",
                                       "fe80::1",
                                       "fec0::1",
                                       "ff02::1",
                                       "ff0e::1",
                                       "2001::1",
                                       "2001:db8::1",
                                       "2001:1ff::1",
                                       "2002:7f00:1::",
                                       "2002:a00:1::1",
                                       "3fff::1",
                                       "4000::1",
                                       "2620:4f:8000::1",
                                       NULL };

static const char *const public[] = { "1.1.1.1",
                                      "8.8.8.8",
                                      "9.255.255.255",
                                      "11.0.0.0",
                                      "100.63.0.1",
                                      "100.128.0.1",
                                      "126.255.0.1",
                                      "128.0.0.1",
                                      "169.253.1.1",
                                      "172.15.0.1",
                                      "172.32.0.1",
                                      "192.0.1.1",
                                      "192.167.0.1",
                                      "198.17.0.1",
                                      "198.20.0.1",
                                      "223.255.255.255",
                                      "2606:4700::1111",
                                      "2a00:1450:4001::1",
                                      "2001:200::1",
                                      "2003::1",
                                      "::ffff:8.8.8.8",
                                      "64:ff9b::8.8.8.8",
                                      NULL };


static void
test_networks(void)
{
    vg_network_t n;

    ok(vg_network_read("10.1.0.0/16", &networks[0])
           && vg_network_read("fd00::/8", &networks[1])
           && vg_network_read("127.0.0.1", &networks[2]),
       "networks are read");
    nnetworks = 3;
    ok(may("10.1.0.0") && may("10.1.255.255") && may("::ffff:10.1.2.3"),
       "what the conf allows may be called");
    ok(!may("10.2.0.1") && !may("10.0.255.255"), "and nothing beside it");
    ok(may("fdff::1") && !may("fc00::1"), "also of IPv6");
    ok(may("127.0.0.1") && !may("127.0.0.2"), "one address alone");
    ok(!vg_network_read("10.1.0.1/16", &n)
           && !vg_network_read("10.0.0.0/33", &n)
           && !vg_network_read("10.0.0.0/", &n) && !vg_network_read("x", &n)
           && !vg_network_read("", &n) && !vg_network_read("10.0.0/8", &n)
           && !vg_network_read("10.0.0.0/-1", &n)
           && !vg_network_read("10.0.0.0/8x", &n)
           && !vg_network_read("::/129", &n)
           && !vg_network_read("fd00::1/8", &n),
       "what is no network is none");
    ok(vg_network_read("0.0.0.0/0", &n) && n.bits == 96, "all of IPv4");
}


int
main(void)
{
    size_t             i;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in v4 = { .sin_family = AF_INET };

    for (i = 0; refused[i] != NULL; i++) {
        ok(!may(refused[i]), refused[i]);
    }
    for (i = 0; public[i] != NULL; i++) {
        ok(may(public[i]), public[i]);
    }
    ok(!vg_address_may((struct sockaddr *) &un, sizeof(un), NULL, 0),
       "a socket of this machine");
    (void) inet_pton(AF_INET, "8.8.8.8", &v4.sin_addr);
    ok(!vg_address_may((struct sockaddr *) &v4, 4, NULL, 0), "half of one");
    test_networks();
    printf("1..%d\n", tests);
    return failures != 0;
}

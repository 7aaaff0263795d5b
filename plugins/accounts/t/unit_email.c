/*
 * unit_email.c: addresses that are taken and that are not, look-alikes among
 * them; networks that keys may call from.
 */

#include <stdio.h>
#include <string.h>

#include "email.h"
#include "network.h"

static int tests, failures;

static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


#define TEN    "0123456789"
#define SIXTY  TEN TEN TEN TEN TEN TEN
#define DOMAIN SIXTY "." SIXTY "." SIXTY ".de" /* 186 */

static const struct {
    const char *email;
    bool        good;
} emails[] = {
    { "anna@example.com", true },
    { "Anna.Maria+charge@Sub.Example.COM", true },
    { "a@b.de", true },
    { "o'neil_{x}=!#$%&*/?^`|~-@example.org", true },
    { "anna@xn--mnchen-3ya.example", true },
    { "anna@1.example", true },
    { SIXTY "0123@" DOMAIN, true },
    { "", false },
    { "@", false },
    { "anna", false },
    { "anna@", false },
    { "@example.com", false },
    { "anna@example", false },
    { "anna@example.", false },
    { "anna@.example.com", false },
    { "anna@example..com", false },
    { "anna@-example.com", false },
    { "anna@example-.com", false },
    { "anna@exam_ple.com", false },
    { "anna@192.0.2.1", false },
    { "anna@[192.0.2.1]", false },
    { "anna@example.com@example.org", false },
    { ".anna@example.com", false },
    { "anna.@example.com", false },
    { "an..na@example.com", false },
    { "an na@example.com", false },
    { " anna@example.com", false },
    { "anna@example.com ", false },
    { "anna@example.com\n", false },
    { "anna\r\nBcc: all@example.com", false },
    { "\"anna\"@example.com", false },
    { "Anna <anna@example.com>", false },
    { "anna@example.com,bob@example.com", false },
    { "anna(x)@example.com", false },
    { "anna\\@example.com", false },
    { SIXTY "01234@example.com", false },
    { "a@" SIXTY "0123.de", false },
    { SIXTY "@" DOMAIN "." TEN ".de", false },
    { "\xd0\xb0nna@example.com", false }, /* Cyrillic a    */
    { "anna@ex\xd0\xb0mple.com", false },
    { "\xef\xbd\x81nna@example.com", false }, /* full-width a  */
    { "anna\xef\xbc\xa0"
      "example.com",
      false },                                 /* full-width @  */
    { "ann\xc3\xa4@example.com", false },      /* one spelling  */
    { "anna\xcc\x88@example.com", false },     /* and the other */
    { "anna\xe2\x80\x8b@example.com", false }, /* no width      */
    { "anna\xe2\x80\xae@example.com", false }, /* right to left */
    { "anna@m\xc3\xbcnchen.example", false },
    { "\xc4\xb1nfo@example.com", false },    /* i, no dot     */
    { "an\xe2\x84\xaa@example.com", false }, /* Kelvin        */
    { "anna\x7f@example.com", false },
    { "anna\xff@example.com", false },
};

static const struct {
    const char *network;
    bool        good;
} networks[] = {
    { "192.0.2.1", true },
    { "192.0.2.0/24", true },
    { "0.0.0.0/0", true },
    { "10.0.0.0/8", true },
    { "192.0.2.1/32", true },
    { "2001:db8::/32", true },
    { "::1", true },
    { "::/0", true },
    { "fe80::1/128", true },
    { "::ffff:192.0.2.0/120", true },
    { "", false },
    { "/", false },
    { "/8", false },
    { "10.0.0.0/", false },
    { "10.0.0.1/8", false },
    { "2001:db8::1/32", false },
    { "10.0.0.0/33", false },
    { "::/129", false },
    { "10.0.0.0/-1", false },
    { "10.0.0.0/08", false },
    { "10.0.0.0/8/8", false },
    { "10.0.0.0/8 ", false },
    { "10.0.0", false },
    { "10.0.0.256", false },
    { "010.0.0.1", false },
    { "example.com", false },
    { "10.0.0.0/4294967304", false },
    { "fe80::1%eth0", false },
    { "1111:2222:3333:4444:5555:6666:7777:8888:9999/0000000000000000000",
      false },
};


int
main(void)
{
    for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++) {
        ok((email_fault(vg_str(emails[i].email)) == NULL) == emails[i].good,
           emails[i].good ? emails[i].email : "no address");
    }
    ok(email_fault((vg_str_t){ "a@b.de\0x", 8 }) != NULL, "nothing behind NUL");
    ok(email_fault((vg_str_t){ "a\0@b.de", 7 }) != NULL, "no NUL");

    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        ok((network_fault(vg_str(networks[i].network)) == NULL)
               == networks[i].good,
           networks[i].network);
    }
    ok(network_fault((vg_str_t){ "::1\0/0", 6 }) != NULL, "no NUL");

    printf("1..%d\n", tests);
    return failures != 0;
}

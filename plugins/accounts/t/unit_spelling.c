/*
 * unit_spelling.c: what may be written as a plate, a VIN, a mail address.
 */

#include <stdio.h>
#include <string.h>

#include "../spelling.h"

typedef struct {
    spelling_pt rule;
    const char *name;
    const char *text;
    bool        good;
} case_t;

/* clang-format off */

#define LINE(text, good)     { spelling_line, "line", text, good }
#define VIN(text, good)      { spelling_vin, "vin", text, good }
#define COUNTRY(text, good)  { spelling_country, "country", text, good }
#define PHONE(text, good)    { spelling_phone, "phone", text, good }
#define EMAIL(text, good)    { spelling_email, "email", text, good }
#define LANGUAGE(text, good) { spelling_language, "language", text, good }

#define TEN "0123456789"
#define LABEL "a23456789-" TEN TEN TEN TEN TEN "123" /* 63 */

static const case_t cases[] = {
    LINE("KI-AB 123", true), LINE("М777ММ 77", true), LINE("京A·12345", true),
    LINE("", true), LINE(" KI", false), LINE("KI ", false),
    LINE("K\nI", false), LINE("K\x7fI", false), LINE("K\xc2\x85I", false),
    LINE("K\xc2\xa0I", true),           /* no-break space is to be seen    */
    LINE("K\xe2\x80\x8bI", false),      /* zero width space                */
    LINE("K\xe2\x80\xaeI", false),      /* right-to-left override          */
    LINE("K\xe2\x81\xa6I", false),      /* left-to-right isolate           */
    LINE("K\xe2\x80\xa8I", false),      /* line separator                  */
    LINE("\xef\xbb\xbfK", false),       /* byte order mark                 */
    LINE("K\xe2\x80\x93I", true), LINE("\xe2\x80", true),

    VIN("WVWZZZ1JZXW000001", true), VIN("wvwzzz1jzxw000001", true),
    VIN("WVWZZZ1JZXW00000", false), VIN("WVWZZZ1JZXW0000011", false),
    VIN("IVWZZZ1JZXW000001", false), VIN("WOWZZZ1JZXW000001", false),
    VIN("WVQZZZ1JZXW000001", false), VIN("WVWZZZ1JZXW00000i", false),
    VIN("WVWZZZ1JZXW00000-", false), VIN("WVWZZZ1JZXW0000\xc3\x84", false),

    COUNTRY("DE", true), COUNTRY("DEU", true), COUNTRY("de", false),
    COUNTRY("D", false), COUNTRY("DEUT", false), COUNTRY("D1", false),

    PHONE("+49 431 12345", true), PHONE("(0431) 12-34.5/6", true),
    PHONE("12345", true), PHONE("1234", false),
    PHONE("+123456789012345", true), PHONE("+1234567890123456", false),
    PHONE("49+43112345", false), PHONE("0431 call me", false),

    EMAIL("dana@example.org", true), EMAIL("d.a+n-a_1@mail.example.org", true),
    EMAIL("d\xc3\xa4na@example.org", true), EMAIL("dana", false),
    EMAIL("@example.org", false), EMAIL("dana@", false),
    EMAIL("dana@example", false), EMAIL("dana@example..org", false),
    EMAIL("dana@-example.org", false), EMAIL("dana@example-.org", false),
    EMAIL("dana@example.org.", false), EMAIL("da na@example.org", false),
    EMAIL("dana@exa mple.org", false), EMAIL("dana\n@example.org", false),
    EMAIL("dana@example.org\r\nBcc: x@y.z", false),
    EMAIL("<dana@example.org>", false), EMAIL(".dana@example.org", false),
    EMAIL("dana.@example.org", false), EMAIL("da..na@example.org", false),
    EMAIL("a@b@example.org", false), EMAIL("dana@ex\xc3\xa4mple.org", false),
    EMAIL(TEN TEN TEN TEN TEN TEN "1234@example.org", true),
    EMAIL(TEN TEN TEN TEN TEN TEN "12345@example.org", false),
    EMAIL("a@" LABEL ".org", true), EMAIL("a@" LABEL "4.org", false),
    EMAIL("a@" LABEL "." LABEL "." LABEL "." LABEL ".org", false),

    LANGUAGE("de", true), LANGUAGE("de-CH", true),
    LANGUAGE("zh-Hant-TW", true), LANGUAGE("gsw", true),
    LANGUAGE("d", false), LANGUAGE("", false), LANGUAGE("de-", false),
    LANGUAGE("de--CH", false), LANGUAGE("deutsch", false),
    LANGUAGE("d1", false), LANGUAGE("de-123456789", false),
    LANGUAGE("de_CH", false),
};

/* clang-format on */

int
main(void)
{
    int          failed = 0;
    const size_t n = sizeof(cases) / sizeof(cases[0]);

    printf("1..%zu\n", n);

    for (size_t i = 0; i < n; i++) {
        bool good = cases[i].rule(cases[i].text, strlen(cases[i].text));

        failed += good != cases[i].good;
        printf("%s %zu - %s %zu is %s\n",
               good == cases[i].good ? "ok" : "not ok", i + 1, cases[i].name, i,
               cases[i].good ? "taken" : "refused");
    }

    return failed != 0;
}

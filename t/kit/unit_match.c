/* with: nginx-modules/lua/match.c
 *
 * unit_match.c: Lua's patterns, as their manual has them, and their bound.
 */

#include "match.h"

#include <stdio.h>
#include <string.h>

static int tests, failures;


static void
ok(bool good, const char *what)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}


/* the first match and its first capture; "-" where there is none */
static void
finds(const char *pattern, const char *subject, const char *match,
      const char *capture)
{
    char       what[256], got[128] = "-", got_capture[128] = "-";
    vg_match_t m;

    m.subject = subject;
    m.end = subject + strlen(subject);
    m.steps = 10000;
    if (vg_match_compile(&m, pattern, strlen(pattern)) != NULL) {
        ok(false, pattern);
        return;
    }
    for (const char *s = subject; s <= m.end; s++) {
        const char *end = vg_match_at(&m, s);

        if (end != NULL) {
            (void) snprintf(got, sizeof(got), "%.*s", (int) (end - s), s);
            if (m.captures > 0 && m.capture[0].len >= 0) {
                (void) snprintf(got_capture, sizeof(got_capture), "%.*s",
                                (int) m.capture[0].len, m.capture[0].at);
            }
            break;
        }
        if (m.anchored) {
            break;
        }
    }
    (void) snprintf(what, sizeof(what), "%s in %s: %s, %s", pattern, subject,
                    got, got_capture);
    ok(strcmp(got, match) == 0 && strcmp(got_capture, capture) == 0, what);
}


static void
refused(const char *pattern)
{
    vg_match_t m;

    ok(vg_match_compile(&m, pattern, strlen(pattern)) != NULL, pattern);
}


static void
bounded(const char *pattern, size_t len)
{
    char       subject[8192];
    vg_match_t m;

    memset(subject, 'a', len);
    m.subject = subject;
    m.end = subject + len;
    m.steps = 100000;
    ok(vg_match_compile(&m, pattern, strlen(pattern)) == NULL
           && vg_match_at(&m, subject) == NULL && m.wrong != NULL
           && m.steps == 0,
       pattern);
}


int
main(void)
{
    finds("", "x", "", "-");
    finds("b", "abc", "b", "-");
    finds("^b", "abc", "-", "-");
    finds("c$", "abc", "c", "-");
    finds("a$b", "a$b", "a$b", "-");
    finds("a.c", "xabc", "abc", "-");
    finds("%d+", "ab123c", "123", "-");
    finds("%D+", "12ab3", "ab", "-");
    finds("[%a_][%w_]*", "1_x9-", "_x9", "-");
    finds("[^%s]+", "  ab c", "ab", "-");
    finds("[]]", "a]b", "]", "-");
    finds("[^]]+", "]ab]", "ab", "-");
    finds("[a-]+", "x-a-", "-a-", "-");
    finds("[+-]?%d", "x-1", "-1", "-");
    finds("x*", "aaa", "", "-");
    finds("a-b", "aab", "aab", "-");
    finds("(a*(.)%w(%s*))", "aaTH x", "aaTH ", "aaTH ");
    finds("(%w+) = (%w+)", "k = v", "k = v", "k");
    finds("(.)%1", "abccd", "cc", "c");
    finds("%b()", "f(a(b)c)d", "(a(b)c)", "-");
    finds("%b()", "f(a(b", "-", "-");
    finds("%f[%w]%w+", "  word", "word", "-");
    finds("%f[%z]", "ab", "", "-");
    finds("()b", "ab", "b", "-");
    finds("%.", "a.b", ".", "-");
    finds("%%", "a%b", "%", "-");
    finds("(a)?", "a?", "a?", "a");
    finds("a?a?aa", "aa", "aa", "-");

    refused("%");
    refused("[a");
    refused("[");
    refused("[%");
    refused("(a");
    refused("a)");
    refused("%1");
    refused("(a)%2");
    refused("%0");
    refused("%b");
    refused("%bx");
    refused("%f");
    refused("%fa");

    bounded("a-a-a-a-a-a-a-a-b", 60);
    bounded(".*.*.*.*x", 1000);
    bounded("(a*)(a*)(a*)b", 1000);
    bounded("a*a*a*b", 8000);

    printf("1..%d\n", tests);
    return failures != 0;
}

/* with: nginx-modules/core/shelf.c
 *
 * unit_shelf.c: what is kept is given back until its tag is dropped or its
 * time is over; what was overtaken is not; whoever dies while writing leaves
 * nothing that is read and nothing that others wait for.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../nginx-modules/core/shelf.h"

#define SIZE ((size_t) 4 * 1024 * 1024)

static int        tests, failures;
static vg_pool_t *pool;
static uint8_t   *memory;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


static vg_shelf_key_t
key_of(const char *text, const char *tag)
{
    vg_shelf_key_t key;

    vg_shelf_key(&key, vg_str(text));
    vg_shelf_note(&key, vg_str(tag));
    return key;
}


static bool
finds(vg_shelf_key_t key, uint64_t now, const char *text)
{
    vg_str_t found = vg_shelf_find(&key, now, pool);

    return text == NULL ? found.data == NULL
                        : found.data != NULL && vg_str_eq(found, text);
}


static void
test_order(void)
{
    vg_shelf_key_t old = key_of("k", "t"), key;

    ok(finds(old, 0, NULL), "an empty shelf has nothing");
    vg_shelf_keep(&old, vg_str("one"), 0, 10);
    ok(finds(old, 9, "one"), "what was kept is found");
    ok(finds(old, 10, NULL), "until its time is over");
    ok(finds(key_of("l", "t"), 0, NULL), "and under its key alone");
    vg_shelf_drop(vg_str("u"));
    ok(finds(old, 0, "one"), "another tag leaves it");
    vg_shelf_drop(vg_str("t"));
    ok(finds(key_of("k", "t"), 0, NULL), "its own makes it old");
    vg_shelf_keep(&old, vg_str("one"), 0, 10);
    ok(finds(key_of("k", "t"), 0, NULL), "a fill that noted before the drop "
                                         "is not kept");
    key = key_of("k", "t");
    vg_shelf_keep(&key, vg_str("two"), 0, 10);
    ok(finds(key_of("k", "t"), 0, "two"), "one that noted behind it is");
    vg_shelf_note(&key, vg_str("second"));
    vg_shelf_keep(&key, vg_str("three"), 0, 10);
    vg_shelf_drop(vg_str("second"));
    ok(finds(key_of("k", "t"), 0, NULL), "each of its tags makes it old");
}


static void
test_sizes(void)
{
    char             *text = malloc(100000);
    size_t            sizes[] = { 0, 1, 1500, 5000, 60000, 65535 }, i;
    vg_shelf_key_t    key;
    vg_shelf_weight_t before = vg_shelf_weigh(0), after;

    if (text == NULL) {
        exit(1);
    }
    memset(text, 'x', 100000);
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char     name[32];
        vg_str_t found;

        (void) snprintf(name, sizeof(name), "%c", 'a' + (int) i);
        key = key_of(name, "sizes");
        vg_shelf_keep(&key, (vg_str_t){ text, sizes[i] }, 0, 10);
        found = vg_shelf_find(&key, 0, pool);
        ok(found.data != NULL && found.len == sizes[i]
               && memcmp(found.data, text, found.len) == 0,
           "an answer of any size that fits");
    }
    key = key_of("z", "sizes");
    vg_shelf_keep(&key, (vg_str_t){ text, 70000 }, 0, 10);
    ok(finds(key, 0, NULL), "a larger one is left out");
    after = vg_shelf_weigh(0);
    ok(after.counts.large == before.counts.large + 1, "and counted");
    ok(after.answers == before.answers + i, "those on the shelf are, too");
    ok(after.bytes == before.bytes + i + 1 + 1500 + 5000 + 60000 + 65535,
       "with their bytes");
    free(text);
}


/* More than there is room for: the newest are there, and each is its own. */
static void
test_full(void)
{
    int  i, there = 0, wrong = 0;
    char name[32];

    for (i = 0; i < 20000; i++) {
        vg_shelf_key_t key;

        (void) snprintf(name, sizeof(name), "full %d", i);
        key = key_of(name, "full");
        vg_shelf_keep(&key, vg_str(name), (uint64_t) i, 100000);
    }
    for (i = 0; i < 20000; i++) {
        vg_str_t       found;
        vg_shelf_key_t key;

        (void) snprintf(name, sizeof(name), "full %d", i);
        key = key_of(name, "full");
        found = vg_shelf_find(&key, 20000, pool);
        there += found.data != NULL;
        wrong += found.data != NULL && !vg_str_eq(found, name);
    }
    ok(there > 200, "a full shelf keeps as many as it has room for");
    ok(wrong == 0, "none of them another's");
    ok(finds(key_of(name, "full"), 20000, name), "the last is there");
}


/* Its text runs into a page that cannot be read: it dies in the midst. */
static void
die_writing(const char *name, const char *tag)
{
    size_t         page = (size_t) sysconf(_SC_PAGESIZE);
    char          *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    vg_shelf_key_t key = key_of(name, tag);

    if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) == -1) {
        _exit(1);
    }
    (void) signal(SIGSEGV, SIG_DFL); /* a sanitizer would report it */
    memset(pages, 'y', page);
    vg_shelf_keep(&key, (vg_str_t){ pages, page + 1000 }, 0, 10);
    _exit(2);
}


static void
test_killed(void)
{
    int            status = 0, i;
    char           name[32];
    pid_t          child;
    bool           dead = true, unread = true, again = true;
    vg_shelf_key_t key;

    for (i = 0; i < 50; i++) {
        (void) snprintf(name, sizeof(name), "killed %d", i);
        (void) fflush(stdout);
        child = fork();
        if (child == 0) {
            die_writing(name, "killed");
        }
        dead &= waitpid(child, &status, 0) == child && WIFSIGNALED(status);
        key = key_of(name, "killed");
        unread &= finds(key, 0, NULL);
        vg_shelf_keep(&key, (vg_str_t){ "whole", 5 }, 0, 10);
        again &= finds(key, 0, "whole");
    }
    ok(dead, "writers die in the midst of an answer");
    ok(unread, "what they left is not read");
    ok(again, "and is written over");
}


/* an answer of one byte repeated, as long as the byte says */
static void
write_for_ever(unsigned seed)
{
    char text[8000];

    for (;;) {
        char           name[2] = { (char) ('p' + rand_r(&seed) % 4), '\0' };
        char           fill = (char) ('A' + rand_r(&seed) % 26);
        vg_shelf_key_t key = key_of(name, "storm");
        size_t         len = (size_t) fill * 80;

        memset(text, fill, len);
        vg_shelf_keep(&key, (vg_str_t){ text, len }, 0, 10);
    }
}


static bool
is_whole(vg_str_t text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] != text.data[0]) {
            return false;
        }
    }
    return text.len == (size_t) text.data[0] * 80;
}


/* Writers are killed at any instruction while we read. */
static void
test_storm(void)
{
    int      round, i, found = 0, broken = 0;
    pid_t    writer[2];
    vg_str_t text;

    for (round = 0; round < 30; round++) {
        (void) fflush(stdout);
        for (i = 0; i < 2; i++) {
            writer[i] = fork();
            if (writer[i] == 0) {
                write_for_ever((unsigned) (round * 2 + i));
            }
        }
        for (i = 0; i < 4000 || (found == 0 && i < 4000000); i++) {
            char           name[2] = { (char) ('p' + i % 4), '\0' };
            vg_shelf_key_t key = key_of(name, "storm");

            text = vg_shelf_find(&key, 0, pool);
            found += text.data != NULL;
            broken += text.data != NULL && !is_whole(text);
            if (i % 100 == 0) {
                vg_arena_destroy(pool);
                pool = vg_arena_create();
            }
        }
        for (i = 0; i < 2; i++) {
            (void) kill(writer[i], SIGKILL);
            (void) waitpid(writer[i], NULL, 0);
        }
    }
    ok(found > 0, "answers are read while they are written");
    ok(broken == 0, "each of them whole");
    for (i = 0; i < 4; i++) {
        char           name[2] = { (char) ('p' + i), '\0' };
        vg_shelf_key_t key = key_of(name, "storm");

        vg_shelf_keep(&key, (vg_str_t){ "after", 5 }, 0, 10);
        ok(finds(key, 0, "after"), "no place is lost");
    }
}


int
main(void)
{
    pool = vg_arena_create();
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pool == NULL || memory == MAP_FAILED) {
        return 1;
    }
    vg_shelf_open(memory, SIZE);
    test_order();
    test_sizes();
    test_killed();
    test_storm();
    test_full();
    vg_shelf_open(memory, vg_shelf_least());
    vg_shelf_drop(vg_str("t"));
    vg_shelf_key_t key = key_of("k", "t");
    vg_shelf_keep(&key, vg_str("x"), 0, 10);
    ok(finds(key, 0, NULL), "a shelf without room keeps nothing");
    printf("1..%d\n", tests);
    return failures != 0;
}

/* with: nginx-modules/core/elf.c
 *
 * unit_elf.c: a shared object as small as can be is taken; one that is cut, or
 * whose tables lie where they cannot be read, is refused and nothing else.
 * What real ones are refused for is tested by swap.t.
 */

#define _GNU_SOURCE

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../nginx-modules/core/install.h"

static int tests, failures;

static const char no_object[] = "is no shared object for this machine";

enum { NONE, STRINGS, SYMBOLS, VERSIONS, DYNAMIC, SECTIONS };

typedef struct {
    Elf64_Ehdr head;
    char       strings[32];
    Elf64_Sym  symbols[3];
    Elf64_Half versions[4];
    Elf64_Dyn  dynamic[2];
    Elf64_Shdr section[SECTIONS];
    char       end[8]; /* so that what is moved by one still fits */
} object_t;


static object_t
object(void)
{
    object_t o = {
        .head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
                  .e_type = ET_DYN,
                  .e_shoff = offsetof(object_t, section),
                  .e_shentsize = sizeof(Elf64_Shdr),
                  .e_shnum = SECTIONS },
        .strings = "\0malloc\0vg_reply\0libc.so.6",
        .symbols = { { 0 },
                     { .st_name = 1, .st_info = STB_GLOBAL << 4 },
                     { .st_name = 8, .st_info = STB_GLOBAL << 4 } },
        .versions = { 0, 2, 1 },
        .dynamic = { { .d_tag = DT_NEEDED, .d_un.d_val = 17 } },
    };

    o.section[STRINGS] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
                                       .sh_offset = offsetof(object_t, strings),
                                       .sh_size = sizeof(o.strings) };
    o.section[SYMBOLS] = (Elf64_Shdr){ .sh_type = SHT_DYNSYM,
                                       .sh_offset = offsetof(object_t, symbols),
                                       .sh_size = sizeof(o.symbols),
                                       .sh_link = STRINGS };
    o.section[VERSIONS] =
        (Elf64_Shdr){ .sh_type = SHT_GNU_versym,
                      .sh_offset = offsetof(object_t, versions),
                      .sh_size = sizeof(o.versions) };
    o.section[DYNAMIC] = (Elf64_Shdr){ .sh_type = SHT_DYNAMIC,
                                       .sh_offset = offsetof(object_t, dynamic),
                                       .sh_size = sizeof(o.dynamic),
                                       .sh_link = STRINGS };
    return o;
}


static const char *
check(const object_t *o, size_t size)
{
    int         fd = memfd_create("object", 0);
    char        path[64], what[64];
    const char *why = "no file";

    if (fd != -1 && write(fd, o, size) == (ssize_t) size) {
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        why = vg_install_check(path, what, sizeof(what));
    }
    if (fd != -1) {
        (void) close(fd);
    }
    return why;
}


static void
is(const char *why, const char *expected, const char *name)
{
    bool good = expected == NULL ? why == NULL
                                 : why != NULL && strcmp(why, expected) == 0;

    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
    if (!good) {
        printf("# %s\n", why ? why : "is taken");
    }
}


int
main(void)
{
    size_t   size, taken = 0;
    object_t o = object();

    is(check(&o, sizeof(o)), NULL, "the smallest");
    for (size = 0; size < offsetof(object_t, end); size++) {
        taken += check(&o, size) == NULL;
    }
    is(taken ? "a cut one is taken" : NULL, NULL, "and no part of it");

    o.head.e_shoff++;
    is(check(&o, sizeof(o)), "has no symbols", "sections at an odd place");
    o = object();
    o.section[SYMBOLS].sh_offset++;
    is(check(&o, sizeof(o)), no_object, "symbols at an odd place");
    o = object();
    o.section[VERSIONS].sh_offset++;
    is(check(&o, sizeof(o)), no_object, "versions at an odd place");
    o = object();
    o.section[DYNAMIC].sh_offset++;
    is(check(&o, sizeof(o)), no_object, "needs at an odd place");
    o = object();
    o.section[DYNAMIC].sh_size = sizeof(o) + 1;
    is(check(&o, sizeof(o)), no_object, "more needs than bytes");
    o = object();
    o.section[SYMBOLS].sh_offset = UINT64_MAX - 7;
    is(check(&o, sizeof(o)), no_object, "symbols behind the end of all");
    o = object();
    o.section[SYMBOLS].sh_link = SECTIONS;
    is(check(&o, sizeof(o)), "uses what is neither vg.h's nor libc's",
       "symbols without names");

    printf("1..%d\n", tests);
    return failures != 0;
}

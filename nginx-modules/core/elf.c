/*
 * elf.c: what a plugin's shared object must not hold, so that it can be taken
 * out of a running process. Reads the file, runs nothing of it.
 */

#define _GNU_SOURCE

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install.h"

typedef struct {
    const unsigned char *data;
    size_t               size;
    bool                 sanitized; /* brings its runtime's constructor   */
    char                *what;
    size_t               room;
} image_t;

/* of libc, but they outlive dlclose(), start threads or end the process */
static const char *const refused[] = { "atexit",         "at_quick_exit",
                                       "on_exit",        "__cxa_atexit",
                                       "pthread_create", "fork",
                                       "vfork",          "exit",
                                       "_exit",          "quick_exit",
                                       "execve",         "execv",
                                       "execvp",         "system",
                                       "popen",          "dlopen",
                                       "dlmopen",        "signal",
                                       "sigaction",      "pthread_key_create",
                                       "sleep",          "usleep",
                                       "nanosleep",      "clock_nanosleep",
                                       "setenv",         "putenv",
                                       "setlocale",      "thrd_create",
                                       "tss_create",     NULL };


/* a part of the file, or NULL when it lies outside, or where no linker would
 * have put numbers of this size */
static const void *
part(const image_t *image, uint64_t at, uint64_t size, size_t align)
{
    return at % align == 0 && at <= image->size && size <= image->size - at
               ? image->data + at
               : NULL;
}


static const Elf64_Shdr *
section(const image_t *image, size_t n)
{
    const Elf64_Ehdr *head = (const Elf64_Ehdr *) image->data;

    if (n >= head->e_shnum || head->e_shentsize != sizeof(Elf64_Shdr)) {
        return NULL;
    }
    return part(image, head->e_shoff + n * sizeof(Elf64_Shdr),
                sizeof(Elf64_Shdr), sizeof(Elf64_Addr));
}


static const Elf64_Shdr *
section_of(const image_t *image, uint32_t type)
{
    size_t            n;
    const Elf64_Shdr *s;

    for (n = 0; (s = section(image, n)) != NULL; n++) {
        if (s->sh_type == type) {
            return s;
        }
    }
    return NULL;
}


/* the text at an offset of a table of strings; "" when it lies outside */
static const char *
text(const image_t *image, const Elf64_Shdr *table, uint64_t at)
{
    const char *strings;

    if (table == NULL || at >= table->sh_size) {
        return "";
    }
    strings = part(image, table->sh_offset, table->sh_size, 1);
    if (strings == NULL
        || memchr(strings + at, '\0', table->sh_size - at) == NULL) {
        return "";
    }
    return strings + at;
}


static const char *
refuse(image_t *image, const char *why, const char *what)
{
    (void) snprintf(image->what, image->room, "%s", what);
    return why;
}


static bool
is_sanitizer(const char *name)
{
    return strncmp(name, "__asan_", 7) == 0 || strncmp(name, "__ubsan_", 8) == 0
           || strncmp(name, "__sanitizer_", 12) == 0;
}


/* libc's symbols have versions, vg.h's and nginx's have none */
static const char *
check_symbol(image_t *image, const char *name, Elf64_Half version)
{
    size_t i;

    if (image->sanitized) {
        return NULL; /* libasan stands before libc, without versions */
    }
    if ((version & 0x7fff) <= VER_NDX_GLOBAL && strncmp(name, "vg_", 3) != 0) {
        return refuse(image, "uses what is neither vg.h's nor libc's", name);
    }
    for (i = 0; refused[i] != NULL; i++) {
        if (strcmp(name, refused[i]) == 0) {
            return refuse(image, "uses what a plugin must not", name);
        }
    }
    return NULL;
}


static const char *
check_symbols(image_t *image)
{
    size_t            i, count;
    const char       *wrong = NULL;
    const Elf64_Sym  *sym;
    const Elf64_Half *version;
    const Elf64_Shdr *table = section_of(image, SHT_DYNSYM), *names;
    const Elf64_Shdr *versions = section_of(image, SHT_GNU_versym);

    if (table == NULL) {
        return "has no symbols";
    }
    names = section(image, table->sh_link);
    count = table->sh_size / sizeof(Elf64_Sym);
    sym = part(image, table->sh_offset, count * sizeof(Elf64_Sym),
               sizeof(Elf64_Addr));
    version = versions ? part(image, versions->sh_offset,
                              count * sizeof(Elf64_Half), sizeof(Elf64_Half))
                       : NULL; /* nothing of libc is used */
    if (sym == NULL || (versions && version == NULL)) {
        return "is no shared object for this machine";
    }
    for (i = 1; i < count; i++) {
        image->sanitized |= is_sanitizer(text(image, names, sym[i].st_name));
    }
    for (i = 1; wrong == NULL && i < count; i++) {
        if (sym[i].st_shndx == SHN_UNDEF
            && ELF64_ST_BIND(sym[i].st_info) != STB_WEAK) {
            wrong = check_symbol(image, text(image, names, sym[i].st_name),
                                 version ? version[i] : VER_NDX_GLOBAL);
        }
    }
    return wrong;
}


static const char *
check_needed(image_t *image)
{
    size_t            i, count;
    const char       *name;
    const Elf64_Dyn  *dyn;
    const Elf64_Shdr *table = section_of(image, SHT_DYNAMIC);

    if (table == NULL) {
        return "is no shared object for this machine";
    }
    count = table->sh_size / sizeof(Elf64_Dyn);
    dyn = part(image, table->sh_offset, count * sizeof(Elf64_Dyn),
               sizeof(Elf64_Addr));
    if (dyn == NULL) {
        return "is no shared object for this machine";
    }
    for (i = 0; i < count && dyn[i].d_tag != DT_NULL; i++) {
        if (dyn[i].d_tag != DT_NEEDED) {
            continue;
        }
        name = text(image, section(image, table->sh_link), dyn[i].d_un.d_val);
        if (strcmp(name, "libc.so.6") != 0
            && !(image->sanitized && strstr(name, "san.so") != NULL))
        {
            return refuse(image, "needs a library other than libc", name);
        }
    }
    return NULL;
}


/* the compiler's own frame_dummy is one entry of the array */
static const char *
check_sections(image_t *image)
{
    size_t            n;
    const Elf64_Shdr *s;

    for (n = 0; (s = section(image, n)) != NULL; n++) {
        if ((s->sh_flags & SHF_TLS) && s->sh_size > 0) {
            return "has thread-local data";
        }
        if (!image->sanitized
            && (s->sh_type == SHT_INIT_ARRAY || s->sh_type == SHT_FINI_ARRAY)
            && s->sh_size > sizeof(Elf64_Addr))
        {
            return "has constructors or destructors";
        }
    }
    return NULL;
}


static const char *
check_image(image_t *image)
{
    const char       *wrong;
    const Elf64_Ehdr *head = part(image, 0, sizeof(Elf64_Ehdr), 1);

    if (head == NULL || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0
        || head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_type != ET_DYN)
    {
        return "is no shared object for this machine";
    }
    wrong = check_symbols(image);
    wrong = wrong ? wrong : check_sections(image);
    return wrong ? wrong : check_needed(image);
}


const char *
vg_install_check(const char *so, char *what, size_t size)
{
    int         fd = open(so, O_RDONLY | O_CLOEXEC);
    void       *map = MAP_FAILED;
    image_t     image = { .what = what, .room = size };
    const char *wrong = "cannot be read";
    struct stat st;

    what[0] = '\0';
    if (fd != -1 && fstat(fd, &st) == 0 && st.st_size > 0) {
        map = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (map != MAP_FAILED) {
        image.data = map;
        image.size = (size_t) st.st_size;
        wrong = check_image(&image);
        (void) munmap(map, image.size);
    }
    if (fd != -1) {
        (void) close(fd);
    }
    return wrong;
}

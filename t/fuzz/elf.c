/* with: nginx-modules/core/elf.c
 *
 * elf.c: any bytes as a plugin's shared object, before it is opened.
 */

#define _GNU_SOURCE

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "install.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int         fd = memfd_create("plugin", 0);
    char        path[64], what[40];
    const char *why;

    REQUIRE(fd != -1 && write(fd, data, size) == (ssize_t) size);
    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    memset(what, 'x', sizeof(what));
    why = vg_install_check(path, what, sizeof(what));
    REQUIRE(memchr(what, '\0', sizeof(what)) != NULL);
    REQUIRE(why == NULL || strlen(why) > 0);
    (void) close(fd);
    return 0;
}

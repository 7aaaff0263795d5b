/*
 * full.c: a disk that is full while a file exists, for PostgreSQL alone: it is
 * preloaded into the cluster. As on a real one, what lies in a file already
 * can be written again; what would make a file longer is ENOSPC.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* the file is named by VG_DISK_FULL */
static bool
full(int fd, off_t end)
{
    int         before = errno;
    bool        no_room;
    const char *flag = getenv("VG_DISK_FULL");
    struct stat st;

    no_room = flag != NULL && access(flag, F_OK) == 0 && fstat(fd, &st) == 0
              && S_ISREG(st.st_mode) && end > st.st_size;
    errno = no_room ? ENOSPC : before;
    return no_room;
}


ssize_t
pwrite(int fd, const void *buf, size_t n, off_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);

    if (real == NULL) {
        *(void **) &real = dlsym(RTLD_NEXT, "pwrite");
    }
    return full(fd, offset + (off_t) n) ? -1 : real(fd, buf, n, offset);
}


ssize_t
pwrite64(int fd, const void *buf, size_t n, off_t offset)
{
    return pwrite(fd, buf, n, offset);
}


ssize_t
pwritev(int fd, const struct iovec *iovec, int count, off_t offset)
{
    int   i;
    off_t end = offset;
    static ssize_t (*real)(int, const struct iovec *, int, off_t);

    if (real == NULL) {
        *(void **) &real = dlsym(RTLD_NEXT, "pwritev");
    }
    for (i = 0; i < count; i++) {
        end += (off_t) iovec[i].iov_len;
    }
    return full(fd, end) ? -1 : real(fd, iovec, count, offset);
}


ssize_t
pwritev64(int fd, const struct iovec *iovec, int count, off_t offset)
{
    return pwritev(fd, iovec, count, offset);
}


ssize_t
write(int fd, const void *buf, size_t n)
{
    off_t at;
    static ssize_t (*real)(int, const void *, size_t);

    if (real == NULL) {
        *(void **) &real = dlsym(RTLD_NEXT, "write");
    }
    at = lseek(fd, 0, SEEK_CUR);
    return full(fd, at + (off_t) n) ? -1 : real(fd, buf, n);
}


int
posix_fallocate(int fd, off_t at, off_t size)
{
    static int (*real)(int, off_t, off_t);

    if (real == NULL) {
        *(void **) &real = dlsym(RTLD_NEXT, "posix_fallocate");
    }
    return full(fd, at + size) ? ENOSPC : real(fd, at, size);
}

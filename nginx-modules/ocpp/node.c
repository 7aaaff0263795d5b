/*
 * node.c: the mapped file that the workers of a node share.
 */

#include <sys/mman.h>

#include "node.h"
#include "ocpp.h"

#define VG_NODE_MODE 0600

/* changes with anything in vg_node_t */
#define VG_NODE_LAYOUT (0x76676e3100000000ull + sizeof(vg_node_t)) /* "vgn1" */

static vg_node_t *vg_node_mapped; /* by this process or its parent         */


vg_node_t *
vg_node(void)
{
    return vg_node_mapped;
}


/* NULL: it cannot be. Its blocks are taken now: a page that finds no room
 * later would be a signal. */
static vg_node_t *
vg_node_map(ngx_fd_t fd, ngx_uint_t fresh)
{
    void       *p;
    vg_node_t  *node;
    struct stat st;

    if (fresh && posix_fallocate(fd, 0, sizeof(vg_node_t)) != 0) {
        return NULL;
    }
    if (fstat(fd, &st) == -1 || st.st_size != sizeof(vg_node_t)) {
        return NULL;
    }
    p = mmap(NULL, sizeof(vg_node_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
             0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    node = p;
    if (fresh) {
        node->layout = VG_NODE_LAYOUT;
        node->born = (ngx_atomic_uint_t) vg_time_now();
    } else if (node->layout != VG_NODE_LAYOUT) {
        (void) munmap(p, sizeof(vg_node_t));
        return NULL;
    }
    return node;
}


/* the file of the workers that are there already */
static vg_node_t *
vg_node_join(const char *path)
{
    vg_node_t *node;
    ngx_fd_t   fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd == -1) {
        return NULL;
    }
    node = vg_node_map(fd, 0);
    (void) close(fd);
    return node;
}


/* Under another name first: whoever has the old file goes on with it. */
static vg_node_t *
vg_node_create(const char *path)
{
    char       now[NGX_MAX_PATH + 8];
    ngx_fd_t   fd;
    vg_node_t *node;

    (void) snprintf(now, sizeof(now), "%s.new", path);
    (void) unlink(now);
    fd = open(now, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, VG_NODE_MODE);
    if (fd == -1) {
        return NULL;
    }
    node = vg_node_map(fd, 1);
    (void) close(fd);
    if (node != NULL && rename(now, path) == -1) {
        (void) munmap(node, sizeof(vg_node_t));
        node = NULL;
    }
    return node;
}


ngx_int_t
vg_node_open(ngx_cycle_t *cycle)
{
    char path[NGX_MAX_PATH];

    if (ngx_test_config || vg_node_mapped != NULL) {
        return NGX_OK;
    }
    (void) snprintf(path, sizeof(path), "%.*s/node", (int) vg_host->run.len,
                    vg_host->run.data);
    if (ngx_inherited || !ngx_is_init_cycle(cycle->old_cycle)) {
        vg_node_mapped = vg_node_join(path);
    }
    if (vg_node_mapped == NULL) {
        vg_node_mapped = vg_node_create(path);
    }
    if (vg_node_mapped == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "voltgate: no room for \"%s\"", path);
        return NGX_ERROR;
    }
    return NGX_OK;
}

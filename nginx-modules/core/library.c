/*
 * library.c: the shared object and the migration files of a plugin.
 */

#include <dirent.h>
#include <dlfcn.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include "library.h"

typedef struct {
    u_char *data;
    size_t  len;
} vg_bytes_t;


static ngx_int_t
vg_library_read(ngx_pool_t *pool, const char *path, vg_bytes_t *bytes)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t      got = 0;
    ssize_t     n;
    struct stat st;

    if (fd == -1) {
        return NGX_ERROR;
    }
    if (fstat(fd, &st) == -1 || st.st_size > (off_t) 64 * 1024 * 1024) {
        (void) close(fd);
        return NGX_ERROR;
    }
    bytes->len = st.st_size;
    bytes->data = ngx_pnalloc(pool, bytes->len + 1);
    while (bytes->data != NULL && got < bytes->len) {
        n = read(fd, bytes->data + got, bytes->len - got);
        if (n <= 0) {
            bytes->data = NULL;
            break;
        }
        got += n;
    }
    (void) close(fd);
    return bytes->data ? NGX_OK : NGX_ERROR;
}


/* written aside, then renamed: a file that is mapped never changes */
static ngx_int_t
vg_library_copy(const char *path, vg_bytes_t *bytes)
{
    int     fd;
    char    aside[NGX_MAX_PATH];
    size_t  put = 0;
    ssize_t n;

    if (access(path, R_OK) == 0) {
        return NGX_OK;
    }
    (void) ngx_snprintf((u_char *) aside, sizeof(aside), "%s.%P%Z", path,
                        ngx_pid);
    fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (fd == -1) {
        return NGX_ERROR;
    }
    while (put < bytes->len) {
        n = write(fd, bytes->data + put, bytes->len - put);
        if (n <= 0) {
            (void) close(fd);
            return NGX_ERROR;
        }
        put += n;
    }
    (void) close(fd);
    return rename(aside, path) == 0 ? NGX_OK : NGX_ERROR;
}


static ngx_str_t
vg_library_hash(ngx_pool_t *pool, vg_bytes_t *bytes)
{
    u_char    md[SHA256_DIGEST_LENGTH];
    ngx_str_t hex = ngx_null_string;

    (void) SHA256(bytes->data, bytes->len, md);
    hex.data = ngx_pnalloc(pool, 65);
    if (hex.data != NULL) {
        *ngx_hex_dump(hex.data, md, sizeof(md)) = '\0';
        hex.len = 64;
    }
    return hex;
}


ngx_int_t
vg_library_open(ngx_conf_t *cf, vg_host_t *host, vg_plugin_slot_t *plugin)
{
    char       path[NGX_MAX_PATH], copy[NGX_MAX_PATH];
    vg_bytes_t bytes;

    (void) snprintf(path, sizeof(path), "%s/%s.so", host->built.data,
                    plugin->name.data);
    if (vg_library_read(cf->pool, path, &bytes) != NGX_OK) {
        vg_plugin_out(plugin, "cannot read %s.so", plugin->name.data);
        return NGX_ERROR;
    }
    plugin->hash = vg_library_hash(cf->pool, &bytes);
    if (plugin->hash.data == NULL) {
        return NGX_ERROR;
    }
    plugin->hash.len = 16;
    (void) snprintf(copy, sizeof(copy), "%s/loaded", host->built.data);
    (void) mkdir(copy, 0755);
    (void) snprintf(copy, sizeof(copy), "%s/loaded/%s.%.16s.so",
                    host->built.data, plugin->name.data, plugin->hash.data);
    if (vg_library_copy(copy, &bytes) != NGX_OK) {
        vg_plugin_out(plugin, "cannot copy it to loaded/");
        return NGX_ERROR;
    }
    plugin->handle = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    if (plugin->handle == NULL) {
        vg_plugin_out(plugin, "%s", dlerror());
        return NGX_ERROR;
    }
    return NGX_OK;
}


static int
vg_migrations_order(const void *a, const void *b)
{
    const vg_migration_t *x = a, *y = b;

    return ngx_strcmp(x->file.data, y->file.data);
}


static int
vg_migrations_are(const struct dirent *entry)
{
    size_t len = ngx_strlen(entry->d_name);

    return len > 8 && entry->d_name[0] >= '0' && entry->d_name[0] <= '9'
           && ngx_strcmp(entry->d_name + len - 4, ".sql") == 0;
}


static ngx_int_t
vg_migrations_add(ngx_conf_t *cf, ngx_array_t *list, const char *folder,
                  const char *name)
{
    char            path[NGX_MAX_PATH];
    vg_bytes_t      bytes;
    vg_migration_t *m = ngx_array_push(list);

    (void) ngx_snprintf((u_char *) path, sizeof(path), "%s/%s%Z", folder, name);
    if (m == NULL || vg_library_read(cf->pool, path, &bytes) != NGX_OK) {
        return NGX_ERROR;
    }
    m->file.len = ngx_strlen(name);
    m->file.data = ngx_pnalloc(cf->pool, m->file.len + 1);
    m->checksum = vg_library_hash(cf->pool, &bytes);
    if (m->file.data == NULL || m->checksum.data == NULL) {
        return NGX_ERROR;
    }
    ngx_memcpy(m->file.data, name, m->file.len + 1);
    return NGX_OK;
}


ngx_int_t
vg_migrations_read(ngx_conf_t *cf, vg_host_t *host, vg_plugin_slot_t *plugin)
{
    DIR           *dir;
    char           folder[NGX_MAX_PATH];
    ngx_int_t      rc = NGX_OK;
    ngx_array_t   *list;
    struct dirent *entry;

    list = plugin ? &plugin->migrations : &host->kit_migrations;
    if (plugin != NULL) {
        (void) snprintf(folder, sizeof(folder), "%s/%s/sql", host->sources.data,
                        plugin->name.data);
    } else {
        (void) snprintf(folder, sizeof(folder), "%s", host->kit_sql.data);
    }
    dir = opendir(folder);
    if (dir == NULL) {
        return plugin ? NGX_OK : NGX_ERROR;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (vg_migrations_are(entry)
            && vg_migrations_add(cf, list, folder, entry->d_name) != NGX_OK)
        {
            rc = NGX_ERROR;
            break;
        }
    }
    (void) closedir(dir);
    ngx_qsort(list->elts, list->nelts, sizeof(vg_migration_t),
              vg_migrations_order);
    return rc;
}

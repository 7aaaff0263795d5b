/*
 * library.c: opens an installed version: its shared object, its schemas, and
 * the names and checksums of its migrations.
 */

#include <dirent.h>
#include <dlfcn.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include "install.h"
#include "library.h"

#define VG_MIGRATION_MAX ((off_t) 16 * 1024 * 1024)


ngx_uint_t
vg_library_taken(const ngx_str_t *name)
{
    static const char *const taken[] = { "kit",     "gate",
                                         "auditor", "relay",
                                         "vg",      "voltgate",
                                         "public",  "information_schema",
                                         NULL };
    const char *const       *t = taken;

    while (*t != NULL && ngx_strcmp(name->data, *t) != 0) {
        t++;
    }
    return *t != NULL || ngx_strncmp(name->data, "pg_", 3) == 0;
}


ngx_int_t
vg_library_open(vg_plugin_slot_t *plugin)
{
    char        path[NGX_MAX_PATH], what[64];
    size_t      len = ngx_strlen(plugin->folder);
    const char *error;

    (void) snprintf(path, sizeof(path), "%s/%s.so", plugin->folder,
                    plugin->name.data);
    error = vg_install_check(path, what, sizeof(what));
    if (error != NULL) {
        vg_plugin_out(plugin, "%s.so %s %s", plugin->name.data, error, what);
        return NGX_ERROR;
    }
    plugin->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin->handle == NULL) {
        error = dlerror();
        if (ngx_strncmp(error, plugin->folder, len) == 0) {
            error += len + 1; /* callers are told no paths */
        }
        vg_plugin_out(plugin, "%s", error);
        return NGX_ERROR;
    }
    plugin->manifest = dlsym(plugin->handle, "vg_plugin");
    if (plugin->manifest == NULL) {
        vg_plugin_out(plugin, "it exports no vg_plugin");
        return NGX_ERROR;
    }
    return NGX_OK;
}


static ngx_uint_t
vg_library_publishes(vg_plugin_slot_t *plugin, vg_str_t wanted)
{
    const char *const *type = plugin->manifest->publishes;

    while (type != NULL && *type != NULL && !vg_str_eq(wanted, *type)) {
        type++;
    }
    return type != NULL && *type != NULL;
}


ngx_int_t
vg_library_schemas(vg_plugin_slot_t *plugin)
{
    char               folder[NGX_MAX_PATH];
    size_t             i;
    vg_pool_t          arena = vg_arena_of(plugin->pool);
    vg_schemas_t      *all = &plugin->schemas;
    const char *const *type;

    (void) snprintf(folder, sizeof(folder), "%s/events", plugin->folder);
    if (!vg_schemas_read(all, &arena, folder)) {
        vg_plugin_out(plugin, "events/%s", all->wrong);
        return NGX_ERROR;
    }
    for (type = plugin->manifest->publishes; type && *type; type++) {
        if (vg_schemas_find(all, vg_str(*type)) == NULL) {
            vg_plugin_out(plugin, "publishes %s, and has no events/%s.json",
                          *type, *type);
            return NGX_ERROR;
        }
    }
    for (i = 0; i < all->count; i++) {
        if (!vg_library_publishes(plugin, all->all[i].type)) {
            vg_plugin_out(plugin, "has events/%s.json, and does not publish it",
                          all->all[i].type.data);
            return NGX_ERROR;
        }
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
vg_migration_hash(ngx_pool_t *pool, const char *path, ngx_str_t *hex)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    u_char      md[SHA256_DIGEST_LENGTH];
    u_char     *text = NULL;
    ssize_t     got = -1;
    struct stat st;

    hex->len = 64;
    hex->data = ngx_pnalloc(pool, 65);
    if (fd == -1) {
        return NGX_ERROR;
    }
    if (fstat(fd, &st) == 0 && st.st_size <= VG_MIGRATION_MAX) {
        text = ngx_alloc(st.st_size + 1, ngx_cycle->log);
        got = text ? read(fd, text, st.st_size) : -1;
    }
    (void) close(fd);
    if (got != -1 && got == st.st_size && hex->data != NULL) {
        (void) SHA256(text, got, md);
        *ngx_hex_dump(hex->data, md, sizeof(md)) = '\0';
    } else {
        got = -1;
    }
    ngx_free(text);
    return got == -1 ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
vg_migrations_add(ngx_pool_t *pool, ngx_array_t *list, const char *folder,
                  const char *name)
{
    char            path[NGX_MAX_PATH];
    vg_migration_t *m = ngx_array_push(list);

    if (m == NULL) {
        return NGX_ERROR;
    }
    (void) ngx_snprintf((u_char *) path, sizeof(path), "%s/%s%Z", folder, name);
    m->file.len = ngx_strlen(name);
    m->file.data = ngx_pnalloc(pool, m->file.len + 1);
    if (m->file.data == NULL) {
        return NGX_ERROR;
    }
    ngx_memcpy(m->file.data, name, m->file.len + 1);
    return vg_migration_hash(pool, path, &m->checksum);
}


ngx_int_t
vg_migrations_read(ngx_pool_t *pool, const char *folder, ngx_array_t *list)
{
    DIR           *dir = opendir(folder);
    ngx_int_t      rc = NGX_OK;
    struct dirent *entry;

    if (dir == NULL) {
        return ngx_errno == NGX_ENOENT ? NGX_OK : NGX_ERROR;
    }
    while (rc == NGX_OK && (entry = readdir(dir)) != NULL) {
        if (vg_migrations_are(entry)) {
            rc = vg_migrations_add(pool, list, folder, entry->d_name);
        }
    }
    (void) closedir(dir);
    ngx_qsort(list->elts, list->nelts, sizeof(vg_migration_t),
              vg_migrations_order);
    return rc;
}

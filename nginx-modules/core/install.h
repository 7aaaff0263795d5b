/*
 * install.h: a version of a plugin as a folder that never changes. Pure C,
 * shared by the kit and by `voltgate plugin`.
 *
 *   <into>/<name>.<hash>/<name>.so, or plugin.lua and other .lua
 *   <into>/<name>.<hash>/sql/001_….sql
 *   <into>/<name>.<hash>/sql/queries/….sql
 *   <into>/<name>.<hash>/events/….json
 *   <into>/<name>                 a link to the version installed last
 *
 * hash: the first 16 hex digits of SHA-256 over the names and bytes of all of
 * these files. A second dlopen() of one path gives back the old code, and
 * code and statements of one version must fit each other; so a version is
 * copied whole, under its own name, and workers only read it.
 */

#ifndef VG_INSTALL_H
#define VG_INSTALL_H

#include <stddef.h>
#include <stdint.h>

#define VG_INSTALL_HASH 16 /* hex digits                                  */
#define VG_INSTALL_LUA  "plugin.lua" /* among its sources: it is no C     */

typedef struct {
    const char *name;
    const char *built;   /* folder of <name>.so                           */
    const char *sources; /* folder of <name>/sql and <name>/events        */
    const char *into;
} vg_install_t;

/* NULL: installed, and hash (VG_INSTALL_HASH + 1 bytes) says as what; else
 * why not, a static text, with errno where that says more. */
const char *vg_install(const vg_install_t *what, char *hash);

/* Another number when one of these files is another one: nothing is read but
 * what the folders say of them. */
uint64_t vg_install_seen(const vg_install_t *what);

/* The version that the link names; NULL: as above. */
const char *vg_installed(const char *into, const char *name, char *hash);

/* Takes away all versions of a plugin but those that were installed last, the
 * one that the link names, and keep: hashes, NULL-ended. What runs is kept so,
 * and what ran before it: a worker that is born later opens its files. */
#define VG_INSTALL_KEPT 16
void vg_install_prune(const char *into, const char *name,
                      const char *const *keep);

/* May it be loaded beside others and be taken out again? NULL: yes; else
 * what forbids it: thread-local data, constructors, symbols of neither vg.h
 * nor libc, or one of libc's that outlives its library. what: the symbol,
 * or "". */
const char *vg_install_check(const char *so, char *what, size_t size);

#endif /* VG_INSTALL_H */

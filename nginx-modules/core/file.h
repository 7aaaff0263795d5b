/*
 * file.h: files that the conf names.
 */

#ifndef VG_FILE_H
#define VG_FILE_H

#include "host.h"

/* A file that the conf names, at most so large and not empty, and a NUL
 * behind it; secret: nobody else may read it, and it is wiped with the
 * configuration. NULL, or why not: what it holds is nobody's to show. */
const char *vg_file_read(ngx_conf_t *cf, ngx_str_t *name, size_t most,
                         ngx_uint_t secret, ngx_str_t *text);
/* ... one line of ASCII, without its end */
const char *vg_file_secret(ngx_conf_t *cf, ngx_str_t *name, size_t most,
                           ngx_str_t *secret);

#endif /* VG_FILE_H */

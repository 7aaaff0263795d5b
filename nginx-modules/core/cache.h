/*
 * cache.h: what calls have to do with the node's cache: answers (shelf.h) and
 * words (words.c), in a zone of their own.
 */

#ifndef VG_CACHE_H
#define VG_CACHE_H

#include "host.h"
#include "shelf.h"

/* cache.c: the zone, `voltgate_cache` */
ngx_int_t vg_cache_add(ngx_conf_t *cf, vg_host_t *host);
void      vg_cache_start(vg_host_t *host);

/* words.c: its table within the zone */
size_t vg_words_size(void);
void   vg_words_init(void *shared);

/* May this row say `cache` and `drops` as it does? else its plugin is out. */
ngx_int_t vg_cache_row(vg_endpoint_t *e);

/* VG_OK: the answer is in call->text. Else its tags are noted. */
vg_rc_t vg_cache_find(vg_call_t *call);
void    vg_cache_keep(vg_call_t *call);

/* What the row says that it drops, when the unit's commit is durable, or when
 * that is not known; without a unit at once. By hand: vg_shelf_drop(). */
void vg_cache_drop(vg_call_t *call, const vg_unit_t *unit);

#endif /* VG_CACHE_H */

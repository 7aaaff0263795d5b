/*
 * tag.h: entity tags: made of an answer's bytes, and found in what a client
 * sends. Pure C over vg_json.h.
 *
 * "7-1f2e3d4c5b6a7988": the row's version, then a hash over all bytes. A body
 * without a version has the hash alone: "-1f2e3d4c5b6a7988".
 */

#ifndef VG_TAG_H
#define VG_TAG_H

#include "vg_json.h"

/* The digits of the member version of an object; data NULL: none. */
vg_str_t vg_tag_version(vg_str_t body);

/* With its quotes; data NULL: no memory. */
vg_str_t vg_tag_make(vg_pool_t *pool, vg_str_t body);

/* Is tag one of a list, as If-None-Match compares: W/ is not looked at. */
bool vg_tag_listed(vg_str_t list, vg_str_t tag);

/* The versions that If-Match lists, as an array of PostgreSQL, "{7,8}"; of
 * tags without one nothing. data NULL for "*": any will do. False: no list
 * of tags, or no memory. */
bool vg_tag_versions(vg_pool_t *pool, vg_str_t list, vg_str_t *versions);

#endif /* VG_TAG_H */

/*
 * shelf.h: answers under tags in memory that processes share. Pure C.
 *
 * Nothing waits and nothing locks. A process that is killed at any instruction
 * leaves at most one slot that is written anew when the process is gone.
 * Zeroed memory is an empty shelf.
 */

#ifndef VG_SHELF_H
#define VG_SHELF_H

#include "vg_json.h"

#define VG_TAGS       4 /* that one answer may have                    */
#define VG_SHELF_LOGS 8 /* whose places are kept here                  */

/* A tag as an answer knows it: where its generation is, and which it was. */
typedef struct {
    uint64_t slot;
    uint64_t generation;
} vg_shelf_tag_t;

typedef struct {
    vg_str_t       text;
    uint64_t       hash; /* of text */
    uint32_t       ntags;
    vg_shelf_tag_t tags[VG_TAGS];
} vg_shelf_key_t;

typedef struct {
    uint64_t hits, misses, kept, drops;
    uint64_t large; /* did not fit into any slot */
} vg_shelf_counts_t;

/* what is always needed, without room for answers */
size_t vg_shelf_least(void);
void   vg_shelf_open(void *memory, size_t size);

void vg_shelf_key(vg_shelf_key_t *key, vg_str_t text);

/* Notes the tag's present generation: before the query that reads what the
 * answer is made of, or what is kept may be old. */
void vg_shelf_note(vg_shelf_key_t *key, vg_str_t tag);

/* now and until are ms of a clock that all processes share and that never goes
 * back. A copy in pool; data NULL: not there, or old. */
vg_str_t vg_shelf_find(const vg_shelf_key_t *key, uint64_t now,
                       vg_pool_t *pool);
void     vg_shelf_keep(const vg_shelf_key_t *key, vg_str_t text, uint64_t now,
                       uint64_t until);

/* All answers under this tag are old from now on. */
void vg_shelf_drop(vg_str_t tag);

typedef struct {
    vg_shelf_counts_t counts;
    size_t            bytes, answers, room;
} vg_shelf_weight_t;

vg_shelf_weight_t vg_shelf_weigh(uint64_t now);

/* A number for whoever keeps the shelf up to date: how far it got. */
uint64_t *vg_shelf_place(unsigned log);

#endif /* VG_SHELF_H */

/*
 * schema.h: the JSON Schema (2020-12) of an event's payload: what such a file
 * may say, and which change of it breaks nobody. Pure C, also the CLI's.
 *
 *   <folder>/<type>.json      of a type: title, description, and the payload
 *   <folder>/<part>.json      what several types are: "$ref": "<part>.json"
 *
 * A type's name ends in its version, .v1; what does not is a part. A payload
 * is an object; what it requires is always there and never null.
 */

#ifndef VG_SCHEMA_H
#define VG_SCHEMA_H

#include "vg_json.h"

#define VG_SCHEMA_TYPE 96 /* characters of a type's name                 */
#define VG_SCHEMAS_MAX 128

typedef struct {
    vg_str_t         type;
    vg_str_t         text; /* one line, its part taken in                 */
    const vg_json_t *root;
} vg_schema_t;

typedef struct {
    vg_schema_t all[VG_SCHEMAS_MAX];
    size_t      count;
    char        wrong[200]; /* of the last call that was false            */
} vg_schemas_t;

/* schemas.c: the types of a folder, in the order of their names. A folder
 * that is not there has none. */
bool vg_schemas_read(vg_schemas_t *to, vg_pool_t *pool, const char *folder);

/* One that is not from a folder. */
bool vg_schemas_add(vg_schemas_t *to, vg_pool_t *pool, vg_str_t type,
                    vg_str_t text);

/* NULL: there is none */
const vg_schema_t *vg_schemas_find(const vg_schemas_t *in, vg_str_t type);

/* True: who reads what was told by `was` can read what `is` tells. Else wrong
 * names a type, its member and what became of it.
 * back: it is a return to an older version, which has no members and types
 * that are younger than itself. */
bool vg_schemas_follow(vg_schemas_t *is, const vg_schemas_t *was, bool back);


/* NULL, or what is wrong with the schema of a payload: what cannot be compared
 * is refused. member: of which it is so, "" for the whole. */
typedef struct {
    char        member[128]; /* "connectors[].type"                       */
    const char *why;
} vg_schema_fault_t;

bool vg_schema_fits(const vg_json_t *schema, vg_schema_fault_t *fault);
bool vg_schema_follows(const vg_json_t *is, const vg_json_t *was, bool back,
                       vg_schema_fault_t *fault);

#endif /* VG_SCHEMA_H */

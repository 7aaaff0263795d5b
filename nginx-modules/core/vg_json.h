/*
 * vg_json.h: strings, instants, arenas, JSON in and JSON out.
 *
 * Pure C over yajl; knows neither nginx nor the kit, so that plugins' pure
 * files (tariff engine, invoice arithmetic) and unit tests use the same.
 * Numbers are kept as the text that came in: nothing here is ever a double.
 */

#ifndef VG_JSON_H
#define VG_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

/* bytes with a length; data is not NUL-terminated; data NULL means "none" */
typedef struct {
    const char *data;
    size_t      len;
} vg_str_t;

#define VG_STR(literal) ((vg_str_t){ (literal), sizeof(literal) - 1 })

bool     vg_str_eq(vg_str_t a, const char *b);
vg_str_t vg_str(const char *z); /* of a NUL-terminated string */

/* UTF-8 as RFC 3629 has it: nothing overlong, no surrogates */
bool vg_str_utf8(vg_str_t text);


/* RFC 3339: a date and time that exists, in the years 1970 to 9999. *offset
 * says whether one was there; where none may be missing it is an error. */
bool vg_instant(vg_str_t text, bool *offset);


/* An arena: alloc() gives memory aligned for any type, or NULL; all of it is
 * freed at once by whoever owns the arena. */
typedef struct {
    void *(*alloc)(void *data, size_t size);
    void *data;
} vg_pool_t;

void *vg_alloc(vg_pool_t *pool, size_t size);  /* NULL: no memory */
void *vg_calloc(vg_pool_t *pool, size_t size); /* zeroed          */

/* an arena over malloc, for tests, tools and fuzzers */
vg_pool_t *vg_arena_create(void);
void       vg_arena_destroy(vg_pool_t *pool);


typedef enum {
    VG_JSON_NULL,
    VG_JSON_TRUE,
    VG_JSON_FALSE,
    VG_JSON_NUMBER,
    VG_JSON_STRING,
    VG_JSON_ARRAY,
    VG_JSON_OBJECT,
} vg_json_type_t;

typedef struct vg_json_s vg_json_t;
struct vg_json_s {
    vg_json_type_t type;
    vg_str_t       key;   /* when it is a member                         */
    vg_str_t       text;  /* string: unescaped; number: as it came in    */
    vg_str_t       raw;   /* the value's bytes in the parsed text        */
    vg_json_t     *first; /* array, object: first item or member         */
    vg_json_t     *next;  /* next sibling                                */
    size_t         count; /* array, object                               */
};

#define VG_JSON_DEPTH 64 /* deeper is refused                            */

/* Parses one JSON text. The nodes and their strings lie in pool; raw points
 * into text, which must live as long. NULL: not JSON, not UTF-8, deeper than
 * VG_JSON_DEPTH, a member twice in one object, or no memory; *error (may be
 * NULL) says why, a static string fit for a client. */
vg_json_t *vg_json_parse(vg_pool_t *pool, vg_str_t text, const char **error);

/* The member of an object; NULL when absent or when node is no object. */
const vg_json_t *vg_json_get(const vg_json_t *node, const char *name);

/* The text of a string (or number) member; data NULL when absent. */
vg_str_t vg_json_text(const vg_json_t *node, const char *name);


/* A growing JSON text in an arena. A failed allocation sticks: vg_out_str()
 * then gives data NULL. Commas are the writer's: it knows where it stands. */
typedef struct {
    vg_pool_t *pool;
    char      *data;
    size_t     len, size;
    bool       comma; /* the next value needs one before it             */
    bool       failed;
} vg_out_t;

void vg_out_init(vg_out_t *out, vg_pool_t *pool);
void vg_out_open(vg_out_t *out, char bracket);  /* '{' or '[' */
void vg_out_close(vg_out_t *out, char bracket); /* '}' or ']' */
void vg_out_key(vg_out_t *out, const char *key);
void vg_out_name(vg_out_t *out, vg_str_t key);     /* a key that is not ours */
void vg_out_string(vg_out_t *out, vg_str_t value); /* escaped; NULL -> null */
void vg_out_raw(vg_out_t *out, vg_str_t json);     /* a value, as it is    */
void vg_out_int(vg_out_t *out, int64_t value);
void vg_out_bool(vg_out_t *out, bool value);
void vg_out_null(vg_out_t *out);

/* key and value in one */
void vg_out_member(vg_out_t *out, const char *key, vg_str_t value);
void vg_out_member_raw(vg_out_t *out, const char *key, vg_str_t json);

vg_str_t vg_out_str(const vg_out_t *out);

/* a copy in an arena, with a NUL behind it; of none none */
vg_str_t vg_str_copy(vg_pool_t *pool, vg_str_t s);

/* printf into an arena; data NULL: no memory */
vg_str_t vg_printf(vg_pool_t *pool, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#pragma GCC visibility pop

#endif /* VG_JSON_H */

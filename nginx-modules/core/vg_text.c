/*
 * vg_text.c: strings and arenas; see vg_json.h.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vg_json.h"

#define ARENA_CHUNK 4096
#define PRINTF_FEW  256


typedef struct chunk_s chunk_t;
struct chunk_s {
    chunk_t *next;
    size_t   size;
    size_t   used;
};

typedef struct {
    vg_pool_t pool; /* first: what is handed out */
    chunk_t  *chunks;
} arena_t;


bool
vg_str_eq(vg_str_t a, const char *b)
{
    size_t len = strlen(b);

    return a.data != NULL && a.len == len && memcmp(a.data, b, len) == 0;
}


vg_str_t
vg_str(const char *z)
{
    return (vg_str_t){ z, z == NULL ? 0 : strlen(z) };
}


void *
vg_alloc(vg_pool_t *pool, size_t size)
{
    return pool->alloc(pool->data, size == 0 ? 1 : size);
}


void *
vg_calloc(vg_pool_t *pool, size_t size)
{
    void *memory = vg_alloc(pool, size);

    if (memory != NULL) {
        memset(memory, 0, size);
    }

    return memory;
}


static size_t
align(size_t size)
{
    size_t unit = _Alignof(max_align_t);

    return (size + unit - 1) / unit * unit;
}


static void *
arena_alloc(void *data, size_t size)
{
    arena_t *arena = data;
    chunk_t *chunk = arena->chunks;
    size_t   head = align(sizeof(chunk_t));
    size_t   room;
    void    *memory;

    if (size > SIZE_MAX / 4) {
        return NULL;
    }
    size = align(size);

    if (chunk == NULL || chunk->size - chunk->used < size) {
        room = size > ARENA_CHUNK ? size : ARENA_CHUNK;
        chunk = malloc(head + room);
        if (chunk == NULL) {
            return NULL;
        }
        *chunk = (chunk_t){ arena->chunks, room, 0 };
        arena->chunks = chunk;
    }

    memory = (char *) chunk + head + chunk->used;
    chunk->used += size;
    return memory;
}


vg_pool_t *
vg_arena_create(void)
{
    arena_t *arena = malloc(sizeof(*arena));

    if (arena == NULL) {
        return NULL;
    }

    *arena = (arena_t){ { arena_alloc, arena }, NULL };
    return &arena->pool;
}


void
vg_arena_destroy(vg_pool_t *pool)
{
    arena_t *arena;
    chunk_t *chunk;

    if (pool == NULL) {
        return;
    }

    arena = pool->data;
    while ((chunk = arena->chunks) != NULL) {
        arena->chunks = chunk->next;
        free(chunk);
    }
    free(arena);
}


/* Bytes of the character at p, or 0: broken, overlong, half of a surrogate
 * pair, or beyond U+10FFFF. PostgreSQL refuses the same. */
static size_t
utf8_length(const unsigned char *p, const unsigned char *end)
{
    size_t        len, i;
    unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */

    if (*p < 0x80) {
        return 1;
    }
    if (*p < 0xc2 || *p > 0xf4) {
        return 0;
    }

    len = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    if ((size_t) (end - p) < len) {
        return 0;
    }

    switch (*p) {
    case 0xe0:
        low = 0xa0;
        break;
    case 0xed:
        high = 0x9f;
        break;
    case 0xf0:
        low = 0x90;
        break;
    case 0xf4:
        high = 0x8f;
        break;
    }
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (i = 2; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return len;
}


bool
vg_str_utf8(vg_str_t text)
{
    const unsigned char *p = (const unsigned char *) text.data;
    const unsigned char *end = p + text.len;
    size_t               len;

    while (p < end) {
        len = utf8_length(p, end);
        if (len == 0) {
            return false;
        }
        p += len;
    }

    return true;
}


vg_str_t
vg_str_copy(vg_pool_t *pool, vg_str_t s)
{
    char *copy = s.data != NULL ? vg_alloc(pool, s.len + 1) : NULL;

    if (copy == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    return (vg_str_t){ copy, s.len };
}


vg_str_t
vg_printf(vg_pool_t *pool, const char *fmt, ...)
{
    int     len;
    char    few[PRINTF_FEW], *data; /* most is short: printed once */
    va_list args;

    va_start(args, fmt);
    len = vsnprintf(few, sizeof(few), fmt, args);
    va_end(args);
    data = len < 0 ? NULL : vg_alloc(pool, (size_t) len + 1);
    if (data == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    if ((size_t) len < sizeof(few)) {
        memcpy(data, few, (size_t) len + 1);
        return (vg_str_t){ data, (size_t) len };
    }

    va_start(args, fmt);
    vsnprintf(data, (size_t) len + 1, fmt, args);
    va_end(args);

    return (vg_str_t){ data, (size_t) len };
}

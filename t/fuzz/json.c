/* with: nginx-modules/core/value.c
 *
 * json.c: any text as JSON. What is taken is written, read again, and is the
 * same; a value's bytes are that value; what is stored, PostgreSQL takes.
 */

#include "fuzz.h"
#include "value.h"


static void
same(const vg_json_t *a, const vg_json_t *b)
{
    REQUIRE(b != NULL && a->type == b->type && a->count == b->count);
    REQUIRE(a->text.len == b->text.len && a->key.len == b->key.len);
    REQUIRE(a->text.len == 0
            || memcmp(a->text.data, b->text.data, a->text.len) == 0);
    REQUIRE(a->key.len == 0
            || memcmp(a->key.data, b->key.data, a->key.len) == 0);
    for (a = a->first, b = b->first; a != NULL; a = a->next, b = b->next) {
        same(a, b);
    }
    REQUIRE(b == NULL);
}


static void
inside(const vg_json_t *node, vg_str_t text)
{
    const vg_json_t *m;
    size_t           count = 0;

    REQUIRE(node->raw.len > 0 && node->raw.data >= text.data
            && node->raw.data + node->raw.len <= text.data + text.len);
    REQUIRE(node->text.data == NULL || vg_str_utf8(node->text));
    for (m = node->first; m != NULL; m = m->next, count++) {
        inside(m, node->raw);
    }
    REQUIRE(count == node->count);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy = fuzz_copy(data, size);
    vg_str_t         text = { copy, size }, stored;
    vg_pool_t       *pool = vg_arena_create();
    const char      *why = NULL;
    vg_json_t       *node = vg_json_parse(pool, text, &why);
    const vg_json_t *again;

    if (node != NULL) {
        REQUIRE(vg_str_utf8(text));
        inside(node, text);
        same(node, vg_json_parse(pool, vg_value_json(pool, node), NULL));
        again = vg_json_parse(pool, node->raw, NULL);
        same(node, again);
    } else {
        REQUIRE(why != NULL);
    }
    stored = vg_value_stored(pool, text);
    again = vg_json_parse(pool, stored, NULL);
    REQUIRE(again != NULL);
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

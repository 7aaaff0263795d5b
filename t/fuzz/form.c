/* with: nginx-modules/core/form.c
 *
 * form.c: any bytes as a form. What is taken is a JSON object of strings, or
 * names one member twice; what is not says why.
 */

#include "form.h"
#include "fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy = fuzz_copy(data, size);
    vg_pool_t       *pool = vg_arena_create();
    vg_str_t         json;
    const char      *why = NULL;
    const vg_json_t *node, *member;

    json = vg_form_json(pool, (vg_str_t){ copy, size }, &why);
    REQUIRE(json.data != NULL || why != NULL);
    node = json.data ? vg_json_parse(pool, json, &why) : NULL;
    if (node != NULL) {
        REQUIRE(node->type == VG_JSON_OBJECT);
        for (member = node->first; member != NULL; member = member->next) {
            REQUIRE(member->type == VG_JSON_STRING);
            REQUIRE(member->text.len <= size && member->key.len <= size);
        }
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

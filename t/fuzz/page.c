/* with: plugins/billing/page.c plugins/billing/text.c plugins/billing/words.c plugins/billing/exact.c
 *
 * page.c: any invoice as a document. What it gives is one that paper takes.
 */

#include "../../plugins/billing/page.h"
#include "fuzz.h"


/* a block as paper.h has it: never more cells than columns */
static void
block(const vg_json_t *node)
{
    size_t           columns;
    const vg_json_t *row, *cells, *rows = vg_json_get(node, "rows");

    REQUIRE(vg_json_get(node, "widths") != NULL && rows != NULL);
    columns = vg_json_get(node, "widths")->count;
    REQUIRE(columns > 0 && columns <= 8);
    for (row = rows->first; row != NULL; row = row->next) {
        cells = row->type == VG_JSON_OBJECT ? vg_json_get(row, "cells") : row;
        REQUIRE(cells != NULL && cells->type == VG_JSON_ARRAY
                && cells->count <= columns);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy = fuzz_copy(data, size);
    vg_str_t         text;
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *shown, *document, *node;

    shown = vg_json_parse(pool, (vg_str_t){ copy, size }, NULL);
    text = shown != NULL ? page_make(pool, shown) : (vg_str_t){ NULL, 0 };
    if (text.data != NULL) {
        document = vg_json_parse(pool, text, NULL);
        REQUIRE(document != NULL);
        node = vg_json_get(document, "blocks");
        REQUIRE(node != NULL && node->count > 0);
        for (node = node->first; node != NULL; node = node->next) {
            block(node);
        }
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

/* with: nginx-modules/db/statement.c
 *
 * statement.c: any text as a statement file of a plugin.
 */

#include "fuzz.h"
#include "statement.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t      i;
    char       *copy = fuzz_copy(data, size);
    vg_pool_t  *pool = vg_arena_create();
    vg_sql_t    sql = { .count = 0 };
    const char *why = vg_sql_compile(pool, (vg_str_t){ copy, size }, &sql);

    if (why == NULL) {
        REQUIRE(sql.count <= VG_STATEMENT_PARAMS && sql.nrefuses <= 16);
        REQUIRE(strlen(sql.text.data) == sql.text.len);
        for (i = 0; i < sql.count; i++) {
            REQUIRE(sql.names[i].len > 0);
            REQUIRE(vg_sql_param(&sql, sql.names[i]) == i + 1);
        }
    }
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

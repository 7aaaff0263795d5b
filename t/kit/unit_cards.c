/* with: nginx-modules/ocpp/cards.c nginx-modules/ocpp/frame.c nginx-modules/ocpp/action.c nginx-modules/core/pan.c
 *
 * unit_cards.c: what a charge point says, without the numbers of cards.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/ocpp/cards.h"

#define CARD "4539578763621486"
#define NONE "XXXXXXXXXXXXXXXX"
#define ZERO "4000000000000000"

static int tests, failures;


static void
ok(bool good, const char *name, vg_str_t got)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
    if (!good) {
        printf("# %.*s\n", (int) got.len, got.len ? got.data : "");
    }
}


/* clang-format off */
static const struct {
    const char *text, *payload; /* NULL: as it came */
} frames[] = {
    { "[2,\"1\",\"Heartbeat\",{}]", "{}" },
    { "[2,\"1\",\"Heartbeat\",null]", "{}" },
    { "[2,\"1\",\"Authorize\",{ \"idTag\" : \"04A1B2C3D4\" }]", "{ \"idTag\" : \"04A1B2C3D4\" }" },
    { "[2,\"1\",\"Authorize\",{ \"idTag\" : \"4539578763621487\" }]", "{ \"idTag\" : \"4539578763621487\" }" },
    { "[2,\"1\",\"Authorize\",{ \"idTag\" : \"" CARD "\" }]", "{\"idTag\":\"" NONE "\"}" },
    { "[2,\"" CARD "\",\"Authorize\",{\"idTag\":\"" CARD "\"}]", "{\"idTag\":\"" NONE "\"}" },
    { "[2,\"1\",\"A\",{\"a\":\"x \\u0034539-5787 63621486\\n\"}]", "{\"a\":\"x XXXX-XXXX XXXXXXXX\\n\"}" },
    { "[2,\"1\",\"A\",{\"a\":" CARD ",\"b\":[-1.50,true,null,{\"c\":\"" CARD "\"}]}]",
      "{\"a\":" ZERO ",\"b\":[-1.50,true,null,{\"c\":\"" NONE "\"}]}" },
    { "[2,\"1\",\"A\",{\"a\":-" CARD ".0}]", "{\"a\":-" ZERO ".0}" },
    { "[2,\"1\",\"A\",{\"" CARD "\":1}]", "{\"" NONE "\":1}" },
    { "[2,\"1\",\"A\",{\"" CARD "\":1,\"4111111111111111\":2}]", "{}" },
    { "[2,\"1\",\"A\",{\"data\":\"{\\\"pan\\\":\\\"" CARD "\\\"}\"}]", "{\"data\":\"{\\\"pan\\\":\\\"" NONE "\\\"}\"}" },
    { "[2,\"1\",\"A\",{\"a\":\"\xef\xbc\x94" "539578763621486\"}]", "{\"a\":\"***\"}" },
    { "[3,\"1\",{\"data\":\"" CARD "\"}]", "{\"data\":\"" NONE "\"}" },
};
/* clang-format on */


int
main(void)
{
    vg_pool_t *pool = vg_arena_create();
    vg_frame_t frame;

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        vg_str_t text = vg_str(frames[i].text);
        vg_str_t whole;

        if (vg_frame_parse(pool, text, &frame) != VG_FRAME_GOOD) {
            ok(false, "no frame", text);
            continue;
        }
        whole = frame.id;
        vg_cards_mask(pool, &frame);
        ok(vg_str_eq(frame.payload, frames[i].payload), frames[i].text,
           frame.payload);
        ok(frame.id.data == whole.data && frame.id.len == whole.len,
           "its id is as it was", frame.id);
        ok(frame.body == NULL || frame.body->type == VG_JSON_OBJECT,
           "and it can be read", frame.payload);
    }
    (void) vg_frame_parse(
        pool, vg_str("[4,\"1\",\"" CARD "\",\"of " CARD "\",{}]"), &frame);
    vg_cards_mask(pool, &frame);
    ok(vg_str_eq(frame.error_code, NONE), "an error's code", frame.error_code);
    ok(vg_str_eq(frame.description, "of " NONE), "and what it says",
       frame.description);
    (void) vg_frame_parse(pool, vg_str("[2,\"1\",\"A\""), &frame);
    vg_cards_mask(pool, &frame);
    ok(frame.payload.len == 0, "what is no frame stays none", frame.payload);

    printf("1..%d\n", tests);
    vg_arena_destroy(pool);
    return failures != 0;
}

/* with: nginx-modules/ocpp/frame.c nginx-modules/ocpp/action.c
 *
 * frame.c: any text as an OCPP-J frame. Whatever came, the answer to it is a
 * good frame with its id; what is good is written, read again, the same.
 */

#include "frame.h"
#include "fuzz.h"


static bool
alike(vg_str_t a, vg_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


static void
read_again(vg_pool_t *pool, vg_str_t text, vg_frame_type_t type, vg_str_t id)
{
    vg_frame_t frame;

    REQUIRE(text.data != NULL);
    REQUIRE(vg_frame_parse(pool, text, &frame) == VG_FRAME_GOOD);
    REQUIRE(frame.type == type && alike(frame.id, id));
}


static void
answer(vg_pool_t *pool, vg_verdict_t verdict, const vg_frame_t *frame)
{
    if (verdict == VG_FRAME_GOOD && frame->type == VG_FRAME_CALL) {
        REQUIRE(vg_json_parse(pool, frame->payload, NULL) != NULL);
        read_again(
            pool, vg_frame_call(pool, frame->id, frame->action, frame->payload),
            VG_FRAME_CALL, frame->id);
        read_again(pool, vg_frame_result(pool, frame->id, frame->payload),
                   VG_FRAME_RESULT, frame->id);
        (void) vg_action_find(frame->action);
    } else if (verdict == VG_FRAME_GOOD && frame->type == VG_FRAME_RESULT) {
        REQUIRE(vg_json_parse(pool, frame->payload, NULL) != NULL);
    } else if (verdict == VG_FRAME_REFUSED && frame->type == VG_FRAME_CALL) {
        REQUIRE(frame->code > VG_CODE_NONE && frame->code < VG_CODES);
        if (frame->id.len <= VG_FRAME_ID_MAX && frame->id.len > 0) {
            read_again(pool,
                       vg_frame_error(pool, frame->id, frame->code, frame->why),
                       VG_FRAME_ERROR, frame->id);
        }
    }
    REQUIRE(verdict == VG_FRAME_GOOD || frame->why != NULL);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *copy = fuzz_copy(data, size);
    vg_pool_t   *pool = vg_arena_create();
    vg_frame_t   frame = { .type = 0 };
    vg_verdict_t verdict =
        vg_frame_parse(pool, (vg_str_t){ copy, size }, &frame);

    answer(pool, verdict, &frame);
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

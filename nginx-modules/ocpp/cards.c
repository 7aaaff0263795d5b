/*
 * cards.c: the number of a card has no place in what a charge point says,
 * either: not in a note, not as a tag. Its message is taken all the same, or a
 * session would be lost, so here it is not refused but masked, before anything
 * of it is read or kept. What such a number is says core/pan.c.
 *
 * Pure: knows neither the kit nor a socket.
 */

#include <string.h>

#include "../core/pan.h"
#include "cards.h"


static vg_str_t
cards_text(vg_pool_t *pool, vg_str_t text)
{
    char *copy;

    if (text.data == NULL || !vg_pan_found(text.data, text.len, VG_PAN_JSON)) {
        return text;
    }
    copy = vg_alloc(pool, text.len);
    if (copy == NULL) {
        return VG_STR("");
    }
    memcpy(copy, text.data, text.len);
    (void) vg_pan_mask(copy, text.len);
    return vg_pan_found(copy, text.len, VG_PAN_JSON)
               ? VG_STR("***") /* in code, or digits of another script */
               : (vg_str_t){ copy, text.len };
}


/* it stays a number of so many digits */
static vg_str_t
cards_number(vg_pool_t *pool, vg_str_t text)
{
    char *copy;

    if (!vg_pan_found(text.data, text.len, VG_PAN_PLAIN)) {
        return text;
    }
    copy = vg_alloc(pool, text.len);
    if (copy == NULL) {
        return VG_STR("0");
    }
    for (size_t i = 0, digits = 0; i < text.len; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';

        copy[i] = digit && digits++ != 0 ? '0' : text.data[i];
    }
    return (vg_str_t){ copy, text.len };
}


/* as deep as JSON may be: VG_JSON_DEPTH */
static void
cards_value(vg_out_t *out, vg_pool_t *pool, const vg_json_t *node)
{
    bool object = node->type == VG_JSON_OBJECT;

    switch (node->type) {

    case VG_JSON_OBJECT:
    case VG_JSON_ARRAY:
        vg_out_open(out, object ? '{' : '[');
        for (const vg_json_t *n = node->first; n != NULL; n = n->next) {
            if (object) {
                vg_out_name(out, cards_text(pool, n->key));
            }
            cards_value(out, pool, n);
        }
        vg_out_close(out, object ? '}' : ']');
        break;

    case VG_JSON_STRING:
        vg_out_string(out, cards_text(pool, node->text));
        break;

    case VG_JSON_NUMBER:
        vg_out_raw(out, cards_number(pool, node->text));
        break;

    default:
        vg_out_raw(out, node->raw);
        break;
    }
}


void
vg_cards_mask(vg_pool_t *pool, vg_frame_t *frame)
{
    vg_out_t out;

    frame->error_code = cards_text(pool, frame->error_code);
    frame->description = cards_text(pool, frame->description);
    if (frame->body == NULL
        || !vg_pan_found(frame->payload.data, frame->payload.len, VG_PAN_JSON))
    {
        return;
    }
    vg_out_init(&out, pool);
    cards_value(&out, pool, frame->body);
    frame->payload = vg_out_str(&out);
    frame->body = frame->payload.data != NULL
                      ? vg_json_parse(pool, frame->payload, NULL)
                      : NULL;
    if (frame->body == NULL) { /* two members are called the same now */
        frame->payload = VG_STR("{}");
    }
}

/*
 * told.c: see told.h.
 */

#include "told.h"


static vg_str_t
word(const vg_json_t *node, const char *name)
{
    const vg_json_t *member = vg_json_get(node, name);

    return member != NULL && member->type == VG_JSON_STRING
               ? member->text
               : (vg_str_t){ NULL, 0 };
}


static const vg_json_t *
object(const vg_json_t *node, const char *name)
{
    const vg_json_t *member = vg_json_get(node, name);

    return member != NULL && member->type == VG_JSON_OBJECT ? member : NULL;
}


static bool
printable(vg_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return text.len != 0 && text.len <= TOLD_NAME;
}


static bool
hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}


static bool
uuid(vg_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23 ? text.data[i] != '-'
                                                    : !hex(text.data[i]))
        {
            return false;
        }
    }
    return text.len == 36;
}


/* of what is no name, nothing is kept; without the first two it is no event */
static told_rc_t
checked(told_t *told)
{
    vg_str_t none = { NULL, 0 };

    if (!printable(told->ref)) {
        told->ref = none;
    }
    if (!uuid(told->intent)) {
        told->intent = none;
    }
    return printable(told->event) && printable(told->type) ? TOLD_OK
                                                           : TOLD_NONSENSE;
}


told_rc_t
told_stripe(const vg_json_t *body, told_t *told)
{
    const vg_json_t *about = object(object(body, "data"), "object");

    told->event = word(body, "id");
    told->type = word(body, "type");
    told->ref = word(about, "payment_intent");
    if (told->ref.len == 0) {
        told->ref = word(about, "id");
    }
    told->intent = word(object(about, "metadata"), "intent");
    return checked(told);
}


/* -1: it is no moment */
static int64_t
seconds(const vg_json_t *node, const char *name)
{
    size_t   i;
    int64_t  at = 0;
    vg_str_t text = vg_json_text(node, name);

    for (i = 0; i < text.len; i++) {
        if (i == 12 || text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        at = at * 10 + (text.data[i] - '0');
    }
    return text.len != 0 ? at : -1;
}


told_rc_t
told_razorpay(const vg_json_t *body, vg_str_t event, int64_t now, told_t *told)
{
    int64_t          late = now - seconds(body, "created_at");
    const vg_json_t *payment =
        object(object(object(body, "payload"), "payment"), "entity");

    told->event = event;
    told->type = word(body, "event");
    told->ref = word(payment, "id");
    told->intent = word(object(payment, "notes"), "intent");
    return late > TOLD_OLD || late < -TOLD_SKEW ? TOLD_OLDER : checked(told);
}

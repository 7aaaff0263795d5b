/*
 * frame.c: reads and writes the arrays of OCPP-J 1.6.
 */

#include <string.h>

#include "frame.h"

/* "Occurence" is misspelt in the specification, so chargers expect it so */
static const char *const code_names[VG_CODES] = {
    [VG_CODE_NONE] = "",
    [VG_CODE_NOT_IMPLEMENTED] = "NotImplemented",
    [VG_CODE_NOT_SUPPORTED] = "NotSupported",
    [VG_CODE_INTERNAL] = "InternalError",
    [VG_CODE_PROTOCOL] = "ProtocolError",
    [VG_CODE_SECURITY] = "SecurityError",
    [VG_CODE_FORMATION] = "FormationViolation",
    [VG_CODE_PROPERTY] = "PropertyConstraintViolation",
    [VG_CODE_OCCURENCE] = "OccurenceConstraintViolation",
    [VG_CODE_TYPE] = "TypeConstraintViolation",
    [VG_CODE_GENERIC] = "GenericError",
};


const char *
vg_frame_code_name(vg_code_t code)
{
    return code_names[code];
}


/* -------------------------------------------------------------------- in */

static vg_verdict_t
unreadable(vg_frame_t *frame, const char *why)
{
    frame->why = why;
    return VG_FRAME_UNREADABLE;
}


static vg_verdict_t
refused(vg_frame_t *frame, vg_code_t code, const char *why)
{
    frame->code = code;
    frame->why = why;
    return VG_FRAME_REFUSED;
}


static size_t
characters(vg_str_t s)
{
    size_t i, n = 0;

    for (i = 0; i < s.len; i++) {
        n += ((unsigned char) s.data[i] & 0xc0) != 0x80;
    }
    return n;
}


static vg_verdict_t
frame_type(vg_frame_t *frame, vg_str_t number)
{
    if (number.len != 1 || number.data[0] < '2' || number.data[0] > '4') {
        frame->why = "message type of another version";
        return VG_FRAME_IGNORED;
    }
    frame->type = number.data[0] - '0';
    return VG_FRAME_GOOD;
}


static void
skip(vg_str_t *text, size_t n)
{
    text->data += n;
    text->len -= n;
}


static void
skip_blanks(vg_str_t *text)
{
    while (text->len > 0
           && (*text->data == ' ' || *text->data == '\t' || *text->data == '\r'
               || *text->data == '\n'))
    {
        skip(text, 1);
    }
}


static bool
take(vg_str_t *text, char c)
{
    skip_blanks(text);
    if (text->len == 0 || *text->data != c) {
        return false;
    }
    skip(text, 1);
    return true;
}


/* Broken JSON behind a head that can be read: the sender waits for an answer
 * to this id, so it shall have one. Only plain ids: no escapes, no UTF-8. */
static vg_verdict_t
frame_salvage(vg_str_t text, vg_frame_t *frame, const char *why)
{
    size_t   i;
    vg_str_t number;

    if (!take(&text, '[')) {
        return unreadable(frame, why);
    }
    skip_blanks(&text);
    if (text.len == 0) {
        return unreadable(frame, why);
    }
    number = (vg_str_t){ text.data, 1 };
    skip(&text, 1);
    if (!take(&text, ',') || !take(&text, '"')
        || frame_type(frame, number) != VG_FRAME_GOOD)
    {
        return unreadable(frame, why);
    }
    for (i = 0; i < text.len && i <= VG_FRAME_ID_MAX; i++) {
        if (text.data[i] == '"') {
            frame->id = (vg_str_t){ text.data, i };
            return refused(frame, VG_CODE_FORMATION, why);
        }
        if (text.data[i] < ' ' || text.data[i] > '~' || text.data[i] == '\\') {
            break;
        }
    }
    return unreadable(frame, why);
}


/* null is taken for {}, which many chargers mean by it */
static bool
frame_payload(vg_frame_t *frame, const vg_json_t *node)
{
    if (node->type == VG_JSON_NULL) {
        frame->payload = VG_STR("{}");
        return true;
    }
    frame->payload = node->raw;
    frame->body = node;
    return node->type == VG_JSON_OBJECT;
}


static vg_verdict_t
frame_call(vg_frame_t *frame, const vg_json_t *array, const vg_json_t *node)
{
    if (characters(frame->id) > VG_FRAME_ID_MAX) {
        return refused(frame, VG_CODE_PROTOCOL,
                       "message id has more than 36 characters");
    }
    if (array->count != 4) {
        return refused(frame, VG_CODE_FORMATION, "a CALL has 4 elements");
    }
    if (node->type != VG_JSON_STRING) {
        return refused(frame, VG_CODE_FORMATION, "action is not a string");
    }
    frame->action = node->text;
    if (!frame_payload(frame, node->next)) {
        return refused(frame, VG_CODE_FORMATION, "payload is not an object");
    }
    return VG_FRAME_GOOD;
}


static vg_verdict_t
frame_result(vg_frame_t *frame, const vg_json_t *array, const vg_json_t *node)
{
    if (array->count != 3 || !frame_payload(frame, node)) {
        return refused(frame, VG_CODE_FORMATION, "malformed CALLRESULT");
    }
    return VG_FRAME_GOOD;
}


/* Description and details are often left out; the code is what matters. */
static vg_verdict_t
frame_error(vg_frame_t *frame, const vg_json_t *array, const vg_json_t *node)
{
    if (array->count < 3 || array->count > 5 || node->type != VG_JSON_STRING) {
        return refused(frame, VG_CODE_FORMATION, "malformed CALLERROR");
    }
    frame->error_code = node->text;
    frame->description = VG_STR("");
    if (node->next && node->next->type == VG_JSON_STRING) {
        frame->description = node->next->text;
    }
    return VG_FRAME_GOOD;
}


vg_verdict_t
vg_frame_parse(vg_pool_t *pool, vg_str_t text, vg_frame_t *frame)
{
    vg_verdict_t     verdict;
    const char      *error;
    const vg_json_t *array, *type, *id;

    memset(frame, 0, sizeof(*frame));

    array = vg_json_parse(pool, text, &error);
    if (array == NULL) {
        return frame_salvage(text, frame, error);
    }
    if (array->type != VG_JSON_ARRAY || array->count < 1) {
        return unreadable(frame, "not an array");
    }
    type = array->first;
    if (type->type != VG_JSON_NUMBER) {
        return unreadable(frame, "message type is not a number");
    }
    verdict = frame_type(frame, type->text);
    if (verdict != VG_FRAME_GOOD) {
        return verdict;
    }
    id = type->next;
    if (id == NULL || id->type != VG_JSON_STRING
        || id->text.len > VG_FRAME_ID_ECHO) {
        return unreadable(frame, "message id cannot be read");
    }
    frame->id = id->text;
    if (id->next == NULL) {
        return refused(frame, VG_CODE_FORMATION, "frame ends after its id");
    }

    switch (frame->type) {
    case VG_FRAME_CALL:
        return frame_call(frame, array, id->next);
    case VG_FRAME_RESULT:
        return frame_result(frame, array, id->next);
    default:
        return frame_error(frame, array, id->next);
    }
}


/* ------------------------------------------------------------------- out */

static void
frame_head(vg_out_t *out, vg_pool_t *pool, vg_frame_type_t type, vg_str_t id)
{
    vg_out_init(out, pool);
    vg_out_open(out, '[');
    vg_out_int(out, type);
    vg_out_string(out, id);
}


static vg_str_t
frame_end(vg_out_t *out)
{
    vg_out_close(out, ']');
    return vg_out_str(out);
}


vg_str_t
vg_frame_call(vg_pool_t *pool, vg_str_t id, vg_str_t action, vg_str_t payload)
{
    vg_out_t out;

    frame_head(&out, pool, VG_FRAME_CALL, id);
    vg_out_string(&out, action);
    vg_out_raw(&out, payload);
    return frame_end(&out);
}


vg_str_t
vg_frame_result(vg_pool_t *pool, vg_str_t id, vg_str_t payload)
{
    vg_out_t out;

    frame_head(&out, pool, VG_FRAME_RESULT, id);
    vg_out_raw(&out, payload);
    return frame_end(&out);
}


vg_str_t
vg_frame_error(vg_pool_t *pool, vg_str_t id, vg_code_t code,
               const char *description)
{
    vg_out_t out;

    frame_head(&out, pool, VG_FRAME_ERROR, id);
    vg_out_string(&out, vg_str(code_names[code]));
    vg_out_string(&out, vg_str(description));
    vg_out_raw(&out, VG_STR("{}"));
    return frame_end(&out);
}

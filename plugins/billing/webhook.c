/*
 * webhook.c: what providers tell by themselves. It is signed, of now, and heard
 * once; and even so it moves no money: it says that a payment is to be looked
 * at, and the push asks the provider.
 */

#include "providers.h"
#include "signature.h"

#include <string.h>

#define WEBHOOK_MOST 65536 /* bytes of a body                            */
#define WEBHOOK_LATE 300   /* s; Stripe's: when it was signed            */
#define WEBHOOK_OLD  90000 /* s; Razorpay's: sent again for a day        */
#define WEBHOOK_NAME 255   /* bytes of an id, of a type                  */

/* clang-format off */

const vg_field_t webhook_fields[] = {
    { VG_PATH, "provider", VG_TEXT, VG_REQUIRED, 1, 32,
      .about = "stripe or razorpay" },
    { VG_BOUND, "event", VG_TEXT, .about = "its id" },
    { VG_BOUND, "digest", VG_TEXT, .about = "of the body" },
    { VG_BOUND, "type", VG_TEXT, .about = "the provider's word" },
    { VG_BOUND, "ref", VG_TEXT, .about = "the provider's payment" },
    { VG_BOUND, "intent", VG_UUID, .about = "ours, as it says" },
    VG_FIELDS_END
};

/* clang-format on */

/* what one says; data NULL: it does not */
typedef struct {
    vg_str_t event, type, ref, intent;
} heard_t;

typedef struct {
    const char *name;
    /* VG_OK, or refused */
    vg_rc_t (*signed_by)(vg_call_t *call, vg_str_t body);
    /* false: not of now, or no event */
    bool (*read)(vg_call_t *call, const vg_json_t *body, heard_t *heard);
} sender_t;


static vg_rc_t
unsigned_by(vg_call_t *call, vg_rc_t rc)
{
    return vg_refuse(call,
                     rc == VG_DECLINED ? "not_found" : "signature_invalid");
}


static bool
within(vg_call_t *call, int64_t at, int64_t span)
{
    int64_t late = vg_now(call) / 1000000 - at;

    return late <= span && late >= -WEBHOOK_LATE;
}


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


static vg_str_t
word(const vg_json_t *node, const char *name)
{
    const vg_json_t *member = vg_json_get(node, name);

    return member != NULL && member->type == VG_JSON_STRING
                   && member->text.len != 0 && member->text.len <= WEBHOOK_NAME
               ? member->text
               : (vg_str_t){ NULL, 0 };
}


static const vg_json_t *
object(const vg_json_t *node, const char *name)
{
    const vg_json_t *member = vg_json_get(node, name);

    return member != NULL && member->type == VG_JSON_OBJECT ? member : NULL;
}


/* ---------------------------------------------------- the shape of Stripe's */

/* Each is of one secret; while one takes over there are two. */
static vg_rc_t
stripe_signed(vg_call_t *call, vg_str_t body)
{
    vg_rc_t     rc = VG_ERROR;
    vg_str_t    before;
    unsigned    i;
    signature_t s;

    if (!signature_read(vg_header(call, "Stripe-Signature"), &s)) {
        return unsigned_by(call, VG_ERROR);
    }
    before = vg_printf(vg_pool(call), "%.*s.", (int) s.when.len, s.when.data);
    for (i = 0; i < s.count && rc == VG_ERROR; i++) {
        rc = vg_signed(call, VG_STR("stripe"), before, body, s.v1[i]);
    }
    if (rc != VG_OK) {
        return unsigned_by(call, rc);
    }
    return within(call, s.at, WEBHOOK_LATE)
               ? VG_OK
               : vg_refuse(call, "webhook_too_old");
}


static bool
stripe_read(vg_call_t *call, const vg_json_t *body, heard_t *heard)
{
    const vg_json_t *about = object(object(body, "data"), "object");

    (void) call;
    heard->event = word(body, "id");
    heard->type = word(body, "type");
    heard->ref = word(about, "payment_intent");
    if (heard->ref.data == NULL) {
        heard->ref = word(about, "id");
    }
    heard->intent = word(object(about, "metadata"), "intent");
    return true;
}


/* -------------------------------------------------- the shape of Razorpay's */

static vg_rc_t
razorpay_signed(vg_call_t *call, vg_str_t body)
{
    vg_rc_t rc = vg_signed(call, VG_STR("razorpay"), VG_STR(""), body,
                           vg_header(call, "X-Razorpay-Signature"));

    return rc == VG_OK ? VG_OK : unsigned_by(call, rc);
}


/* The id stands beside what is signed: the body's digest is what counts. */
static bool
razorpay_read(vg_call_t *call, const vg_json_t *body, heard_t *heard)
{
    const vg_json_t *payment =
        object(object(object(body, "payload"), "payment"), "entity");

    heard->event = vg_header(call, "X-Razorpay-Event-Id");
    heard->type = word(body, "event");
    heard->ref = word(payment, "id");
    heard->intent = word(object(payment, "notes"), "intent");
    return within(call, seconds(body, "created_at"), WEBHOOK_OLD);
}


/* ------------------------------------------------------------- all of them */

static const sender_t senders[] = {
    { "stripe", stripe_signed, stripe_read },
    { "razorpay", razorpay_signed, razorpay_read },
    { NULL, NULL, NULL },
};


static const sender_t *
sender_of(vg_call_t *call)
{
    vg_str_t        name = vg_get(call, "provider")->text;
    const sender_t *s;

    for (s = senders; s->name != NULL; s++) {
        if (vg_str_eq(name, s->name) && provider_known(call, name)) {
            return s;
        }
    }
    return NULL;
}


static bool
uuid(vg_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23
                ? text.data[i] != '-'
                : strchr("0123456789abcdef", text.data[i]) == NULL)
        {
            return false;
        }
    }
    return text.len == 36;
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
    return text.len != 0 && text.len <= WEBHOOK_NAME;
}


static vg_rc_t
webhook_bind(vg_call_t *call, heard_t *heard, vg_str_t body)
{
    vg_str_t none = { NULL, 0 };
    vg_str_t digest = vg_sha256(call, VG_STR(""), body);

    if (digest.data == NULL || vg_bind(call, "digest", digest) != VG_OK
        || vg_bind(call, "event", heard->event) != VG_OK
        || vg_bind(call, "type", heard->type) != VG_OK
        || vg_bind(call, "ref", printable(heard->ref) ? heard->ref : none)
               != VG_OK
        || vg_bind(call, "intent", uuid(heard->intent) ? heard->intent : none)
               != VG_OK)
    {
        return vg_refuse(call, "internal");
    }
    return VG_OK;
}


/* What is not signed is not parsed. */
vg_rc_t
webhook_check(vg_call_t *call)
{
    heard_t          heard;
    vg_str_t         body = vg_raw_body(call);
    const sender_t  *sender = sender_of(call);
    const vg_json_t *json;

    if (sender == NULL) {
        return vg_refuse(call, "not_found");
    }
    if (body.len > WEBHOOK_MOST) {
        return vg_refuse(call, "too_large");
    }
    if (body.len == 0) {
        return vg_refuse(call, "signature_invalid");
    }
    if (sender->signed_by(call, body) != VG_OK) {
        return VG_ERROR;
    }
    json = vg_json_parse(vg_pool(call), body, NULL);
    if (json == NULL || json->type != VG_JSON_OBJECT) {
        return vg_refuse(call, "malformed");
    }
    if (!sender->read(call, json, &heard)) {
        return vg_refuse(call, "webhook_too_old");
    }
    if (!printable(heard.event) || !printable(heard.type)) {
        return vg_refuse(call, "malformed");
    }
    return webhook_bind(call, &heard, body);
}

/*
 * webhook.c: what providers tell by themselves. It is signed, of now, and heard
 * once; and even so it moves no money: it says that a payment is to be looked
 * at, and the push asks the provider.
 */

#include "providers.h"
#include "signature.h"
#include "told.h"

#define WEBHOOK_MOST 65536 /* bytes of a body                            */
#define WEBHOOK_LATE 300   /* s; Stripe's: when it was signed            */

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

typedef struct {
    const char *name;
    /* VG_OK, or refused */
    vg_rc_t (*signed_by)(vg_call_t *call, vg_str_t body);
    told_rc_t (*read)(vg_call_t *call, const vg_json_t *body, told_t *told);
} sender_t;


static vg_rc_t
unsigned_by(vg_call_t *call, vg_rc_t rc)
{
    return vg_refuse(call,
                     rc == VG_DECLINED ? "not_found" : "signature_invalid");
}


/* ---------------------------------------------------- the shape of Stripe's */

/* Each is of one secret; while one takes over there are two. */
static vg_rc_t
stripe_signed(vg_call_t *call, vg_str_t body)
{
    vg_rc_t     rc = VG_ERROR;
    int64_t     late;
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
    late = vg_now(call) / 1000000 - s.at;
    return late <= WEBHOOK_LATE && late >= -WEBHOOK_LATE
               ? VG_OK
               : vg_refuse(call, "webhook_too_old");
}


static told_rc_t
stripe_read(vg_call_t *call, const vg_json_t *body, told_t *told)
{
    (void) call;
    return told_stripe(body, told);
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
static told_rc_t
razorpay_read(vg_call_t *call, const vg_json_t *body, told_t *told)
{
    return told_razorpay(body, vg_header(call, "X-Razorpay-Event-Id"),
                         vg_now(call) / 1000000, told);
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


static vg_rc_t
webhook_bind(vg_call_t *call, const told_t *told, vg_str_t body)
{
    vg_str_t digest = vg_sha256(call, VG_STR(""), body);

    if (digest.data == NULL) {
        return vg_refuse(call, "internal");
    }
    return vg_bind(call, "digest", digest) == VG_OK
                   && vg_bind(call, "event", told->event) == VG_OK
                   && vg_bind(call, "type", told->type) == VG_OK
                   && vg_bind(call, "ref", told->ref) == VG_OK
                   && vg_bind(call, "intent", told->intent) == VG_OK
               ? VG_OK
               : VG_ERROR; /* as vg_bind() has refused it */
}


/* What is not signed is not parsed. */
vg_rc_t
webhook_check(vg_call_t *call)
{
    told_t           told;
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
    switch (sender->read(call, json, &told)) {
    case TOLD_OK:
        return webhook_bind(call, &told, body);
    case TOLD_OLDER:
        return vg_refuse(call, "webhook_too_old");
    default:
        return vg_refuse(call, "malformed");
    }
}

/*
 * adapter_stripe.c: payment intents that are captured by hand, in the shape of
 * Stripe's API: forms in, JSON out. What is asked under one Idempotency-Key is
 * done once. Each answer has the charge in it, so amounts are never counted up
 * here. An intent whose answer was lost for good is found by its metadata.
 */

#include "adapter.h"

#define FORM "application/x-www-form-urlencoded"

static const pay_word_t stripe_statuses[] = {
    { "requires_payment_method", PAY_FAILED },
    { "requires_confirmation", PAY_PENDING },
    { "requires_action", PAY_FAILED }, /* nobody is there to act */
    { "processing", PAY_PENDING },
    { "requires_capture", PAY_AUTHORISED },
    { "succeeded", PAY_CAPTURED },
    { "canceled", PAY_CANCELLED },
    { NULL, 0 },
};

static const pay_word_t stripe_refunds[] = {
    { "pending", PAY_READ },         { "succeeded", PAY_READ },
    { "failed", PAY_REFUSED },       { "canceled", PAY_REFUSED },
    { "requires_action", PAY_READ }, { NULL, 0 },
};


/* ---------------------------------------------------------------- requests */

/* as a form has it; all but letters and digits are escaped */
static vg_str_t
stripe_escape(vg_pool_t *pool, vg_str_t text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t            n = 0;
    char             *to = vg_alloc(pool, 3 * text.len + 1);

    if (to == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || c == '_' || c == '-')
        {
            to[n++] = (char) c;
        } else {
            to[n++] = '%';
            to[n++] = hex[c >> 4];
            to[n++] = hex[c & 15];
        }
    }
    to[n] = '\0';
    return (vg_str_t){ to, n };
}


static vg_str_t
stripe_lower(vg_pool_t *pool, vg_str_t text)
{
    vg_str_t low = vg_printf(pool, "%.*s", (int) text.len, text.data);

    for (char *c = (char *) low.data; c != NULL && *c != '\0'; c++) {
        *c = (char) (*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    return low;
}


static vg_str_t
stripe_authorise(vg_pool_t *pool, const pay_intent_t *i)
{
    vg_str_t token = stripe_escape(pool, i->token);
    vg_str_t customer = stripe_escape(pool, i->customer);
    vg_str_t currency = stripe_lower(pool, i->currency);

    if (token.data == NULL || customer.data == NULL || currency.data == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    return vg_printf(pool,
                     "amount=%lld&currency=%s&payment_method=%s%s%s"
                     "&capture_method=manual&confirm=true&off_session=true"
                     "&metadata[intent]=%.*s&expand[]=latest_charge",
                     (long long) i->amount, currency.data, token.data,
                     customer.len ? "&customer=" : "", customer.data,
                     (int) i->id.len, i->id.data);
}


static vg_str_t
stripe_body(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op)
{
    switch (op) {

    case PAY_AUTHORISE:
        return stripe_authorise(pool, i);

    case PAY_CAPTURE:
        return vg_printf(pool, "amount_to_capture=%lld&expand[]=latest_charge",
                         (long long) i->capture);

    case PAY_CANCEL:
        return VG_STR("expand[]=latest_charge");

    case PAY_REFUND:
        return vg_printf(pool,
                         "payment_intent=%.*s&amount=%lld&expand[]=charge"
                         "&metadata[intent]=%.*s",
                         (int) i->ref.len, i->ref.data, (long long) i->refund,
                         (int) i->id.len, i->id.data);

    default:
        return (vg_str_t){ NULL, 0 };
    }
}


static vg_str_t
stripe_path(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op)
{
    vg_str_t    ref = stripe_escape(pool, i->ref);
    const char *verb = op == PAY_CAPTURE  ? "/capture"
                       : op == PAY_CANCEL ? "/cancel"
                                          : "?expand[]=latest_charge";

    if (op == PAY_AUTHORISE) {
        return VG_STR("/v1/payment_intents");
    }
    if (op == PAY_REFUND) {
        return VG_STR("/v1/refunds");
    }
    if (ref.len != 0) {
        return vg_printf(pool, "/v1/payment_intents/%s%s", ref.data, verb);
    }
    return vg_printf(pool,
                     "/v1/payment_intents/search?query=metadata%%5B%%27intent"
                     "%%27%%5D%%3A%%27%.*s%%27&expand[]=data.latest_charge",
                     (int) i->id.len, i->id.data);
}


static bool
stripe_ask(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op,
           pay_request_t *request)
{
    *request = (pay_request_t){ .post = op != PAY_LOOK,
                                .path = stripe_path(pool, i, op),
                                .body = stripe_body(pool, i, op),
                                .type = FORM };
    return request->path.data != NULL
           && (request->body.data != NULL) == request->post;
}


/* ----------------------------------------------------------------- answers */

static vg_str_t
stripe_error(const vg_json_t *error)
{
    vg_str_t why = pay_failure(vg_json_text(error, "decline_code"));

    return why.data != NULL ? why : pay_failure(vg_json_text(error, "code"));
}


/* false: it is not of this intent, or no payment intent */
static bool
stripe_intent(const pay_intent_t *i, const vg_json_t *node, pay_said_t *said)
{
    vg_str_t         ref = vg_json_text(node, "id");
    const vg_json_t *charge = vg_json_get(node, "latest_charge");

    said->status = (pay_status_t) pay_word(
        stripe_statuses, vg_json_text(node, "status"), PAY_UNSAID);
    if (ref.data == NULL || said->status == PAY_UNSAID
        || pay_count(node, "amount", -1) != i->amount)
    {
        return false;
    }
    said->ref = ref;
    said->captured = pay_count(node, "amount_received", -1);
    said->refunded = pay_count(charge, "amount_refunded", -1);
    if (said->status == PAY_FAILED) {
        said->failure = stripe_error(vg_json_get(node, "last_payment_error"));
        if (said->failure.data == NULL) {
            said->failure = VG_STR("authentication_required");
        }
    }
    return said->status != PAY_CAPTURED || said->captured >= 0;
}


/* Of several only one can be ours to go on with: the furthest. */
static void
stripe_found(const pay_intent_t *i, const vg_json_t *body, pay_said_t *said)
{
    pay_said_t one,
        best = { .verdict = PAY_NOT_THERE, .captured = -1, .refunded = -1 };
    const vg_json_t *data = vg_json_get(body, "data");

    if (data == NULL || data->type != VG_JSON_ARRAY) {
        return;
    }
    for (const vg_json_t *n = data->first; n != NULL; n = n->next) {
        one =
            (pay_said_t){ .verdict = PAY_READ, .captured = -1, .refunded = -1 };
        if (stripe_intent(i, n, &one)
            && (best.verdict == PAY_NOT_THERE
                || (one.status <= PAY_CAPTURED
                    && (one.status > best.status
                        || best.status > PAY_CAPTURED))))
        {
            best = one;
        }
    }
    *said = best;
}


static void
stripe_refunded(const pay_intent_t *i, const vg_json_t *body, pay_said_t *said)
{
    int64_t amount = pay_count(body, "amount", -1);

    if (amount != i->refund) {
        return;
    }
    said->verdict = (pay_verdict_t) pay_word(
        stripe_refunds, vg_json_text(body, "status"), PAY_AGAIN);
    if (said->verdict == PAY_READ) {
        said->refunded = pay_count(vg_json_get(body, "charge"),
                                   "amount_refunded", i->refunded + amount);
    } else if (said->verdict == PAY_REFUSED) {
        said->failure = pay_failure(vg_json_text(body, "failure_reason"));
    }
}


/* A card that is declined comes with the intent as it is now. */
static void
stripe_refused(const pay_intent_t *i, pay_op_t op, const vg_json_t *body,
               pay_said_t *said)
{
    const vg_json_t *error = vg_json_get(body, "error");

    if (error == NULL || op == PAY_LOOK) {
        said->verdict = PAY_AGAIN;
        return;
    }
    if (stripe_intent(i, vg_json_get(error, "payment_intent"), said)) {
        said->verdict = PAY_READ;
        if (said->status == PAY_FAILED && stripe_error(error).data != NULL) {
            said->failure = stripe_error(error);
        }
        return;
    }
    *said = (pay_said_t){ .verdict = PAY_REFUSED,
                          .failure = stripe_error(error),
                          .captured = -1,
                          .refunded = -1 };
    if (said->failure.data == NULL) {
        said->failure = VG_STR("refused");
    }
    if (vg_str_eq(vg_json_text(error, "type"), "idempotency_error")) {
        said->failure = (vg_str_t){ NULL, 0 }; /* something may have come */
    }
}


static void
stripe_read(const pay_intent_t *i, pay_op_t op, int status,
            const vg_json_t *body, pay_said_t *said)
{
    *said =
        (pay_said_t){ .verdict = PAY_AGAIN, .captured = -1, .refunded = -1 };
    switch (pay_http(status)) {

    case PAY_READ:
        if (op == PAY_REFUND) {
            stripe_refunded(i, body, said);
        } else if (op == PAY_LOOK && i->ref.data == NULL) {
            stripe_found(i, body, said);
        } else if (stripe_intent(i, body, said)) {
            said->verdict = PAY_READ;
        }
        break;

    case PAY_REFUSED:
        stripe_refused(i, op, body, said);
        break;

    default:
        break;
    }
}


const pay_adapter_t pay_stripe = { .name = "stripe",
                                   .ask = stripe_ask,
                                   .read = stripe_read };

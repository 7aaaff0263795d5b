/*
 * adapter_razorpay.c: an order, a payment on it by a token, in the shape of
 * Razorpay's API: JSON in and out. Payments are captured whole or lapse; no key
 * makes them safe to ask twice, so who may have asked looks first: at orders by
 * their receipt, which is the intent's id, at payments by their order.
 */

#include "adapter.h"

static const pay_word_t razorpay_statuses[] = {
    { "created", PAY_PENDING },   { "authorized", PAY_AUTHORISED },
    { "captured", PAY_CAPTURED }, { "refunded", PAY_CAPTURED },
    { "failed", PAY_FAILED },     { NULL, 0 },
};

static const pay_word_t razorpay_refunds[] = {
    { "pending", PAY_READ },
    { "processed", PAY_READ },
    { "failed", PAY_REFUSED },
    { NULL, 0 },
};

/* reasons by which a card is declined: there is a payment then, and it failed;
 * any other refusal is of what we asked */
static const pay_word_t razorpay_declines[] = {
    { "payment_failed", 1 },
    { "payment_declined", 1 },
    { "card_declined", 1 },
    { "insufficient_funds", 1 },
    { "card_expired", 1 },
    { "gateway_technical_error", 1 },
    { "payment_risk_check_failed", 1 },
    { NULL, 0 },
};


/* ---------------------------------------------------------------- requests */

static vg_str_t
razorpay_body(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op)
{
    vg_out_t out;

    if (op == PAY_LOOK) {
        return (vg_str_t){ NULL, 0 };
    }
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_key(&out, "amount");
    vg_out_int(&out, op == PAY_REFUND ? i->refund : i->amount);
    if (op != PAY_REFUND) {
        vg_out_member(&out, "currency", i->currency);
    }
    if (op == PAY_ORDER) {
        vg_out_member(&out, "receipt", i->id);
        vg_out_key(&out, "payment_capture");
        vg_out_bool(&out, false);
    }
    if (op == PAY_AUTHORISE) {
        vg_out_member(&out, "order_id", i->order);
        vg_out_member(&out, "customer_id", i->customer);
        vg_out_member(&out, "token", i->token);
        vg_out_member(&out, "recurring", VG_STR("1"));
    }
    if (op == PAY_AUTHORISE || op == PAY_REFUND) {
        vg_out_key(&out, "notes");
        vg_out_open(&out, '{');
        vg_out_member(&out, "intent", i->id);
        vg_out_close(&out, '}');
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static vg_str_t
razorpay_look(vg_pool_t *pool, const pay_intent_t *i)
{
    if (i->ref.data != NULL) {
        return vg_printf(pool, "/v1/payments/%.*s", (int) i->ref.len,
                         i->ref.data);
    }
    if (i->order.data != NULL) {
        return vg_printf(pool, "/v1/orders/%.*s/payments", (int) i->order.len,
                         i->order.data);
    }
    return vg_printf(pool, "/v1/orders?receipt=%.*s", (int) i->id.len,
                     i->id.data);
}


static vg_str_t
razorpay_path(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op)
{
    switch (op) {

    case PAY_ORDER:
        return VG_STR("/v1/orders");

    case PAY_AUTHORISE:
        return VG_STR("/v1/payments/create/recurring");

    case PAY_CAPTURE:
    case PAY_REFUND:
        return vg_printf(pool, "/v1/payments/%.*s/%s", (int) i->ref.len,
                         i->ref.data, op == PAY_CAPTURE ? "capture" : "refund");

    default:
        return razorpay_look(pool, i);
    }
}


static bool
razorpay_ask(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op,
             pay_request_t *request)
{
    *request =
        (pay_request_t){ .post = op != PAY_LOOK,
                         .path = razorpay_path(pool, i, op),
                         .body = razorpay_body(pool, i, op),
                         .type = "application/json",
                         .key_header =
                             op == PAY_REFUND ? "X-Refund-Idempotency" : NULL };
    return request->path.data != NULL
           && (request->body.data != NULL) == request->post;
}


/* ----------------------------------------------------------------- answers */

static vg_str_t
razorpay_reason(const vg_json_t *node, const char *name)
{
    vg_str_t why = pay_failure(vg_json_text(node, name));

    return why.data != NULL ? why : VG_STR("refused");
}


/* false: it is not of this intent, or no payment. One that was never captured
 * and is given back has lapsed. */
static bool
razorpay_payment(const pay_intent_t *i, const vg_json_t *node, pay_said_t *said)
{
    const vg_json_t *captured = vg_json_get(node, "captured");

    said->status = (pay_status_t) pay_word(
        razorpay_statuses, vg_json_text(node, "status"), PAY_UNSAID);
    said->ref = vg_json_text(node, "id");
    if (said->ref.data == NULL || said->status == PAY_UNSAID
        || pay_count(node, "amount", -1) != i->amount)
    {
        return false;
    }
    if (said->status == PAY_CAPTURED) {
        if (captured != NULL && captured->type == VG_JSON_TRUE) {
            said->captured = i->amount;
            said->refunded = pay_count(node, "amount_refunded", -1);
        } else {
            said->status = PAY_CANCELLED;
        }
    }
    if (said->status == PAY_FAILED) {
        said->failure = razorpay_reason(node, "error_reason");
    }
    return true;
}


/* Of an order's payments the furthest; those that failed are its past. */
static void
razorpay_found(const pay_intent_t *i, const vg_json_t *items, pay_said_t *said)
{
    pay_said_t one;

    said->verdict = PAY_NOT_THERE;
    for (const vg_json_t *n = items->first; n != NULL; n = n->next) {
        one =
            (pay_said_t){ .verdict = PAY_READ, .captured = -1, .refunded = -1 };
        if (razorpay_payment(i, n, &one)
            && (said->verdict == PAY_NOT_THERE
                || (one.status <= PAY_CAPTURED
                    && (one.status > said->status
                        || said->status > PAY_CAPTURED))))
        {
            *said = one;
        }
    }
}


static void
razorpay_looked(const pay_intent_t *i, const vg_json_t *body, pay_said_t *said)
{
    const vg_json_t *items = vg_json_get(body, "items");

    if (i->ref.data != NULL) {
        if (razorpay_payment(i, body, said)) {
            said->verdict = PAY_READ;
        }
    } else if (items == NULL || items->type != VG_JSON_ARRAY) {
        return;
    } else if (i->order.data != NULL) {
        razorpay_found(i, items, said);
    } else {
        said->order = vg_json_text(items->first, "id");
        said->verdict = said->order.data ? PAY_READ : PAY_NOT_THERE;
    }
}


static void
razorpay_done(const pay_intent_t *i, pay_op_t op, const vg_json_t *body,
              pay_said_t *said)
{
    switch (op) {

    case PAY_ORDER:
        said->order = vg_json_text(body, "id");
        said->verdict = said->order.data ? PAY_READ : PAY_AGAIN;
        break;

    case PAY_AUTHORISE: /* what it is, is looked at */
        said->ref = vg_json_text(body, "razorpay_payment_id");
        said->verdict = said->ref.data ? PAY_READ : PAY_AGAIN;
        break;

    case PAY_CAPTURE:
        said->verdict = razorpay_payment(i, body, said) ? PAY_READ : PAY_AGAIN;
        break;

    case PAY_REFUND:
        if (pay_count(body, "amount", -1) == i->refund) {
            said->verdict = (pay_verdict_t) pay_word(
                razorpay_refunds, vg_json_text(body, "status"), PAY_AGAIN);
            said->refunded =
                said->verdict == PAY_READ ? i->refunded + i->refund : -1;
        }
        break;

    default:
        razorpay_looked(i, body, said);
        break;
    }
}


static void
razorpay_refused(pay_op_t op, const vg_json_t *body, pay_said_t *said)
{
    const vg_json_t *error = vg_json_get(body, "error");

    if (error == NULL || op == PAY_LOOK) {
        return;
    }
    said->verdict = PAY_REFUSED;
    said->failure = razorpay_reason(error, "reason");
    if (op == PAY_AUTHORISE
        && pay_word(razorpay_declines, vg_json_text(error, "reason"), 0))
    {
        said->verdict = PAY_READ;
        said->status = PAY_FAILED;
        said->ref = vg_json_text(vg_json_get(error, "metadata"), "payment_id");
    }
}


static void
razorpay_read(const pay_intent_t *i, pay_op_t op, int status,
              const vg_json_t *body, pay_said_t *said)
{
    *said =
        (pay_said_t){ .verdict = PAY_AGAIN, .captured = -1, .refunded = -1 };
    switch (pay_http(status)) {

    case PAY_READ:
        razorpay_done(i, op, body, said);
        break;

    case PAY_REFUSED:
        razorpay_refused(op, body, said);
        break;

    default:
        break;
    }
}


const pay_adapter_t pay_razorpay = { .name = "razorpay",
                                     .orders = true,
                                     .lapses = true,
                                     .keyless = true,
                                     .whole = true,
                                     .ask = razorpay_ask,
                                     .read = razorpay_read };

/*
 * unit_adapter.c: what is asked of payment providers, and what their answers
 * mean, against what their documentation shows.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"
#include "../../../t/lib/scarce.h"

static int count, failed;


static void
ok(bool good, const char *name, vg_str_t got)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++count, name);
    if (!good) {
        failed++;
        printf("# %.*s\n", (int) got.len, got.data ? got.data : "(nothing)");
    }
}


/* an intent of 12.34 EUR, as intent_ground.sql gives it, with more members */
static pay_intent_t
intent(vg_pool_t *pool, const char *more)
{
    pay_intent_t i;
    vg_str_t     row = vg_printf(
            pool,
            "{\"id\":\"I-1\",\"currency\":\"EUR\",\"digits\":2,\"amount\":12.34,"
                "\"token\":\"cus_1/"
                "pm_2\",\"tries\":0,\"doubt\":false,\"capture\":12.34,"
                "\"captured\":0,\"refunded\":0.00,\"refund\":0%s}",
            more);
    const vg_json_t *node = vg_json_parse(pool, row, NULL);

    if (node == NULL || !pay_intent_read(node, VG_STR("c"), &i)) {
        printf("Bail out! no intent: %s\n", row.data);
        exit(1);
    }
    return i;
}


/* ----------------------------------------------------------------- amounts */

typedef struct {
    const char *text;
    int         digits;
    int64_t     minor; /* -1: it is none                                  */
} amount_t;

/* clang-format off */
static const amount_t amounts[] = {
    { "12.34", 2, 1234 },   { "12.3", 2, 1230 },   { "12", 2, 1200 },
    { "0", 2, 0 },          { "0.01", 2, 1 },      { "12.345", 2, -1 },
    { "12.340", 2, -1 },  { "1500", 0, 1500 },   { "1500.5", 0, -1 },
    { "1.234", 3, 1234 },   { "1.2345", 4, 12345 }, { "-1", 2, -1 },
    { "1e3", 2, -1 },       { "", 2, -1 },         { "x", 2, -1 },
    { "9999999999999.99", 2, -1 }, { "9999999999.99", 2, 999999999999 },
    { "99999999999999999999", 0, -1 },
};
/* clang-format on */


static void
amounts_run(void)
{
    int64_t    minor;
    vg_pool_t *pool = vg_arena_create();

    for (size_t n = 0; n < sizeof(amounts) / sizeof(amounts[0]); n++) {
        const amount_t *a = &amounts[n];
        bool            good = pay_minor(vg_str(a->text), a->digits, &minor);

        ok(good == (a->minor >= 0) && (!good || minor == a->minor), a->text,
           vg_printf(pool, "%d", (int) good));
    }
    for (minor = 0; minor < 3000; minor += 7) {
        for (int digits = 0; digits <= 4; digits++) {
            int64_t again = -1;

            if (!pay_minor(pay_major(pool, minor, digits), digits, &again)
                || again != minor)
            {
                ok(false, "there and back", pay_major(pool, minor, digits));
            }
        }
    }
    ok(true, "there and back", VG_STR(""));
    vg_arena_destroy(pool);
}


/* --------------------------------------------------------------- what is next */

typedef struct {
    const pay_adapter_t *adapter;
    const char          *more;
    bool                 again;
    pay_op_t             op;
} step_t;

#define S(status, wanted) ",\"status\":\"" status "\",\"wanted\":\"" wanted "\""
#define REF               ",\"ref\":\"r\",\"order\":\"o\""
#define CLAIM(of)         ",\"claim\":\"" of "\""

/* clang-format off */
static const step_t steps[] = {
    { &pay_stripe, S("PENDING", "CAPTURED"), false, PAY_AUTHORISE },
    { &pay_stripe, S("PENDING", "CAPTURED"), true, PAY_AUTHORISE },
    { &pay_stripe, S("PENDING", "CAPTURED") REF, false, PAY_LOOK },
    { &pay_stripe, S("PENDING", "CANCELLED"), false, PAY_AUTHORISE },
    { &pay_stripe, S("PENDING", "CANCELLED") REF, false, PAY_CANCEL },
    { &pay_stripe, S("AUTHORISED", "AUTHORISED") REF, false, PAY_NONE },
    { &pay_stripe, S("AUTHORISED", "CAPTURED") REF, true, PAY_CAPTURE },
    { &pay_stripe, S("AUTHORISED", "CANCELLED") REF, false, PAY_CANCEL },
    { &pay_stripe, S("CAPTURED", "CAPTURED") REF, false, PAY_NONE },
    { &pay_stripe, S("FAILED", "CAPTURED") REF, false, PAY_NONE },
    { &pay_stripe, S("CANCELLED", "CAPTURED") REF, false, PAY_NONE },
    { &pay_razorpay, S("PENDING", "CAPTURED"), false, PAY_ORDER },
    { &pay_razorpay, S("PENDING", "CAPTURED"), true, PAY_LOOK },
    { &pay_razorpay, S("PENDING", "CAPTURED") ",\"order\":\"o\"", false, PAY_NONE },
    { &pay_razorpay, S("PENDING", "CAPTURED") ",\"order\":\"o\"" CLAIM("c"), false, PAY_AUTHORISE },
    { &pay_razorpay, S("PENDING", "CAPTURED") ",\"order\":\"o\"" CLAIM("c"), true, PAY_LOOK },
    { &pay_razorpay, S("PENDING", "CAPTURED") ",\"order\":\"o\"" CLAIM("d"), false, PAY_LOOK },
    { &pay_stripe, S("PENDING", "CAPTURED") CLAIM("d"), false, PAY_AUTHORISE },
    { &pay_razorpay, S("PENDING", "CAPTURED") ",\"order\":\"o\"", true, PAY_LOOK },
    { &pay_razorpay, S("PENDING", "CANCELLED"), true, PAY_LOOK },
    { &pay_razorpay, S("PENDING", "CANCELLED") CLAIM("c"), false, PAY_LAPSE },
    { &pay_razorpay, S("AUTHORISED", "CANCELLED") REF, false, PAY_NONE },
    { &pay_razorpay, S("AUTHORISED", "CANCELLED") REF CLAIM("c"), false, PAY_LAPSE },
    { &pay_razorpay, S("AUTHORISED", "CANCELLED") REF CLAIM("c"), true, PAY_LOOK },
    { &pay_razorpay, S("AUTHORISED", "CANCELLED") REF CLAIM("d"), false, PAY_LOOK },
    { &pay_razorpay, S("AUTHORISED", "CAPTURED") REF, false, PAY_NONE },
    { &pay_razorpay, S("AUTHORISED", "CAPTURED") REF CLAIM("c"), false, PAY_CAPTURE },
    { &pay_razorpay, S("AUTHORISED", "CAPTURED") REF CLAIM("c"), true, PAY_LOOK },
    { &pay_razorpay, S("AUTHORISED", "AUTHORISED") REF, true, PAY_NONE },
    { &pay_sandbox, S("PENDING", "CANCELLED"), false, PAY_AUTHORISE },
};
/* clang-format on */


static void
steps_run(void)
{
    vg_pool_t *pool = vg_arena_create();

    for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++) {
        const step_t *s = &steps[n];
        pay_intent_t  i = intent(pool, s->more);
        pay_op_t      op = pay_next(s->adapter, &i, s->again);
        bool          over = i.status == i.wanted || i.status >= PAY_CAPTURED;

        ok(op == s->op, pay_op_name(s->op),
           vg_printf(pool, "%s, not %s", s->more, pay_op_name(op)));
        i.waits = 8;
        ok(pay_next(s->adapter, &i, s->again) == s->op,
           "what does not move is asked again", vg_str(s->more));
        i.waits = 9;
        ok(pay_next(s->adapter, &i, s->again) == (over ? PAY_NONE : PAY_LOOK),
           "and then looked at alone", vg_str(s->more));
        i.doubt = true;
        ok(pay_next(s->adapter, &i, s->again) == PAY_LOOK,
           "in doubt it is looked at", vg_str(s->more));
    }
    vg_arena_destroy(pool);
}


static void
keys_run(void)
{
    vg_pool_t   *pool = vg_arena_create();
    pay_intent_t i = intent(pool, S("CAPTURED", "CAPTURED") REF);

    i.captured = 1234;
    i.refund = 100;
    ok(vg_str_eq(pay_key(pool, &i, PAY_REFUND), "I-1-REFUND-0-0"), "a key",
       pay_key(pool, &i, PAY_REFUND));
    i.refund = 200;
    ok(vg_str_eq(pay_key(pool, &i, PAY_REFUND), "I-1-REFUND-0-0"),
       "the same for another amount", pay_key(pool, &i, PAY_REFUND));
    i.refunded = 100;
    ok(vg_str_eq(pay_key(pool, &i, PAY_REFUND), "I-1-REFUND-100-0"),
       "another one for the next", pay_key(pool, &i, PAY_REFUND));
    i.tries = 2;
    ok(vg_str_eq(pay_key(pool, &i, PAY_CAPTURE), "I-1-CAPTURE-1234-2"),
       "and where nothing came of the last", pay_key(pool, &i, PAY_CAPTURE));
    vg_arena_destroy(pool);
}


/* ----------------------------------------------------------------- requests */

typedef struct {
    const pay_adapter_t *adapter;
    pay_op_t             op;
    const char          *more;
    const char          *asked; /* method, path, body                     */
} ask_t;

/* clang-format off */
static const ask_t asks[] = {
    { &pay_stripe, PAY_AUTHORISE, "",
      "POST /v1/payment_intents amount=1234&currency=eur&payment_method=pm_2&customer=cus_1&capture_method=manual"
      "&confirm=true&off_session=true&metadata[intent]=I-1&expand[]=latest_charge" },
    { &pay_stripe, PAY_CAPTURE, ",\"ref\":\"pi_1\"",
      "POST /v1/payment_intents/pi_1/capture amount_to_capture=1234&expand[]=latest_charge" },
    { &pay_stripe, PAY_CANCEL, ",\"ref\":\"pi_1\"",
      "POST /v1/payment_intents/pi_1/cancel expand[]=latest_charge" },
    { &pay_stripe, PAY_REFUND, ",\"ref\":\"pi_1\"",
      "POST /v1/refunds payment_intent=pi_1&amount=0&expand[]=charge&metadata[intent]=I-1" },
    { &pay_stripe, PAY_LOOK, ",\"ref\":\"pi_1\"", "GET /v1/payment_intents/pi_1?expand[]=latest_charge " },
    { &pay_stripe, PAY_LOOK, "",
      "GET /v1/payment_intents/search?query=metadata%5B%27intent%27%5D%3A%27I-1%27&expand[]=data.latest_charge " },
    { &pay_razorpay, PAY_ORDER, "",
      "POST /v1/orders {\"amount\":1234,\"currency\":\"EUR\",\"receipt\":\"I-1\",\"payment_capture\":false}" },
    { &pay_razorpay, PAY_AUTHORISE, ",\"order\":\"order_1\"",
      "POST /v1/payments/create/recurring {\"amount\":1234,\"currency\":\"EUR\",\"order_id\":\"order_1\","
      "\"customer_id\":\"cus_1\",\"token\":\"pm_2\",\"recurring\":\"1\",\"notes\":{\"intent\":\"I-1\"}}" },
    { &pay_razorpay, PAY_CAPTURE, ",\"ref\":\"pay_1\"",
      "POST /v1/payments/pay_1/capture {\"amount\":1234,\"currency\":\"EUR\"}" },
    { &pay_razorpay, PAY_REFUND, ",\"ref\":\"pay_1\"",
      "POST /v1/payments/pay_1/refund {\"amount\":0,\"notes\":{\"intent\":\"I-1\"}}" },
    { &pay_razorpay, PAY_LOOK, "", "GET /v1/orders?receipt=I-1 " },
    { &pay_razorpay, PAY_LOOK, ",\"order\":\"order_1\"", "GET /v1/orders/order_1/payments " },
    { &pay_razorpay, PAY_LOOK, ",\"ref\":\"pay_1\"", "GET /v1/payments/pay_1 " },
};
/* clang-format on */


static void
asks_run(void)
{
    vg_pool_t *pool = vg_arena_create();

    for (size_t n = 0; n < sizeof(asks) / sizeof(asks[0]); n++) {
        const ask_t  *a = &asks[n];
        pay_request_t r = { 0 };
        pay_intent_t  i = intent(
             pool,
             vg_printf(pool, "%s%s", S("PENDING", "CAPTURED"), a->more).data);
        vg_str_t got = { NULL, 0 };

        if (a->adapter->ask(pool, &i, a->op, &r)) {
            got = vg_printf(pool, "%s %.*s %.*s", r.post ? "POST" : "GET",
                            (int) r.path.len, r.path.data, (int) r.body.len,
                            r.body.data ? r.body.data : "");
        }
        ok(vg_str_eq(got, a->asked), a->asked, got);
        for (size_t left = 0; left < 8; left++) {
            scarce_t  scarce = { pool, left };
            vg_pool_t small = { scarce_alloc, &scarce };

            (void) a->adapter->ask(&small, &i, a->op, &r); /* does not break */
        }
    }
    vg_arena_destroy(pool);
}


/* ----------------------------------------------------------------- answers */

typedef struct {
    const pay_adapter_t *adapter;
    pay_op_t             op;
    int                  status;
    const char          *more;
    const char          *body; /* NULL: no JSON                            */
    const char          *said; /* a part of it                             */
} answer_t;

#define PI(status, more)                                                       \
    "{\"id\":\"pi_1\",\"amount\":1234,\"status\":\"" status "\"" more "}"
#define PAY(status, more)                                                      \
    "{\"id\":\"pay_1\",\"amount\":1234,\"status\":\"" status "\"" more "}"
#define AGAIN "\"verdict\":\"AGAIN\""

/* clang-format off */
static const answer_t answers[] = {
    { &pay_stripe, PAY_AUTHORISE, 200, "", PI("requires_capture", ",\"amount_received\":0"),
      "\"verdict\":\"READ\",\"status\":\"AUTHORISED\",\"order\":null,\"ref\":\"pi_1\",\"failure\":null,\"captured\":0.00," },
    { &pay_stripe, PAY_CAPTURE, 200, ",\"ref\":\"pi_1\"",
      PI("succeeded", ",\"amount_received\":1000,\"latest_charge\":{\"amount_refunded\":34}"),
      "\"status\":\"CAPTURED\",\"order\":null,\"ref\":\"pi_1\",\"failure\":null,\"captured\":10.00,\"refunded\":0.34" },
    { &pay_stripe, PAY_CAPTURE, 200, ",\"ref\":\"pi_1\"", PI("succeeded", ""), AGAIN },
    { &pay_stripe, PAY_CAPTURE, 200, ",\"ref\":\"pi_2\"", PI("succeeded", ",\"amount_received\":1000"), AGAIN },
    { &pay_stripe, PAY_CAPTURE, 200, ",\"ref\":\"pi_1\"", PI("succeeded", ",\"amount_received\":5000"), AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 200, "", "{\"id\":\"pi_1\",\"amount\":1,\"status\":\"requires_capture\"}", AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 200, "", PI("strange", ""), AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 200, "", "{\"id\":\"../x\",\"amount\":1234,\"status\":\"requires_capture\"}", AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 200, "", NULL, AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 200, "", "[]", AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 500, "", "{}", AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 401, "", "{\"error\":{}}", AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 409, "", "{\"error\":{}}", AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 429, "", "{\"error\":{}}", AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 400, "", NULL, AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 302, "", "{}", AGAIN },
    { &pay_stripe, PAY_AUTHORISE, 402, "", "{\"error\":{\"type\":\"card_error\",\"code\":\"card_declined\","
      "\"decline_code\":\"insufficient_funds\",\"payment_intent\":" PI("requires_payment_method", "") "}}",
      "\"verdict\":\"READ\",\"status\":\"FAILED\",\"order\":null,\"ref\":\"pi_1\",\"failure\":\"insufficient_funds\"" },
    { &pay_stripe, PAY_AUTHORISE, 400, "", "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"resource_missing\"}}",
      "\"verdict\":\"REFUSED\",\"order\":null,\"ref\":null,\"failure\":\"resource_missing\"" },
    { &pay_stripe, PAY_AUTHORISE, 400, "", "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"A B\"}}", "\"failure\":\"refused\"" },
    { &pay_stripe, PAY_REFUND, 400, ",\"ref\":\"pi_1\",\"refund\":1", "{\"error\":{\"type\":\"idempotency_error\",\"code\":\"x\"}}",
      "\"verdict\":\"REFUSED\",\"order\":null,\"ref\":null,\"failure\":null" },
    { &pay_stripe, PAY_REFUND, 200, ",\"refund\":1", "{\"amount\":100,\"status\":\"succeeded\",\"charge\":{\"amount_refunded\":300}}",
      "\"verdict\":\"READ\",\"order\":null,\"ref\":null,\"failure\":null,\"refunded\":3.00" },
    { &pay_stripe, PAY_REFUND, 200, ",\"refund\":1", "{\"amount\":100,\"status\":\"pending\",\"charge\":\"ch_1\"}", "\"refunded\":1.00" },
    { &pay_stripe, PAY_REFUND, 200, ",\"refund\":1", "{\"amount\":100,\"status\":\"failed\"}", "\"verdict\":\"REFUSED\"" },
    { &pay_stripe, PAY_REFUND, 200, ",\"refund\":1", "{\"amount\":99,\"status\":\"succeeded\"}", AGAIN },
    { &pay_stripe, PAY_LOOK, 200, "", "{\"data\":[]}", "\"verdict\":\"NOT_THERE\"" },
    { &pay_stripe, PAY_LOOK, 200, "", "{}", AGAIN },
    { &pay_stripe, PAY_LOOK, 200, "", "{\"data\":[" PI("canceled", "") "," PI("requires_capture", "") "," PI("requires_payment_method", "") "]}",
      "\"status\":\"AUTHORISED\"" },
    { &pay_stripe, PAY_LOOK, 404, ",\"ref\":\"pi_1\"", "{\"error\":{\"code\":\"resource_missing\"}}", AGAIN },
    { &pay_razorpay, PAY_ORDER, 200, "", "{\"id\":\"order_1\"}", "\"verdict\":\"READ\",\"order\":\"order_1\"" },
    { &pay_razorpay, PAY_ORDER, 200, "", "{}", AGAIN },
    { &pay_razorpay, PAY_AUTHORISE, 200, "", "{\"razorpay_payment_id\":\"pay_1\"}", "\"verdict\":\"READ\",\"order\":null,\"ref\":\"pay_1\"" },
    { &pay_razorpay, PAY_AUTHORISE, 400, "", "{\"error\":{\"code\":\"BAD_REQUEST_ERROR\",\"reason\":\"insufficient_funds\","
      "\"metadata\":{\"payment_id\":\"pay_1\"}}}", "\"verdict\":\"READ\",\"status\":\"FAILED\",\"order\":null,\"ref\":\"pay_1\",\"failure\":\"insufficient_funds\"" },
    { &pay_razorpay, PAY_AUTHORISE, 400, "", "{\"error\":{\"reason\":\"input_validation_failed\"}}", "\"verdict\":\"REFUSED\"" },
    { &pay_razorpay, PAY_AUTHORISE, 502, "", "{\"error\":{\"reason\":\"payment_failed\"}}", AGAIN },
    { &pay_razorpay, PAY_CAPTURE, 200, ",\"ref\":\"pay_1\"", PAY("captured", ",\"captured\":true,\"amount_refunded\":0"),
      "\"status\":\"CAPTURED\",\"order\":null,\"ref\":\"pay_1\",\"failure\":null,\"captured\":12.34,\"refunded\":0.00" },
    { &pay_razorpay, PAY_CAPTURE, 400, ",\"ref\":\"pay_1\"", "{\"error\":{\"reason\":\"payment_already_captured\"}}", "\"verdict\":\"REFUSED\"" },
    { &pay_razorpay, PAY_LOOK, 200, ",\"ref\":\"pay_1\"", PAY("refunded", ",\"captured\":false"), "\"status\":\"CANCELLED\"" },
    { &pay_razorpay, PAY_LOOK, 200, ",\"ref\":\"pay_1\"", PAY("refunded", ",\"captured\":true,\"amount_refunded\":1234"), "\"refunded\":12.34" },
    { &pay_razorpay, PAY_LOOK, 200, ",\"ref\":\"pay_1\"", PAY("created", ""), "\"status\":\"PENDING\"" },
    { &pay_razorpay, PAY_LOOK, 200, ",\"order\":\"o\"", "{\"items\":[" PAY("failed", ",\"error_reason\":\"x\"") "," PAY("authorized", "") "]}", "\"status\":\"AUTHORISED\"" },
    { &pay_razorpay, PAY_LOOK, 200, ",\"order\":\"o\"", "{\"items\":[]}", "\"verdict\":\"NOT_THERE\"" },
    { &pay_razorpay, PAY_LOOK, 200, "", "{\"items\":[{\"id\":\"order_1\"}]}", "\"order\":\"order_1\"" },
    { &pay_razorpay, PAY_REFUND, 200, ",\"refund\":1", "{\"amount\":100,\"status\":\"processed\"}", "\"refunded\":1.00" },
    { &pay_razorpay, PAY_REFUND, 409, ",\"refund\":1", "{\"error\":{}}", AGAIN },
    { &pay_razorpay, PAY_CAPTURE, 400, ",\"ref\":\"pay_1\"", "{}", AGAIN },
    { &pay_razorpay, PAY_LOOK, 200, ",\"ref\":\"pay_1\"", "{\"id\":\"pay_1\",\"amount\":1,\"status\":\"captured\"}", AGAIN },
    { &pay_razorpay, PAY_LOOK, 200, "", "{\"items\":{}}", AGAIN },
};
/* clang-format on */


/* without the members that more sets itself, which may be there once only */
static void
answers_run(void)
{
    for (size_t n = 0; n < sizeof(answers) / sizeof(answers[0]); n++) {
        const answer_t  *a = &answers[n];
        vg_pool_t       *pool = vg_arena_create();
        const char      *refund = strstr(a->more, ",\"refund\":1");
        pay_intent_t     i = intent(pool, S("PENDING", "CAPTURED"));
        const vg_json_t *body =
            a->body ? vg_json_parse(pool, vg_str(a->body), NULL) : NULL;
        pay_said_t said;
        vg_str_t   text;

        i.ref = strstr(a->more, "pi_1")    ? VG_STR("pi_1")
                : strstr(a->more, "pi_2")  ? VG_STR("pi_2")
                : strstr(a->more, "pay_1") ? VG_STR("pay_1")
                                           : i.ref;
        i.order = strstr(a->more, "order") ? VG_STR("o") : i.order;
        i.refund = refund ? 100 : 0;
        pay_read(a->adapter, &i, a->op, a->status, body, &said);
        text = pay_said_text(pool, &i, a->op, &said);
        ok(text.data != NULL && strstr(text.data, a->said) != NULL,
           a->body ? a->body : "no JSON", text);
        vg_arena_destroy(pool);
    }
}


/* ----------------------------------------------------------- asked of nobody */

typedef struct {
    const pay_adapter_t *adapter;
    const char          *token;
    pay_op_t             op;
    const char          *said; /* NULL: somebody is to be asked            */
} local_t;

/* of 12.34 */
static const local_t locals[] = {
    { &pay_stripe, "pm_1", PAY_NONE, "" },
    { &pay_stripe, "pm_1", PAY_CAPTURE, NULL },
    { &pay_razorpay, "t", PAY_LAPSE, "\"status\":\"CANCELLED\"" },
    { &pay_sandbox, "tok_ok", PAY_AUTHORISE, "\"status\":\"AUTHORISED\"" },
    { &pay_sandbox, "tok_declined", PAY_AUTHORISE,
      "\"failure\":\"card_declined\"" },
    { &pay_sandbox, "tok_ok", PAY_CAPTURE, "\"captured\":12.34" },
    { &pay_sandbox, "tok_capped", PAY_CAPTURE, "\"captured\":12.34" },
    { &pay_sandbox, "tok_expires", PAY_CAPTURE, "\"status\":\"FAILED\"" },
    { &pay_sandbox, "tok_ok", PAY_CANCEL, "\"status\":\"CANCELLED\"" },
    { &pay_sandbox, "tok_ok", PAY_REFUND, "\"refunded\":1.00" },
    { &pay_sandbox, "tok_ok", PAY_LOOK, "\"verdict\":\"READ\"" },
};


static void
locals_run(void)
{
    for (size_t n = 0; n < sizeof(locals) / sizeof(locals[0]); n++) {
        const local_t *l = &locals[n];
        vg_pool_t     *pool = vg_arena_create();
        pay_intent_t   i = intent(pool, S("PENDING", "CAPTURED"));
        pay_said_t     said;
        vg_str_t       text = { NULL, 0 };

        i.token = vg_str(l->token);
        i.refund = 100;
        if (pay_local(l->adapter, &i, l->op, &said)) {
            text = pay_said_text(pool, &i, l->op, &said);
        }
        ok(l->said != NULL ? text.data != NULL && strstr(text.data, l->said)
                           : text.data == NULL,
           l->said ? l->said : "somebody is asked", text);
        vg_arena_destroy(pool);
    }
    ok(pay_adapter(VG_STR("paypal")) == NULL, "one that is none", VG_STR(""));
}


/* what somebody wrote is one value of a form, and adds none */
static void
words_run(void)
{
    vg_pool_t    *pool = vg_arena_create();
    pay_intent_t  i = intent(pool, S("PENDING", "CAPTURED"));
    pay_request_t r = { 0 };
    const char   *token = "pm_1&amount=1&x[y]=%\xc3\xa9";

    i.token = vg_str(token);
    (void) pay_stripe.ask(pool, &i, PAY_AUTHORISE, &r);
    ok(r.body.data != NULL
           && strstr(r.body.data, "&payment_method=pm_1%26amount%3D1%26x%5By"
                                  "%5D%3D%25%C3%A9&")
                  != NULL,
       "a token is one value", r.body);
    vg_arena_destroy(pool);
}


int
main(void)
{
    amounts_run();
    steps_run();
    keys_run();
    asks_run();
    answers_run();
    locals_run();
    words_run();
    printf("1..%d\n", count);
    return failed != 0;
}

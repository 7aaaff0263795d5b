/*
 * intent.c: payments: what may be asked of them, and the job that pushes one:
 * one call to its provider, by the adapter, then one statement that writes
 * down what was said. What a provider's words mean is the adapters'.
 */

#include "adapter.h"
#include "forms.h"
#include "payments.h"

/* clang-format off */

#define PAYMENT                                                                \
    { VG_BODY, "paymentId", VG_UUID, VG_REQUIRED, .about = "payment" }

const vg_field_t intent_push_fields[] = {
    { VG_BODY, "intentId", VG_UUID, VG_REQUIRED, .about = "what to push" },
    { VG_BODY, "turn", VG_INT, .about = "which push of a row of them" },
    { VG_BODY, "claim", VG_UUID, VG_NULLABLE,
      .about = "with which it may ask for an authorisation" },
    { VG_BOUND, "said", VG_ANY, .about = "what its provider says" },
    VG_FIELDS_END
};

const vg_field_t charge_fields[] = {
    { VG_BODY, "amount", VG_DECIMAL, VG_REQUIRED, 0, 1000000000,
      .about = "above 0, in currency" },
    { VG_BODY, "currency", VG_TEXT, VG_REQUIRED, 3, 3, .about = "ISO 4217" },
    { VG_BODY, "methodId", VG_UUID, VG_NULLABLE,
      .about = "payment method; the payer's own by default" },
    { VG_BODY, "capture", VG_BOOL,
      .about = "false: authorised alone; true by default" },
    { VG_BODY, "invoiceId", VG_UUID, VG_NULLABLE,
      .about = "which it pays; else it goes to the payer's credit" },
    { VG_BODY, "customerId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "who pays; a driver itself" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "on whose account; a fleet manager's own" },
    VG_FIELDS_END
};

const vg_field_t payment_cancel_fields[] = { PAYMENT, VG_FIELDS_END };

const vg_field_t capture_fields[] = {
    PAYMENT,
    { VG_BODY, "amount", VG_DECIMAL, VG_NULLABLE, 0, 1000000000,
      .about = "above 0; all of it by default; the rest is let go" },
    VG_FIELDS_END
};

const vg_field_t refund_fields[] = {
    PAYMENT,
    { VG_BODY, "amount", VG_DECIMAL, VG_NULLABLE, 0, 1000000000,
      .about = "above 0; all that is left by default" },
    VG_FIELDS_END
};

const vg_field_t payment_list_fields[] = {
    { VG_QUERY, "status", VG_ENUM,
      .values = "PENDING|AUTHORISED|CAPTURED|CANCELLED|FAILED",
      .about = "in this state" },
    { VG_QUERY, "settled", VG_ENUM, .values = "true|false",
      .about = "whether what is wanted is so, or cannot be" },
    { VG_QUERY, "purpose", VG_ENUM,
      .values = "CHARGE|HOLD|INVOICE|TOP_UP", .about = "for this" },
    { VG_QUERY, "subject", VG_UUID, .about = "for this invoice or hold" },
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64, .about = "of this customer" },
    VG_FIELDS_END
};

const vg_field_t payment_id_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "payment" },
    VG_FIELDS_END
};

/* clang-format on */


/* ------------------------------------------------------- what is asked of us */

vg_rc_t
payment_amount_check(vg_call_t *call)
{
    int64_t          nano; /* what VG_DECIMAL takes                       */
    const vg_json_t *amount = vg_get(call, "amount");

    if (amount != NULL && (!pay_minor(amount->text, 9, &nano) || nano == 0)) {
        return vg_refuse_field(call, "amount", "must be above 0");
    }
    return VG_OK;
}


vg_rc_t
charge_check(vg_call_t *call)
{
    vg_rc_t rc = payment_amount_check(call);

    return capitals_check(call, "currency") == VG_OK ? rc : VG_ERROR;
}


/* ----------------------------------------------------------------- the push */

typedef struct {
    const pay_adapter_t *adapter;
    pay_intent_t         intent;
    pay_op_t             op;
} push_t;


/* The same row and the same try: the same step, before it is asked and after. */
static vg_rc_t
push_read(vg_call_t *call, push_t *push)
{
    vg_str_t         none = { NULL, 0 };
    const vg_json_t *row = vg_row(call);
    const vg_json_t *claim = vg_get(call, "claim");
    vg_str_t         provider = vg_json_text(row, "provider");

    push->adapter = pay_adapter(provider);
    if (push->adapter == NULL
        || !pay_intent_read(row, claim != NULL ? claim->text : none,
                            &push->intent))
    {
        vg_log(call, VG_LOG_ERROR, "an intent of %.*s cannot be pushed",
               (int) provider.len, provider.len ? provider.data : "");
        return vg_refuse(call, "internal");
    }
    push->op = pay_next(push->adapter, &push->intent, vg_job_try(call) > 1);
    return VG_OK;
}


static vg_rc_t
push_said(vg_call_t *call, const push_t *push, const pay_said_t *said)
{
    vg_str_t text = pay_said_text(vg_pool(call), &push->intent, push->op, said);

    return text.data != NULL ? vg_bind(call, "said", text)
                             : vg_refuse(call, "internal");
}


static vg_rc_t
push_ask(vg_call_t *call, const push_t *push)
{
    vg_header_t  *headers = vg_calloc(vg_pool(call), 2 * sizeof(vg_header_t));
    vg_str_t      key = pay_key(vg_pool(call), &push->intent, push->op);
    pay_request_t asked;
    vg_request_t  request;

    if (headers == NULL || key.data == NULL
        || !push->adapter->ask(vg_pool(call), &push->intent, push->op, &asked))
    {
        return vg_refuse(call, "internal");
    }
    if (asked.key_header != NULL) {
        headers[0] = (vg_header_t){ asked.key_header, key };
    }
    request = (vg_request_t){ .target = push->adapter->name,
                              .path = asked.path,
                              .method = asked.post ? VG_POST : VG_GET,
                              .headers = headers,
                              .body = asked.body,
                              .type = asked.type,
                              .idempotency_key =
                                  push->adapter->keyless ? VG_STR("") : key,
                              .flags = VG_ANY_STATUS };
    return vg_http(call, &request);
}


static vg_rc_t
push_command(vg_call_t *call)
{
    push_t     push = { 0 };
    pay_said_t said;

    if (push_read(call, &push) != VG_OK) {
        return VG_ERROR;
    }
    if (!pay_local(push.adapter, &push.intent, push.op, &said)) {
        return push_ask(call, &push);
    }
    return push_said(call, &push, &said);
}


static vg_rc_t
push_told(vg_call_t *call)
{
    push_t           push = { 0 };
    pay_said_t       said;
    const vg_json_t *outcome =
        vg_json_parse(vg_pool(call), vg_outcome(call), NULL);
    int status = (int) pay_count(outcome, "status", 0);

    if (push_read(call, &push) != VG_OK) {
        return VG_ERROR;
    }
    pay_read(push.adapter, &push.intent, push.op, status,
             vg_json_get(outcome, "body"), &said);
    if (said.verdict == PAY_AGAIN) {
        vg_log(call, VG_LOG_WARN, "%s: %s is not known to be done, status %d",
               push.adapter->name, pay_op_name(push.op), status);
        return vg_refuse(call, "upstream");
    }
    return push_said(call, &push, &said);
}


const vg_step_t intent_push_steps[] = {
    { "push", push_command, NULL, "intent_lost", push_told },
    { NULL, NULL, NULL, NULL, NULL },
};

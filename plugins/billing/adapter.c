/*
 * adapter.c: what is the same for all payment providers: what is asked next,
 * under which key, and amounts.
 */

#include <string.h>

#include "adapter.h"
#include "exact.h"

#define PAY_MOST 1000000000000000 /* minor units; what JSON's readers keep  */

#define PAY_STILL                                                              \
    9 /* waits from which on it is looked at alone: at the look
                       behind the next, intent_heard() gives up the key, and
                       by then nobody has asked under it for 12 minutes      */

static const pay_adapter_t *const pay_adapters[] = { &pay_sandbox, &pay_stripe,
                                                     &pay_razorpay, NULL };

static const char *const pay_ops[] = {
    [PAY_NONE] = "NONE",       [PAY_ORDER] = "ORDER",
    [PAY_LOOK] = "LOOK",       [PAY_AUTHORISE] = "AUTHORISE",
    [PAY_CAPTURE] = "CAPTURE", [PAY_CANCEL] = "CANCEL",
    [PAY_LAPSE] = "LAPSE",     [PAY_REFUND] = "REFUND",
};

static const char *const pay_statuses[] = {
    [PAY_UNSAID] = NULL,
    [PAY_PENDING] = "PENDING",
    [PAY_AUTHORISED] = "AUTHORISED",
    [PAY_CAPTURED] = "CAPTURED",
    [PAY_CANCELLED] = "CANCELLED",
    [PAY_FAILED] = "FAILED",
};

static const char *const pay_verdicts[] = {
    [PAY_AGAIN] = "AGAIN",
    [PAY_READ] = "READ",
    [PAY_NOT_THERE] = "NOT_THERE",
    [PAY_REFUSED] = "REFUSED",
};


const pay_adapter_t *
pay_adapter(vg_str_t name)
{
    for (size_t i = 0; pay_adapters[i] != NULL; i++) {
        if (vg_str_eq(name, pay_adapters[i]->name)) {
            return pay_adapters[i];
        }
    }
    return NULL;
}


const char *
pay_op_name(pay_op_t op)
{
    return pay_ops[op];
}


/* --------------------------------------------------------- what comes next */

/* Not authorised, as far as is known. One that is no longer wanted may have
 * been, if its answer was lost: it is authorised again, under the same key,
 * and then cancelled. */
static pay_op_t
pay_next_pending(const pay_adapter_t *adapter, const pay_intent_t *i)
{
    if (i->wanted == PAY_CANCELLED && adapter->lapses) {
        return PAY_LAPSE;
    }
    if (i->ref.data != NULL) {
        return i->wanted == PAY_CANCELLED ? PAY_CANCEL : PAY_LOOK;
    }
    return adapter->orders && i->order.data == NULL ? PAY_ORDER : PAY_AUTHORISE;
}


static pay_op_t
pay_next_authorised(const pay_adapter_t *adapter, const pay_intent_t *i)
{
    switch (i->wanted) {

    case PAY_CAPTURED:
        return PAY_CAPTURE;

    case PAY_CANCELLED:
        return adapter->lapses ? PAY_LAPSE : PAY_CANCEL;

    default:
        return PAY_NONE;
    }
}


static pay_op_t
pay_next_wanted(const pay_adapter_t *adapter, const pay_intent_t *i)
{
    switch (i->status) {

    case PAY_PENDING:
        return pay_next_pending(adapter, i);

    case PAY_AUTHORISED:
        return pay_next_authorised(adapter, i);

    case PAY_CAPTURED:
        return i->refund > 0 ? PAY_REFUND : PAY_NONE;

    default:
        return PAY_NONE;
    }
}


/* What is not safe to repeat without a key, nor beside one another: a capture
 * that another push has asked for does not lapse. */
static const bool pay_alone[PAY_REFUND + 1] = {
    [PAY_AUTHORISE] = true,
    [PAY_CAPTURE] = true,
    [PAY_LAPSE] = true,
};


pay_op_t
pay_next(const pay_adapter_t *adapter, const pay_intent_t *i, bool again)
{
    pay_op_t op = pay_next_wanted(adapter, i);

    if (i->doubt) {
        return PAY_LOOK;
    }
    if (op != PAY_NONE && i->waits >= PAY_STILL) {
        return PAY_LOOK;
    }
    if (!adapter->keyless || op == PAY_NONE) {
        return op;
    }
    if (again || i->claim == PAY_OTHERS) {
        return PAY_LOOK;
    }
    return pay_alone[op] && i->claim == PAY_FREE ? PAY_NONE : op;
}


bool
pay_local(const pay_adapter_t *adapter, const pay_intent_t *i, pay_op_t op,
          pay_said_t *said)
{
    *said = (pay_said_t){ .verdict = PAY_READ, .captured = -1, .refunded = -1 };
    if (op == PAY_LAPSE) {
        said->status = PAY_CANCELLED;
        return true;
    }
    if (op != PAY_NONE && adapter->local) {
        adapter->read(i, op, 0, NULL, said);
    }
    return op == PAY_NONE || adapter->local;
}


/* it stands in paths and in our books */
static bool
pay_name(vg_str_t name)
{
    bool good = name.len <= 64;

    for (size_t i = 0; good && i < name.len; i++) {
        char c = name.data[i];

        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
               || (c >= '0' && c <= '9') || c == '_' || c == '-';
    }
    return good && (name.data == NULL || name.len != 0);
}


void
pay_read(const pay_adapter_t *adapter, const pay_intent_t *i, pay_op_t op,
         int status, const vg_json_t *body, pay_said_t *said)
{
    adapter->read(i, op, status, body, said);
    if (!pay_name(said->ref) || !pay_name(said->order)
        || (i->ref.data != NULL && said->ref.data != NULL
            && (i->ref.len != said->ref.len
                || memcmp(i->ref.data, said->ref.data, i->ref.len) != 0))
        || said->captured > i->amount || said->refunded > i->amount)
    {
        *said = (pay_said_t){ .verdict = PAY_AGAIN,
                              .captured = -1,
                              .refunded = -1 };
    }
}


vg_str_t
pay_key(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op)
{
    return vg_printf(pool, "%.*s-%s-%lld-%lld", (int) i->id.len,
                     i->id.len ? i->id.data : "", pay_ops[op],
                     (long long) (op == PAY_REFUND ? i->refunded : i->captured),
                     (long long) i->tries);
}


/* ----------------------------------------------------------------- amounts */

bool
pay_minor(vg_str_t amount, int digits, int64_t *minor)
{
    exact_t value;

    if (!exact_read(amount, digits, &value) || value < 0 || value > PAY_MOST) {
        return false;
    }
    *minor = (int64_t) value;
    return true;
}


vg_str_t
pay_major(vg_pool_t *pool, int64_t minor, int digits)
{
    return exact_print(pool, minor, digits, digits);
}


int64_t
pay_count(const vg_json_t *node, const char *name, int64_t otherwise)
{
    int64_t          value;
    const vg_json_t *member = vg_json_get(node, name);

    return member != NULL && member->type == VG_JSON_NUMBER
                   && pay_minor(member->text, 0, &value)
               ? value
               : otherwise;
}


/* ------------------------------------------------------------------- words */

int
pay_word(const pay_word_t *words, vg_str_t word, int otherwise)
{
    for (; words->word != NULL; words++) {
        if (vg_str_eq(word, words->word)) {
            return words->means;
        }
    }
    return otherwise;
}


vg_str_t
pay_failure(vg_str_t word)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

    if (word.data == NULL || word.len == 0 || word.len > 64) {
        return (vg_str_t){ NULL, 0 };
    }
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] == '\0' || strchr(good, word.data[i]) == NULL) {
            return (vg_str_t){ NULL, 0 };
        }
    }
    return word;
}


/* Who we are, when we may ask, and whether something of ours is under way there
 * is nothing that the payment did: those are asked again as they are. */
pay_verdict_t
pay_http(int status)
{
    static const int again[] = { 401, 403, 408, 409, 425, 429, 0 };

    if (status >= 200 && status < 300) {
        return PAY_READ;
    }
    for (size_t i = 0; again[i] != 0; i++) {
        if (status == again[i]) {
            return PAY_AGAIN;
        }
    }
    return status >= 400 && status < 500 ? PAY_REFUSED : PAY_AGAIN;
}


/* ------------------------------------------------------------ in, and out */

static pay_status_t
pay_status_read(vg_str_t name)
{
    for (pay_status_t s = PAY_PENDING; s <= PAY_FAILED; s++) {
        if (vg_str_eq(name, pay_statuses[s])) {
            return s;
        }
    }
    return PAY_UNSAID;
}


/* "customer/token", or a token alone */
static void
pay_token_read(vg_str_t text, pay_intent_t *i)
{
    const char *slash = text.data ? memchr(text.data, '/', text.len) : NULL;

    i->token = text;
    if (slash != NULL) {
        i->customer = (vg_str_t){ text.data, (size_t) (slash - text.data) };
        i->token = (vg_str_t){ slash + 1, text.len - i->customer.len - 1 };
    }
}


static pay_claim_t
pay_claim_read(vg_str_t taken, vg_str_t ours)
{
    if (taken.data == NULL) {
        return PAY_FREE;
    }
    return ours.data != NULL && ours.len == taken.len
                   && memcmp(ours.data, taken.data, taken.len) == 0
               ? PAY_OURS
               : PAY_OTHERS;
}


bool
pay_intent_read(const vg_json_t *row, vg_str_t claim, pay_intent_t *i)
{
    const vg_json_t *doubt = vg_json_get(row, "doubt");
    int64_t          digits = pay_count(row, "digits", -1);

    *i = (pay_intent_t){ .id = vg_json_text(row, "id"),
                         .order = vg_json_text(row, "order"),
                         .ref = vg_json_text(row, "ref"),
                         .currency = vg_json_text(row, "currency"),
                         .digits = (int) digits,
                         .tries = pay_count(row, "tries", 0),
                         .waits = pay_count(row, "waits", 0),
                         .status = pay_status_read(vg_json_text(row, "status")),
                         .wanted = pay_status_read(vg_json_text(row, "wanted")),
                         .doubt = doubt && doubt->type == VG_JSON_TRUE,
                         .claim =
                             pay_claim_read(vg_json_text(row, "claim"), claim),
                         .version = pay_count(row, "version", 0) };
    pay_token_read(vg_json_text(row, "token"), i);
    return i->id.data != NULL && i->currency.data != NULL && digits >= 0
           && digits <= 4 && i->status != PAY_UNSAID && i->wanted != PAY_UNSAID
           && pay_minor(vg_json_text(row, "amount"), i->digits, &i->amount)
           && pay_minor(vg_json_text(row, "capture"), i->digits, &i->capture)
           && pay_minor(vg_json_text(row, "captured"), i->digits, &i->captured)
           && pay_minor(vg_json_text(row, "refunded"), i->digits, &i->refunded)
           && pay_minor(vg_json_text(row, "refund"), i->digits, &i->refund);
}


vg_str_t
pay_said_text(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op,
              const pay_said_t *said)
{
    vg_out_t    out;
    const char *status = pay_statuses[said->status];

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "op", vg_str(pay_ops[op]));
    vg_out_member(&out, "verdict", vg_str(pay_verdicts[said->verdict]));
    if (status != NULL) {
        vg_out_member(&out, "status", vg_str(status));
    }
    vg_out_member(&out, "order", said->order);
    vg_out_member(&out, "ref", said->ref);
    vg_out_member(&out, "failure", said->failure);
    if (said->captured >= 0) {
        vg_out_member_raw(&out, "captured",
                          pay_major(pool, said->captured, i->digits));
    }
    if (said->refunded >= 0) {
        vg_out_member_raw(&out, "refunded",
                          pay_major(pool, said->refunded, i->digits));
    }
    vg_out_key(&out, "version");
    vg_out_int(&out, i->version);
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}

/* with: plugins/billing/adapter.c plugins/billing/adapter_razorpay.c plugins/billing/adapter_sandbox.c plugins/billing/adapter_stripe.c plugins/billing/exact.c
 *
 * payment.c: whatever a payment provider answers, to whatever was asked. The
 * first byte says whom, the second what, the third with which status. What is
 * taken for an answer is within what the payment is, in names that may stand in
 * a path, and JSON.
 */

#include "../../plugins/billing/adapter.h"
#include "fuzz.h"

static const int statuses[] = {
    200, 201, 302, 400, 401, 402, 404, 409, 429, 500
};


static pay_intent_t
intent(uint8_t what)
{
    pay_intent_t i = { .id = VG_STR("I-1"),
                       .token = VG_STR("pm_1"),
                       .currency = VG_STR("EUR"),
                       .digits = 2,
                       .amount = 1234,
                       .capture = 1234,
                       .status = PAY_PENDING,
                       .wanted = PAY_CAPTURED };

    if (what & 0x10) {
        i.ref = VG_STR("pi_1");
    }
    if (what & 0x20) {
        i.order = VG_STR("order_1");
    }
    if (what & 0x40) {
        i.captured = 1234;
        i.refund = 100;
    }
    return i;
}


static void
good(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op,
     const pay_said_t *said)
{
    pay_intent_t  next = *i;
    pay_request_t request;
    vg_str_t      text = pay_said_text(pool, i, op, said);

    REQUIRE(vg_json_parse(pool, text, NULL) != NULL);
    REQUIRE(said->captured <= i->amount && said->refunded <= i->amount);
    REQUIRE(said->ref.len <= 64 && said->order.len <= 64);
    next.ref = said->ref.data ? said->ref : i->ref;
    next.order = said->order.data ? said->order : i->order;
    REQUIRE(pay_stripe.ask(pool, &next, PAY_LOOK, &request));
    for (size_t n = 0; n < request.path.len; n++) {
        REQUIRE(request.path.data[n] > ' ' && request.path.data[n] <= '~');
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const pay_adapter_t *const adapters[] = { &pay_stripe, &pay_razorpay,
                                                     &pay_sandbox };
    char                             *copy;
    vg_pool_t                        *pool;
    pay_said_t                        said;
    pay_intent_t                      i;
    pay_op_t                          op;

    if (size < 3) {
        return 0;
    }
    copy = fuzz_copy(data + 3, size - 3);
    pool = vg_arena_create();
    i = intent(data[1]);
    op = (pay_op_t) (PAY_ORDER + data[1] % 7);
    pay_read(adapters[data[0] % 3], &i, op, statuses[data[2] % 10],
             vg_json_parse(pool, (vg_str_t){ copy, size - 3 }, NULL), &said);
    good(pool, &i, op, &said);
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}

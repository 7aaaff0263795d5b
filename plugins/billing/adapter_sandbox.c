/*
 * adapter_sandbox.c: payments of nobody: what becomes of one is decided by its
 * token, here. For trying things out, and where the house takes no cards.
 */

#include "adapter.h"

#define ANY INT64_MAX

typedef struct {
    const char *token;
    int64_t     authorised; /* minor units at most                        */
    int64_t     captured;   /* the same                                   */
    const char *failure;    /* of what is above                           */
} sandbox_card_t;

/* of all other tokens the last is true */
static const sandbox_card_t sandbox_cards[] = {
    { "tok_declined", 0, 0, "card_declined" },
    { "tok_short", 5000, ANY, "insufficient_funds" },
    { "tok_expires", ANY, 0, "expired" },
    { "tok_capped", ANY, 2000, "capture_declined" },
    { NULL, ANY, ANY, NULL },
};


static const sandbox_card_t *
sandbox_card(vg_str_t token)
{
    const sandbox_card_t *card = sandbox_cards;

    while (card->token != NULL && !vg_str_eq(token, card->token)) {
        card++;
    }
    return card;
}


static void
sandbox_fail(pay_said_t *said, const char *failure)
{
    said->status = PAY_FAILED;
    said->failure = vg_str(failure);
}


static void
sandbox_read(const pay_intent_t *i, pay_op_t op, int status,
             const vg_json_t *body, pay_said_t *said)
{
    const sandbox_card_t *card = sandbox_card(i->token);

    (void) status;
    (void) body;
    *said = (pay_said_t){ .verdict = PAY_READ, .captured = -1, .refunded = -1 };
    switch (op) {

    case PAY_AUTHORISE:
        said->status = PAY_AUTHORISED;
        said->ref = i->id;
        if (i->amount > card->authorised) {
            sandbox_fail(said, card->failure);
        }
        break;

    case PAY_CAPTURE:
        said->status = PAY_CAPTURED;
        said->captured = i->capture;
        if (i->capture > card->captured) {
            sandbox_fail(said, card->failure);
            said->captured = -1;
        }
        break;

    case PAY_CANCEL:
        said->status = PAY_CANCELLED;
        break;

    case PAY_REFUND:
        said->refunded = i->refunded + i->refund;
        break;

    default: /* there is nothing to be known that we do not know */
        break;
    }
}


const pay_adapter_t pay_sandbox = { .name = "sandbox",
                                    .local = true,
                                    .read = sandbox_read };

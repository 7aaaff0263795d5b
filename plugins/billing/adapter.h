/*
 * adapter.h: how a payment provider is spoken to: what to ask next, the request
 * for it, and what its answer means.
 *
 * Pure: knows neither the kit nor the database. A provider is one row of data
 * and two functions; whatever differs between providers is in their own files.
 * Amounts are minor units, in all, as the provider counts them.
 */

#ifndef BILLING_ADAPTER_H
#define BILLING_ADAPTER_H

#include "vg_json.h"

typedef enum {
    PAY_NONE,  /* what is wanted is so                                   */
    PAY_ORDER, /* some want one before a payment                         */
    PAY_LOOK,  /* what does it know                                      */
    PAY_AUTHORISE,
    PAY_CAPTURE,
    PAY_CANCEL,
    PAY_LAPSE, /* nothing is asked: what is not captured goes by itself  */
    PAY_REFUND,
} pay_op_t;

/* in the order in which an intent goes through them; the table's names */
typedef enum {
    PAY_UNSAID,
    PAY_PENDING,
    PAY_AUTHORISED,
    PAY_CAPTURED,
    PAY_CANCELLED,
    PAY_FAILED,
} pay_status_t;

/* Which of its pushes may ask, where no key makes that safe to repeat. */
typedef enum {
    PAY_FREE,   /* none: who would takes a claim first                    */
    PAY_OURS,   /* this one                                               */
    PAY_OTHERS, /* another one, which may be waiting for an answer        */
} pay_claim_t;

typedef struct {
    vg_str_t     id;
    vg_str_t     order, ref; /* the provider's; data NULL: not known yet  */
    vg_str_t     customer;   /* the provider's, of a token "customer/token" */
    vg_str_t     token;
    vg_str_t     currency; /* ISO 4217, upper case                      */
    int          digits;   /* of it, behind the point                   */
    int64_t      amount;   /* to be authorised                          */
    int64_t      capture;  /* of that, to be captured                   */
    int64_t      captured, refunded; /* so far                            */
    int64_t      refund; /* to be given back now                      */
    int64_t      tries;  /* that came to nothing, for good            */
    int64_t      waits;  /* pushes since something moved              */
    pay_status_t status, wanted;
    bool         doubt; /* the provider may know more                     */
    pay_claim_t  claim;
    int64_t      version; /* of its row                                   */
} pay_intent_t;

typedef struct {
    bool        post;
    vg_str_t    path; /* behind the target's url                          */
    vg_str_t    body;
    const char *type;       /* of the body                                */
    const char *key_header; /* where the key goes, beside Idempotency-Key;
                               NULL: nowhere                              */
} pay_request_t;

typedef enum {
    PAY_AGAIN,     /* nothing is known: the same is asked again           */
    PAY_READ,      /* it is so                                            */
    PAY_NOT_THERE, /* it was looked at, and there is nothing              */
    PAY_REFUSED,   /* nothing came of it; it is looked at                 */
} pay_verdict_t;

typedef struct {
    pay_verdict_t verdict;
    pay_status_t  status; /* PAY_UNSAID: as it was                        */
    vg_str_t      order, ref;
    vg_str_t      failure;
    int64_t       captured, refunded; /* in all; -1: not said             */
} pay_said_t;

typedef struct {
    const char *name;
    bool        local;   /* asked by nobody: ask() is NULL                */
    bool        orders;  /* wants an order first                          */
    bool        lapses;  /* cannot cancel: what is not captured lapses    */
    bool        keyless; /* keys do not make it safe to ask twice: one push
                            alone asks, the others look                   */
    bool        whole;   /* captures all of it or nothing                 */

    /* false: no memory, or not to be asked so */
    bool (*ask)(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op,
                pay_request_t *request);
    /* of an answer with this HTTP status; body NULL: none, or no JSON */
    void (*read)(const pay_intent_t *i, pay_op_t op, int status,
                 const vg_json_t *body, pay_said_t *said);
} pay_adapter_t;

extern const pay_adapter_t pay_sandbox, pay_stripe, pay_razorpay;

/* NULL: there is none of that name */
const pay_adapter_t *pay_adapter(vg_str_t name);

/* What brings it nearer to what is wanted. again: this was asked before, and
 * what came of it is not known. */
pay_op_t    pay_next(const pay_adapter_t *adapter, const pay_intent_t *i,
                     bool again);
const char *pay_op_name(pay_op_t op);

/* Whether what is said of it is known without asking anybody, and what. */
bool pay_local(const pay_adapter_t *adapter, const pay_intent_t *i, pay_op_t op,
               pay_said_t *said);

/* What an answer says, by the adapter; what speaks of another payment, or in
 * names that are none, is not known. */
void pay_read(const pay_adapter_t *adapter, const pay_intent_t *i, pay_op_t op,
              int status, const vg_json_t *body, pay_said_t *said);

/* The provider's key for it: of the intent, the step, and how much was moved
 * before, so that it is the same however often it is asked, and another one
 * for the next. data NULL: no memory. */
vg_str_t pay_key(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op);

/* An amount of money as minor units; false: more digits than the currency has,
 * below zero, or more than 10^15 of them. And back. */
bool     pay_minor(vg_str_t amount, int digits, int64_t *minor);
vg_str_t pay_major(vg_pool_t *pool, int64_t minor, int digits);

/* From the row of intent_ground.sql, and the claim of who asks (data NULL:
 * none); false: nonsense. */
bool pay_intent_read(const vg_json_t *row, vg_str_t claim, pay_intent_t *i);

/* Makes request's answer what intent_pushed.sql takes. */
vg_str_t pay_said_text(vg_pool_t *pool, const pay_intent_t *i, pay_op_t op,
                       const pay_said_t *said);


/* ------------------------------------------- what the adapters share */

/* a provider's word and what it means here; ends with a NULL word */
typedef struct {
    const char *word;
    int         means;
} pay_word_t;

/* otherwise: of a word that is not in the table, or none */
int pay_word(const pay_word_t *words, vg_str_t word, int otherwise);

/* What a status of HTTP alone says: PAY_READ for 2xx. */
pay_verdict_t pay_http(int status);

/* A whole number of minor units; otherwise: none, or not one. */
int64_t pay_count(const vg_json_t *node, const char *name, int64_t otherwise);

/* A provider's word for why, as we keep it: [a-z0-9_], at most 64. data NULL:
 * it is none. */
vg_str_t pay_failure(vg_str_t word);

#endif /* BILLING_ADAPTER_H */

// The shape of Stripe: payment intents that are captured by hand, refunds,
// balance transactions. Amounts are minor units.

'use strict';

const crypto = require('crypto');

const now = () => Math.floor(Date.now() / 1000);

const fail = (status, type, code, more) => ({ status, body: { error: { type, code, message: code, ...more } } });

const card = p => p.token.split('/').pop();

// --------------------------------------------------------- what it looks like

function charge(p) {
    return {
        id: p.id.replace('pi_', 'ch_'), object: 'charge', payment_intent: p.id, amount: p.amount,
        amount_captured: p.captured, amount_refunded: p.refunded, captured: p.captured > 0, currency: p.currency,
        metadata: { intent: p.intent }, refunded: p.captured > 0 && p.refunded === p.captured,
    };
}

function intent(p) {
    return {
        id: p.id, object: 'payment_intent', amount: p.amount, currency: p.currency, status: p.status,
        amount_capturable: p.status === 'requires_capture' ? p.amount : 0, amount_received: p.captured,
        capture_method: 'manual', metadata: { intent: p.intent }, payment_method: card(p), created: p.created,
        last_payment_error: p.error ? { type: 'card_error', code: 'card_declined', decline_code: p.error } : null,
        latest_charge: p.error ? null : charge(p),
    };
}

function refund(books, r) {
    const p = books.get('stripe/payments', r.payment);
    return {
        id: r.id, object: 'refund', amount: r.amount, currency: p.currency, payment_intent: p.id,
        charge: charge(p), status: r.failed ? 'failed' : 'succeeded', created: r.created, metadata: { intent: p.intent },
    };
}

const dispute = p => ({ id: p.id.replace('pi_', 'dp_'), object: 'dispute', payment_intent: p.id, amount: p.captured, currency: p.currency, status: 'needs_response' });

const one = (status, body, p) => ({ status, body, intent: p?.intent });
const list = data => ({ status: 200, body: { object: 'list', data, has_more: false } });

// ---------------------------------------------------------------- what it does

function authorise(books, form, { decline, tell }) {
    const amount = Number(form.get('amount'));
    if (!Number.isInteger(amount) || amount <= 0) return fail(400, 'invalid_request_error', 'parameter_invalid_integer');
    if (form.get('capture_method') !== 'manual' || form.get('confirm') !== 'true') {
        return fail(400, 'invalid_request_error', 'parameter_missing');
    }
    const token = form.get('payment_method') ?? '';
    if (!/^pm_/.test(token)) return fail(400, 'invalid_request_error', 'resource_missing');
    const error = decline || /_declined$/.test(token) ? 'generic_decline'
        : /_short$/.test(token) && amount > 5000 ? 'insufficient_funds' : null;
    const p = books.put('stripe/payments', {
        id: books.next('pi_'), intent: form.get('metadata[intent]'), token, amount, currency: form.get('currency'),
        status: error ? 'requires_payment_method' : token === 'pm_action' ? 'requires_action' : 'requires_capture',
        captured: 0, refunded: 0, error, created: now(), at: new Date().toISOString(),
    });
    tell(error ? 'payment_intent.payment_failed' : 'payment_intent.amount_capturable_updated', p);
    if (!error) return one(200, intent(p), p);
    return { ...fail(402, 'card_error', 'card_declined', { decline_code: error, payment_intent: intent(p) }), intent: p.intent };
}

function capture(books, p, form, { decline, tell }) {
    if (p.status !== 'requires_capture') return fail(400, 'invalid_request_error', 'payment_intent_unexpected_state', { payment_intent: intent(p) });
    const amount = Number(form.get('amount_to_capture') ?? p.amount);
    if (!(amount > 0 && amount <= p.amount)) return fail(400, 'invalid_request_error', 'amount_too_large');
    if (decline || /_expires$/.test(card(p))) {
        p = books.put('stripe/payments', { ...p, status: 'canceled' });
        tell('payment_intent.canceled', p);
        return fail(400, 'invalid_request_error', 'charge_expired_for_capture');
    }
    p = books.put('stripe/payments', { ...p, status: 'succeeded', captured: amount, moved: now() });
    tell('payment_intent.succeeded', p);
    return one(200, intent(p), p);
}

function cancel(books, p, _, { tell }) {
    if (p.status === 'succeeded' || p.status === 'canceled') {
        return fail(400, 'invalid_request_error', 'payment_intent_unexpected_state', { payment_intent: intent(p) });
    }
    p = books.put('stripe/payments', { ...p, status: 'canceled' });
    tell('payment_intent.canceled', p);
    return one(200, intent(p), p);
}

function giveBack(books, form, { tell }) {
    let p = books.get('stripe/payments', form.get('payment_intent'));
    if (!p) return fail(404, 'invalid_request_error', 'resource_missing');
    const amount = Number(form.get('amount') ?? p.captured - p.refunded);
    if (!(amount > 0 && p.refunded + amount <= p.captured)) return fail(400, 'invalid_request_error', 'charge_already_refunded');
    p = books.put('stripe/payments', { ...p, refunded: p.refunded + amount });
    const r = books.put('stripe/refunds', { id: books.next('re_'), payment: p.id, amount, created: now(), at: new Date().toISOString() });
    tell('charge.refunded', p);
    return one(200, refund(books, r), p);
}

// the last refund did not reach the card
function takeBack(books, p) {
    const r = books.rows('stripe/refunds').filter(o => o.payment === p.id && !o.failed).pop();
    p = books.put('stripe/payments', { ...p, refunded: p.refunded - r.amount });
    return { type: 'refund.failed', row: { ...p, refund: books.put('stripe/refunds', { ...r, failed: now() }) } };
}

function disputed(books, p) {
    return { type: 'charge.dispute.created', row: books.put('stripe/payments', { ...p, disputed: now() }) };
}

function look(books, call) {
    const [, , id] = call.path;
    if (id === 'search') {
        const [, about] = /^metadata\['intent'\]:'([^']+)'$/.exec(call.query.get('query')) ?? [];
        if (!about) return fail(400, 'invalid_request_error', 'parameter_invalid');
        return list(books.rows('stripe/payments').filter(p => p.intent === about).map(intent));
    }
    const p = books.get('stripe/payments', id);
    return p ? one(200, intent(p), p) : fail(404, 'invalid_request_error', 'resource_missing');
}

// one line for each movement of money, newest first
function transactions(books, query) {
    const rows = [
        ...books.rows('stripe/payments').filter(p => p.captured).map(p => ({
            id: p.id.replace('pi_', 'txn_'), type: 'charge', created: p.moved,
            amount: p.settles ? Math.round(p.captured * 0.9) : p.captured, currency: p.settles ?? p.currency,
            source: { ...charge(p) },
        })),
        ...books.rows('stripe/refunds').map(r => ({
            id: r.id.replace('re_', 'txn_'), type: 'refund', amount: -r.amount, created: r.created,
            currency: books.get('stripe/payments', r.payment).currency, source: refund(books, r),
        })),
        ...books.rows('stripe/refunds').filter(r => r.failed).map(r => ({
            id: r.id.replace('re_', 'txn_f'), type: 'refund_failure', amount: r.amount, created: r.failed,
            currency: books.get('stripe/payments', r.payment).currency, source: refund(books, r),
        })),
        ...books.rows('stripe/payments').filter(p => p.disputed).map(p => ({
            id: p.id.replace('pi_', 'txn_d'), type: 'adjustment', amount: -p.captured, currency: p.currency, created: p.disputed,
            source: dispute(p),
        })),
    ].filter(t => t.created >= Number(query.get('created[gte]') ?? 0) && t.created < Number(query.get('created[lt]') ?? Infinity));
    rows.sort((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
    const from = query.has('starting_after') ? rows.findIndex(t => t.id === query.get('starting_after')) + 1 : 0;
    const page = rows.slice(from, from + Number(query.get('limit') ?? 10));
    return { status: 200, body: { object: 'list', data: page, has_more: from + page.length < rows.length } };
}

module.exports = {
    scheme: 'Bearer',
    fault: status => fail(status, status < 500 ? 'invalid_request_error' : 'api_error', status === 400 ? 'parameter_unknown' : 'unknown'),
    otherBody: () => fail(400, 'idempotency_error', 'idempotency_key_in_use'),
    key: call => (call.method === 'POST' ? call.headers['idempotency-key'] : undefined),
    hash: call => crypto.createHash('sha256').update(`${call.path.join('/')}\n${call.text}`).digest('hex'),

    op(call) {
        const [, resource, id, verb] = call.path;
        if (call.method === 'GET') return ['payment_intents', 'balance_transactions'].includes(resource) ? 'look' : null;
        if (resource === 'refunds') return 'refund';
        if (resource !== 'payment_intents') return null;
        return !id ? 'authorise' : ['capture', 'cancel'].includes(verb) ? verb : null;
    },

    // of the payment that a call is about
    amount(books, call) {
        const form = new URLSearchParams(call.text);
        if (call.op === 'authorise') return Number(form.get('amount'));
        return books.get('stripe/payments', call.op === 'refund' ? form.get('payment_intent') : call.path[2])?.amount;
    },

    act(books, call, day) {
        const [, resource, id] = call.path;
        const form = new URLSearchParams(call.text);
        if (resource === 'balance_transactions') return transactions(books, call.query);
        if (call.op === 'look') return look(books, call);
        if (call.op === 'authorise') return authorise(books, form, day);
        if (call.op === 'refund') return giveBack(books, form, day);
        const p = books.get('stripe/payments', id);
        if (!p) return fail(404, 'invalid_request_error', 'resource_missing');
        return { capture, cancel }[call.op](books, p, form, day);
    },

    takeBack,
    dispute: disputed,

    event: (books, type, p) => ({
        object: 'event', type, created: now(), data: {
            object: /dispute/.test(type) ? dispute(p) : p.refund ? refund(books, p.refund)
                : type.startsWith('charge.') ? charge(p) : intent(p),
        },
    }),
};

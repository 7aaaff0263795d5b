// The shape of Razorpay: an order, a payment on it by a token, captured whole
// or left to lapse, refunds. No key makes payments safe to repeat: an order is
// found again by its receipt, and is paid once. Amounts are paise.

'use strict';

const crypto = require('crypto');

const now = () => Math.floor(Date.now() / 1000);

const fail = (status, code, reason, metadata) => ({
    status, body: { error: { code, description: reason, source: 'business', step: 'payment', reason, metadata: metadata ?? {} } },
});

function payment(p) {
    return {
        id: p.id, entity: 'payment', amount: p.amount, currency: p.currency, status: p.status, order_id: p.order,
        captured: p.captured > 0, amount_refunded: p.refunded, notes: { intent: p.intent }, created_at: p.created,
        refund_status: p.refunded === 0 ? null : p.refunded < p.captured ? 'partial' : 'full',
        error_code: p.error ? 'BAD_REQUEST_ERROR' : null, error_reason: p.error,
    };
}

const refund = r => ({
    id: r.id, entity: 'refund', amount: r.amount, currency: r.currency, payment_id: r.payment, status: r.failed ? 'failed' : 'processed',
    notes: {}, created_at: r.created,
});

const order = o => ({
    id: o.id, entity: 'order', amount: o.amount, currency: o.currency, receipt: o.receipt, status: o.status, created_at: o.created,
});

const one = (body, p) => ({ status: 200, body, intent: p?.intent });
const list = items => ({ status: 200, body: { entity: 'collection', count: items.length, items } });
const bad = (reason, metadata) => fail(400, 'BAD_REQUEST_ERROR', reason, metadata);

function book(books, body) {
    if (!Number.isInteger(body.amount) || body.amount <= 0) return bad('input_validation_failed');
    return one(order(books.put('razorpay/orders', {
        id: books.next('order_'), amount: body.amount, currency: body.currency, receipt: body.receipt, status: 'created', created: now(),
    })));
}

function authorise(books, body, { decline, tell }) {
    const o = books.get('razorpay/orders', body.order_id);
    if (!o || o.amount !== body.amount || o.currency !== body.currency) return bad('input_validation_failed');
    if (o.status === 'paid') return bad('order_already_paid');
    if (!/^token_/.test(body.token ?? '')) return bad('invalid_token');
    const error = decline || /_declined$/.test(body.token) ? 'card_declined'
        : /_short$/.test(body.token) && body.amount > 5000 ? 'insufficient_funds' : null;
    const p = books.put('razorpay/payments', {
        id: books.next('pay_'), intent: o.receipt, token: body.token, order: o.id, amount: o.amount, currency: o.currency,
        status: error ? 'failed' : 'authorized', captured: 0, refunded: 0, error, created: now(), at: new Date().toISOString(),
    });
    tell(error ? 'payment.failed' : 'payment.authorized', p);
    if (error) return { ...bad(error, { payment_id: p.id, order_id: o.id }), intent: p.intent };
    return one({ razorpay_payment_id: p.id, razorpay_order_id: o.id, razorpay_signature: 'x' }, p);
}

function capture(books, p, body, { decline, tell }) {
    if (p.status !== 'authorized') return bad('payment_already_captured');
    if (body.amount !== p.amount || body.currency !== p.currency) return bad('capture_amount_mismatch');
    if (decline || /_expires$/.test(p.token)) {
        p = books.put('razorpay/payments', { ...p, status: 'refunded' });
        return bad('payment_expired');
    }
    const o = books.get('razorpay/orders', p.order);
    if (o.status === 'paid') return bad('order_already_paid');
    books.put('razorpay/orders', { ...o, status: 'paid' });
    p = books.put('razorpay/payments', { ...p, status: 'captured', captured: p.amount, moved: now() });
    tell('payment.captured', p);
    return one(payment(p), p);
}

function giveBack(books, p, body, { tell }) {
    if (!['captured', 'refunded'].includes(p.status) || !p.captured) return bad('payment_not_captured');
    const amount = body.amount ?? p.captured - p.refunded;
    if (!(amount > 0 && p.refunded + amount <= p.captured)) return bad('refund_amount_exceeds');
    const refunded = p.refunded + amount;
    p = books.put('razorpay/payments', { ...p, refunded, status: refunded === p.captured ? 'refunded' : 'captured' });
    const r = books.put('razorpay/refunds', {
        id: books.next('rfnd_'), payment: p.id, amount, currency: p.currency, created: now(), at: new Date().toISOString(),
    });
    tell('refund.processed', { ...p, refund: r });
    return one(refund(r), p);
}

// the last refund did not reach the card
function takeBack(books, p) {
    const r = books.rows('razorpay/refunds').filter(o => o.payment === p.id && !o.failed).pop();
    p = books.put('razorpay/payments', { ...p, refunded: p.refunded - r.amount, status: 'captured' });
    return { type: 'refund.failed', row: { ...p, refund: books.put('razorpay/refunds', { ...r, failed: now() }) } };
}

function disputed(books, p) {
    return { type: 'payment.dispute.created', row: books.put('razorpay/payments', { ...p, disputed: now() }) };
}

function look(books, call) {
    const [, resource, id, part] = call.path;
    if (resource === 'orders' && !id) {
        return list(books.rows('razorpay/orders').filter(o => o.receipt === call.query.get('receipt')).map(order));
    }
    if (resource === 'orders' && part === 'payments') {
        return list(books.rows('razorpay/payments').filter(p => p.order === id).map(payment));
    }
    const p = books.get('razorpay/payments', id);
    if (!p) return bad('invalid_id');
    if (part === 'refunds') return list(books.rows('razorpay/refunds').filter(r => r.payment === p.id).map(refund));
    return one(payment(p), p);
}

// one line for each movement of money of a day, by India's clock
function settlements(books, query) {
    const day = ['year', 'month', 'day'].map(k => String(query.get(k)).padStart(2, '0')).join('-');
    const on = t => new Date((t + 19800) * 1000).toISOString().slice(0, 10) === day;
    const rows = [
        ...books.rows('razorpay/payments').filter(p => p.captured && on(p.moved)).map(p => ({
            entity_id: p.id, type: 'payment', credit: p.captured, debit: 0, amount: p.captured, currency: p.currency,
            order_id: p.order, order_receipt: p.intent, created_at: p.moved,
        })),
        ...books.rows('razorpay/refunds').filter(r => !r.failed && on(r.created)).map(r => ({
            entity_id: r.id, type: 'refund', credit: 0, debit: r.amount, amount: r.amount, currency: r.currency,
            payment_id: r.payment, order_receipt: books.get('razorpay/payments', r.payment).intent, created_at: r.created,
        })),
        ...books.rows('razorpay/payments').filter(p => p.disputed && on(p.disputed)).map(p => ({
            entity_id: p.id.replace('pay_', 'adj_'), type: 'adjustment', credit: 0, debit: p.captured, amount: p.captured,
            currency: p.currency, payment_id: p.id, order_receipt: p.intent, created_at: p.disputed,
        })),
    ];
    const skip = Number(query.get('skip') ?? 0);
    return list(rows.slice(skip, skip + Number(query.get('count') ?? 10)));
}

module.exports = {
    scheme: 'Basic',
    fault: status => (status < 500 ? fail(status, 'BAD_REQUEST_ERROR', 'input_validation_failed')
        : fail(status, 'SERVER_ERROR', 'server_error')),
    otherBody: () => bad('different_request_with_same_key'),
    key: call => (call.op === 'refund' ? call.headers['x-refund-idempotency'] : undefined),
    hash: call => crypto.createHash('sha256').update(`${call.path.join('/')}\n${call.text}`).digest('hex'),

    op(call) {
        const [, resource, id, verb] = call.path;
        if (call.method === 'GET') return ['orders', 'payments', 'settlements'].includes(resource) ? 'look' : null;
        if (resource === 'orders' && !id) return 'order';
        if (resource !== 'payments' || !verb) return null;
        return verb === 'recurring' ? 'authorise' : { capture: 'capture', refund: 'refund' }[verb] ?? null;
    },

    // of the payment that a call is about
    amount(books, call) {
        if (['order', 'authorise'].includes(call.op)) return JSON.parse(call.text || '{}').amount;
        return (books.get('razorpay/payments', call.path[2]) ?? books.get('razorpay/orders', call.path[2]))?.amount;
    },

    act(books, call, day) {
        if (call.path[1] === 'settlements') return settlements(books, call.query);
        if (call.op === 'look') return look(books, call);
        const body = JSON.parse(call.text || '{}');
        if (call.op === 'order') return book(books, body);
        if (call.op === 'authorise') return authorise(books, body, day);
        const p = books.get('razorpay/payments', call.path[2]);
        if (!p) return bad('invalid_id');
        return (call.op === 'capture' ? capture : giveBack)(books, p, body, day);
    },

    takeBack,
    dispute: disputed,

    event: (books, type, p) => ({
        entity: 'event', event: type, contains: ['payment'], created_at: now(),
        payload: { payment: { entity: payment(p) }, ...(p.refund ? { refund: { entity: refund(p.refund) } } : {}) },
    }),
};

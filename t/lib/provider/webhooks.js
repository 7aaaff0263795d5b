// The webhooks of a provider that is not there: signed as the real ones are,
// sent again until they are taken.

'use strict';

const crypto = require('crypto');
const http = require('http');
const https = require('https');

const hmac = (secret, text) => crypto.createHmac('sha256', secret).update(text).digest('hex');

// what each shape signs, and where it puts that
const signed = {
    stripe: (secret, event) => {
        const t = Math.floor(Date.now() / 1000);
        return { 'Stripe-Signature': `t=${t},v1=${hmac(secret, `${t}.${event.text}`)}` };
    },
    razorpay: (secret, event) => ({
        'X-Razorpay-Signature': hmac(secret, event.text),
        'X-Razorpay-Event-Id': event.name,
    }),
};

class Webhooks {
    constructor(books, secrets) {
        this.books = books;
        this.secrets = secrets;
        this.url = null;
        this.log = new Map();
    }

    // an event, written down before anybody hears of it
    make(shape, body) {
        const name = this.books.next('evt_');
        const text = JSON.stringify(shape === 'stripe' ? { id: name, ...body } : body);
        const type = body.type ?? body.event;
        return this.books.put('events', { id: `${shape}/${name}`, name, shape, type, text });
    }

    async send(event) {
        if (!this.url || !event) return;
        const entry = { id: event.name, shape: event.shape, type: event.type, status: 0, tries: 0 };
        this.log.set(`${event.id}#${this.log.size}`, entry);
        while (entry.tries < 5 && !(entry.status >= 200 && entry.status < 300)) {
            if (entry.tries++) await new Promise(resolve => setTimeout(resolve, 200 * entry.tries));
            entry.status = await this.post(event);
        }
    }

    post(event) {
        const url = new URL(`${this.url}/${event.shape}`);
        const client = url.protocol === 'https:' ? https : http;
        return new Promise(resolve => {
            const req = client.request(url, {
                method: 'POST', rejectUnauthorized: false, timeout: 10000,
                headers: { 'Content-Type': 'application/json', ...signed[event.shape](this.secrets[event.shape], event) },
            }, res => {
                res.resume();
                res.on('end', () => resolve(res.statusCode));
                res.on('error', () => resolve(0));
            });
            req.on('timeout', () => req.destroy());
            req.on('error', () => resolve(0));
            req.end(event.text);
        });
    }

    list() { return [...this.log.values()]; }
}

module.exports = { Webhooks };

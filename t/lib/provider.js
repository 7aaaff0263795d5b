// A payment provider that is not there: the server, its bad days, its books.
// Voltgate/Provider.pm is its manual. What the two shapes say and mean is in
// provider/stripe.js and provider/razorpay.js.

'use strict';

const fs = require('fs');
const http = require('http');
const { Webhooks } = require('./provider/webhooks.js');

const [port, file, secretsText] = process.argv.slice(2);
const secrets = JSON.parse(secretsText);
const shapes = { stripe: require('./provider/stripe.js'), razorpay: require('./provider/razorpay.js') };

// ------------------------------------------------------------------- books

// One line for each call that changed something, with all that it wrote: the
// last of an id is what it is.
class Books {
    constructor(path) {
        this.tables = {};
        this.count = 0;
        this.pending = [];
        if (fs.existsSync(path)) {
            for (const line of fs.readFileSync(path, 'utf8').split('\n')) {
                try {
                    for (const { table, row } of JSON.parse(line)) this.set(table, row);
                } catch { /* the last line, of a process that was killed */ }
            }
        }
        this.out = fs.openSync(path, 'a');
        if (this.count) fs.writeSync(this.out, '\n');
    }

    set(table, row) {
        this.count++;
        this.table(table).set(row.id, row);
    }

    table(name) { return this.tables[name] ??= new Map(); }
    rows(name) { return [...this.table(name).values()]; }
    get(name, id) { return this.table(name).get(id); }

    put(table, row) {
        this.set(table, row);
        this.pending.push({ table, row });
        return row;
    }

    write() {
        if (this.pending.length) fs.writeSync(this.out, JSON.stringify(this.pending) + '\n');
        this.pending = [];
    }

    next(prefix) { return prefix + String(this.count + 1).padStart(14, '0'); }
}

const books = new Books(file);
const webhooks = new Webhooks(books, secrets.webhooks);

// ------------------------------------------------------------------ faults

let faults = [];
let chance = { chance: 0, faults: [], random: () => 1 };

// the same days for the same seed (mulberry32)
function seeded(seed) {
    let a = seed >>> 0;
    return () => {
        a = (a + 0x6d2b79f5) >>> 0;
        let t = Math.imul(a ^ (a >>> 15), 1 | a);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

function faultFor(shape, op, amount) {
    const fits = f => (!f.shape || f.shape === shape) && (!f.op || f.op === 'any' || f.op === op)
        && (!f.amount || f.amount === amount);
    for (const f of faults.filter(fits)) {
        if (f.after > 0) {
            f.after--;
            continue;
        }
        if (--f.times <= 0) faults = faults.filter(g => g !== f);
        return f;
    }
    if (chance.faults.length && chance.random() < chance.chance) {
        return { fault: chance.faults[Math.floor(chance.random() * chance.faults.length)], ms: chance.ms ?? 100 };
    }
    return { fault: null };
}

// ------------------------------------------------------------------- calls

let late = 0;    // that wait to act

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

function say(res, answer) {
    const body = JSON.stringify(answer.body);
    if (!res.destroyed) {
        res.writeHead(answer.status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
        res.end(body);
    }
}

// the deed, once for a key: the same key gives the same answer, and another
// body under it is refused
function act(shape, call, day) {
    const api = shapes[shape];
    const key = api.key(call);
    const id = key && `${shape}/${key}`;
    const known = id && books.get('keys', id);
    if (known) {
        return { answer: known.hash === api.hash(call) ? known.answer : api.otherBody(), told: [] };
    }
    if (day.fault === 'error' || day.fault === 'kept') {
        const answer = api.fault(500);
        if (id && day.fault === 'kept') books.put('keys', { id, hash: api.hash(call), answer });
        return { answer, told: [] };
    }
    if (day.fault === 'refuse') return { answer: api.fault(400), told: [] };
    const told = [];
    const answer = api.act(books, call, { decline: day.fault === 'decline', tell: (type, row) => told.push({ type, row }) });
    if (id && answer.status < 500) books.put('keys', { id, hash: api.hash(call), answer });
    books.put('calls', { id: books.next('call_'), shape, op: call.op, intent: answer.intent ?? null, status: answer.status });
    return { answer, told: told.map(t => webhooks.make(shape, api.event(books, t.type, t.row))) };
}

async function answered(req, res, shape, call) {
    const day = faultFor(shape, call.op, shapes[shape].amount(books, call));
    if (day.fault === 'hang') return;
    if (day.fault === 'closed') return req.socket.destroy();
    if (day.fault === 'late') {
        late++;
        await sleep(day.ms ?? 500);
        late--;
    }
    const { answer, told } = act(shape, call, day);
    books.write();
    if (day.fault === 'first') await Promise.all(told.map(t => webhooks.send(t)));
    if (day.fault === 'slow') await sleep(day.ms ?? 500);
    switch (day.fault) {
    case 'lost':
        req.socket.destroy();
        break;
    case 'silent':
        break;
    case 'acted':
        say(res, shapes[shape].fault(500));
        break;
    case 'half': {
        const body = JSON.stringify(answer.body);
        res.writeHead(answer.status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
        res.write(body.slice(0, body.length / 2), () => req.socket.destroy());
        break;
    }
    case 'twice': {
        const body = JSON.stringify(answer.body);
        const text = `HTTP/1.1 ${answer.status} Said\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
        req.socket.write(text + text);
        res.detachSocket(req.socket);
        break;
    }
    default:
        say(res, answer);
    }
    if (day.fault !== 'first') told.forEach(t => webhooks.send(t));
    if (day.fault === 'doubled') told.forEach(t => webhooks.send(t));
}

// ------------------------------------------------------- what a test may say

const control = {
    'GET faults': () => ({ left: faults.length, late }),
    'POST faults': f => { faults.push({ times: 1, after: 0, ...f }); return {}; },
    'POST mend': () => { faults = []; chance = { chance: 0, faults: [], random: () => 1 }; return {}; },
    'POST chance': c => { chance = { faults: [], ...c, random: seeded(c.seed ?? 1) }; return {}; },
    'GET books': (_, query) => ledger(query.get('shape')),
    'POST edit': what => {
        const [shape, row] = found(what.ref);
        return books.put(`${shape}/payments`, { ...row, ...what, ref: undefined });
    },
    'POST takeback': what => {
        const [shape, row] = found(what.ref);
        told(shape, shapes[shape].takeBack(books, row));
        return {};
    },
    'POST dispute': what => {
        const [shape, row] = found(what.ref);
        told(shape, shapes[shape].dispute(books, row));
        return {};
    },
    'POST webhooks': w => { webhooks.url = w.url; return {}; },
    'GET sent': () => webhooks.list(),
    'POST send': async w => { await webhooks.send(books.get('events', `${w.shape}/${w.id}`)); return {}; },
};

// beside any call
function told(shape, { type, row }) {
    webhooks.send(webhooks.make(shape, shapes[shape].event(books, type, row)));
}

function found(ref) {
    for (const shape of Object.keys(shapes)) {
        const row = books.get(`${shape}/payments`, ref);
        if (row) return [shape, row];
    }
    throw new Error(`no payment ${ref}`);
}

function ledger(only) {
    const of = Object.keys(shapes).filter(shape => !only || shape === only);
    const calls = {};
    for (const call of books.rows('calls').filter(c => of.includes(c.shape) && c.status < 300)) {
        calls[call.op] = (calls[call.op] ?? 0) + 1;
    }
    return {
        payments: of.flatMap(shape => books.rows(`${shape}/payments`).map(p => ({
            shape, ref: p.id, intent: p.intent, amount: p.amount, currency: p.currency, status: p.status,
            captured: p.captured, refunded: p.refunded, at: p.at,
        }))),
        refunds: of.flatMap(shape => books.rows(`${shape}/refunds`).map(r => ({
            shape, ref: r.id, payment: r.payment, amount: r.amount, at: r.at,
        }))),
        calls,
    };
}

// ------------------------------------------------------------------ the server

async function read(req) {
    const parts = [];
    for await (const part of req) parts.push(part);
    return Buffer.concat(parts).toString('utf8');
}

async function serve(req, res) {
    const url = new URL(req.url, 'http://provider');
    const text = await read(req);
    const [, first, ...rest] = url.pathname.split('/');
    if (first === '_') {
        const does = control[`${req.method} ${rest.join('/')}`];
        const body = does ? await does(text ? JSON.parse(text) : {}, url.searchParams) : { error: 'no such word' };
        books.write();
        return say(res, { status: does ? 200 : 404, body });
    }
    const api = shapes[first];
    if (!api) return say(res, { status: 404, body: {} });
    if (req.headers.authorization !== `${api.scheme} ${secrets.keys[first]}`) return say(res, api.fault(401));
    const call = { method: req.method, path: rest, query: url.searchParams, headers: req.headers, text };
    call.op = api.op(call);
    if (!call.op) return say(res, api.fault(404));
    return answered(req, res, first, call);
}

http.createServer({ keepAliveTimeout: 60000 }, (req, res) => {
    serve(req, res).catch(error => {
        process.stderr.write(`provider: ${error.stack}\n`);
        say(res, { status: 500, body: { error: { code: 'SERVER_ERROR', description: String(error), message: String(error) } } });
    });
}).listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

/*
 * strict.js: a charge point made of npm's ocpp-rpc, which nobody here wrote,
 * with its schemas of OCPP 1.6 and the security whitepaper enforced on what it
 * sends and what it is sent. Voltgate::Strict drives it.
 *
 *     strict.js ENDPOINT IDENTITY CA-FILE     the password is in $PASSWORD
 *
 * Lines on its standard input: {"answers": {action: payload or [code, text] or
 * {"inTurn": [...]}}} adds to what it says to commands, {"call", "payload"}
 * lets it call. A line
 * on its output for all that happens: {"open"}, {"set"}, {"asked", "payload"},
 * {"result"}, {"error"}, {"wrong"}. It leaves when its input ends.
 */

'use strict';

const fs = require('fs');
const readline = require('readline');
const { RPCClient, createRPCError } = require('ocpp-rpc');

const [endpoint, identity, ca] = process.argv.slice(2);
const answers = {};
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const charger = new RPCClient({
    endpoint, identity,
    password: process.env.PASSWORD,
    protocols: ['ocpp1.6'],
    strictMode: true,
    reconnect: false,
    callTimeoutMs: 10000,
    wsOpts: { ca: fs.readFileSync(ca) },
});

charger.on('strictValidationFailure', ({ method, error, outbound }) =>
    say({ wrong: `${outbound ? 'sent' : 'got'} ${method}: ${error.message}` }));
charger.on('badMessage', ({ error }) => say({ wrong: error.message }));
charger.handle(({ method, params }) => {
    say({ asked: method, payload: params });
    let answer = answers[method] ?? ['NotImplemented', 'not in this charger'];
    if (answer.inTurn) {
        answer = answer.inTurn.length > 1 ? answer.inTurn.shift() : answer.inTurn[0];
    }
    if (Array.isArray(answer)) {
        throw createRPCError(answer[0], answer[1]);
    }
    return answer;
});

async function main() {
    await charger.connect();
    say({ open: true });
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const { answers: more, call, payload } = JSON.parse(line);
        if (more) {
            Object.assign(answers, more);
            say({ set: true });
            continue;
        }
        try {
            say({ result: await charger.call(call, payload) });
        } catch (error) {
            say({ error: error.message });
        }
    }
    await charger.close();
}

main().catch((error) => {
    say({ error: error.message });
    process.exitCode = 1;
});

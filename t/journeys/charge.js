/*
 * charge.js: a charge point made of npm's ocpp-rpc, which nobody here wrote,
 * with the schemas of OCPP 1.6 enforced on what it sends and what it is sent.
 *
 *     charge.js ENDPOINT IDENTITY CA-FILE     the password is in $PASSWORD
 *
 * It does what lines on its standard input say, {"call", "payload"} in turn,
 * and writes a line for all that happens: {"open": port}, {"result"},
 * {"error"}, {"asked", "payload"}, {"wrong"}. It leaves when its input ends.
 */

'use strict';

const fs = require('fs');
const readline = require('readline');
const { RPCClient, createRPCError } = require('ocpp-rpc');

const [endpoint, identity, ca] = process.argv.slice(2);

/* what the charger says to commands; any other is NotImplemented */
const ANSWERS = {
    GetConfiguration: ({ key }) => ({ unknownKey: key ?? [] }),
    RemoteStartTransaction: () => ({ status: 'Accepted' }),
    RemoteStopTransaction: () => ({ status: 'Accepted' }),
    TriggerMessage: () => ({ status: 'NotImplemented' }),
};

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

charger.on('open', ({ response }) => say({ open: response.socket.localPort }));
charger.on('strictValidationFailure', ({ method, error, outbound }) =>
    say({ wrong: `${outbound ? 'sent' : 'got'} ${method}: ${error.message}` }));
charger.on('badMessage', ({ error }) => say({ wrong: error.message }));
charger.handle(({ method, params }) => {
    say({ asked: method, payload: params });
    if (!ANSWERS[method]) {
        throw createRPCError('NotImplemented', 'not in this charger');
    }
    return ANSWERS[method](params);
});

async function main() {
    await charger.connect();
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const { call, payload } = JSON.parse(line);
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

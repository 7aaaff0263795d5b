// A small issuer of tokens that nobody here wrote the heart of: keys, tokens and
// key sets are npm's jose. For Voltgate::Issuer: a command a line on stdin, an
// answer a line on stdout.
//
//   node issuer.js certificate key
//
// { make: kid, alg } a key, which is published   { drop: kid } not any more
// { sign: claims, kid, header }                  { publish: text } in place of the set; null: the set
// { maxAge: s | null }  { status: n }  { delay: ms } until it answers
// { count: true } how often the set was asked for, and by how many at once

'use strict';

const fs = require('node:fs');
const https = require('node:https');
const readline = require('node:readline');

const keys = new Map();
let asked = 0, waiting = 0, most = 0, delay = 0, status = 200, maxAge = 60, text = null;

async function act(jose, line) {
    if (line.make) {
        const { publicKey, privateKey } = await jose.generateKeyPair(line.alg || 'ES256', { extractable: true });
        const jwk = { ...await jose.exportJWK(publicKey), kid: line.make, use: 'sig', alg: line.alg || 'ES256' };
        keys.set(line.make, { jwk, privateKey, alg: line.alg || 'ES256', shown: true });
        return { made: jwk };
    }
    if (line.drop) {
        keys.get(line.drop).shown = false;
        return { dropped: line.drop };
    }
    if (line.sign) {
        const key = keys.get(line.kid);
        const jws = new jose.SignJWT(line.sign).setProtectedHeader({ alg: key.alg, kid: line.kid, ...line.header });
        return { token: await jws.sign(key.privateKey) };
    }
    if ('publish' in line) {
        text = line.publish;
    }
    status = line.status || status;
    maxAge = 'maxAge' in line ? line.maxAge : maxAge;
    delay = line.delay ?? delay;
    return { asked, most };
}

async function main() {
    const jose = await import('jose').catch(() => require('jose'));
    const server = https.createServer({ cert: fs.readFileSync(process.argv[2]), key: fs.readFileSync(process.argv[3]) }, (req, res) => {
        asked++;
        const headers = { 'Content-Type': 'application/jwk-set+json' };
        if (maxAge !== null) {
            headers['Cache-Control'] = `public, max-age=${maxAge}`;
        }
        most = Math.max(most, ++waiting);
        res.on('close', () => waiting--);
        setTimeout(() => {
            res.writeHead(status, headers);
            res.end(text ?? JSON.stringify({ keys: [...keys.values()].filter(k => k.shown).map(k => k.jwk) }));
        }, delay);
    });
    server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
    const lines = readline.createInterface({ input: process.stdin });
    for await (const line of lines) {
        try {
            console.log(JSON.stringify(await act(jose, JSON.parse(line))));
        } catch (error) {
            console.log(JSON.stringify({ error: String(error) }));
        }
    }
    process.exit(0);
}

main();

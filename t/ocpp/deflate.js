// One connection of npm's ws with permessage-deflate, for deflate.t: sends
// each text that it is given, waits for as many answers, tells what it saw.
//
// A text may be {"id", "size"}: a DataTransfer of so many letters.
//
//   PASSWORD=… node deflate.js URL IDENTITY CA '{"options":…,"texts":[…]}'
'use strict';

const fs = require('fs');
const WebSocket = require('ws');

const [endpoint, identity, ca, plan] = process.argv.slice(2);
const { options, texts } = JSON.parse(plan);
const seen = { extensions: '', answers: [], bytes: 0, code: null };

const ws = new WebSocket(`${endpoint}/${identity}`, ['ocpp1.6'], {
    auth: `${identity}:${process.env.PASSWORD}`,
    ca: fs.readFileSync(ca),
    perMessageDeflate: options,
});

const limit = setTimeout(() => ws.terminate(), 20000);
let before = 0;
let socket;

function say(text) {
    ws.send(typeof text === 'string' ? text : JSON.stringify(
        [2, text.id, 'DataTransfer', { vendorId: 'a', data: 'x'.repeat(text.size) }]));
}

ws.on('upgrade', (response) => {
    seen.extensions = response.headers['sec-websocket-extensions'] ?? '';
});
ws.on('open', () => {
    socket = ws._socket;
    before = socket.bytesRead;
    if (texts.length) say(texts[0]);
    else ws.close();
});
ws.on('message', (data) => {
    seen.answers.push(data.toString());
    if (seen.answers.length < texts.length) say(texts[seen.answers.length]);
    else ws.close();
});
ws.on('error', (error) => { seen.error = error.message; });
ws.on('close', (code) => {
    clearTimeout(limit);
    seen.code = code;
    seen.bytes = (socket?.bytesRead ?? 0) - before;
    process.stdout.write(JSON.stringify(seen) + '\n');
});

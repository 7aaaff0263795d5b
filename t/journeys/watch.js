/*
 * watch.js: a stream over npm's ws, which nobody here wrote.
 *
 *     watch.js URL CA-FILE     the token is in $TOKEN
 *
 * It writes a line for all that happens: {"open"}, {"frame"}, {"ping"},
 * {"refused"}, {"closed", "reason"}, and leaves when the socket is closed.
 */

'use strict';

const fs = require('fs');
const WebSocket = require('ws');

const [url, ca] = process.argv.slice(2);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const socket = new WebSocket(url, {
    ca: fs.readFileSync(ca),
    headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});

socket.on('open', () => say({ open: true }));
socket.on('message', (data, binary) => say({ frame: JSON.parse(data), binary }));
socket.on('ping', () => say({ ping: true }));
socket.on('unexpected-response', (_, response) => { say({ refused: response.statusCode }); process.exit(0); });
socket.on('error', (error) => say({ error: error.message }));
socket.on('close', (code, reason) => { say({ closed: code, reason: reason.toString() }); process.exit(0); });

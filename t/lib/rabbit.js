/*
 * rabbit.js: RabbitMQ over npm's amqplib, which nobody here wrote.
 *
 *     rabbit.js PORT PASSWORD-FILE
 *
 * A line of standard input is a JSON array: ["queue", NAME, KEY, OPTIONS]
 * makes, binds and consumes; ["check", NAME, OPTIONS] is an error unless the
 * queue is so; ["count", NAME], ["get", NAME], ["delete", NAME]. Each is
 * answered by {"answer"} or {"error"}; {"message"} is one that was consumed.
 */

'use strict';

const fs = require('fs');
const readline = require('readline');
const amqp = require('amqplib');

const [port, passwordFile] = process.argv.slice(2);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const shown = (m) => ({ key: m.fields.routingKey, exchange: m.fields.exchange, redelivered: m.fields.redelivered,
    properties: m.properties, body: JSON.parse(m.content) });

const does = {
    async queue(channel, name, key, options) {
        await channel.assertQueue(name, { durable: true, ...options });
        await channel.bindQueue(name, 'voltgate.events', key);
        // a pipe that is full keeps a line in memory: what is acknowledged has left it
        await channel.consume(name, (m) => process.stdout.write(JSON.stringify({ message: shown(m) }) + '\n', () => {
            try { channel.ack(m); } catch { /* the broker is gone, and will give it again */ }
        }));
        return true;
    },
    async check(channel, name, options) {
        return Boolean(await channel.assertQueue(name, { durable: true, ...options }));
    },
    async count(channel, name) { return (await channel.checkQueue(name)).messageCount; },
    async get(channel, name) {
        const m = await channel.get(name, { noAck: true });
        return m ? shown(m) : null;
    },
    async delete(channel, name) { await channel.deleteQueue(name); return true; },
};

(async () => {
    const connection = await amqp.connect({ hostname: '127.0.0.1', port: Number(port), username: 'voltgate',
        password: fs.readFileSync(passwordFile, 'utf8').trim() });
    connection.on('error', () => process.exit(0));
    connection.on('close', () => process.exit(0));
    say({ open: true });
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const [what, ...rest] = JSON.parse(line);
        let channel;
        try {
            // the broker closes the channel of what it refuses
            channel = await connection.createChannel();
            channel.on('error', () => {});
            const answer = await does[what](channel, ...rest);
            if (what !== 'queue') await channel.close();
            say({ answer });
        } catch (error) {
            say({ error: error.message });
        }
    }
    process.exit(0);
})();

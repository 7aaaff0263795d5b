/*
 * client.js: a client of OAuth 2.0 that nobody here wrote, npm's openid-client
 * and jose: finds the endpoints, logs in, goes on, asks, verifies, revokes.
 *
 *     client.js ISSUER     what it logs in with is JSON on its standard input:
 *                          {email, password, id, secret}
 *
 * The CA is in $NODE_EXTRA_CA_CERTS. It writes one line for each step,
 * {"step", …}; an error of OAuth is {"step", "error", "status"}.
 */

'use strict';

const fs = require('fs');
const { Issuer, custom } = require('openid-client');
const { createRemoteJWKSet, jwtVerify } = require('jose');

const { email, password, id, secret } = JSON.parse(fs.readFileSync(0));

custom.setHttpOptionsDefaults({ timeout: 10000 });

const step = async (name, run) => {
    let said;
    try {
        said = await run();
    } catch (e) {
        said = { error: e.error ?? e.code ?? e.message, status: e.response?.statusCode };
    }
    process.stdout.write(JSON.stringify({ step: name, ...said }) + '\n');
    return said;
};

const main = async () => {
    const issuer = await Issuer.discover(process.argv[2]);
    const app = new issuer.Client({ client_id: 'an-app', token_endpoint_auth_method: 'none' });
    const basic = new issuer.Client({ client_id: id, client_secret: secret });
    const post = new issuer.Client({ client_id: id, client_secret: secret, token_endpoint_auth_method: 'client_secret_post' });
    const jwks = createRemoteJWKSet(new URL(issuer.metadata.jwks_uri));
    const verified = async ({ access_token }) => {
        const { payload, protectedHeader } = await jwtVerify(access_token, jwks,
            { issuer: issuer.metadata.issuer, audience: 'voltgate', algorithms: ['ES256'] });
        return { claims: payload, header: protectedHeader };
    };

    await step('discovery', () => ({ ...issuer.metadata }));
    const first = await step('password', () => app.grant({ grant_type: 'password', username: email, password, scope: 'stations:read billing:read' }));
    await step('verify', () => verified(first));
    const second = await step('refresh', () => app.refresh(first.refresh_token));
    await step('narrowed', () => app.refresh(second.refresh_token, { exchangeBody: { scope: 'stations:read' } })
        .then((third) => { second.refresh_token = third.refresh_token; return third; }));
    await step('introspect', () => basic.introspect(second.access_token));
    const own = await step('client_secret_basic', () => basic.grant({ grant_type: 'client_credentials' }));
    await step('verify_own', () => verified(own));
    await step('client_secret_post', () => post.grant({ grant_type: 'client_credentials', scope: 'stations:read' }));
    await step('revoke', async () => { await app.revoke(second.refresh_token, 'refresh_token'); return {}; });
    await step('revoked', () => app.refresh(second.refresh_token));
    await step('introspect_revoked', () => basic.introspect(second.access_token));
    await step('wrong_password', () => app.grant({ grant_type: 'password', username: email, password: 'not it' }));
    await step('wrong_client', () => new issuer.Client({ client_id: id, client_secret: 'x' }).grant({ grant_type: 'client_credentials' }));
    await step('wrong_scope', () => basic.grant({ grant_type: 'client_credentials', scope: 'billing:write' }));
    await step('wrong_grant', () => app.grant({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'x' }));
};

main().catch((e) => {
    process.stderr.write(`${e.stack}\n`);
    process.exit(1);
});

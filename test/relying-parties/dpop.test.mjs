// DPoP by openid-client: a public application whose tokens are bound to a key
// (RFC 9449), against the demo world.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { World, applications, grace } from '../world/dev.mjs';
import { Person } from '../world/person.mjs';
import { RelyingParty, client, denied, read } from '../world/rp.mjs';

let world;
let rp;
let key; // a handle keeps the nonces of provider and resource apart

before(async () => {
  world = await World.start();
  const { spa } = applications;
  rp = await RelyingParty.discover(world.issuer, spa.id, { redirect: spa.redirect, skew: () => world.offset });
  key = client.getDPoPHandle(rp.config, await client.randomDPoPKeyPair('ES256'));
});
after(() => world?.stop());

test('A-33 tokens are bound to the key, and only it can use and renew them', async () => {
  assert.ok(rp.config.serverMetadata().dpop_signing_alg_values_supported.includes('ES256'));
  const person = Object.assign(new Person(grace), { clock: () => world.now() });
  const request = await rp.ask({ scope: 'openid offline_access', dpop_jkt: await key.calculateThumbprint() });
  const answer = await person.signIn(request.url);
  const tokens = await client.authorizationCodeGrant(rp.settings, answer, request.checks, undefined, { DPoP: key });
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(read(tokens.access_token).payload.cnf.jkt, await key.calculateThumbprint());

  const { sub } = tokens.claims();
  assert.equal((await client.fetchUserInfo(rp.settings, tokens.access_token, sub, { DPoP: key })).sub, sub);
  await assert.rejects(client.fetchUserInfo(rp.settings, tokens.access_token, sub), 'H-34 as Bearer');

  const other = client.getDPoPHandle(rp.config, await client.randomDPoPKeyPair('ES256'));
  await denied(client.refreshTokenGrant(rp.settings, tokens.refresh_token, undefined, { DPoP: other }), 'invalid_grant');
  await denied(client.refreshTokenGrant(rp.settings, tokens.refresh_token), 'invalid_grant');
  const fresh = await client.refreshTokenGrant(rp.settings, tokens.refresh_token, undefined, { DPoP: key });
  assert.equal(read(fresh.access_token).payload.cnf.jkt, await key.calculateThumbprint());
  const again = await client.refreshTokenGrant(rp.settings, tokens.refresh_token, undefined, { DPoP: key });
  assert.equal(again.refresh_token, fresh.refresh_token, 'A-13 a lost reply is given again to the same key');
});

test('A-32, H-34 the Me API takes a bound token with a proof for each call, and nothing else', async () => {
  const person = Object.assign(new Person(grace), { clock: () => world.now() });
  const resource = `${world.issuer}/api/v1`;
  const request = await rp.ask({ scope: 'openid me', resource });
  const answer = await person.signIn(request.url);
  const { access_token: token } = await client.authorizationCodeGrant(rp.settings, answer, request.checks, { resource }, { DPoP: key });
  const me = new URL(`${resource}/me`);
  const told = await client.fetchProtectedResource(rp.settings, token, me, 'GET', undefined, undefined, { DPoP: key });
  assert.equal(told.status, 200);
  assert.equal((await told.json()).email, grace.email);
  assert.ok(told.headers.get('dpop-nonce'));

  for (const [name, headers] of [
    ['as Bearer', { authorization: `Bearer ${token}` }],
    ['as DPoP without a proof', { authorization: `DPoP ${token}` }],
    ['with two proofs in one header', { authorization: `DPoP ${token}`, dpop: 'a, b' }],
  ]) {
    const refused = await fetch(me, { headers });
    assert.equal(refused.status, 401, name);
    assert.match(refused.headers.get('www-authenticate'), name === 'as Bearer' ? /^Bearer error="invalid_token"/ : /^DPoP error="invalid_dpop_proof".*algs="ES256/, name);
  }
});

// The Node SDK against tokens of the real server, and against what no real one would send.
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { applications } from '../../test/world/dev.mjs';
import { Person } from '../../test/world/person.mjs';
import { RelyingParty } from '../../test/world/rp.mjs';
import { Verifier, demandAal, intelliAuth, protect, requireAal, requireScope, verifyAccessToken } from '../node/dist/index.mjs';
import { World, audience, listen } from './stage.mjs';
import { StubIssuer, pair, proof, thumbprint } from './issuer.mjs';

const express = createRequire(import.meta.url)('express');
const api = 'https://api.example';
const refusedAs = (code) => (error) => { assert.equal(error.code, code, error.message); return true; };

describe('with the real server', () => {
  let world;
  before(async () => { world = await World.start(); });
  after(() => world.stop());

  test('a token of a sign-in is valid for its audience and no other; an ID token never is', async () => {
    const rp = await RelyingParty.discover(world.issuer, applications.web.id, { secret: applications.web.secret, redirect: applications.web.redirect });
    const user = await world.newcomer();
    const tokens = await rp.signIn(new Person(user));
    const options = { tenantUrl: world.issuer, audience };
    const good = await verifyAccessToken(`Bearer ${tokens.access_token}`, options);
    assert.equal(good.valid, true);
    assert.equal(good.claims.sub, tokens.claims().sub);
    assert.equal(good.claims.aal, 1);
    const elsewhere = await verifyAccessToken(`Bearer ${tokens.access_token}`, { ...options, audience: 'https://other.example' });
    assert.equal(elsewhere.error.code, 'invalid_token');
    const id = await verifyAccessToken(`Bearer ${tokens.id_token}`, { ...options, audience: applications.web.id });
    assert.equal(id.error.code, 'invalid_token');
    const acme = await verifyAccessToken(`Bearer ${tokens.access_token}`, { ...options, tenantUrl: world.acme });
    assert.equal(acme.error.code, 'invalid_token', "another tenant's keys");
    assert.throws(() => demandAal(good.claims, 2, { maxAge: 300 }), refusedAs('mfa_required'));
    demandAal(good.claims, 1);
  });

  test('a session that is revoked is refused without a call for each request (C-36)', async () => {
    const { id, secret, redirect } = applications.web;
    const rp = await RelyingParty.discover(world.issuer, id, { secret, redirect });
    const [user, other] = [await world.newcomer(), await world.newcomer()];
    const [tokens, others] = [await rp.signIn(new Person(user)), await rp.signIn(new Person(other))];
    const { id: clientId, secret: clientSecret } = applications.api;
    const errors = [];
    const verifiers = [1, 2].map(() => new Verifier({ tenantUrl: world.issuer, audience, revocations: { clientId, clientSecret, whenStale: 'closed', onError: (error) => errors.push(error) } }));
    try {
      const verify = ({ access_token: token }) => Promise.all(verifiers.map((verifier) => verifier.verify(`Bearer ${token}`).then(() => 'in', ({ code }) => code)));
      await Promise.all(verifiers.map((verifier) => verifier.revocations.ready()));
      assert.deepEqual(await verify(tokens), ['in', 'in']);
      await world.run('session', 'revoke', '--tenant', 'demo', '--user', user.email);
      for (let tries = 0; tries < 300 && (await verify(tokens)).includes('in'); tries++) await new Promise((done) => setTimeout(done, 10));
      assert.deepEqual(await verify(tokens), ['session_revoked', 'session_revoked']);
      assert.deepEqual(await verify(others), ['in', 'in'], "somebody else's session stands");
      assert.deepEqual(errors, []);
    } finally {
      for (const verifier of verifiers) verifier.close();
    }
  });

  test('the CommonJS build is the same', async () => {
    const cjs = createRequire(import.meta.url)('../node/dist/index.cjs');
    assert.deepEqual(Object.keys(cjs).sort(), Object.keys(await import('../node/dist/index.mjs')).sort());
  });
});

describe('tokens', () => {
  let issuer;
  let verifier;
  before(async () => { issuer = await StubIssuer.open(); });
  after(() => issuer.stop());
  beforeEach(() => { verifier = new Verifier({ tenantUrl: issuer.url, audience: api }); });
  const verify = (token) => verifier.verify(`Bearer ${token}`);

  test('the positive control, of every algorithm', async () => {
    issuer.add('ed', 'EdDSA');
    issuer.add('rsa', 'RS256');
    assert.equal((await verify(issuer.token())).claims.aal, 2);
    assert.equal((await verify(issuer.token({}, { kid: 'ed', alg: 'EdDSA' }))).claims.sub, 'usr_1');
    assert.equal((await verify(issuer.token({}, { kid: 'rsa', alg: 'RS256' }))).claims.sub, 'usr_1');
  });

  const now = () => Math.floor(Date.now() / 1000);
  const bad = {
    'alg none': () => issuer.token({}, { alg: 'none' }, null),
    'alg none with a signature': () => issuer.token({}, { alg: 'none' }),
    'HS256 with the public key': () => {
      const secret = issuer.keys.get('one').publicKey.export({ type: 'spki', format: 'pem' });
      const signed = issuer.token({}, { alg: 'HS256' }).split('.').slice(0, 2).join('.');
      return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    },
    'another algorithm than the key is for': () => issuer.token({}, { alg: 'RS256' }),
    'a key that is not the issuer\'s': () => issuer.token({}, {}, pair().privateKey),
    'a key that the token brings along': () => {
      const own = pair();
      return issuer.token({}, { jwk: own.publicKey.export({ format: 'jwk' }), kid: 'mine' }, own.privateKey);
    },
    'no kid': () => issuer.token({}, { kid: undefined }, issuer.keys.get('one').privateKey),
    'typ JWT': () => issuer.token({}, { typ: 'JWT' }),
    'no typ': () => issuer.token({}, { typ: undefined }),
    'crit': () => issuer.token({}, { crit: ['x'], x: 1 }),
    'another issuer': () => issuer.token({ iss: 'https://evil.example' }),
    'another audience': () => issuer.token({ aud: 'https://other.example' }),
    'no audience': () => issuer.token({ aud: undefined }),
    'expired': () => issuer.token({ exp: now() - 10 }),
    'no exp': () => issuer.token({ exp: undefined }),
    'exp as text': () => issuer.token({ exp: '9999999999' }),
    'of the future': () => issuer.token({ iat: now() + 3600 }),
    'not before': () => issuer.token({ nbf: now() + 60 }),
    'no sub': () => issuer.token({ sub: undefined }),
    'bound, sent as Bearer': () => issuer.token({ cnf: { jkt: 'x' } }),
    'bound to something unknown': () => issuer.token({ cnf: { 'x5t#S256': 'x' } }),
    'four parts': () => `${issuer.token()}.x`,
    'a changed claim': () => { const [h, , s] = issuer.token().split('.'); return `${h}.${issuer.token({ sub: 'usr_2' }).split('.')[1]}.${s}`; },
    '17 kB': () => issuer.token({ pad: 'x'.repeat(17_000) }),
    'rubbish': () => 'a.b.c',
  };
  for (const [name, make] of Object.entries(bad)) {
    test(`A-39: refused: ${name}`, () => assert.rejects(verify(make()), refusedAs('invalid_token')));
  }

  test('headers that are no single token', async () => {
    await assert.rejects(verifier.verify(undefined), refusedAs('token_missing'));
    for (const header of ['Basic eA==', `Bearer ${issuer.token()}, Bearer ${issuer.token()}`, 'Bearer', `Bearer ${issuer.token()} x`]) {
      await assert.rejects(verifier.verify(header), refusedAs('invalid_request'));
    }
  });

  test('A-29: what a token does not show, it lacks', async () => {
    for (const claims of [{ acr: undefined }, { acr: 'aal9' }, { acr: 2 }, { acr: 'aal1' }]) {
      const { claims: got } = await verify(issuer.token(claims));
      assert.throws(() => demandAal(got, 2), refusedAs('mfa_required'));
    }
    for (const claims of [{ auth_time: undefined }, { auth_time: String(now()) }, { auth_time: now() - 301 }, { auth_time: now() + 3600 }]) {
      const { claims: got } = await verify(issuer.token(claims));
      demandAal(got, 2);
      assert.throws(() => demandAal(got, 2, { maxAge: 300 }), refusedAs('mfa_required'));
    }
  });
});

describe('keys', () => {
  let issuer;
  beforeEach(async () => { issuer = await StubIssuer.open(); });
  afterEach(() => issuer.stop());
  const fresh = () => new Verifier({ tenantUrl: issuer.url, audience: api });

  test('are read once, whoever asks at once; a new key is found, an unknown one asks no more than once in a while', async () => {
    const verifier = fresh();
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(`Bearer ${issuer.token()}`)));
    assert.equal(issuer.reads, 1);
    for (let i = 0; i < 20; i++) await assert.rejects(verifier.verify(`Bearer ${issuer.token({}, { kid: `no${i}` }, pair().privateKey)}`), refusedAs('invalid_token'));
    assert.ok(issuer.reads <= 2, `${issuer.reads} readings`);
  });

  for (const [name, fault] of Object.entries({
    'down': (request) => request.socket.destroy(),
    '500': (_, response) => response.writeHead(500).end(),
    '10 MB': (_, response) => response.end(`{"keys":"${'x'.repeat(10_000_000)}"}`),
    'no JSON': (_, response) => response.end('<html>'),
    'a redirect': (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  })) {
    test(`that cannot be had let nobody in, and are asked for again: ${name}`, async () => {
      const verifier = fresh();
      issuer.fault = fault;
      await assert.rejects(verifier.verify(`Bearer ${issuer.token()}`), refusedAs('keys_unavailable'));
      issuer.fault = undefined;
      await verifier.verify(`Bearer ${issuer.token()}`);
    });
  }

  test('of metadata that name another issuer are not taken', async () => {
    issuer.claimed = 'https://evil.example';
    await assert.rejects(fresh().verify(`Bearer ${issuer.token()}`), refusedAs('keys_unavailable'));
  });

  test('that are too short, private or symmetric are none', async () => {
    issuer.add('short', 'RS1024');
    await assert.rejects(fresh().verify(`Bearer ${issuer.token({}, { kid: 'short', alg: 'RS256' })}`), refusedAs('invalid_token'));
  });
});

describe('DPoP (A-30, A-31)', () => {
  let issuer;
  let verifier;
  let key;
  let token;
  const url = 'https://api.example/payouts';
  before(async () => { issuer = await StubIssuer.open(); });
  after(() => issuer.stop());
  beforeEach(() => {
    verifier = new Verifier({ tenantUrl: issuer.url, audience: api });
    key = pair();
    token = issuer.token({ cnf: { jkt: thumbprint(key.publicKey) } });
  });
  const send = (dpop, more = {}) => verifier.verify(`DPoP ${token}`, { method: 'POST', url, dpop, ...more });
  const made = (more, header) => proof(key, { method: 'POST', url, token }, more, header);

  test('a good proof passes, once', async () => {
    const once = made();
    await send(once);
    await send(made(), { url: `${url}?x=1#y` });
    await send(made({ htu: 'HTTPS://API.EXAMPLE:443/payouts?q' }));
    await assert.rejects(send(once), refusedAs('invalid_dpop_proof'));
  });

  const wrong = {
    'none': () => undefined,
    'two': () => `${made()}, ${made()}`,
    'typ': () => made({}, { typ: 'JWT' }),
    'alg none': () => made({}, { alg: 'none' }),
    'private key in the header': () => made({}, { jwk: key.privateKey.export({ format: 'jwk' }) }),
    'no key': () => made({}, { jwk: undefined }),
    'another key': () => proof(pair(), { method: 'POST', url, token }),
    'signature of another': () => made({}, { jwk: pair().publicKey.export({ format: 'jwk' }) }),
    'htm': () => made({ htm: 'GET' }),
    'htu': () => made({ htu: 'https://api.example/other' }),
    'htu host': () => made({ htu: 'https://evil.example/payouts' }),
    'old': () => made({ iat: Math.floor(Date.now() / 1000) - 120 }),
    'future': () => made({ iat: Math.floor(Date.now() / 1000) + 60 }),
    'no iat': () => made({ iat: undefined }),
    'no jti': () => made({ jti: undefined }),
    'long jti': () => made({ jti: 'x'.repeat(300) }),
    'ath': () => made({ ath: 'x' }),
    'no ath': () => made({ ath: undefined }),
  };
  for (const [name, make] of Object.entries(wrong)) {
    test(`refused: ${name}`, () => assert.rejects(send(make()), refusedAs('invalid_dpop_proof')));
  }

  test('A-33: a bound token as Bearer, and an unbound one as DPoP, are refused', async () => {
    await assert.rejects(verifier.verify(`Bearer ${token}`, { method: 'POST', url, dpop: made() }), refusedAs('invalid_token'));
    token = issuer.token();
    await assert.rejects(send(made()), refusedAs('invalid_token'));
  });

  test('A-32: a nonce is demanded where the API wants one, and told in the answer', async () => {
    const handler = protect({ tenantUrl: issuer.url, audience: api, dpop: { nonce: true } }, () => new Response('in'));
    const ask = (dpop) => handler(new Request(url, { method: 'POST', headers: { authorization: `DPoP ${token}`, dpop } }));
    const first = await ask(made());
    assert.equal(first.status, 401);
    assert.match(first.headers.get('www-authenticate'), /^DPoP error="use_dpop_nonce"/);
    const nonce = first.headers.get('dpop-nonce');
    assert.equal((await ask(made({ nonce }))).status, 200);
    assert.equal((await ask(made({ nonce: 'x'.repeat(32) }))).status, 401);
  });
});

describe('middleware', () => {
  let issuer;
  let server;
  let base;
  before(async () => {
    issuer = await StubIssuer.open();
    const app = express();
    app.get('/open', requireAal(2), (_, response) => response.send('never'));
    app.use(intelliAuth({ tenantUrl: issuer.url, audience: api }));
    app.get('/me', (request, response) => response.json({ sub: request.auth.claims.sub }));
    app.get('/pay', requireAal(2, { maxAge: 300 }), requireScope('payments:write'), (_, response) => response.send('paid'));
    server = await listen(app);
    base = `http://127.0.0.1:${server.port}`;
  });
  after(async () => { await server.stop(); await issuer.stop(); });
  const get = (path, token) => fetch(base + path, { headers: token ? { authorization: `Bearer ${token}` } : {} });

  test('Express: who has a good token gets in', async () => {
    assert.deepEqual(await (await get('/me', issuer.token())).json(), { sub: 'usr_1' });
    assert.equal(await (await get('/pay', issuer.token())).text(), 'paid');
  });

  test('A-20, A-21: too little is told in the header and in the body', async () => {
    const answer = await get('/pay', issuer.token({ acr: 'aal1' }));
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get('www-authenticate'), /^Bearer error="insufficient_user_authentication", error_description="[^"]+", acr_values="aal2", max_age="300"$/);
    assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
    const { code, requiredAal, maxAge, status } = await answer.json();
    assert.deepEqual({ code, requiredAal, maxAge, status }, { code: 'mfa_required', requiredAal: 2, maxAge: 300, status: 401 });
  });

  test('no token, a bad one, a missing scope, and a demand without anybody before it', async () => {
    const none = await get('/me');
    assert.deepEqual([none.status, none.headers.get('www-authenticate')], [401, 'Bearer']);
    const rubbish = await get('/me', 'a.b.c');
    assert.match(rubbish.headers.get('www-authenticate'), /error="invalid_token"/);
    const scope = await get('/pay', issuer.token({ scope: 'openid' }));
    assert.equal(scope.status, 403);
    assert.match(scope.headers.get('www-authenticate'), /error="insufficient_scope".*scope="payments:write"/);
    assert.equal((await get('/open', issuer.token())).status, 401);
  });

  test('H-36: two Authorization headers are one too many', async () => {
    const status = await new Promise((done, fail) => {
      const request = http.request(`${base}/me`, { headers: ['Authorization', `Bearer ${issuer.token()}`, 'Authorization', `Bearer ${issuer.token()}`].reduce((all, value, i, list) => (i % 2 ? all : [...all, [value, list[i + 1]]]), []).flat() }, (response) => { response.resume(); done(response.statusCode); });
      request.on('error', fail);
      request.end();
    });
    assert.equal(status, 400);
  });

  test('web-standard: a refusal that the handler throws is its answer', async () => {
    const handler = protect({ tenantUrl: issuer.url, audience: api, scopes: ['payments:write'] }, (_, auth) => {
      auth.requireAal(2, { maxAge: 300 });
      return Response.json({ sub: auth.claims.sub });
    });
    const ask = (token) => handler(new Request(`${api}/x`, { headers: { authorization: `Bearer ${token}` } }));
    assert.equal((await ask(issuer.token())).status, 200);
    assert.equal((await (await ask(issuer.token({ acr: 'aal1' }))).json()).code, 'mfa_required');
    assert.equal((await ask(issuer.token({ scope: '' }))).status, 403);
    const broken = protect({ tenantUrl: issuer.url, audience: api }, () => { throw new Error('ours'); });
    await assert.rejects(broken(new Request(api, { headers: { authorization: `Bearer ${issuer.token()}` } })), /ours/);
  });
});

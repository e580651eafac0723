// The revocation feed as CONTRACT C-36 has it, from an issuer that can be told to be silent, to forget, and to lie.
import { after, afterEach, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { Verifier } from '../node/dist/index.mjs';
import { StubIssuer } from './issuer.mjs';

const api = 'https://api.example';
const credentials = { clientId: 'demo-api', clientSecret: 'a secret/with:signs' };
let issuer;
let verifier;
let errors;

before(async () => { issuer = await StubIssuer.open(); });
after(() => issuer.stop());
beforeEach(() => {
  issuer.polls = [];
  issuer.streaming();
  errors = [];
});
afterEach(() => {
  verifier.close();
  for (const stream of issuer.streams) stream.destroy();
});

async function follow(more = {}) {
  verifier = new Verifier({ tenantUrl: issuer.url, audience: api, revocations: { ...credentials, onError: (error) => errors.push(error.message), ...more } });
  await verifier.revocations.ready();
  return verifier;
}
const verify = (claims) => verifier.verify(`Bearer ${issuer.token(claims)}`).then(() => 'in', (error) => error.code);
const now = () => Math.floor(Date.now() / 1000);

/** Waits for what a token comes to. */
async function becomes(claims, wanted) {
  for (let tries = 0; tries < 200; tries++) {
    if ((await verify(claims)) === wanted) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.equal(await verify(claims), wanted);
}

test('C-36: each kind refuses the tokens it is about, and no others', async () => {
  await follow();
  assert.equal(await verify(), 'in');
  issuer.tell([
    { kind: 'session', sid: 'ses_gone', before: now() - 1000, until: now() + 600 },
    { kind: 'user', sub: 'usr_gone', before: now() - 5, until: now() + 600 },
    { kind: 'grant', sid: 'ses_g', clientId: 'spa', before: now() - 5, until: now() + 600 },
    { kind: 'client', clientId: 'app_gone', before: now() - 5, until: now() + 600 },
    { kind: 'level', sid: 'ses_low', before: now() - 5, until: now() + 600 },
  ]);
  await becomes({ sid: 'ses_low', iat: now() - 10 }, 'session_revoked');
  assert.equal(await verify({ sid: 'ses_gone', iat: now() }), 'session_revoked', 'all tokens of a session, whenever issued');
  assert.equal(await verify({ sub: 'usr_gone', iat: now() - 10 }), 'session_revoked');
  assert.equal(await verify({ sub: 'usr_gone', iat: now() }), 'in', 'a token of afterwards');
  assert.equal(await verify({ sid: 'ses_g', iat: now() - 10 }), 'session_revoked');
  assert.equal(await verify({ sid: 'ses_g', iat: now() - 10, client_id: 'other' }), 'in', 'another application in the same session');
  assert.equal(await verify({ client_id: 'app_gone', iat: now() - 10 }), 'session_revoked');
  assert.equal(await verify({ sid: 'ses_low' }), 'in');
  assert.equal(await verify(), 'in');
});

test('it goes on from its cursor, proves who it is, and takes what is repeated once', async () => {
  await follow();
  issuer.tell([{ kind: 'session', sid: 'ses_a', until: now() + 600 }], 'c7');
  issuer.tell([{ kind: 'session', sid: 'ses_a', until: now() + 600 }], 'c8');
  await becomes({ sid: 'ses_a' }, 'session_revoked');
  for (const stream of issuer.streams) stream.destroy();
  for (let tries = 0; issuer.polls.length < 2 && tries < 300; tries++) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(issuer.polls.map(({ since }) => since), [null, 'c8']);
  const [name, secret] = Buffer.from(issuer.polls[0].authorization.split(' ')[1], 'base64').toString().split(':').map(decodeURIComponent);
  assert.deepEqual([name, secret], [credentials.clientId, credentials.clientSecret], 'form-encoded before base64 (RFC 6749, 2.3.1)');
  assert.equal(await verify({ sid: 'ses_a' }), 'session_revoked');
});

test('a cursor that is too old (410) means everything again', async () => {
  let asked = 0;
  const stream = issuer.feed;
  issuer.feed = (request, response, since) => (++asked === 2 ? response.writeHead(410).end() : stream(request, response, since));
  await follow();
  for (const open of issuer.streams) open.destroy();
  for (let tries = 0; issuer.polls.length < 3 && tries < 300; tries++) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(issuer.polls.map(({ since }) => since), [null, 'c0', null]);
});

test('an issuer that answers with JSON is polled', async () => {
  let round = 0;
  issuer.feed = (_, response) => {
    round++;
    const body = JSON.stringify({ cursor: `p${round}`, entries: round === 2 ? [{ kind: 'session', sid: 'ses_p', until: now() + 60 }] : [] });
    setTimeout(() => response.setHeader('content-type', 'application/json').end(body), round > 2 ? 1000 : 0);
    return response;
  };
  await follow();
  await becomes({ sid: 'ses_p' }, 'session_revoked');
});

for (const [whenStale, weak, strong] of [['level', 'in', 'revocations_stale'], ['closed', 'revocations_stale', 'revocations_stale'], ['open', 'in', 'in']]) {
  test(`when the feed is silent, ${whenStale}: aal1 is ${weak}, aal2 is ${strong}`, async () => {
    await follow({ whenStale, staleAfter: 0.2 });
    await becomes({ acr: 'aal2' }, strong);
    assert.equal(await verify({ acr: 'aal1' }), weak);
    // A comment is a sign of life.
    const beat = setInterval(() => { for (const stream of issuer.streams) stream.write(': here\n\n'); }, 20);
    await becomes({ acr: 'aal2' }, 'in');
    clearInterval(beat);
  });
}

test('before the first answer nothing is known: aal2 waits', async () => {
  issuer.feed = (_, response) => response.writeHead(401).end();
  verifier = new Verifier({ tenantUrl: issuer.url, audience: api, revocations: { ...credentials, onError: (error) => errors.push(error.message) } });
  assert.equal(await verify(), 'revocations_stale');
  for (let tries = 0; errors.length === 0 && tries < 300; tries++) await new Promise((done) => setTimeout(done, 10));
  assert.match(errors[0], /401/);
  issuer.streaming();
  await becomes({}, 'in');
});

for (const [name, data] of Object.entries({
  'no JSON': '{', 'no entries': '{"entries":7}', 'an entry of no kind': '{"entries":[{}]}', 'an odd selector': '{"entries":[{"kind":"user","sub":7}]}', 'a session without a name': '{"entries":[{"kind":"session"}]}',
})) {
  test(`what cannot be read is not passed over: ${name}`, async () => {
    await follow();
    assert.equal(await verify(), 'in');
    for (const stream of issuer.streams) stream.write(`id: c9\ndata: ${data}\n\n`);
    issuer.feed = (_, response) => response.writeHead(500).end();
    await becomes({}, 'revocations_stale');
  });
}

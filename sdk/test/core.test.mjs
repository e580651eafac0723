// The browser core on a page of its own, with the real server.
import { after, afterEach, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { Stage, Window, audience, spa } from './stage.mjs';

const api = 'http://localhost:8787';
let stage;
let world;
let window;
let page;

before(async () => {
  stage = await Stage.open();
  world = stage.world;
});
after(() => stage?.close());
beforeEach(async () => {
  window = await Window.open(stage.browser, world);
  page = window.page;
  stage.api.stored.length = stage.api.seen.length = 0;
});
afterEach(() => window.close());

/** Signs in by the example, whose session the bare pages then find. */
async function signIn(user) {
  await page.goto(`${spa}/`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/flow\//);
  await window.identify(user);
  await page.locator('[data-testid=aal]').waitFor();
}

/** A bare page with a client that has started; `more` are its options. */
async function bare(more = {}, on = page) {
  await on.goto(`${spa}/bare.html`);
  return on.evaluate(async (options) => {
    const client = new IntelliAuth.AuthClient(options);
    const heard = [];
    for (const event of ['login', 'logout', 'tokenRefreshed', 'stepUpRequired', 'sessionRevoked', 'error']) {
      client.on(event, (detail) => heard.push([event, detail.error?.code ?? detail.reason]));
    }
    Object.assign(globalThis, { client, heard });
    await client.start();
    const { isAuthenticated, aal, user } = client.getState();
    return { isAuthenticated, aal, email: user?.email };
  }, { tenantUrl: world.issuer, clientId: 'demo-spa', redirectUri: `${spa}/callback`, audience, apiOrigins: [api], ...more });
}

/** Runs in a page, and returns the code of what it throws. */
const codeOf = (on, script, argument) => on.evaluate(async ([source, given]) => {
  try {
    return { value: await (0, eval)(`(${source})`)(given) };
  } catch (error) {
    return { code: error.code ?? String(error), recoverable: error.recoverable };
  }
}, [script.toString(), argument]);

test('a silent check finds who is signed in, and nobody where nobody is', async () => {
  assert.deepEqual(await bare(), { isAuthenticated: false, aal: 0, email: undefined });
  const user = await world.newcomer();
  await signIn(user);
  assert.deepEqual(await bare(), { isAuthenticated: true, aal: 1, email: user.email });
});

test('two tabs that refresh at once stay signed in, and one request serves both', async () => {
  await signIn(await world.newcomer());
  const other = await window.context.newPage();
  await bare();
  await bare({}, other);
  const refused = [];
  const used = []; // by a request that was granted: one without the server's nonce in its proof uses nothing
  window.context.on('response', (response) => {
    const body = new URLSearchParams(response.request().postData() ?? '');
    if (body.get('grant_type') !== 'refresh_token') return;
    if (response.status() === 200) used.push(body.get('refresh_token'));
    else refused.push(response.json().then(({ error }) => error));
  });
  for (let round = 0; round < 4; round++) {
    const [a, b] = await Promise.all([page, other].map((tab) => tab.evaluate(() => client.getAccessToken({ fresh: true }))));
    assert.ok(a && b);
  }
  assert.ok(used.length >= 4);
  assert.equal(new Set(used).size, used.length, 'no refresh token was used twice');
  const key = await page.evaluate(() => new Promise((done) => {
    indexedDB.open('intelliauth').onsuccess = ({ target: { result: db } }) => {
      db.transaction('kept').objectStore('kept').getAll().onsuccess = ({ target: { result } }) => done(result.find((one) => one.privateKey)?.privateKey.extractable);
    };
  }));
  assert.equal(key, false, 'tokens are bound to a key that cannot leave the browser');
  for (const tab of [page, other]) {
    assert.equal((await tab.evaluate(async () => client.fetch('http://localhost:8787/whoami'))) && (await tab.evaluate(() => client.getState().isAuthenticated)), true);
    await tab.evaluate(() => client.getAccessToken({ fresh: true }));
  }
  // A tab that has not heard of a refresh asks for its outcome instead of using an old token.
  await other.evaluate(() => client.stop());
  const newest = await page.evaluate(() => client.getAccessToken({ fresh: true }));
  await other.evaluate(() => { client.start(); });
  assert.equal(await other.evaluate(() => client.getAccessToken({ fresh: true })), newest);
  // Where the tab that refreshed is gone, the session is found again.
  await other.evaluate(() => client.stop());
  await page.evaluate(() => client.getAccessToken({ fresh: true }));
  await page.close();
  await other.evaluate(() => { client.start(); return client.getAccessToken({ fresh: true }); });
  assert.deepEqual((await Promise.all(refused)).filter((error) => error !== 'use_dpop_nonce'), [], 'no old token was ever sent');
  window.page = page = other;
});

test('tokens go to the origins that were named, and through no redirect', async () => {
  await signIn(await world.newcomer());
  await bare();
  assert.equal(await page.evaluate(async () => (await client.fetch('http://localhost:8787/whoami')).status), 200);
  await page.evaluate(() => client.fetch('/bare.html'));
  const sent = window.requests.length;
  assert.ok(sent > 0);
  const own = await Promise.all([page.waitForRequest(/bare\.html\?x/), page.evaluate(() => client.fetch('/bare.html?x'))]);
  assert.equal(own[0].headers().authorization, undefined, 'not to the page itself');
  assert.deepEqual(await codeOf(page, () => client.fetch('http://localhost:8787/moved')), { code: 'redirect_refused', recoverable: false });
  assert.equal(stage.api.seen.filter(({ url }) => url === '/whoami').length, 1, 'the redirect was not followed');
});

test('whatever the body is, it is kept for a repetition, or refused beforehand', async () => {
  await signIn(await world.newcomer());
  await bare({ stepUpMode: 'popup', maxBufferedBody: 1000 });
  // The step-up itself is blocked, so that what was sent the first time can be looked at.
  const sent = await page.evaluate(async () => {
    window.open = () => null;
    const bodies = [];
    const real = window.fetch;
    window.fetch = async (url, init) => { bodies.push(await new Response(init?.body).text()); return real(url, init); };
    const post = (body, headers) => client.fetch('http://localhost:8787/payouts', { method: 'POST', body, headers, duplex: 'half' }).then(() => 'sent', (error) => error.code);
    const stream = (text) => new Blob([text]).stream();
    const codes = [
      await post('text'), await post(new URLSearchParams({ a: '1' })), await post(new TextEncoder().encode('bytes')), await post(new Blob(['blob'])),
      await post(stream('stream')), await post(stream('x'.repeat(2000))),
      await client.fetch(new Request('http://localhost:8787/payouts', { method: 'POST', body: 'request' })).catch((error) => error.code),
    ];
    return { codes, bodies };
  });
  assert.deepEqual(sent.codes, [...Array(5).fill('popup_blocked'), 'body_not_repeatable', 'popup_blocked']);
  assert.deepEqual(sent.bodies, ['text', 'a=1', 'bytes', 'blob', 'stream', 'request'], 'a stream that is too long was not sent at all');
});

test('a session that was ended elsewhere is told of, in every tab', async () => {
  const user = await world.newcomer();
  await signIn(user);
  const other = await window.context.newPage();
  await bare();
  await bare({}, other);
  await page.evaluate(() => client.getAccessToken());
  await world.run('session', 'revoke', '--tenant', 'demo', '--user', user.email);
  assert.equal((await codeOf(page, () => client.getAccessToken({ fresh: true }))).code, 'session_revoked');
  assert.deepEqual((await page.evaluate(() => heard)).at(-1), ['sessionRevoked', 'session_revoked']);
  assert.equal(await page.evaluate(() => client.getState().isAuthenticated), false);
  await other.waitForFunction(() => !client.getState().isAuthenticated);
  assert.deepEqual((await other.evaluate(() => heard)).at(-1), ['logout', 'elsewhere']);
});

test('signing out ends it at the issuer and in the other tab', async () => {
  await signIn(await world.newcomer());
  const other = await window.context.newPage();
  await bare();
  await bare({}, other);
  await Promise.all([page.waitForURL(`${spa}/`), page.evaluate((returnTo) => client.logout({ returnTo }), `${spa}/`)]);
  await other.waitForFunction(() => !client.getState().isAuthenticated);
  assert.deepEqual(await bare(), { isAuthenticated: false, aal: 0, email: undefined });
});

test('an answer with a foreign state or issuer is refused (A-06, RFC 9207)', async () => {
  await page.goto(`${spa}/callback?code=x&state=r.foreign&iss=${encodeURIComponent(world.issuer)}`);
  await page.getByRole('alert').getByText('state_mismatch').waitFor();
  for (const [parameters, code] of [['iss=https%3A%2F%2Fevil.example', 'issuer_mismatch'], ['', 'issuer_mismatch']]) {
    await page.goto(`${spa}/`);
    const [request] = await Promise.all([
      page.waitForRequest((candidate) => candidate.method() === 'POST' && candidate.url().endsWith('/oauth2/authorize') && candidate.postData().includes('state=r.')),
      page.getByRole('button', { name: 'Sign in' }).click(),
    ]);
    await page.waitForURL(/\/flow\//);
    const state = new URLSearchParams(request.postData()).get('state');
    await page.goto(`${spa}/callback?code=x&state=${encodeURIComponent(state)}&${parameters}`);
    await page.getByRole('alert').getByText(code).waitFor();
  }
});

test('a step-up can be given up by the program, and changes nothing', async () => {
  const user = await world.newcomer();
  await signIn(user);
  await bare();
  const [popup] = await Promise.all([page.waitForEvent('popup'), page.evaluate(() => { globalThis.result = client.stepUp({ requiredAal: 2 }); })]);
  await popup.waitForURL(/\/flow\//);
  assert.doesNotMatch(await popup.locator('body').innerText(), /use another/i);
  await popup.close();
  await page.evaluate(() => client.getState().waiting.cancel());
  assert.deepEqual(await page.evaluate(() => result), { kind: 'cancelled' });
  assert.equal(await page.evaluate(() => client.getState().aal), 1);
});

test('C-33: a step-up that somebody else answers is refused, and the page stays whose it was', async () => {
  const user = await world.newcomer();
  const other = await world.newcomer();
  await signIn(user);
  await bare();
  const before = await page.evaluate(() => client.getState().user.id);
  await window.context.clearCookies(); // the session is gone, the tokens of the page are not
  const [popup] = await Promise.all([page.waitForEvent('popup'), page.evaluate(() => { globalThis.result = client.stepUp({ requiredAal: 2 }); })]);
  await popup.waitForURL(/\/flow\//);
  const hands = Object.create(window);
  hands.page = popup;
  if (await popup.locator('input[autocomplete~=username], input[type=email]').count()) await hands.answer(other.email);
  if (!popup.isClosed() && popup.url().includes('/flow/')) await hands.answer(other.password).catch(() => undefined);
  assert.deepEqual(await page.evaluate(async () => { const { kind, error } = await result; return [kind, error.code]; }), ['error', 'login_required']);
  assert.equal(await page.evaluate(() => client.getState().user.id), before);
  assert.equal(await page.evaluate(() => client.getState().aal), 1);
});

test('C-04: use of the page keeps the session from idling; a page that nobody uses does not', async () => {
  await signIn(await world.newcomer());
  await bare();
  const silent = () => window.requests.filter((url) => url.endsWith('/oauth2/authorize')).length;
  const before = silent();
  await page.evaluate(() => { const real = Date.now; Date.now = () => real() + 6 * 60_000; });
  await page.waitForTimeout(300);
  assert.equal(silent(), before, 'time alone asks nothing');
  await Promise.all([page.waitForRequest((request) => request.url().endsWith('/oauth2/authorize') && request.postData()?.includes('prompt=none')), page.keyboard.press('a')]);
  await page.keyboard.press('a');
  await page.mouse.click(5, 5);
  assert.equal(silent(), before + 1, 'once in five minutes');
});

test('a page that comes back from the back-forward cache knows what happened meanwhile', async () => {
  // Playwright cannot follow a page into the cache: the page is told that it goes and comes.
  await signIn(await world.newcomer());
  const other = await window.context.newPage();
  await bare();
  await bare({}, other);
  const tell = (on, what) => on.evaluate((name) => { dispatchEvent(new PageTransitionEvent(name, { persisted: true })); }, what);

  await tell(other, 'pagehide');
  await page.evaluate(() => client.getAccessToken({ fresh: true }));
  const newest = await page.evaluate(() => client.getAccessToken());
  await tell(other, 'pageshow');
  for (let tries = 0; tries < 200 && (await other.evaluate(() => client.getAccessToken())) !== newest; tries++);
  assert.equal(await other.evaluate(() => client.getAccessToken()), newest, 'it takes the tokens that another tab has by now');

  await tell(other, 'pagehide');
  await Promise.all([page.waitForURL(`${spa}/`), page.evaluate((returnTo) => client.logout({ returnTo }), `${spa}/`)]);
  assert.equal(await other.evaluate(() => client.getState().isAuthenticated), true, 'nobody told it');
  await tell(other, 'pageshow');
  await other.waitForFunction(() => !client.getState().isAuthenticated && !client.getState().loading);
  assert.equal(await other.evaluate(() => heard.filter(([event]) => event === 'logout' || event === 'sessionRevoked').length), 1);
});

test('a clock that is minutes off locks nobody out, nor a second tab', async () => {
  for (const minutes of [-4, 4]) {
    await window.close();
    window = await Window.open(stage.browser, world);
    page = window.page;
    await window.context.addInitScript((shift) => {
      const real = Date.now;
      Date.now = () => real() + shift;
    }, minutes * 60_000);
    await signIn(await world.newcomer());
    assert.equal((await bare()).isAuthenticated, true, `${minutes} minutes`);
    const other = await window.context.newPage();
    assert.equal((await bare({}, other)).isAuthenticated, true, `${minutes} minutes: another tab`);
    for (const tab of [page, other]) {
      assert.equal(await tab.evaluate(async () => (await client.fetch('http://localhost:8787/whoami')).status), 200, `${minutes} minutes: an API whose proofs are strict`);
      assert.ok(await tab.evaluate(() => client.getAccessToken({ fresh: true })));
    }
  }
});

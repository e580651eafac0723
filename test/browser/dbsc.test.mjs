// D-17: all cookies of a signed-in browser, copied into a second profile, are
// worth something no longer than the short cookie; the owner goes on. D-11: what
// was signed out stays so. Chromium binds with software keys here (D-16).
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { Window, launch } from '../world/chromium.mjs';
import { Hosts } from '../world/hosts.mjs';
import { Serve } from '../world/serve.mjs';

const host = 'id.harbour.test';
const base = `https://${host}`;
const lin = { tenant: 'harbour', email: 'lin@example.org', password: 'seven quiet herons at dusk' };
const life = 10_000; // ms, of the short cookie

let serve, hosts, browser;
before(async () => {
  serve = await Serve.start({
    tenants: () => `
  - id: harbour
    issuer: ${base}
    name: Harbour Savings
    policy: {enrolment: {first_factor: password}, sessions: {bound_for: ${life / 1000}s}}`,
    users: [lin],
  });
  hosts = await Hosts.open({ names: [host], as: host, behind: serve.port });
  browser = await launch({
    rules: hosts.rules,
    home: hosts.home.path,
    features: ['DeviceBoundSessions', 'EnableBoundSessionCredentialsSoftwareKeysForManualTesting', 'DeviceBoundSessions:RefreshQuota/false'],
  });
});
after(async () => {
  await browser?.close();
  await hosts?.close();
  await serve?.stop();
});

/** A window with eyes on its bound sessions. */
async function open() {
  const window = await Window.open(browser, { port: 443, hosts: [host], issuer: base, app: base });
  window.bindings = [];
  const cdp = await window.context.newCDPSession(window.page);
  await cdp.send('Network.enable');
  await cdp.send('Network.enableDeviceBoundSessions', { enable: true });
  cdp.on('Network.deviceBoundSessionEventOccurred', (event) => window.bindings.push(event));
  return window;
}

const created = (window) => window.bindings.filter((event) => event.creationEventDetails && event.succeeded);
const refreshed = (window) => window.bindings.filter((event) => event.refreshEventDetails?.refreshResult === 'Refreshed');

/** Waits until something is so: what browsers do by themselves has no event of its own. */
async function until(what, holds) {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`${what} did not happen`);
}

const cookie = async (window, name) => (await window.cookies()).find((each) => each.name === `__Host-${name}`);

/** Whether the account page opens. */
async function opens(window) {
  await window.page.goto(`${base}/account`);
  return window.url.pathname === '/account';
}

/** Signs in and waits until the browser has bound the session. */
async function bound() {
  const window = await open();
  await window.page.goto(`${base}/account`);
  await window.identify(lin);
  assert.equal(window.url.pathname, '/account', await window.text());
  await until('the binding', async () => created(window).length === 1 && (await cookie(window, 'ia_bound')));
  return window;
}

/** A second profile with every cookie of the first. */
async function copyOf(owner) {
  const thief = await open();
  const cookies = (await owner.cookies()).map(({ name, value, domain, path, secure, httpOnly, sameSite, expires }) => ({ name, value, domain, path, secure, httpOnly, sameSite, expires }));
  assert.ok(cookies.some(({ name }) => name === '__Host-ia_session') && cookies.some(({ name }) => name === '__Host-ia_bound'));
  await thief.context.addCookies(cookies);
  return thief;
}

/** A request that no page may make: its headers are the browser's own. */
async function post(path, session, cookies) {
  const headers = { host, 'sec-secure-session-id': session, cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') };
  const request = https.request({ host: '127.0.0.1', port: hosts.server.address().port, servername: host, rejectUnauthorized: false, method: 'POST', path, headers });
  request.end();
  const [answer] = await once(request, 'response');
  answer.resume();
  return answer;
}

test('D-17, H-59 a copy of all cookies ends with the short one, and the owner goes on', async () => {
  const owner = await bound();
  await owner.page.reload();
  assert.match(await owner.text(), /Tied to its device/);
  await owner.examine('an account with a bound session');

  const thief = await copyOf(owner);
  const ends = (await cookie(thief, 'ia_bound')).expires * 1000;
  assert.ok(ends - Date.now() <= life, 'a copy lives longer than the short cookie');
  assert.ok(await opens(thief), 'the copy is of no use at all: then this test shows nothing');
  await until('the end of the short cookie', () => Date.now() > ends);
  assert.equal(await opens(thief), false, 'the copy outlived the short cookie');
  assert.match(await thief.text(), /Sign in/);
  assert.equal(created(thief).length + refreshed(thief).length, 0);

  // The thief asks where short cookies are given, with all that he has.
  const id = created(owner)[0].sessionId;
  const asked = await post('/dbsc/refresh', id, await thief.cookies());
  assert.equal(asked.statusCode, 403, 'without a proof');
  assert.equal(asked.headers['set-cookie'], undefined);

  const before = refreshed(owner).length;
  assert.ok(await opens(owner), 'the owner is out');
  assert.ok(refreshed(owner).length > before, 'the browser did not refresh: the page opened for another reason');
  assert.match(await owner.text(), /Tied to its device/);
  assert.equal(await opens(thief), false, 'the owner let the copy in again');
  await thief.close();
  await owner.close();
});

test('D-11 what was signed out is not revived by the browser', async () => {
  const owner = await bound();
  const kept = await owner.cookies();
  await owner.page.goto(`${base}/signout`);
  await owner.press('Sign out');
  assert.equal(await opens(owner), false);
  assert.equal(await cookie(owner, 'ia_session'), undefined);
  assert.equal(await cookie(owner, 'ia_bound'), undefined);
  // The same profile still has the key: with its old cookies back it gets nothing.
  await owner.context.addCookies(kept.filter(({ name }) => /ia_(session|bound)$/.test(name)).map(({ name, value, domain, path, secure, httpOnly, sameSite, expires }) => ({ name, value, domain, path, secure, httpOnly, sameSite, expires })));
  assert.equal(await opens(owner), false, 'a session that was signed out opens again');
  await owner.close();
});

test('D-11 a session ended elsewhere ends in its browser at the next refresh', async () => {
  const owner = await bound();
  const other = await bound();
  await other.page.goto(`${base}/account`);
  await other.page.getByRole('link', { name: /sign out all other browsers/i }).click();
  for (let i = 0; i < 4 && !/done=/.test(other.url.search); i++) {
    if (await other.page.locator('input[autocomplete="current-password"]').count()) await other.answer(lin.password);
    else await other.page.locator('main form button[type=submit]').first().click();
    await other.page.waitForLoadState();
  }
  assert.match(other.url.search, /done=/, await other.text());
  assert.equal(await opens(owner), false, 'a revoked session opens');
  assert.ok(await opens(other), 'who ended it is out, too');
  await owner.close();
  await other.close();
});

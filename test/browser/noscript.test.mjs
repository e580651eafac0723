// With JavaScript switched off: password and TOTP work all the same.
import { after, afterEach, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { Window, close, open } from '../world/chromium.mjs';
import { wrongCode } from '../world/totp.mjs';

const callback = 'http://localhost:9999/callback';

let world;
let browser;
let window;

before(async () => {
  ({ world, browser } = await open());
});
after(() => close({ world, browser }));
beforeEach(async () => {
  window = await Window.open(browser, world, { javaScriptEnabled: false });
});
afterEach(() => window.close());

function authorize(parameters = {}) {
  const url = new URL('/oauth2/authorize', world.issuer);
  const sent = {
    client_id: 'demo-web', redirect_uri: callback, response_type: 'code', scope: 'openid', state: 'the-state',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...parameters,
  };
  for (const [name, value] of Object.entries(sent)) url.searchParams.set(name, value);
  return url.href;
}

function code() {
  assert.equal(`${window.url.origin}${window.url.pathname}`, callback, `not back yet: ${window.url}`);
  assert.equal(window.url.searchParams.get('state'), 'the-state');
  assert.equal(window.url.searchParams.get('iss'), world.issuer);
  return window.url.searchParams.get('code');
}

test('sign in, enrol, sign in with a code, sign out', async () => {
  const user = await world.newcomer();
  const { page } = window;
  await page.goto(authorize({ acr_values: 'aal2' }));
  assert.equal(await page.locator('button[hidden]:visible').count(), 0, 'what needs a script is not shown');
  await window.answer(user.email);
  await window.answer('not the password of anybody');
  assert.match(await window.text(), /not right/i);
  await window.answer(user.password);
  await window.ticket(user);
  await window.press(/authenticator app/i);
  user.secret = await window.setupKey();
  assert.ok(await page.locator('.qr svg').isVisible());
  assert.equal(await page.getByRole('button', { name: /copy/i }).count(), 0, 'no button that does nothing');
  await window.answer(wrongCode(user.secret, world.now()));
  await window.answer(window.code(user.secret));
  await window.keep(user);
  assert.ok(code());

  await world.advance(31);
  await page.goto(authorize({ prompt: 'login' }));
  await window.answer(user.password);
  await window.answer(window.code(user.secret));
  assert.ok(code());

  await page.goto(`${world.issuer}/signout`);
  await window.press('Sign out');
  assert.match(await window.text(), /signed out/i);
  await page.goto(authorize({ prompt: 'none' }));
  assert.equal(window.url.searchParams.get('error'), 'login_required');
});

test('cancel', async () => {
  await window.page.goto(authorize());
  await window.press('Cancel');
  assert.equal(code(), null);
  assert.equal(window.url.searchParams.get('error'), 'access_denied');
});

test('an answer by form_post takes one click', async () => {
  const user = await world.newcomer();
  await window.page.goto(authorize({ response_mode: 'form_post' }));
  await window.answer(user.email);
  await window.answer(user.password);
  assert.equal(window.url.host, `localhost:${world.port}`, 'no script, so no automatic post');
  await window.press('Continue');
  assert.equal(`${window.url.origin}${window.url.pathname}`, callback);
  const posted = new URLSearchParams(await window.page.locator('#posted').innerText());
  assert.equal(posted.get('state'), 'the-state');
  assert.ok(posted.get('code'));
});

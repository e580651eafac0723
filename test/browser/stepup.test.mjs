// Step-up and decay: an API that wants more than the token shows, a clock that
// goes on, and a tenant where everybody needs a second factor.
import { after, afterEach, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { grace } from '../world/dev.mjs';
import { Window, close, open } from '../world/chromium.mjs';

let world;
let browser;
let window;

before(async () => {
  ({ world, browser } = await open());
});
after(() => close({ world, browser }));
beforeEach(async () => {
  window = await Window.open(browser, world);
});
afterEach(() => window.close());

/** Presses the button that calls the API, and follows where it leads. */
async function transfer() {
  const { page } = window;
  const [answer] = await Promise.all([
    page.waitForResponse((response) => new URL(response.url()).pathname === '/api/transfer'),
    page.getByRole('button', { name: /transfer/i }).click(),
  ]);
  return answer;
}

/** What the application tells of its call, once it has come back. */
async function story() {
  const { page } = window;
  await page.locator('#story .good').waitFor();
  return page.locator('#story').innerText();
}

test('an API that wants aal2 leads to a factor, and the call is made again', async () => {
  const user = await world.newcomer();
  const before = await window.signIn(user);
  const answer = await transfer();
  assert.equal(answer.status(), 401);
  const demand = answer.headers()['www-authenticate'];
  assert.match(demand, /^Bearer .*error="insufficient_user_authentication"/);
  assert.match(demand, /acr_values="aal2"/);
  assert.match(demand, /max_age="300"/);
  assert.match(answer.headers()['content-type'], /^application\/problem\+json/); // the page has left, and its body with it
  await window.page.waitForURL(/\/flow\//);
  // Whoever finds an open session binds nothing: first the password, again.
  await window.answer(user.password);
  await window.setUp(user);
  assert.match(await story(), /done/i);
  const { id } = await window.claims();
  assert.equal(id.acr, 'aal2');
  assert.equal(id.sid, before.id.sid, 'the session was raised, no other made');
  await window.examine('demo application, after a step-up');
});

test('a step-up in a window of its own raises the session, and the page stays', async () => {
  const user = await world.newcomer();
  const { page } = window;
  const before = await window.enrol(user);
  await world.advance(6 * 60); // the token lives, what it shows is too old
  await page.evaluate(() => { window.untouched = true; });
  const [popup] = await Promise.all([
    window.context.waitForEvent('page'),
    page.getByRole('button', { name: /window beside/i }).click(),
  ]);
  await popup.waitForURL(/\/flow\//);
  const asked = await popup.locator('.asked').innerText();
  assert.match(asked, /Demo application asks you to confirm:\s*“?Send 100 € to a friend/, 'in the application’s own words');
  await window.examine('step-up in a popup', popup);
  await window.answer(user.password, popup);
  await popup.locator('input[autocomplete="one-time-code"]').fill(window.code(user.secret));
  await Promise.all([popup.waitForEvent('close'), popup.locator('form:has(input:visible) button[type=submit]').first().click()]);
  assert.match(await story(), /done/i);
  assert.equal(await page.evaluate(() => window.untouched), true, 'the page was not left');
  const { id } = await window.claims();
  assert.equal(id.sid, before.id.sid);
  assert.equal(id.acr, 'aal2');
});

test('a step-up that is cancelled in its window leaves the page as it was', async () => {
  const user = await world.newcomer();
  const { page } = window;
  const before = await window.signIn(user);
  const [popup] = await Promise.all([
    window.context.waitForEvent('page'),
    page.getByRole('button', { name: /window beside/i }).click(),
  ]);
  await popup.waitForURL(/\/flow\//);
  const closed = popup.waitForEvent('close');
  await popup.getByRole('button', { name: 'Cancel' }).click();
  await closed;
  assert.match(await window.notice(), /cancelled/i);
  const { id } = await window.claims();
  assert.equal(id.sid, before.id.sid);
  assert.equal(id.acr, 'aal1');
});

test('a token that shows enough is not asked again', async () => {
  const user = await world.newcomer();
  await window.enrol(user);
  const answer = await transfer();
  assert.equal(answer.status(), 200);
  assert.match(await story(), /done/i);
});

test('a step-up that is cancelled leaves the session as it was', async () => {
  const user = await world.newcomer();
  const before = await window.signIn(user);
  await transfer();
  await window.page.waitForURL(/\/flow\//);
  await window.examine('password, before a factor is set up on demand');
  await window.press('Cancel');
  assert.match(await window.notice(), /cancelled/i);
  await window.begin();
  const { id } = await window.claims();
  assert.equal(id.sid, before.id.sid);
  assert.equal(id.acr, 'aal1');
});

test('a day later the level has decayed, and a step-up raises it again', async () => {
  const user = await world.newcomer();
  const before = await window.enrol(user);
  assert.equal(before.id.acr, 'aal2');
  await world.advance(25 * 3600);
  await window.begin({ button: /second factor/i });
  assert.match(window.url.pathname, /^\/flow\//, 'what was proved yesterday is not enough today');
  await window.examine('step-up');
  await window.answer(user.password);
  if (window.url.pathname.startsWith('/flow/')) await window.answer(window.code(user.secret));
  const { id } = await window.claims();
  assert.equal(id.acr, 'aal2');
  assert.equal(id.sid, before.id.sid);
  assert.ok(Number(id.auth_time) > Number(before.id.auth_time) + 24 * 3600);
});

test('after a month the session is over', async () => {
  const user = await world.newcomer();
  const before = await window.signIn(user);
  await world.advance(31 * 24 * 3600);
  await window.begin();
  assert.match(window.url.pathname, /^\/flow\//);
  await window.identify(user);
  const { id } = await window.claims();
  assert.notEqual(id.sid, before.id.sid);
});

test('where the policy is "always", nobody gets in without a second factor', async () => {
  await window.begin({ app: world.acmeApp });
  assert.equal(window.url.host, `acme.localhost:${world.port}`);
  await window.examine('identifier of another tenant');
  await window.identify(grace);
  assert.equal(window.url.host, `acme.localhost:${world.port}`, 'a password is not enough');
  assert.match(await window.text(), /acme asks everyone for a second step/i);
  assert.equal(await window.page.getByRole('button', { name: /not now/i }).count(), 0, 'it cannot be put off');
  await window.examine('forced enrolment');
  await window.setUp({ ...grace });
  const { id } = await window.claims();
  assert.equal(id.iss, world.acme);
  assert.equal(id.acr, 'aal2');

  // The same person of the other tenant is another user, without a factor.
  const other = await window.context.newPage();
  await window.begin({ page: other });
  await window.identify(grace, other);
  const { id: there } = await window.claims(other);
  assert.equal(there.iss, world.issuer);
  assert.equal(there.acr, 'aal1');
  assert.notEqual(there.sub, id.sub);
});

/** Asks as the demo application would, and returns what comes back to it; undefined if a page asks first. */
async function asks(parameters) {
  const { page } = window;
  const answered = `${world.app}/callback`;
  let back;
  const look = (request) => {
    if (request.url().startsWith(`${answered}?`)) back = new URL(request.url()).searchParams;
  };
  page.on('request', look);
  await page.goto(`${world.issuer}/oauth2/authorize?${new URLSearchParams({
    client_id: 'demo-spa', redirect_uri: answered, response_type: 'code', scope: 'openid', state: 's', nonce: 'n',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...parameters,
  })}`);
  page.off('request', look);
  return back;
}

test('prompt=none asks nobody: a code where the session will do, else the error that says what would', async () => {
  const user = await world.newcomer();
  assert.equal((await asks({ prompt: 'none' })).get('error'), 'login_required', 'nobody is signed in');
  await window.signIn(user);
  const met = await asks({ prompt: 'none' });
  assert.ok(met.get('code'));
  assert.equal(met.get('iss'), world.issuer);
  for (const [parameters, error] of [
    [{ acr_values: 'aal2' }, 'interaction_required'],
    [{ acr_values: 'aal3' }, 'unmet_authentication_requirements'],
    [{ max_age: '0' }, 'login_required'],
  ]) {
    const refused = await asks({ prompt: 'none', ...parameters });
    assert.equal(refused.get('error'), error, JSON.stringify(parameters));
    assert.equal(refused.get('code'), null);
  }
});

test('max_age=0 asks again, whoever signed in a moment ago', async () => {
  const user = await world.newcomer();
  await window.enrol(user);
  await world.advance(60);
  assert.equal(await asks({ max_age: '0' }), undefined, 'a page asks');
  assert.match(window.url.pathname, /^\/flow\//);
  await window.answer(user.password);
  assert.equal(await window.page.locator('input[autocomplete="one-time-code"]').count(), 1, 'and for the second factor, too');
});

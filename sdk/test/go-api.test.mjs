// The two examples together in Chromium: the React page and the API in Go, each
// as it is built, with the real server.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Stage, Window, audience, spa } from './stage.mjs';

let stage;
let world;
let window;
let page;
let user;

before(async () => {
  stage = await Stage.open({ go: true });
  world = stage.world;
  window = await Window.open(stage.browser, world);
  page = window.page;
});
after(async () => {
  await window?.close();
  await stage?.close();
});

const story = (pattern) => page.waitForFunction((source) => new RegExp(source).test(document.querySelector('[data-testid=story]')?.textContent ?? ''), pattern.source);

/** What the API in Go has stored for whoever is signed in, asked by the browser core. */
async function stored() {
  const tab = await window.context.newPage();
  await tab.goto(`${spa}/bare.html`);
  const answer = await tab.evaluate(async ([tenantUrl, audience]) => {
    const client = new IntelliAuth.AuthClient({ tenantUrl, clientId: 'demo-spa', redirectUri: `${location.origin}/callback`, audience, apiOrigins: ['http://localhost:8787'] });
    await client.start();
    const list = await client.fetch('http://localhost:8787/payouts');
    const claims = await client.fetch('http://localhost:8787/claims');
    return { status: list.status, list: await list.json(), claims: await claims.json() };
  }, [world.issuer, audience]);
  await tab.close();
  return answer;
}

test('a POST with a file is refused by the API in Go, stepped up, and stored once', async () => {
  user = await world.newcomer();
  await page.goto(`${spa}/`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/flow\//);
  await window.identify(user);
  await page.waitForFunction(() => document.querySelector('[data-testid=aal]')?.textContent === '1');
  const answers = [];
  page.on('response', (response) => {
    if (response.url().endsWith('/payouts') && response.request().method() === 'POST') answers.push(response.status());
  });
  await page.getByLabel('Amount').fill('250.00');
  await page.getByLabel('Invoice').setInputFiles({ name: 'invoice.txt', mimeType: 'text/plain', buffer: Buffer.from('one hundred, please\n') });
  const [popup] = await Promise.all([page.waitForEvent('popup'), page.getByRole('button', { name: 'Pay' }).click()]);
  await popup.waitForURL(/\/flow\//);
  const hands = Object.create(window);
  hands.page = popup;
  await hands.answer(user.password);
  await hands.ticket(user);
  await hands.press(/authenticator app/i);
  user.secret = await hands.setupKey();
  await hands.answer(hands.code(user.secret));
  await Promise.all([popup.waitForEvent('close'), popup.getByRole('button', { name: 'I have kept them' }).click()]);
  await story(/^Stored/);
  assert.deepEqual(answers, [401, 201]);

  const { status, list, claims } = await stored();
  assert.equal(status, 200);
  assert.equal(list.data.length, 1);
  assert.equal(list.data[0].file, 'invoice.txt');
  assert.equal(list.data[0].amount, '250.00');
  assert.equal(claims.bound, true, 'the token is bound to a key of the browser');
});

test('a session that the operator revokes is refused by the API in Go', async () => {
  const tab = await window.context.newPage();
  const refused = [];
  tab.on('response', (response) => {
    if (response.url().endsWith('/claims') && response.request().method() === 'GET') refused.push([response.status(), response.headers()['www-authenticate'] ?? '']);
  });
  await tab.goto(`${spa}/bare.html`);
  const ask = () => tab.evaluate(() => client.fetch('http://localhost:8787/claims').then(({ status }) => status, (error) => error.code));
  await tab.evaluate(async ([tenantUrl, audience]) => {
    globalThis.client = new IntelliAuth.AuthClient({ tenantUrl, clientId: 'demo-spa', redirectUri: `${location.origin}/callback`, audience, apiOrigins: ['http://localhost:8787'] });
    await client.start();
  }, [world.issuer, audience]);
  assert.equal(await ask(), 200);
  await world.run('session', 'revoke', '--user', user.email, '--tenant', 'demo');
  let answer = 200;
  for (let i = 0; i < 100 && answer === 200; i++) answer = await ask();
  assert.notEqual(answer, 200);
  const [status, challenge] = refused.find(([status]) => status !== 200);
  assert.equal(status, 401);
  assert.match(challenge, /^DPoP error="invalid_token", error_description="The session behind the token has ended\."/);
  await tab.close();
});

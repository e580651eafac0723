// The two examples together: the React page in Chromium, the API in Go, the binary between them.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Stage, Window, spa } from './stage.mjs';

let stage;
before(async () => { stage = await Stage.open({ go: true }); });
after(() => stage?.close());

test('the payout with its file reaches the API in Go, after a step-up', async () => {
  const { world } = stage;
  const window = await Window.open(stage.browser, world);
  const { page } = window;
  const user = await world.newcomer();
  await page.goto(`${spa}/`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/flow\//);
  await window.identify(user);
  await page.getByLabel('Invoice').setInputFiles({ name: 'invoice.txt', mimeType: 'text/plain', buffer: Buffer.from('one hundred, please\n') });
  const answers = [];
  page.on('response', (response) => { if (response.request().method() === 'POST' && response.url().endsWith('/payouts')) answers.push(response.status()); });
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
  await page.waitForFunction(() => /^Stored/.test(document.querySelector('[data-testid=story]')?.textContent ?? ''));
  const text = await page.locator('[data-testid=story]').innerText();
  assert.match(text, /"file":"invoice.txt"/);
  assert.match(text, /"sha256":"[0-9a-f]{64}"/);
  assert.deepEqual(answers, [401, 201]);
  await window.close();
});

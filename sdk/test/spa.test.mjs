// The React example in Chromium, with the real server and an API on the Node SDK.
import { after, afterEach, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { Authenticator } from '../../test/world/authenticator.mjs';
import { Stage, Window, spa } from './stage.mjs';

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

/** Signs in through the example's own button. */
async function signIn(user) {
  await page.goto(`${spa}/`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/flow\//);
  await window.identify(user);
  await level(1);
}

const level = (wanted, on = page) => on.waitForFunction((text) => document.querySelector('[data-testid=aal]')?.textContent === text, String(wanted));
const story = (pattern, on = page) => on.waitForFunction((source) => new RegExp(source).test(document.querySelector('[data-testid=story]')?.textContent ?? ''), pattern.source);

test('signing in, coming back and opening another tab need one password', async () => {
  const user = await world.newcomer();
  await signIn(user);
  assert.equal(page.url(), `${spa}/`, 'the code is gone from the address');
  await page.reload();
  await level(1);
  const other = await window.context.newPage();
  await other.goto(`${spa}/`);
  await level(1, other);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.doesNotMatch(kept, /eyJ|verifier/, 'no token, nor anything of a request that is over, is kept');
});

/** Does what opens a popup, and gives hands that work in it. */
async function popupOf(act) {
  const [popup] = await Promise.all([page.waitForEvent('popup'), act()]);
  await popup.waitForURL(/\/flow\//);
  const hands = Object.create(window);
  hands.page = popup;
  return hands;
}

/** What a popup does last: it closes by itself. */
async function closing({ page: popup }, act) {
  const closed = popup.isClosed() ? undefined : popup.waitForEvent('close');
  await act().catch((error) => { if (!popup.isClosed()) throw error; });
  await closed;
}

/** Confirms in a popup that it is this person, until it closes or something else is asked. */
async function confirm(hands, user, done = () => false) {
  for (let i = 0; i < 6 && !hands.page.isClosed(); i++) {
    await hands.page.waitForLoadState().catch(() => undefined);
    if (hands.page.isClosed() || (await done(hands))) return;
    const { page: popup } = hands;
    if (!popup.url().includes('/flow/')) {
      if (!popup.isClosed()) await popup.waitForEvent('close').catch(() => undefined);
      return;
    }
    const step = async () => {
      const heading = await popup.locator('h1').innerText();
      if (await popup.locator('input[autocomplete="current-password"]').count()) return hands.answer(user.password);
      if (/we sent you/i.test(heading)) return hands.answer(await world.sent(user.email));
      if (/from your app/i.test(heading) && user.secret) {
        await world.advance(31);
        return hands.answer(hands.code(user.secret));
      }
      throw new Error(`nothing to do in the popup: ${heading}`);
    };
    await step().catch((error) => { if (!popup.isClosed()) throw error; });
  }
}

const invoice = { name: 'invoice.txt', mimeType: 'text/plain', buffer: Buffer.from('one hundred, please\n') };

async function fillPayout() {
  await page.getByLabel('Amount').fill('250.00');
  await page.getByLabel('Invoice').setInputFiles(invoice);
}

const pay = () => page.getByRole('button', { name: 'Pay' }).click();

test('a POST with a file that wants a second factor is stepped up and stored once', async () => {
  const user = await world.newcomer();
  await signIn(user);
  await fillPayout();
  const hands = await popupOf(pay);
  assert.match(hands.page.url(), new RegExp(`^${world.issuer}/flow/`));
  await hands.answer(user.password); // an open session alone binds nothing
  await hands.ticket(user);
  await hands.press(/authenticator app/i);
  user.secret = await hands.setupKey();
  await hands.answer(hands.code(user.secret));
  user.codes = await hands.page.locator('.codes code').allInnerTexts();
  await closing(hands, () => hands.press('I have kept them'));
  await story(/^Stored/);
  await level(2);
  assert.equal(stage.api.stored.length, 1);
  assert.deepEqual({ ...stage.api.stored[0], sub: undefined }, { to: 'Grace Hopper', amount: '250.00', name: 'invoice.txt', text: 'one hundred, please\n', sub: undefined });
  assert.equal(stage.api.seen.filter(({ method }) => method === 'POST').length, 2, 'sent, refused, and repeated once');

  // What was proved is enough for the next one.
  await fillPayout();
  await pay();
  await story(/^Stored.*"id":2/);
  assert.equal(stage.api.stored.length, 2);

  // Six minutes later it is too old.
  await world.advance(360);
  await fillPayout();
  const again = await popupOf(pay);
  await confirm(again, user);
  await story(/^Stored.*"id":3/);
});

test('cancelling leaves the form as it was, and sends nothing more', async () => {
  const user = await world.newcomer();
  await signIn(user);
  await fillPayout();
  const hands = await popupOf(pay);
  await closing(hands, () => hands.press('Cancel'));
  await story(/^Nothing was sent/);
  assert.equal(await page.getByLabel('Amount').inputValue(), '250.00');
  assert.equal(await page.getByLabel('Invoice').evaluate((input) => input.files[0]?.name), 'invoice.txt');
  assert.equal(stage.api.stored.length, 0);
  await level(1);
});

test('a popup that is closed is not taken for a no; the page says how to give up', async () => {
  await signIn(await world.newcomer());
  await fillPayout();
  const hands = await popupOf(pay);
  await hands.page.close();
  await page.getByRole('button', { name: 'Give up' }).click();
  await story(/^Nothing was sent/);
  assert.equal(stage.api.stored.length, 0);
});

test('with popups blocked it goes on in this window, and the payout waits to be sent', async () => {
  const user = await world.newcomer();
  await signIn(user);
  await page.evaluate(() => { window.open = () => null; });
  await fillPayout();
  await pay();
  await page.waitForURL(/\/flow\//);
  await window.answer(user.password);
  await window.setUp(user);
  await level(2);
  assert.equal(page.url(), `${spa}/`);
  assert.equal(stage.api.stored.length, 0, 'never sent by itself');
  await page.getByRole('button', { name: 'Send it now' }).click();
  await story(/^Stored/);
  assert.equal(stage.api.stored[0].text, 'one hundred, please\n');
  assert.equal(await page.getByRole('button', { name: 'Send it now' }).count(), 0);
  await page.reload();
  await level(2);
  assert.equal(await page.getByRole('button', { name: 'Send it now' }).count(), 0, 'it waits no longer');
});

test('a payout that waits is not offered to somebody else', async () => {
  await signIn(await world.newcomer());
  await page.evaluate(() => { window.open = () => null; });
  await fillPayout();
  await pay();
  await page.waitForURL(/\/flow\//);
  await window.context.clearCookies();
  await signIn(await world.newcomer());
  await page.reload();
  await level(1);
  assert.equal(await page.getByRole('button', { name: 'Send it now' }).count(), 0);
  assert.equal(stage.api.stored.length, 0);
});

test('the five factors from the page: add, list, rename, remove', async () => {
  const user = await world.newcomer();
  await signIn(user);
  const methods = page.getByRole('region', { name: 'Sign-in methods' });
  await methods.getByText('No second step is set up yet.').waitFor();

  const hands = await popupOf(() => methods.getByRole('button', { name: 'Authenticator app' }).click());
  await closing(hands, () => confirm(hands, user));
  const secret = await methods.locator('form code').first().innerText();
  user.secret = secret;
  await methods.getByLabel('Code').fill(window.code(secret));
  await methods.getByRole('button', { name: 'Confirm' }).click();
  await methods.locator('li[data-factor=totp]').waitFor();

  // Beside a factor no other is added on a password alone (N-60).
  const more = await popupOf(() => methods.getByRole('button', { name: 'E-mail' }).click());
  await closing(more, () => confirm(more, user));
  await methods.getByText(/We sent a code to/).waitFor();
  await methods.getByLabel('Code').fill(await world.sent(user.email, 1));
  await methods.getByRole('button', { name: 'Confirm' }).click();
  await methods.locator('li[data-factor=email]').waitFor();

  // That holds for five minutes: no popup for the next ones.
  await methods.getByRole('button', { name: 'Text message' }).click();
  await methods.getByLabel('Mobile number').fill('+14155550123');
  await methods.getByRole('button', { name: 'Send a code' }).click();
  await methods.getByText(/We sent a code to/).waitFor();
  await methods.getByLabel('Code').fill(await world.sent('+14155550123'));
  await methods.getByRole('button', { name: 'Confirm' }).click();
  await methods.locator('li[data-factor=sms]').waitFor();

  await methods.getByRole('button', { name: 'Recovery codes' }).click();
  await methods.getByRole('button', { name: 'I have kept them' }).waitFor();
  assert.equal(await methods.locator('form code').count(), 10);
  await methods.getByRole('button', { name: 'I have kept them' }).click();
  await methods.locator('li[data-factor=recovery]').waitFor();

  await methods.locator('li[data-factor=totp]').getByRole('button', { name: /Rename/ }).click();
  await methods.getByRole('textbox', { name: 'Name' }).fill('iPhone Authenticator');
  await methods.getByRole('button', { name: 'Save' }).click();
  await methods.getByText('iPhone Authenticator').waitFor();

  await methods.locator('li[data-factor=email]').getByRole('button', { name: /Remove/ }).click();
  // The server keeps it for a while, suspended, to be restored where it was not the owner who removed it.
  await methods.locator('li[data-factor=email]').getByRole('button', { name: /Remove/ }).waitFor({ state: 'detached' });

  // A passkey is made on the tenant's origin.
  const key = await popupOf(() => methods.getByRole('button', { name: /Passkey/ }).click());
  await Authenticator.plug(key.page);
  await confirm(key, user, ({ page: popup }) => popup.getByRole('heading', { name: 'Set up a passkey' }).count());
  await key.page.locator('[data-start]').click();
  await key.page.getByRole('heading', { name: 'Try it once' }).waitFor();
  await closing(key, () => key.page.locator('[data-start]').click());
  await methods.locator('li[data-factor=passkey]').waitFor();
});

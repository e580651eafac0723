// Passkeys and security keys, whole: enrolled by the account page, tried, used
// at the first step and at the second, told apart, renamed, removed.
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Window, close, open } from '../world/chromium.mjs';
import { Authenticator, kinds } from '../world/authenticator.mjs';

let world, browser, window;
before(async () => {
  ({ world, browser } = await open());
});
after(() => close({ world, browser }));
beforeEach(async () => {
  window = await Window.open(browser, world);
});
afterEach(() => window.close());

/** Presses the button of the passkey form and waits for the page that follows. */
async function touch(page = window.page) {
  await Promise.all([page.waitForEvent('load'), page.locator('form:not([data-mediation="conditional"]) [data-start], [data-start]').first().click()]);
}

/** Signs in by password, where a sign-in begins at the account page. */
async function enter(user) {
  await window.page.goto(`${world.issuer}/account`);
  if (window.url.pathname.startsWith('/flow/')) await window.identify(user);
  await window.page.waitForURL(`${world.issuer}/account**`);
}

/** Adds a passkey on the account page, up to the page that makes it. */
async function toCeremony(user, { first = true } = {}) {
  await window.page.goto(`${world.issuer}/account`);
  await window.press(/^Add: Passkey/);
  if (await window.page.locator('input[autocomplete="current-password"]').count()) await window.answer(user.password);
  if (first) await window.ticket(user);
}

/** A person whose first factor is a passkey, kept in `authenticator`. */
async function holder(authenticator) {
  const user = await world.newcomer();
  await enter(user);
  await toCeremony(user);
  await touch();
  await window.page.getByRole('heading', { name: 'Try it once' }).waitFor();
  await touch();
  await window.keep(user);
  await window.page.waitForURL(`${world.issuer}/account**`);
  user.passkeys = await authenticator.credentials();
  return user;
}

async function signOut() {
  await window.page.goto(`${world.issuer}/signout`);
  await window.press('Sign out');
}

/** The rows of the account page's list of methods. */
const methods = () => window.page.locator('#methods .row-title').allInnerTexts();

describe('a passkey', () => {
  test('is made, tried and listed; then it signs in alone, at aal2', async () => {
    const user = await world.newcomer();
    const phone = await Authenticator.plug(window.page);
    await enter(user);
    await toCeremony(user);
    await window.examine('make a passkey');
    await window.page.getByLabel('A name for it').fill('Ada’s phone');
    await touch();
    await window.page.getByRole('heading', { name: 'Try it once' }).waitFor();
    await window.examine('try a passkey');
    assert.equal((await phone.credentials()).length, 1);
    await touch();
    await window.keep(user);
    assert.match((await methods()).join(), /Ada’s phone/);
    await window.examine('account with a passkey');
    const [credential] = await phone.credentials();
    assert.equal(credential.rpId, 'localhost');
    assert.equal(credential.isResidentCredential, true);

    await signOut();
    await phone.present(false); // autofill waits, so that the name can be typed
    await window.begin();
    await window.answer(user.email);
    await phone.present(true);
    if (await window.page.locator('[data-start]').count() === 0) await window.press(/passkey/i);
    await window.examine('asked for a passkey');
    await touch();
    const { id } = await window.claims();
    assert.equal(id.acr, 'aal2');
    assert.deepEqual(id.amr.split(' ').sort(), ['mfa', 'swk', 'user'], 'a key that is kept in a cloud is a software key');
  });

  test('W-25 signs in without a name, offered where the name is typed', async () => {
    const phone = await Authenticator.plug(window.page);
    const user = await holder(phone);
    await signOut();
    await phone.present(false);
    await window.begin();
    const field = window.field();
    assert.deepEqual((await field.getAttribute('autocomplete')).split(' '), ['username', 'webauthn']);
    const before = phone.events.length;
    await phone.present(true); // the person picks it from the list
    await window.page.reload();
    await window.page.waitForURL(`${world.app}/**`);
    const { id } = await window.claims();
    assert.equal(id.acr, 'aal2');
    assert.ok(phone.events.slice(before).some(([name]) => name === 'credentialAsserted'));
    await window.page.goto(`${world.issuer}/`);
    assert.ok((await window.text()).includes(user.email));
  });

  test('signs in by its button, without a name', async () => {
    const phone = await Authenticator.plug(window.page);
    await holder(phone);
    await signOut();
    await phone.present(false);
    await window.begin();
    const button = window.page.getByRole('button', { name: 'Sign in with a passkey' });
    await button.waitFor();
    await phone.present(true);
    await button.click();
    await window.page.waitForURL(`${world.app}/**`);
    assert.equal((await window.claims()).id.acr, 'aal2');
  });

  test('W-09 that verifies nobody is refused as a sign-in alone, in words', async () => {
    const phone = await Authenticator.plug(window.page);
    const user = await holder(phone);
    await signOut();
    await phone.present(false);
    await window.begin();
    await window.answer(user.email);
    await phone.verifies(false);
    await phone.present(true);
    if (await window.page.locator('[data-start]').count() === 0) await window.press(/passkey/i);
    await window.page.locator('[data-start]').first().click();
    const said = window.page.locator('[data-wrong]:visible, .alert').first();
    await said.waitFor();
    assert.match(await said.innerText(), /\w{4}/);
    assert.match(window.url.pathname, /^\/flow\//, 'nobody is signed in');
  });

  test('is refused twice on the same authenticator, in words (W-23)', async () => {
    const phone = await Authenticator.plug(window.page);
    const user = await holder(phone);
    await toCeremony(user, { first: false });
    if (await window.page.getByRole('heading', { name: 'Set up a passkey' }).count() === 0) await touch();
    await window.page.getByRole('heading', { name: 'Set up a passkey' }).waitFor();
    await window.page.locator('[data-start]').first().click();
    const said = window.page.locator('[data-wrong]:visible');
    await said.waitFor();
    assert.match(await said.innerText(), /already/i);
    assert.equal((await phone.credentials()).length, 1);
    await window.examine('a passkey that is there already');
  });

  test('several: a second one, a new name, one removed, and the browser is told (W-27)', async () => {
    const phone = await Authenticator.plug(window.page);
    const user = await holder(phone);
    await phone.present(false);
    await phone.verifies(true);
    const [first] = user.passkeys;
    // The first is unplugged while a second is made, and comes back as it was.
    await phone.unplug();
    const key = await Authenticator.plug(window.page, kinds.key);
    await window.page.goto(`${world.issuer}/account`);
    await window.press(/^Add: Passkey/);
    await window.answer(user.password).catch(() => {});
    if (await window.page.getByRole('heading', { name: 'Set up a passkey' }).count() === 0) {
      // A password alone may not add beside a passkey (N-60): the passkey confirms.
      const back = await Authenticator.plug(window.page);
      await back.take([first]);
      if (await window.page.locator('[data-start]').count() === 0) await window.press(/passkey/i);
      await touch();
      await back.unplug();
    }
    await window.page.getByRole('heading', { name: 'Set up a passkey' }).waitFor();
    await touch();
    await window.page.getByRole('heading', { name: 'Try it once' }).waitFor();
    await touch();
    await window.page.waitForURL(`${world.issuer}/account**`);
    assert.equal((await methods()).length, 2);

    await window.page.getByRole('link', { name: /^Rename/ }).last().click();
    await window.page.locator('input:visible').first().fill('Key on the ring');
    await window.press(/save|rename/i);
    await proveByTouch(user);
    assert.ok((await methods()).some((text) => text.includes('Key on the ring')), String(await methods()));

    const [onKey] = await key.credentials();
    const row = window.page.locator('#methods .row', { hasText: 'Key on the ring' });
    await row.getByRole('link', { name: /^Remove/ }).click();
    await window.examine('remove a method?');
    await window.press(/remove/i);
    await proveByTouch(user);
    await window.page.waitForURL(`${world.issuer}/account**`);
    assert.equal((await methods()).length, 1);
    const [[, gone]] = await key.happened('credentialDeleted');
    assert.equal(gone, onKey.credentialId, 'the browser was told that the removed one is no longer accepted');
  });

  test('that the server no longer knows is refused by name, and the browser forgets it (W-27)', async () => {
    const phone = await Authenticator.plug(window.page);
    const user = await holder(phone);
    const [credential] = user.passkeys;
    await window.page.goto('about:blank'); // no page that could tell the browser at once
    await run('user', 'reset-factors', user.email, '--tenant', 'demo');
    await phone.present(false);
    await window.begin();
    await phone.present(true);
    await window.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    const [[, forgotten]] = await phone.happened('credentialDeleted');
    assert.equal(forgotten, credential.credentialId);
    assert.match(await window.text(), /passkey/i);
    assert.match(window.url.pathname, /^\/flow\//);
  });
});

describe('a security key', () => {
  test('without a PIN is a second factor after the password, and no more', async () => {
    const user = await world.newcomer();
    await Authenticator.plug(window.page, kinds.pinless);
    await enter(user);
    await toCeremony(user);
    await touch();
    await window.page.getByRole('heading', { name: 'Try it once' }).waitFor();
    await touch();
    await window.keep(user);
    await signOut();
    await window.context.clearCookies();
    await window.begin();
    await window.identify(user);
    await touch();
    const { id } = await window.claims();
    assert.equal(id.acr, 'aal2');
    assert.ok(id.amr.split(' ').includes('pwd') && id.amr.split(' ').includes('pop'), id.amr);

    await signOut(); // the key first, on a device that is known: it is half of what is needed
    await window.begin();
    await window.answer(user.email);
    await touch();
    assert.equal(await window.field().getAttribute('autocomplete'), 'current-password', await window.text());
    await window.answer(user.password);
    assert.equal((await window.claims()).id.acr, 'aal2');
  });

  test('W-24 with no room for a key that can be found serves after a password', async () => {
    const user = await world.newcomer();
    const key = await Authenticator.plug(window.page, kinds.slotless);
    await enter(user);
    await toCeremony(user);
    await touch();
    await window.page.getByRole('heading', { name: 'Try it once' }).waitFor();
    await touch();
    await window.keep(user);
    const [credential] = await key.credentials();
    assert.equal(credential.isResidentCredential, false);
    await signOut();
    // Where this person has signed in before, the key is asked for by its id.
    await window.begin();
    await window.answer(user.email);
    await touch();
    assert.equal((await window.claims()).id.acr, 'aal2');
    await signOut();
    // Elsewhere nothing tells who has a key: first the password, then the key.
    await window.context.clearCookies();
    await window.begin();
    await window.identify(user);
    await touch();
    assert.equal((await window.claims()).id.acr, 'aal2');
  });
});

test('W-20 a copy of a key is noticed by its counter, and the person sees it in the activity', async () => {
  const key = await Authenticator.plug(window.page, kinds.key);
  const user = await holder(key);
  const [credential] = await key.credentials();
  assert.ok(credential.signCount > 0, 'this authenticator counts');
  await key.unplug();
  await signOut();
  const copy = await Authenticator.plug(window.page, kinds.key);
  await copy.present(false);
  await copy.take([{ ...credential, signCount: 0 }]);
  await window.begin();
  await copy.present(true);
  await window.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await window.page.waitForURL(`${world.app}/**`);
  await window.claims();
  const events = await run('events', '--user', user.email, '--tenant', 'demo', '--json');
  assert.match(events, /counter_went_back/);
});

/** Answers whatever confirmation a change asks for, by password or touch. */
async function proveByTouch(user) {
  for (let i = 0; i < 4 && window.url.pathname.startsWith('/flow/'); i++) {
    if (await window.page.locator('[data-start]').count()) await touch();
    else if (await window.page.locator('input[autocomplete="current-password"]').count()) await window.answer(user.password);
    else break;
  }
}

/** Runs a command of the binary on this world's data. */
function run(...args) {
  return world.run(...args);
}

// Codes by text message and by e-mail, and recovery codes: set up by the
// account page, asked at sign-in, lost, come back with.
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Window, close, open } from '../world/chromium.mjs';

let world, browser, window;
before(async () => {
  ({ world, browser } = await open());
});
after(() => close({ world, browser }));
beforeEach(async () => {
  window = await Window.open(browser, world);
});
afterEach(() => window.close());

let numbers = 0;
const number = () => `+4915123456${String(100 + numbers++)}`;

/** Fills in the one field of a name, and sends its form. */
async function give(name, text) {
  const form = window.page.locator(`form:has(input[name="${name}"])`);
  await form.locator(`input[name="${name}"]`).fill(text);
  await Promise.all([window.page.waitForEvent('load'), form.locator('button[type=submit]').first().click()]);
}

/** Somebody whose first factor is codes by text message. */
async function withPhone() {
  const user = { ...(await world.newcomer()), phone: number() };
  await window.account(user);
  await window.press(/^Add: Text message/);
  await window.confirm(user);
  await window.ticket(user);
  await give('field.phone', user.phone);
  await window.answer(await world.sent(user.phone));
  await window.keep(user);
  await window.page.waitForURL(`${world.issuer}/account**`);
  return user;
}

/** Somebody whose first factor is an authenticator app, seen from the account page. */
async function withApp() {
  const user = { ...(await world.newcomer()) };
  await window.account(user);
  await window.press(/^Add: Authenticator app/);
  await window.confirm(user);
  await window.ticket(user);
  user.secret = await window.setupKey();
  await window.answer(window.code(user.secret));
  await window.keep(user);
  await window.page.waitForURL(`${world.issuer}/account**`);
  return user;
}

async function elsewhere(play) {
  const other = await Window.open(browser, world);
  try {
    return await play(other);
  } finally {
    await other.close();
  }
}

const messagesTo = async (to) => (await world.messages()).filter((message) => message.to === to);

describe('codes by text message', () => {
  test('O-05 are bound to the site, and sign in at aal2, marked as such', async () => {
    const user = { ...(await world.newcomer()), phone: number() };
    await window.account(user);
    await window.press(/^Add: Text message/);
    await window.confirm(user);
    await window.ticket(user);
    await window.examine('set up codes by text message');
    await give('field.phone', '12');
    assert.match(await window.text(), /number/i);
    assert.equal((await messagesTo('+4912')).length, 0);
    await window.examine('a number that is none');
    await give('field.phone', `${user.phone.slice(0, 3)} ${user.phone.slice(3, 7)} ${user.phone.slice(7)}`);
    await window.examine('confirm a number');
    const [message] = await messagesTo(user.phone);
    assert.match(message.body, new RegExp(`\\n@localhost #${message.code}$`));
    assert.ok(!(await window.text()).includes(user.phone), 'the number is masked');
    await window.answer('000000');
    assert.match(await window.text(), /not right/i);
    await window.answer(message.code);
    await window.keep(user);
    assert.deepEqual(await window.methods(), [`+49 ••• ••${user.phone.slice(-2)}`]);

    await elsewhere(async (other) => {
      await other.begin();
      await other.identify(user);
      await other.examine('code by text message');
      assert.equal(await other.field().getAttribute('autocomplete'), 'one-time-code');
      await other.answer(await world.sent(user.phone, 1));
      const { id } = await other.claims();
      assert.equal(id.acr, 'aal2');
      assert.deepEqual(id.amr.split(' ').sort(), ['mfa', 'pwd', 'sms']);
    });
  });

  test('O-04 are sent again after half a minute, and not before', async () => {
    const user = await withPhone();
    await elsewhere(async (other) => {
      await other.begin();
      await other.identify(user);
      const before = (await messagesTo(user.phone)).length;
      await other.press(/new code/i);
      assert.match(await other.text(), /second|wait|moment/i);
      await other.examine('too early for a new code');
      assert.equal((await messagesTo(user.phone)).length, before);
      await world.advance(31);
      await other.press(/new code/i);
      await other.answer(await world.sent(user.phone, before));
      assert.equal((await other.claims()).id.acr, 'aal2');
    });
  });

  test('O-03 are over after ten minutes, and the page says so', async () => {
    const user = await withPhone();
    await elsewhere(async (other) => {
      await other.begin();
      await other.identify(user);
      const code = await world.sent(user.phone, 1);
      await world.advance(11 * 60);
      await other.answer(code);
      assert.match(await other.text(), /expired|too old|no longer/i);
      await other.examine('a code that has expired');
    });
  });
});

test('codes by e-mail are set up on top of an app, and serve when it is not at hand', async () => {
  const user = await withApp();
  await window.press(/^Add: Code by e-mail/);
  await window.confirm(user);
  await window.examine('set up codes by e-mail');
  for (let i = 0; i < 2 && window.url.pathname.startsWith('/flow/'); i++) {
    if (await window.page.locator('input[autocomplete="one-time-code"]').count()) await window.answer(await world.sent(user.email, 1));
    else await window.press(/e-mail|send|set up/i);
  }
  await window.page.waitForURL(`${world.issuer}/account**`);
  assert.equal((await window.methods()).length, 2);
  await elsewhere(async (other) => {
    await other.begin();
    await other.identify(user);
    await other.press(/e-mail|mail/i);
    await other.examine('code by e-mail');
    const [message] = (await messagesTo(user.email)).filter(({ code }) => code);
    assert.ok(!message.subject.includes(message.code), 'no code in a subject');
    await other.answer(message.code);
    const { id } = await other.claims();
    assert.equal(id.acr, 'aal2', 'the standard profile takes it');
    assert.deepEqual(id.amr.split(' ').sort(), ['email', 'mfa', 'pwd']);
  });
});

describe('a lost phone', () => {
  test('C-23 a recovery code leads to a new factor and nowhere else; then one signs in', async () => {
    const user = await withApp();
    const told = (await messagesTo(user.email)).length;
    await elsewhere(async (other) => {
      await other.begin();
      await other.identify(user);
      await other.press(/recovery code/i);
      await other.examine('recovery code');
      await other.answer('AAAA-AAAA-AAAA-AAAA-AAAA-AAAA');
      assert.match(await other.text(), /not right/i);
      await other.answer(user.codes[3].toLowerCase().replaceAll('-', ' '));
      await other.examine('set up anew, after a recovery code');
      assert.match(other.url.pathname, /^\/flow\//, 'nobody is signed in yet');
      await other.press(/authenticator app/i);
      const secret = await other.setupKey();
      assert.notEqual(secret, user.secret);
      user.secret = secret;
      await other.answer(other.code(secret));
      if (await other.page.locator('.codes code').count()) await other.keep(user);
      // A full sign-in follows, with the new factor.
      for (let i = 0; i < 4 && other.url.host === `localhost:${world.port}`; i++) await other.confirm(user);
      assert.equal((await other.claims()).id.acr, 'aal2');
    });
    assert.ok((await messagesTo(user.email)).length > told, 'the owner was told');
    // The code is spent.
    await elsewhere(async (other) => {
      await other.begin();
      await other.identify(user);
      await other.press(/recovery code/i);
      await other.answer(user.codes[3]);
      assert.match(other.url.pathname, /^\/flow\//);
      assert.match(await other.text(), /not right|used/i);
    });
  });

  test('N-53 few codes left are warned of, and a new set kills the old', async () => {
    const user = await withApp();
    const old = user.codes;
    await window.page.goto(`${world.issuer}/account`);
    await window.page.getByRole('link', { name: 'Make a new set' }).click();
    await window.examine('a new set of codes?');
    await window.page.locator('form.main button[type=submit]').click();
    await window.page.waitForURL(/\/flow\//);
    await window.confirm(user);
    await window.keep(user);
    assert.equal(user.codes.filter((code) => old.includes(code)).length, 0);
    await window.page.waitForURL(`${world.issuer}/account**`);
    await elsewhere(async (other) => {
      await other.begin();
      await other.identify(user);
      await other.press(/recovery code/i);
      await other.answer(old[0]);
      assert.match(await other.text(), /not right/i);
    });
  });
});

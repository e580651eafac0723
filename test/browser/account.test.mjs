// One's own affairs: password, addresses, sessions, activity; coming in by
// registration and invitation; coming back with a forgotten password; and
// "this wasn't me".
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

const messagesTo = async (to) => (await world.messages()).filter((message) => message.to === to);

async function elsewhere(play) {
  const other = await Window.open(browser, world);
  try {
    return await play(other);
  } finally {
    await other.close();
  }
}

/** Opens a page of the account and sends its one form, filled in. */
async function change(path, value) {
  await window.page.goto(`${world.issuer}/account/${path}`);
  await window.examine(`account/${path}`);
  if (value !== undefined) await window.page.locator('form.main input[name=value]').fill(value);
  await Promise.all([window.page.waitForEvent('load'), window.page.locator('form.main button[type=submit]').click()]);
}

const home = () => window.page.waitForURL(`${world.issuer}/account**`);

describe('the account page', () => {
  test('S-13 a new password asks for the old one, ends other sessions, and is told', async () => {
    const user = { ...(await world.newcomer()) };
    await window.account(user);
    await elsewhere(async (other) => {
      await other.account(user);
      await change('password');
      await window.confirm(user);
      await window.examine('a new password');
      await window.answer('password');
      assert.match(window.url.pathname, /^\/flow\//, 'a bad password is refused');
      await window.examine('a new password, refused');
      user.password = 'nine slow barges past the mill';
      await window.answer(user.password);
      await home();
      await other.page.goto(`${world.issuer}/account`);
      assert.match(other.url.pathname, /^\/flow\//, 'signed out elsewhere');
    });
    assert.match((await messagesTo(user.email))[0].subject, /password/i);
    assert.match(await window.text(), /password was changed|new password/i);
    await elsewhere(async (other) => {
      await other.begin();
      await other.identify(user);
      assert.equal((await other.claims()).id.acr, 'aal1');
    });
  });

  test('O-10 a new e-mail address is proved first, and the old one is told', async () => {
    const user = { ...(await world.newcomer()) };
    await window.account(user);
    const old = user.email;
    const fresh = `moved.${old}`;
    await change('email', fresh);
    await window.confirm(user);
    await window.answer(await world.sent(fresh));
    await home();
    assert.ok((await window.page.locator('#details').innerText()).includes(fresh));
    assert.ok((await messagesTo(old)).some(({ subject }) => /address/i.test(subject)), 'the old address was told');
    user.email = fresh;
    await elsewhere(async (other) => {
      await other.begin();
      await other.identify(user);
      assert.equal((await other.claims()).id.acr, 'aal1');
    });
  });

  test('a phone number and a name', async () => {
    const user = { ...(await world.newcomer()) };
    await window.account(user);
    await change('name', 'Ada, Countess of Lovelace');
    assert.match(await window.text(), /Countess of Lovelace/);
    await change('phone', '+44 7700 900123');
    if (window.url.pathname.startsWith('/flow/')) await window.confirm(user);
    const sent = await messagesTo('+447700900123');
    if (sent.length) {
      await window.answer(sent[0].code);
      await home();
      assert.match(await window.page.locator('#details').innerText(), /900123|••/);
    } else {
      assert.match(await window.text(), /number/i); // a number of a drama, which a careful library refuses
    }
  });

  test('S-12 sessions are listed, and one or all others are ended', async () => {
    const user = { ...(await world.newcomer()) };
    await window.account(user);
    await elsewhere(async (other) => {
      await other.account(user);
      await window.page.reload();
      const rows = window.page.locator('#sessions .row');
      assert.equal(await rows.count(), 2);
      await window.examine('account with two sessions');
      await rows.nth(1).getByRole('link').first().click();
      await window.examine('end a session?');
      await Promise.all([window.page.waitForEvent('load'), window.page.locator('form.main button[type=submit]').click()]);
      await window.confirm(user);
      await home();
      assert.equal(await window.page.locator('#sessions .row').count(), 1);
      await other.page.reload();
      assert.match(other.url.pathname, /^\/flow\//, 'that browser is signed out');
    });
  });

  test('removing the last second step leaves a password, and says so', async () => {
    const user = { ...(await world.newcomer()) };
    await window.enrol(user);
    await window.page.goto(`${world.issuer}/account`);
    await window.page.getByRole('link', { name: /^Remove/ }).click();
    await window.examine('remove the last method?');
    await Promise.all([window.page.waitForEvent('load'), window.page.locator('form.main button[type=submit]').click()]);
    await window.confirm(user);
    await home();
    assert.deepEqual(await window.methods(), []);
    assert.match(await window.text(), /removed/i);
    assert.match((await messagesTo(user.email))[0].subject, /removed/i);
  });

  test('N-64 "this wasn’t me" signs out everywhere and undoes what was added', async () => {
    const user = { ...(await world.newcomer()) };
    await window.enrol(user);
    const [notice] = (await messagesTo(user.email)).filter(({ body }) => /not-me/.test(body));
    const link = notice.body.match(/http\S+not-me\S+/)[0];
    await elsewhere(async (owner) => {
      await owner.page.goto(link);
      await owner.examine('this wasn’t me');
      await Promise.all([owner.page.waitForEvent('load'), owner.page.locator('form.main button[type=submit]').click()]);
      await owner.examine('this wasn’t me, done');
    });
    await window.page.goto(`${world.issuer}/account`);
    assert.match(window.url.pathname, /^\/flow\//, 'signed out');
    await window.page.goto(link);
    assert.equal(await window.page.locator('form.main button[type=submit]').count(), 0, 'a link works once');
  });

  test('what happened is told in words', async () => {
    const user = { ...(await world.newcomer()) };
    await elsewhere(async (other) => {
      await other.begin();
      await other.answer(user.email);
      await other.answer('not the password of anybody');
    });
    await window.account(user);
    const told = await window.page.locator('#activity').innerText();
    assert.match(told, /signed in/i);
    assert.match(told, /password/i);
    assert.equal(await window.page.locator('#activity time[datetime]').count() > 0, true);
  });
});

describe('coming in', () => {
  test('somebody new registers with an address that is proved', async () => {
    const user = { email: 'somebody.new@example.com', password: 'a grey heron by the mill' };
    await window.page.goto(`${world.issuer}/account`);
    await window.press(/register/i);
    await window.examine('register');
    await window.answer(user.email);
    await window.examine('register: the code');
    await window.answer(await world.sent(user.email));
    await window.examine('register: how to sign in');
    await window.press(/password/i);
    await window.examine('register: a password');
    await window.answer(user.password);
    await home();
    assert.match(await window.text(), /somebody\.new@example\.com/);
    assert.match(await window.page.locator('#details').innerText(), /confirmed/i);
  });

  test('H-41 an address that is known gets a message, and the page says the same', async () => {
    const user = { ...(await world.newcomer()) };
    const said = [];
    for (const email of [user.email, 'somebody.unknown@example.com']) {
      await window.context.clearCookies();
      await window.page.goto(`${world.issuer}/account`);
      await window.press(/register/i);
      await window.answer(email);
      said.push((await window.text()).replaceAll(email, 'SOMEBODY').replace(/\b[A-Z]\n/g, ''));
    }
    assert.equal(said[1].replaceAll(/\S\*+@\S+/g, 'MASKED'), said[0].replaceAll(/\S\*+@\S+/g, 'MASKED'));
  });

  test('somebody invited follows the mailed link', async () => {
    const email = 'invited@example.com';
    const told = await world.run('user', 'invite', email, '--tenant', 'demo');
    const link = told.match(/http\S+/)?.[0] ?? (await messagesTo(email))[0].body.match(/http\S+/)[0];
    await window.page.goto(link);
    await window.examine('invited');
    await Promise.all([window.page.waitForEvent('load'), window.page.locator('form button[type=submit]').first().click()]);
    for (let i = 0; i < 4 && window.url.pathname.startsWith('/flow/'); i++) {
      const field = window.page.locator('input:visible').first();
      if (!(await field.count())) await window.press(/password/i);
      else if ((await field.getAttribute('autocomplete')) === 'one-time-code') await window.answer(await world.sent(email));
      else if (/password/.test(await field.getAttribute('autocomplete'))) await window.answer('a grey heron by the mill');
      else await window.press(/password/i);
    }
    await home();
    assert.match(await window.text(), /invited@example\.com/);
  });
});

describe('coming back', () => {
  test('a forgotten password is set anew by a mailed code, and never goes around the second step', async () => {
    const user = { ...(await world.newcomer()) };
    await window.enrol(user);
    await elsewhere(async (other) => {
      await other.begin();
      await other.answer(user.email);
      await other.press(/forgot/i);
      await other.examine('forgotten password: the code');
      await other.answer(await world.sent(user.email, 1));
      await other.examine('forgotten password: the second step');
      assert.match(await other.page.locator('h1').innerText(), /your app/i, 'ASVS 6.4.3');
      await world.advance(31);
      await other.answer(other.code(user.secret));
      assert.equal(await other.field().getAttribute('autocomplete'), 'new-password');
      user.password = 'nine slow barges past the mill';
      await other.answer(user.password);
      await other.confirm(user);
      assert.equal((await other.claims()).id.acr, 'aal2');
    });
    await window.page.goto(`${world.issuer}/account`);
    assert.match(window.url.pathname, /^\/flow\//, 'other sessions have ended');
    assert.ok((await messagesTo(user.email)).some(({ subject, code }) => /password/i.test(subject) && !code), 'and the owner was told');
  });

  test('an unknown address is told the same', async () => {
    const user = { ...(await world.newcomer()) };
    const said = [];
    for (const email of [user.email, 'nobody.at.all@example.com']) {
      await window.context.clearCookies();
      await window.begin();
      await window.answer(email);
      await window.press(/forgot/i);
      said.push((await window.text()).replaceAll(email, 'SOMEBODY').replace(/\b[A-Z]\n/g, ''));
    }
    assert.equal(said[1], said[0]);
    assert.equal((await messagesTo('nobody.at.all@example.com')).length, 0);
  });

  test('an operator’s ticket lets somebody set up anew who lost everything', async () => {
    const user = { ...(await world.newcomer()) };
    await window.enrol(user);
    const told = await world.run('user', 'reset-factors', user.email, '--tenant', 'demo');
    const ticket = told.match(/\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2,}\b/)?.[0];
    assert.ok(ticket, told);
    await window.begin({ button: /second factor/i });
    await window.identify(user);
    for (let i = 0; i < 2 && (await window.page.getByRole('button', { name: /operator|administrator|ticket/i }).count()); i++) await window.press(/operator|administrator|ticket/i);
    await window.examine('the operator’s ticket');
    await window.answer(ticket);
    await window.press(/authenticator app/i);
    user.secret = await window.setupKey();
    await window.answer(window.code(user.secret));
    await window.keep(user);
    assert.equal((await window.claims()).id.acr, 'aal2');
    assert.ok((await messagesTo(user.email)).length > 0);
  });
});

test('the well-known addresses lead where they should', async () => {
  const user = { ...(await world.newcomer()) };
  await window.account(user);
  await window.page.goto(`${world.issuer}/.well-known/change-password`);
  assert.equal(window.url.pathname, '/account/password');
  const endpoints = await (await fetch(`${world.issuer}/.well-known/passkey-endpoints`)).json();
  for (const name of ['enroll', 'manage']) assert.ok(endpoints[name].startsWith(world.issuer), JSON.stringify(endpoints));
});

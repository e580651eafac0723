// A person signs in with Debian's Chromium, from the demo application and back.
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Window, close, open } from '../world/chromium.mjs';
import { wrongCode } from '../world/totp.mjs';

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

describe('a password', () => {
  test('opens the application, whose tokens say aal1', async () => {
    const user = await world.newcomer();
    await window.begin();
    assert.equal(window.url.host, `localhost:${world.port}`);
    assert.match(await window.page.title(), /sign in/i);
    assert.equal(await window.field().getAttribute('autocomplete').then((tokens) => tokens.split(' ')[0]), 'username');
    await window.examine('identifier');
    await window.answer(user.email);
    assert.equal(await window.field().getAttribute('autocomplete'), 'current-password');
    assert.ok((await window.text()).includes(user.email), 'the page says for whom');
    await window.examine('password');
    await window.answer(user.password);
    const { id, access } = await window.claims();
    assert.equal(window.url.host, `app.localhost:${world.port}`);
    assert.equal(id.iss, world.issuer);
    assert.equal(id.acr, 'aal1');
    assert.equal(id.amr, 'pwd');
    assert.equal(access.acr, 'aal1');
    assert.equal(access.aud, 'https://api.demo.example');
    await window.examine('demo application, signed in');
  });

  test('that is wrong is refused beside its field, and the right one then works', async () => {
    const user = await world.newcomer();
    await window.begin();
    await window.answer(user.email);
    await window.answer('not the password of anybody');
    const field = window.field();
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    const described = (await field.getAttribute('aria-describedby')).split(' ')[0];
    assert.match(await window.page.locator(`#${described}`).innerText(), /not right/i);
    assert.equal(await field.inputValue(), '', 'a refused password is not sent back');
    assert.match(await window.page.title(), /^error/i);
    await window.examine('wrong password');
    await window.answer(user.password);
    assert.equal((await window.claims()).id.acr, 'aal1');
  });

  test('of nobody is refused with the same words', async () => {
    const user = await world.newcomer();
    const said = [];
    for (const email of [user.email, 'nobody-at-all@example.com']) {
      await window.begin();
      await window.answer(email);
      await window.answer('not the password of anybody');
      said.push((await window.text()).replaceAll(email, 'SOMEBODY').replace(/\b[A-Z]\n/, ''));
    }
    assert.equal(said[1], said[0]);
  });

  test('can be shown while it is typed', async () => {
    await window.begin();
    await window.answer('somebody@example.com');
    await window.page.getByRole('button', { name: 'Show password' }).click();
    assert.equal(await window.field().getAttribute('type'), 'text');
    await window.page.locator('button.reveal').click();
    assert.equal(await window.field().getAttribute('type'), 'password');
  });

  test('too many wrong ones: the page says how long to wait', async () => {
    const user = await world.newcomer();
    await window.begin();
    await window.answer(user.email);
    for (let i = 0; i < 6; i++) await window.answer('not the password of anybody');
    assert.match(await window.text(), /too many attempts.*\b(second|minute)s?\b/is);
    await window.examine('too many attempts');
  });
});

describe('an authenticator app', () => {
  test('is set up from a QR code and a key, and its codes are asked from then on', async () => {
    const user = await world.newcomer();
    await window.begin({ button: /second factor/i });
    await window.identify(user);
    await window.examine('the ticket to a first factor');
    await window.ticket(user);
    await window.examine('choose a second step');
    await window.press(/authenticator app/i);
    assert.ok(await window.page.locator('.qr svg').isVisible(), 'a QR code, drawn here');
    const uri = await window.page.locator('a[href^="otpauth:"]').getAttribute('href');
    user.secret = await window.setupKey();
    assert.equal(new URL(uri).searchParams.get('secret'), user.secret);
    assert.equal(new URL(uri).searchParams.get('issuer'), 'Demo');
    assert.equal(await window.field().getAttribute('autocomplete'), 'one-time-code');
    await window.examine('set up an authenticator app');

    await window.answer(wrongCode(user.secret, world.now()));
    assert.match(await window.text(), /not right/i);
    assert.equal(await window.setupKey(), user.secret, 'a wrong code does not change the key');
    await window.examine('set up an authenticator app, wrong code');
    await window.answer(window.code(user.secret));
    await window.examine('recovery codes, to be kept');
    await window.keep(user);
    const { id } = await window.claims();
    assert.equal(id.acr, 'aal2');
    assert.deepEqual(id.amr.split(' ').sort(), ['mfa', 'otp', 'pwd']);

    const elsewhere = await Window.open(browser, world);
    try {
      await world.advance(31);
      await elsewhere.begin();
      await elsewhere.identify(user);
      assert.equal(await elsewhere.field().getAttribute('inputmode'), 'numeric');
      await elsewhere.examine('code');
      await elsewhere.answer(wrongCode(user.secret, world.now()));
      assert.match(await elsewhere.text(), /not right/i);
      await elsewhere.examine('wrong code');
      const typed = elsewhere.code(user.secret);
      await elsewhere.answer(`${typed.slice(0, 3)} ${typed.slice(3)}`); // as apps show it
      assert.equal((await elsewhere.claims()).id.acr, 'aal2');
    } finally {
      await elsewhere.close();
    }
  });

  test('a code that was used is refused, and the page says so', async () => {
    const user = await world.newcomer();
    await window.enrol(user);
    await world.advance(31);
    const [one, two] = [await Window.open(browser, world), await Window.open(browser, world)];
    try {
      for (const person of [one, two]) {
        await person.begin();
        await person.identify(user);
      }
      const code = one.code(user.secret);
      await one.answer(code);
      assert.equal((await one.claims()).id.acr, 'aal2');
      await two.answer(code);
      assert.match(await two.text(), /used already/i);
      await two.examine('replayed code');
      await world.advance(30);
      await two.answer(two.code(user.secret));
      assert.equal((await two.claims()).id.acr, 'aal2');
    } finally {
      await one.close();
      await two.close();
    }
  });

  test('H-09 is not trusted with the code that set it up', async () => {
    const user = await world.newcomer();
    await window.begin({ button: /second factor/i });
    await window.identify(user);
    await window.ticket(user);
    await window.press(/authenticator app/i);
    user.secret = await window.setupKey();
    const code = window.code(user.secret);
    await window.answer(code);
    await window.keep(user);
    await window.claims();
    const elsewhere = await Window.open(browser, world);
    try {
      await elsewhere.begin();
      await elsewhere.identify(user);
      await elsewhere.answer(code);
      assert.equal(elsewhere.url.host, `localhost:${world.port}`);
      assert.match(await elsewhere.text(), /used already/i);
    } finally {
      await elsewhere.close();
    }
  });
});

describe('other ways through', () => {
  test('cancel leads back to the application, which is told', async () => {
    await window.begin();
    await window.press('Cancel');
    assert.equal(window.url.host, `app.localhost:${world.port}`);
    assert.match(await window.notice(), /cancelled/i);
    assert.ok(await window.page.getByRole('button', { name: /^sign in$/i }).isVisible());
  });

  test('"Not you?" leads back to the first question, in the same flow', async () => {
    const user = await world.newcomer();
    await window.begin();
    const flow = window.url.pathname;
    await window.answer('somebody-else@example.com');
    await window.press('Not you?');
    assert.equal(window.url.pathname, flow);
    assert.equal(await window.field().getAttribute('autocomplete').then((tokens) => tokens.split(' ')[0]), 'username');
    await window.identify(user);
    assert.equal((await window.claims()).id.acr, 'aal1');
  });

  test('sign-out ends the session here and at the issuer', async () => {
    const user = await world.newcomer();
    await window.signIn(user);
    await Promise.all([window.page.waitForEvent('load'), window.page.getByRole('button', { name: 'Sign out' }).click()]);
    await window.page.waitForURL(`${world.app}/`);
    assert.equal((await window.cookies()).some((cookie) => cookie.name.endsWith('ia_session') && cookie.value), false);
    await window.begin();
    assert.equal(window.url.host, `localhost:${world.port}`, 'signing in asks again');
  });

  test('the issuer’s own pages show who is signed in, and sign out', async () => {
    const user = await world.newcomer();
    await window.page.goto(`${world.issuer}/`);
    await window.examine('home of nobody');
    await window.page.getByRole('link', { name: 'Sign in' }).click();
    await window.identify(user);
    await window.page.waitForURL(`${world.issuer}/account`);
    assert.ok((await window.text()).includes(user.email));
    await window.examine('account of a newcomer');
    await window.page.goto(`${world.issuer}/`);
    assert.ok((await window.text()).includes(user.email));
    await window.examine('home');
    await window.page.goto(`${world.issuer}/signout`);
    await window.examine('sign out?');
    await window.press('Sign out');
    assert.match(await window.text(), /signed out/i);
    await window.examine('signed out');
  });

  test('a second request is answered without a page', async () => {
    const user = await world.newcomer();
    const first = await window.signIn(user);
    await window.begin();
    const again = await window.claims();
    assert.equal(again.id.sid, first.id.sid);
    assert.equal(again.id.auth_time, first.id.auth_time);
  });

  test('prompt=select_account offers who is signed in, and somebody else', async () => {
    const [one, two] = [await world.newcomer(), await world.newcomer()];
    const first = await window.signIn(one);
    const ask = () => window.page.goto(authorize({ prompt: 'select_account' }));
    await ask();
    assert.ok((await window.text()).includes(one.email));
    await window.examine('choose who');
    await window.press('Continue');
    assert.ok(window.url.searchParams.get('code'), `${window.url}`);

    await ask();
    await window.answer(two.email);
    await window.answer(two.password);
    assert.ok(window.url.searchParams.get('code'), `${window.url}`);
    await window.begin();
    const second = await window.claims();
    assert.notEqual(second.id.sub, first.id.sub);
    assert.notEqual(second.id.sid, first.id.sid, 'another person is another session');
  });

  test('a bad request of an application is a page that says so', async () => {
    await window.page.goto(authorize({ redirect_uri: 'https://evil.example/' }));
    assert.match(await window.text(), /application/i);
    await window.examine('bad request of an application');
    await window.page.goto(`${world.issuer}/nothing/here`);
    await window.examine('nothing here');
  });
});

describe('with the keyboard alone', () => {
  test('a whole sign-in, with a second factor', async () => {
    const user = await world.newcomer();
    const { page } = window;
    await window.begin({ button: /second factor/i });
    const focused = () => page.evaluate(() => document.activeElement?.tagName === 'INPUT');
    const typed = async (text, tabs = 0) => {
      for (let i = 0; i < tabs && !(await focused()); i++) await page.keyboard.press('Tab');
      assert.ok(await focused(), `the field has not the focus\n${await window.text()}`);
      await page.keyboard.type(text);
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    };
    const pressed = async (name) => {
      for (let i = 0; i < 12 && !(await page.evaluate((n) => document.activeElement?.innerText?.startsWith(n), name)); i++) await page.keyboard.press('Tab');
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    };
    await typed(user.email);
    await typed(user.password);
    await typed(await world.sent(user.email));
    await pressed('An authenticator app');
    user.secret = await window.setupKey();
    await typed(window.code(user.secret), 6); // below the picture and the key, which come first
    await pressed('I have kept them');
    assert.equal((await window.claims()).id.acr, 'aal2');
  });

  test('every control can be reached, in reading order, and shows its focus', async () => {
    const { page } = window;
    await window.begin();
    await window.answer('somebody@example.com');
    await page.locator('input:focus').waitFor(); // where the page puts it first
    await page.evaluate(() => {
      document.body.tabIndex = -1; // Tab goes on from the focus: put it before everything
      document.body.focus();
      document.body.removeAttribute('tabindex');
    });
    const seen = [];
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body) return undefined;
        const style = getComputedStyle(element);
        const parent = getComputedStyle(element.parentElement);
        const ring = (s) => (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) || s.boxShadow !== 'none';
        const { top, left } = element.getBoundingClientRect();
        return { name: element.ariaLabel || element.innerText || element.name, ring: ring(style) || ring(parent), top, left };
      });
      if (!at || seen.some((before) => before.name === at.name && before.top === at.top)) break;
      seen.push(at);
    }
    const names = seen.map((at) => at.name.trim());
    for (const name of ['Not you?', 'value', 'Show password', 'Continue', 'Cancel']) assert.ok(names.includes(name), `${name} in ${names}`);
    for (const at of seen) assert.ok(at.ring, `${at.name} shows no focus`);
    for (let i = 1; i < seen.length; i++) {
      assert.ok(seen[i].top > seen[i - 1].top - 60, `${names[i]} comes after ${names[i - 1]} but stands far above it`);
    }
  });
});

test('cookies are kept to their host, to HTTP and to this site', async () => {
  const user = await world.newcomer();
  await window.signIn(user);
  const cookies = (await window.cookies()).filter((cookie) => cookie.domain.endsWith('localhost'));
  assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), ['ia_browser', 'ia_device', 'ia_session']);
  for (const cookie of cookies) {
    assert.equal(cookie.domain, 'localhost', `${cookie.name} is for the issuer’s host alone`);
    assert.equal(cookie.path, '/');
    assert.equal(cookie.httpOnly, true, cookie.name);
    assert.equal(cookie.sameSite, 'Lax', cookie.name);
    assert.equal(cookie.session, cookie.name !== 'ia_device', `${cookie.name}: only the device outlives the browser`);
    assert.ok(cookie.value.length >= 22, `${cookie.name} has 128 bits`);
    assert.ok(!cookie.value.includes(user.email.split('@')[0]));
  }
  const stored = await window.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.equal(stored, '[{},{}]', 'no token is stored where scripts of tomorrow find it');
});

function authorize(parameters) {
  const url = new URL('/oauth2/authorize', world.issuer);
  const sent = {
    client_id: 'demo-spa', redirect_uri: 'http://localhost:5173/callback', response_type: 'code', scope: 'openid', state: 's',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...parameters,
  };
  for (const [name, value] of Object.entries(sent)) url.searchParams.set(name, value);
  return url.href;
}

// H-03: whoever shows the real pages under another name gets passwords and
// codes, and no passkey. The same authenticator in the same tab then signs in
// on the real host, so that it was not merely broken.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Window, launch } from '../world/chromium.mjs';
import { Authenticator, kinds } from '../world/authenticator.mjs';
import { Hosts } from '../world/hosts.mjs';
import { Serve } from '../world/serve.mjs';

const real = 'id.harbour.test';
const fake = 'id.harb0ur.test';
const lin = { tenant: 'harbour', email: 'lin@example.org', password: 'seven quiet herons at dusk' };

let serve, hosts, browser;
before(async () => {
  serve = await Serve.start({
    tenants: () => `
  - id: harbour
    issuer: https://${real}
    name: Harbour Savings
    policy: {enrolment: {first_factor: password}}`,
    users: [lin],
  });
  hosts = await Hosts.open({ names: [real, fake], as: real, behind: serve.port });
  browser = await launch({ rules: hosts.rules, home: hosts.home.path });
});
after(async () => {
  await browser?.close();
  await hosts?.close();
  await serve?.stop();
});

test('H-03 a look-alike host gets no assertion; the real one does, in the same tab', async () => {
  const window = await Window.open(browser, { port: 443, hosts: [real, fake] });
  const { page } = window;
  const phone = await Authenticator.plug(page, kinds.phone);
  const touch = () => Promise.all([page.waitForEvent('load'), page.locator('[data-start]').first().click()]);
  const asserted = () => phone.events.filter(([name]) => name === 'credentialAsserted').length;

  await page.goto(`https://${real}/account`);
  await window.identify(lin);
  await window.press(/^Add: Passkey/);
  await window.answer(lin.password);
  await touch();
  await touch();
  await page.locator('form:has(input[value=kept]) button[type=submit]').click();
  await page.waitForURL(`https://${real}/account**`);
  const [credential] = await phone.credentials();
  assert.equal(credential.rpId, real);
  await page.goto(`https://${real}/signout`);
  await window.press('Sign out');
  const before = asserted();

  // The attacker's copy asks for the real host's passkey, on his own.
  await page.goto(`https://${fake}/account`);
  assert.equal(new URL(page.url()).host, fake);
  assert.match(await page.locator('main').innerText(), /Sign in with a passkey/);
  await page.locator('[data-start]').first().click();
  await page.locator('[data-wrong]:visible').waitFor();
  assert.match(new URL(page.url()).pathname, /^\/flow\//);
  // He asks in his own name, too, and for the name above both.
  const got = await page.evaluate(async (names) => {
    const answers = [];
    for (const rpId of names) {
      const publicKey = { challenge: new Uint8Array(32), rpId, timeout: 1500, userVerification: 'preferred' };
      answers.push(await navigator.credentials.get({ publicKey }).then(() => 'an assertion', (error) => error.name));
    }
    return answers;
  }, [real, fake, 'harbour.test']);
  assert.deepEqual(got.map((answer) => answer === 'an assertion'), [false, false, false], String(got));
  assert.equal(got[0], 'SecurityError');
  assert.equal(asserted(), before, 'the authenticator signed nothing');

  // The password alone he gets; the second step he does not.
  await page.goto(`https://${real}/account`);
  await page.waitForURL(`https://${real}/account**`); // autofill signs in
  assert.equal(asserted(), before + 1, 'positive control');
  await window.close();
});

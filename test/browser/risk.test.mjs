// What looks unusual: a browser that is new, in a network on a list, is asked
// for a mailed code under `optional`; the one that has been here is not. Where
// nobody can be mailed to, a very unusual sign-in ends, and says so.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Window, launch } from '../world/chromium.mjs';
import { Serve } from '../world/serve.mjs';

const password = 'seven quiet herons at dusk';
const lin = { tenant: 'harbour', email: 'lin@example.org', password };
const kim = { tenant: 'island', email: 'kim@example.org', password };
const desk = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const phone = 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36';

let serve, browser, list;
before(async () => {
  serve = await Serve.start({
    geoip: 'geoip: {lists: {tor: tor.txt}}',
    tenants: (port) => `
  - id: harbour
    issuer: http://localhost:${port}
    name: Harbour Savings
    mail: {host: 127.0.0.1, port: 1, tls: opportunistic, from: "id@harbour.example"}
    policy: {mfa: optional}
  - id: island
    issuer: http://island.localhost:${port}
    name: Island Library
    policy: {mfa: optional, risk: {challenge: 0.4, deny: 0.5}}`,
    users: [lin, kim],
  });
  list = join(serve.home.path, 'tor.txt');
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await serve?.stop();
});

const open = (userAgent) => Window.open(browser, { port: serve.port, hosts: [`island.localhost:${serve.port}`] }, { userAgent });

/** Signs in to the account page as far as the password. */
async function signIn(window, user, host) {
  const { page } = window;
  await page.goto(`http://${host}:${serve.port}/account`);
  await window.identify(user);
}

async function signOut(window, host) {
  await window.page.goto(`http://${host}:${serve.port}/signout`);
  await window.press('Sign out');
}

test('a new device on a risky network is challenged under `optional`, a known one is not', async () => {
  await writeFile(list, '# none yet\n');
  const known = await open(desk);
  for (let i = 0; i < 4; i++) {
    await signIn(known, lin, 'localhost');
    assert.equal(known.url.pathname, '/account', await known.text());
    await signOut(known, 'localhost');
  }
  await serve.process.stop();
  await writeFile(list, '127.0.0.0/8\n');
  await serve.open();

  await signIn(known, lin, 'localhost');
  assert.equal(known.url.pathname, '/account', 'the known device, in the same network');

  const strange = await open(phone);
  await signIn(strange, lin, 'localhost');
  assert.match(strange.url.pathname, /^\/flow\//);
  assert.match(await strange.text(), /looks unusual/);
  assert.match(await strange.text(), /code/i);
  await strange.examine('a sign-in that looks unusual');
  await strange.answer('AAAA-AAAA');
  assert.match(strange.url.pathname, /^\/flow\//, 'a wrong code opens nothing');
  await strange.page.goto(`http://localhost:${serve.port}/account`);
  assert.notEqual(strange.url.pathname, '/account');
  await strange.close();

  // The owner reads of it, in words.
  await known.page.goto(`http://localhost:${serve.port}/account`);
  const told = await known.text();
  assert.match(told, /A sign-in looked unusual/);
  assert.match(told, /had not signed in before/);
  await known.close();
});

test('a sign-in that is denied says so, and opens nothing', async () => {
  await serve.process.stop();
  await writeFile(list, '# none\n');
  await serve.open();
  const known = await open(desk);
  for (let i = 0; i < 4; i++) {
    await signIn(known, kim, 'island.localhost');
    assert.equal(known.url.pathname, '/account', await known.text());
    await signOut(known, 'island.localhost');
  }
  await known.close();
  await serve.process.stop();
  await writeFile(list, '127.0.0.0/8\n');
  await serve.open();
  const strange = await open(phone);
  await signIn(strange, kim, 'island.localhost');
  assert.match(strange.url.pathname, /^\/flow\//);
  const text = await strange.text();
  assert.match(text, /very unusual/);
  assert.match(text, /have signed in before/);
  await strange.examine('a sign-in that is denied');
  await strange.page.goto(`http://island.localhost:${serve.port}/account`);
  assert.match(strange.url.pathname, /^\/flow\//, 'nobody is signed in');
  await strange.close();
});

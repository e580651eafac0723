// Debian's Chromium, by playwright-core, with eyes on everything it does.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { once } from 'node:events';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { World } from './dev.mjs';
import { code } from './totp.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const flags = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

// Addresses of applications of the demo world that nobody runs.
const absent = ['localhost:9999', 'localhost:5173'];

/**
 * A browser, in which a small page answers for the absent applications. `rules`
 * map more hosts; `home` holds the authorities that it trusts beside its own;
 * `features` are turned on.
 */
export async function launch({ rules: more = [], home, features = [] } = {}) {
  const stand = createServer((request, response) => {
    const body = [];
    request.on('data', (chunk) => body.push(chunk));
    request.on('end', () => {
      const posted = Buffer.concat(body).toString().replaceAll('&', '&amp;');
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(`<!doctype html><html lang="en"><title>Back</title><link rel="icon" href="data:,"><p id="posted">${posted}</p></html>`);
    });
  }).listen(0, '127.0.0.1');
  await once(stand, 'listening');
  const rules = absent.map((host) => `MAP ${host} 127.0.0.1:${stand.address().port}`).concat(more).join(',');
  const switches = features.length ? [`--enable-features=${features.join(',')}`] : [];
  const env = home ? { ...process.env, HOME: home } : process.env;
  const browser = await chromium.launch({ executablePath, env, args: [...flags, ...switches, `--host-resolver-rules=${rules}`] });
  browser.once('disconnected', () => {
    stand.close();
    stand.closeAllConnections();
  });
  return browser;
}

/** A demo world and a browser: both, or neither is left running. */
export async function open() {
  const world = await World.start();
  try {
    return { world, browser: await launch() };
  } catch (error) {
    await world.stop();
    throw error;
  }
}

/** Ends both, whatever becomes of either. */
export async function close({ world, browser } = {}) {
  const ends = await Promise.allSettled([browser?.close(), world?.stop()]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

// States that were examined in this process: each is looked at once.
const examined = new Set();

/** One browser window of its own: a fresh profile, and a record of what it did. */
export class Window {
  requests = [];
  complaints = [];

  static async open(browser, world, options = {}) {
    const window = new Window();
    Object.assign(window, { world, browser });
    window.context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', reducedMotion: 'reduce', ...options });
    window.context.setDefaultTimeout(10_000);
    window.context.on('request', (request) => window.requests.push(request.url()));
    window.context.on('page', (page) => window.#watch(page));
    window.page = await window.context.newPage();
    return window;
  }

  #watch(page) {
    page.on('console', (message) => {
      // The browser notes an answer that is no 200; that is no fault of a page.
      const noted = /^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text());
      if (['error', 'warning'].includes(message.type()) && !noted) this.complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`${page.url()}: ${error}`));
  }

  async close() {
    const { port } = this.world;
    const hosts = ['localhost', 'acme.localhost', 'app.localhost', 'acme-app.localhost'].map((host) => `${host}:${port}`);
    const ours = new Set([...hosts, ...absent, ...(this.world.hosts ?? [])]);
    await this.context.close();
    const foreign = this.requests.filter((url) => !url.startsWith('data:') && !ours.has(new URL(url).host));
    assert.deepEqual(foreign, [], 'requests to third parties');
    assert.deepEqual(this.complaints, [], 'errors, warnings and CSP violations');
  }

  get url() {
    return new URL(this.page.url());
  }

  text() {
    return this.page.locator('body').innerText();
  }

  /** Examines a page, once for each name: axe in light and dark, and 320 px. */
  async examine(name, page = this.page) {
    if (examined.has(name)) return;
    examined.add(name);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(page), [], `axe on "${name}", ${colorScheme}`);
    }
    await page.emulateMedia({ colorScheme: null });
    const size = page.viewportSize();
    await page.setViewportSize({ width: 320, height: 640 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `"${name}" scrolls sideways by ${wide} px at 320 px`);
    assert.deepEqual(await violations(page), [], `axe on "${name}" at 320 px`);
    await page.setViewportSize(size);
  }

  /** The field that the page asks for. */
  field(page = this.page) {
    return page.locator('form input:visible').first();
  }

  async answer(text, page = this.page) {
    await this.field(page).fill(text);
    await Promise.all([page.waitForEvent('load'), page.locator('form:has(input:visible) button[type=submit]').first().click()]);
  }

  async press(name, page = this.page) {
    await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name }).first().click()]);
  }

  /** Opens the demo application and presses its button. */
  async begin({ button = /^sign in$/i, app = this.world.app, page = this.page } = {}) {
    await page.goto(`${app}/`);
    await page.getByRole('button', { name: button }).click();
    await page.waitForFunction(() => {
      const application = document.getElementById('signed-in');
      return document.readyState === 'complete' && (location.pathname.startsWith('/flow/') || (application && !application.hidden));
    });
  }

  async identify({ email, password }, page = this.page) {
    await this.answer(email, page);
    await this.answer(password, page);
  }

  /** The setup key that an enrolment page shows. */
  async setupKey(page = this.page) {
    const text = await page.locator('body').innerText();
    const secret = text.match(/\b(?:[A-Z2-7]{4}\s?){8,}(?![A-Z2-7])/)?.[0].replace(/\s/g, '');
    assert.ok(secret, `no setup key: ${text}`);
    return secret;
  }

  code(secret, shift = 0) {
    return code(secret, this.world.now() + shift);
  }

  /** Waits until the demo application is back, and returns what its tokens say. */
  async claims(page = this.page) {
    await page.locator('#signed-in').waitFor({ state: 'visible' });
    const read = (id) =>
      page.locator(id).evaluate((list) => {
        const terms = [...list.querySelectorAll('dt')];
        return Object.fromEntries(terms.map((term) => [term.textContent, term.nextElementSibling.firstChild.textContent]));
      });
    return { id: await read('#id-claims'), access: await read('#access-claims') };
  }

  /** What the demo application says went wrong. */
  async notice(page = this.page) {
    const notice = page.locator('#notice');
    await notice.waitFor({ state: 'visible' });
    return notice.innerText();
  }

  /** Signs in with a password and, where it is asked, a code. */
  async signIn(user, options) {
    await this.begin(options);
    await this.identify(user, options?.page);
    if (user.secret) await this.answer(this.code(user.secret), options?.page);
    return this.claims(options?.page);
  }

  /** Signs in with a second factor, setting it up on the way. */
  async enrol(user, options) {
    await this.begin({ button: /second factor/i, ...options });
    await this.identify(user);
    await this.setUp(user);
    return this.claims();
  }

  /** Answers with the code that was mailed: the ticket to a first factor (C-21). */
  async ticket(user) {
    await this.page.getByRole('heading', { name: 'Enter the code we sent you' }).waitFor();
    await this.answer(await this.world.sent(user.email));
  }

  /** A first authenticator app, from the ticket to the recovery codes that were kept. */
  async setUp(user) {
    await this.ticket(user);
    await this.press(/authenticator app/i);
    user.secret = await this.setupKey();
    await this.answer(this.code(user.secret));
    await this.keep(user);
  }

  /** Takes the recovery codes that are shown. */
  async keep(user) {
    user.codes = await this.page.locator('.codes code').allInnerTexts();
    assert.equal(user.codes.length, 10, await this.text());
    await this.press('I have kept them');
  }

  /** The account page, signing in on the way if need be. */
  async account(user, base = this.world.issuer) {
    await this.page.goto(`${base}/account`);
    if (this.url.pathname.startsWith('/flow/')) {
      await this.answer(user.email);
      await this.confirm(user);
    }
    await this.page.waitForURL(`${base}/account**`);
  }

  /** Answers what confirms that it is this person, until something else is asked. */
  async confirm(user) {
    const heading = () => this.page.locator('h1').innerText();
    for (let i = 0; i < 5 && this.url.pathname.startsWith('/flow/'); i++) {
      if (await this.page.locator('input[autocomplete="current-password"]').count()) await this.answer(user.password);
      else if (/from your app/i.test(await heading()) && !/set up/i.test(await heading())) {
        await this.world.advance(31); // a code is good once
        await this.answer(this.code(user.secret));
      } else if (/text message/i.test(await heading()) && !/set up/i.test(await heading())) {
        await this.answer(await this.world.sent(user.phone));
      } else return;
    }
  }

  /** Titles of the sign-in methods that the account page lists. */
  methods() {
    return this.page.locator('#methods .row-title').allInnerTexts();
  }

  async cookies() {
    const session = await this.context.newCDPSession(this.page);
    const { cookies } = await session.send('Network.getCookies', { urls: [`${this.world.issuer}/`, `${this.world.app}/`] });
    await session.detach();
    return cookies;
  }
}

async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations);
  return found.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => `${node.html} ${node.failureSummary}`) }));
}

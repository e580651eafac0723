// The React example in Chromium, with the real server and an API on the Node SDK.
import { after, afterEach, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
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

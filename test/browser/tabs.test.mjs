// What people do with tabs, the back button, reload and bookmarks.
import { after, afterEach, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { Window, close, open } from '../world/chromium.mjs';

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

/** A page that says that this is over, and where to go on. */
async function over(page) {
  const text = await page.locator('body').innerText();
  assert.match(text, /start again|does not exist/i);
  const on = page.getByRole('link', { name: /back to demo application/i });
  assert.equal(await on.count(), 1, `no way back to the application:\n${text}`);
  return on;
}

test('two tabs sign in side by side, and both finish', async () => {
  const user = await world.newcomer();
  const other = await window.context.newPage();
  await window.begin();
  await window.begin({ page: other });
  await window.answer(user.email);
  await window.identify(user, other);
  const first = await window.claims(other);
  // The first tab's flow was begun before anybody was signed in. It goes on.
  await window.answer(user.password);
  const second = await window.claims();
  assert.equal(second.id.sub, first.id.sub);
});

test('two tabs of one flow: the second says plainly that it is over', async () => {
  const user = await world.newcomer();
  await window.begin();
  await window.answer(user.email);
  const other = await window.context.newPage();
  await other.goto(window.page.url());
  assert.equal(await window.field(other).getAttribute('autocomplete'), 'current-password');
  await window.answer(user.password);
  await window.claims();
  await window.answer(user.password, other);
  // Either it was told what the first was told, which the application takes or
  // refuses, or it says that this sign-in has ended. Never a second session.
  if (new URL(other.url()).host === window.url.host) assert.match(await window.notice(other), /./);
  else await over(other);
  const sessions = (await window.cookies()).filter((cookie) => cookie.name.endsWith('ia_session'));
  assert.equal(sessions.length, 1);
  await window.begin();
  assert.equal((await window.claims()).id.acr, 'aal1', 'the first tab stays signed in');
});

test('two tabs, one step apart: an answer to a page of before is not taken for another', async () => {
  const user = await world.newcomer();
  await window.begin();
  const other = await window.context.newPage();
  await other.goto(window.page.url()); // both ask who
  await window.answer(user.email); // this one asks for the password now
  await window.answer('somebody-else@example.com', other); // that one still shows the first question
  const text = await other.locator('body').innerText();
  assert.ok(!text.includes('somebody-else@example.com') || !text.includes(user.email), text);
  await other.reload();
  assert.ok(await window.field(other).isVisible());
});

test('back after the end does not sign in again, and leads on', async () => {
  const user = await world.newcomer();
  await window.begin();
  await window.answer(user.email);
  const flow = window.page.url();
  await window.answer(user.password);
  await window.claims();
  const { id } = await window.claims();
  await window.page.goBack();
  assert.equal(window.page.url(), flow);
  assert.equal(await window.page.locator('input:visible').count(), 0, 'a spent page asks nothing');
  const on = await over(window.page);
  await window.examine('a flow that is over');
  await on.click();
  const again = await window.claims();
  assert.equal(again.id.sid, id.sid, 'the link starts over, and the session answers');
});

test('reload of a spent page says that it is over', async () => {
  const user = await world.newcomer();
  await window.begin();
  const flow = window.page.url();
  await window.identify(user);
  await window.claims();
  const answer = await window.page.goto(flow);
  // For a minute the browser that finished may fetch its lost answer again
  // (C-05); the code in it is taken by then.
  if (answer.status() !== 410) assert.match(window.page.url(), /app\.localhost/);
  await world.advance(61);
  const late = await window.page.goto(flow);
  assert.equal(late.status(), 410);
  await over(window.page);
});

test('reload in the middle asks the same again', async () => {
  const user = await world.newcomer();
  await window.begin();
  await window.answer(user.email);
  await window.page.reload();
  assert.equal(await window.field().getAttribute('autocomplete'), 'current-password');
  await window.answer('not the password of anybody');
  await window.page.reload();
  await window.answer(user.password);
  assert.equal((await window.claims()).id.acr, 'aal1');
});

test('a flow that waited too long says so', async () => {
  await window.begin();
  await world.advance(16 * 60);
  const answer = await window.page.reload();
  assert.equal(answer.status(), 410);
  await over(window.page);
});

test('a cancelled flow stays cancelled', async () => {
  await window.begin();
  const flow = window.page.url();
  await window.press('Cancel');
  await window.notice();
  await world.advance(61);
  const answer = await window.page.goto(flow);
  assert.equal(answer.status(), 410);
});

test('a link to somebody’s flow is of no use in another browser', async () => {
  const user = await world.newcomer();
  await window.begin();
  await window.answer(user.email);
  const other = await Window.open(browser, world);
  try {
    const answer = await other.page.goto(window.page.url());
    assert.equal(answer.status(), 403);
    assert.ok(!(await other.text()).includes(user.email), 'nobody is named');
    assert.match(await other.text(), /another browser/i);
    await other.examine('a flow of another browser');
  } finally {
    await other.close();
  }
});

test('a page that was bookmarked long ago says so', async () => {
  const answer = await window.page.goto(`${world.issuer}/flow/flow_00000000000000000000000000`);
  assert.equal(answer.status(), 404);
  assert.match(await window.text(), /does not exist|no such sign-in/i);
  await window.examine('a flow that does not exist');
});

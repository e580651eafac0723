// Keeps a picture of every page and state, at 320 and 1280 px, light and dark:
//   test/out/screenshots/NAME-WIDTH-SCHEME.png
// and docs/signin.png, the picture of the README. Pages are the real ones of
// the demo world; what it cannot show (consent, a brand with a logo) comes from
// `serve` with a configuration of its own.
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { ada } from '../world/dev.mjs';
import { Serve } from '../world/serve.mjs';
import { Window, close, open } from '../world/chromium.mjs';
import { wrongCode } from '../world/totp.mjs';

const out = fileURLToPath(new URL('../out/screenshots', import.meta.url));
const readme = fileURLToPath(new URL('../../docs/signin.png', import.meta.url));
const widths = [320, 1280];
const schemes = ['light', 'dark'];
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const largest = 150_000; // bytes of the README's picture

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const { world, browser } = await open();
const sideways = [];
let kept = 0;

/** Pictures of the page as it stands now. */
async function keep(name, { page }) {
  for (const width of widths) {
    await page.setViewportSize({ width, height: width === 320 ? 640 : 860 });
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      const path = join(out, `${name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true, animations: 'disabled', caret: 'hide' });
      kept++;
    }
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (excess > 0) sideways.push(`${name} at ${width} px: ${excess} px`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 860 });
  console.log(`screenshots: ${name}`);
}

/** Runs a scene in a window of its own. */
async function scene(where, play) {
  const window = await Window.open(browser, where);
  try {
    await play(window);
  } finally {
    await window.context.close();
  }
}

function authorize(issuer, parameters = {}) {
  const url = new URL('/oauth2/authorize', issuer);
  const sent = {
    client_id: 'demo-spa', redirect_uri: 'http://localhost:5173/callback', response_type: 'code', scope: 'openid', state: 's',
    code_challenge: challenge, code_challenge_method: 'S256', ...parameters,
  };
  for (const [name, value] of Object.entries(sent)) url.searchParams.set(name, value);
  return url.href;
}

try {
  const user = { ...(await world.newcomer()) };

  await scene(world, async (w) => {
    await w.page.goto(`${world.app}/`);
    await keep('demo-signed-out', w);
    await w.begin();
    await keep('identifier', w);
    await picture(w);
    await w.answer(ada.email);
    await keep('password', w);
    await w.page.getByRole('button', { name: 'Show password' }).click();
    await w.field().fill(ada.password);
    await keep('password-shown', w);
    await w.answer('not the password of anybody');
    await keep('password-wrong', w);
    for (let i = 0; i < 5; i++) await w.answer('not the password of anybody');
    await keep('password-wait', w);
  });

  await scene(world, async (w) => {
    await w.begin();
    const flow = w.page.url();
    await w.answer(`a.person.with.a.remarkably.long.address.indeed@departments.of.a.long.example.org`);
    await keep('password-long-address', w);
    await w.press('Not you?');
    await w.identify(user);
    await w.claims();
    await keep('demo-signed-in', w);
    await w.page.goto(flow);
    await world.advance(61);
    await w.page.goto(flow);
    await keep('flow-over', w);
    await w.page.goto(`${world.issuer}/`);
    await keep('home', w);
    await w.page.goto(authorize(world.issuer, { prompt: 'select_account' }));
    await keep('choose-who', w);
    await w.begin({ button: /second factor/i });
    if ((await w.field().getAttribute('autocomplete')) === 'current-password') {
      await keep('password-again', w); // what was proved a while ago is asked for again
      await w.answer(user.password);
    }
    await keep('ticket', w);
    await w.ticket(user);
    await keep('enrol-choose', w);
    await w.press(/authenticator app/i);
    await keep('enrol', w);
    user.secret = await w.setupKey();
    await w.answer(wrongCode(user.secret, world.now()));
    await keep('enrol-wrong', w);
    await w.answer(w.code(user.secret));
    await keep('recovery-codes', w);
    await w.keep(user);
    await w.claims();
    await keep('demo-aal2', w);
    await w.page.goto(`${world.issuer}/`);
    await keep('home-aal2', w);
    await w.page.goto(`${world.issuer}/account`);
    await keep('account', w);
    for (const page of ['password', 'email', 'phone', 'name', 'codes', 'sessions/all']) {
      await w.page.goto(`${world.issuer}/account/${page}`);
      await keep(`account-${page.replace('/', '-')}`, w);
    }
    await w.page.goto(`${world.issuer}/signout`);
    await keep('sign-out', w);
    await w.press('Sign out');
    await keep('signed-out', w);
  });

  await scene(world, async (w) => {
    await world.advance(31);
    await w.begin();
    await w.identify(user);
    await keep('code', w);
    await w.answer(wrongCode(user.secret, world.now()));
    await keep('code-wrong', w);
    const code = w.code(user.secret);
    await w.answer(code);
    await w.claims();
    await world.advance(2 * 3600);
    await w.page.goto(authorize(world.issuer, { acr_values: 'aal2', max_age: '60' }));
    await keep('step-up', w);
    const stranger = await Window.open(browser, world);
    await stranger.page.goto(w.page.url());
    await keep('flow-foreign', stranger);
    await stranger.context.close();
  });

  await scene(world, async (w) => {
    await w.page.goto(`${world.issuer}/`);
    await keep('home-nobody', w);
    await w.page.goto(`${world.issuer}/flow/flow_00000000000000000000000000`);
    await keep('flow-unknown', w);
    await w.page.goto(`${world.issuer}/nothing/here`);
    await keep('not-found', w);
    await w.page.goto(authorize(world.issuer, { redirect_uri: 'https://evil.example/' }));
    await keep('bad-request', w);
    await w.page.goto(`${world.issuer}/dev/inbox`);
    await keep('dev-inbox', w);
  });

  await scene(world, async (w) => {
    await w.begin({ app: world.acmeApp });
    await keep('acme-identifier', w);
    await w.identify({ email: 'grace@example.com', password: 'compiler-first-1952' });
    await keep('acme-enrol-forced', w);
  });

  // No script: the same pages, without what needs one.
  const bare = await Window.open(browser, world, { javaScriptEnabled: false });
  await bare.page.goto(authorize(world.issuer, { acr_values: 'aal2' }));
  await bare.answer((await world.newcomer()).email);
  await keep('noscript-password', bare);
  await bare.answer('seven quiet herons at dusk');
  await keep('noscript-enrol', bare);
  await bare.context.close();

  await branded();
} finally {
  await close({ world, browser });
}

console.log(`screenshots: ${kept} pictures in ${out}`);
if (sideways.length > 0) {
  console.error(`screenshots: these scroll sideways:\n  ${sideways.join('\n  ')}`);
  process.exitCode = 1;
}

/** A tenant with a logo and colours, and an application that needs consent. */
async function branded() {
  const logo = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><circle cx="24" cy="24" r="22" fill="#0b6e4f"/><path d="M14 30c4-14 16-14 20 0" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round"/></svg>',
  ).toString('base64');
  const person = { tenant: 'harbour', email: 'lin@example.org', password: 'seven quiet herons at dusk' };
  const serve = await Serve.start({
    tenants: (port) => `
  - id: harbour
    issuer: http://localhost:${port}
    name: Harbour Savings
    branding:
      logo: data:image/svg+xml;base64,${logo}
      accent: "#0b6e4f"
      accent_dark: "#6fd3ae"
      support_link: mailto:help@example.org
    applications:
      - id: guest
        name: Ledger by Somebody Else
        redirect_uris: [http://localhost:5173/callback]
        scopes: [openid, profile, email, offline_access]
`,
    users: [person],
  });
  try {
    await scene(serve, async (w) => {
      const scope = 'openid profile email offline_access';
      await w.page.goto(authorize(`http://localhost:${serve.port}`, { client_id: 'guest', scope }));
      await keep('brand-identifier', w);
      await w.answer(person.email);
      await w.answer(person.password);
      await keep('brand-consent', w);
    });
  } finally {
    await serve.stop();
  }
}

/** The README's picture: the first page, as a person meets it. */
async function picture({ page }) {
  await page.setViewportSize({ width: 1280, height: 720 });
  await page.emulateMedia({ colorScheme: 'light' });
  // Chromium's encoder leaves little to gain on flat colours; the limit holds it to that.
  const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  if (png.length > largest) throw new Error(`docs/signin.png would have ${png.length} bytes, above ${largest}`);
  await writeFile(readme, png);
  const { size } = await stat(readme);
  console.log(`screenshots: docs/signin.png, ${Math.round(size / 1024)} KiB`);
}

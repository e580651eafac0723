// npm openid-client 6 against the demo world: a confidential application, and a
// person whose browser has no JavaScript.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { World, ada, grace, applications } from '../world/dev.mjs';
import { Person, leaving } from '../world/person.mjs';
import { RelyingParty, client, denied, read } from '../world/rp.mjs';

let world;
let rp; // demo-web
let api; // demo-api, who asks what a token is worth

const newcomer = (who) => Object.assign(new Person(who), { clock: () => world.now() });
const offline = { scope: 'openid profile email offline_access' };

before(async () => {
  world = await World.start();
  const { web, api: resource } = applications;
  const skew = () => world.offset;
  rp = await RelyingParty.discover(world.issuer, web.id, { secret: web.secret, redirect: web.redirect, skew });
  api = await RelyingParty.discover(world.issuer, resource.id, { secret: resource.secret, skew });
});
after(() => world?.stop());

/** Expects an OAuth error in an answer, with the iss and state of the request. */
async function refused(answer, request, error) {
  assert.ok(answer, 'no answer came back to the application');
  assert.equal(answer.searchParams.get('iss'), world.issuer);
  assert.equal(answer.searchParams.get('state'), request.checks.expectedState);
  assert.equal(answer.searchParams.has('code'), false);
  await assert.rejects(rp.redeem(answer, request), (thrown) => {
    assert.ok(thrown instanceof client.AuthorizationResponseError, `${thrown}`);
    const wanted = [error].flat();
    assert.ok(wanted.includes(thrown.error), `${thrown.error} is none of ${wanted}`);
    return true;
  });
}

describe('metadata', () => {
  test('A-07 says the same at both addresses and names what is promised', async () => {
    const other = await RelyingParty.discover(world.issuer, applications.web.id, { algorithm: 'oauth2' });
    const metadata = rp.config.serverMetadata();
    assert.deepEqual({ ...other.config.serverMetadata() }, { ...metadata });
    assert.equal(metadata.issuer, world.issuer);
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
    assert.deepEqual(metadata.response_types_supported, ['code']);
    assert.equal(metadata.authorization_response_iss_parameter_supported, true);
    for (const acr of ['aal1', 'aal2', 'aal3', 'phr', 'phrh']) assert.ok(metadata.acr_values_supported.includes(acr), acr);
    for (const method of ['client_secret_basic', 'client_secret_post', 'private_key_jwt']) {
      assert.ok(metadata.token_endpoint_auth_methods_supported.includes(method), method);
    }
    for (const endpoint of ['authorization', 'token', 'pushed_authorization_request', 'userinfo', 'introspection', 'revocation', 'end_session']) {
      assert.ok(metadata[`${endpoint}_endpoint`].startsWith(`${world.issuer}/oauth2/`), endpoint);
    }
  });
});

describe('a password', () => {
  const person = newcomer(grace);
  let tokens;

  test('code, PKCE, state, nonce and iss: tokens that say aal1 truthfully', async () => {
    const begun = world.now();
    const request = await rp.ask(offline);
    const answer = await person.signIn(request.url);
    assert.equal(`${answer.origin}${answer.pathname}`, applications.web.redirect);
    assert.deepEqual([...answer.searchParams.keys()].sort(), ['code', 'iss', 'state']);
    tokens = await rp.redeem(answer, request);
    const claims = tokens.claims();
    assert.equal(claims.acr, 'aal1');
    assert.deepEqual(claims.amr, ['pwd']);
    assert.ok(claims.auth_time >= begun && claims.auth_time <= world.now(), `auth_time ${claims.auth_time}`);
    assert.match(claims.sid, /^ses_/);
    const access = read(tokens.access_token);
    assert.equal(access.header.typ, 'at+jwt');
    assert.equal(access.header.alg, 'ES256');
    assert.equal(typeof access.payload.aud, 'string', 'one audience');
    for (const name of ['iss', 'sub', 'sid', 'acr', 'auth_time']) assert.equal(access.payload[name], claims[name], name);
    assert.deepEqual(access.payload.amr, claims.amr);
    assert.equal(access.payload.client_id, applications.web.id);
    assert.ok(access.payload.exp - access.payload.iat <= 600, 'an access token lives ten minutes at most');
    assert.equal(tokens.expires_in, access.payload.exp - access.payload.iat);
  });

  test('userinfo knows the same person', async () => {
    const info = await rp.userinfo(tokens);
    assert.equal(info.sub, tokens.claims().sub);
    assert.equal(info.email, grace.email);
    assert.equal(typeof info.email_verified, 'boolean');
  });

  test('a second application request is answered without a page, and claims no newer sign-in', async () => {
    await world.advance(5);
    const request = await rp.ask({}, { par: true });
    assert.ok(request.url.searchParams.get('request_uri'), 'pushed');
    const page = await person.open(request.url);
    const again = await rp.redeem(leaving(page), request);
    assert.equal(again.claims().auth_time, tokens.claims().auth_time);
    assert.equal(again.claims().sid, tokens.claims().sid);
    assert.equal(again.claims().sub, tokens.claims().sub);
  });

  test('A-34 a pushed request is good once', async () => {
    const request = await rp.ask({}, { par: true });
    assert.ok(leaving(await person.open(request.url)));
    const spent = await person.open(request.url);
    assert.equal(leaving(spent), undefined, 'a spent request_uri is shown, not redirected');
    assert.equal(spent.status, 400);
  });

  test('refresh rotates, and acr, amr and auth_time stay what they were', async () => {
    await world.advance(30);
    const before = tokens.claims();
    const fresh = await rp.refresh(tokens.refresh_token);
    assert.notEqual(fresh.refresh_token, tokens.refresh_token);
    for (const name of ['acr', 'auth_time', 'sid', 'sub']) assert.equal(fresh.claims()[name], before[name], name);
    assert.deepEqual(fresh.claims().amr, before.amr);
    assert.equal(read(fresh.access_token).payload.auth_time, before.auth_time);
    tokens = Object.assign(fresh, { spent: tokens.refresh_token });
  });

  test('C-31 a retry within ten seconds gets the same answer', async () => {
    const lost = await rp.refresh(tokens.refresh_token);
    const retried = await rp.refresh(tokens.refresh_token);
    assert.equal(retried.refresh_token, lost.refresh_token);
    tokens = Object.assign(lost, { spent: tokens.refresh_token });
  });

  test('C-31 within ten seconds, but the successor is used: refused, and the family lives', async () => {
    const next = await rp.refresh(tokens.refresh_token);
    await denied(rp.refresh(tokens.spent), 'invalid_grant');
    tokens = Object.assign(await rp.refresh(next.refresh_token), { spent: tokens.refresh_token });
  });

  test('A-12 reuse after that ends the family', async () => {
    await world.advance(11);
    await denied(rp.refresh(tokens.spent), 'invalid_grant');
    await denied(rp.refresh(tokens.refresh_token), 'invalid_grant');
  });
});

describe('what a request may demand', () => {
  const person = newcomer(grace);
  let first;

  before(async () => {
    first = await rp.signIn(person);
  });

  test('max_age that is met shows no page and gives auth_time', async () => {
    const request = await rp.ask({ max_age: 10_000 });
    const tokens = await rp.redeem(leaving(await person.open(request.url)), request);
    assert.equal(tokens.claims().auth_time, first.claims().auth_time);
  });

  for (const parameters of [{ max_age: 0 }, { prompt: 'login' }, { max_age: 60 }]) {
    test(`A-25 ${JSON.stringify(parameters)} asks again, and auth_time is new`, async () => {
      await world.advance(61);
      const request = await rp.ask(parameters);
      const page = await person.open(request.url);
      assert.equal(page.asks, 'current-password', page.text);
      const tokens = await rp.redeem(await person.finish(page), request);
      assert.ok(tokens.claims().auth_time >= first.claims().auth_time + 61, 'auth_time must move');
      assert.ok(tokens.claims().auth_time >= world.now() - 30);
      assert.equal(tokens.claims().sid, first.claims().sid, 'the session stays, its secret changes');
    });
  }

  test('prompt=none with a session gives a code', async () => {
    const request = await rp.ask({ prompt: 'none' });
    const tokens = await rp.redeem(leaving(await person.open(request.url)), request);
    assert.equal(tokens.claims().sub, first.claims().sub);
  });

  test('prompt=none without a session: login_required', async () => {
    const request = await rp.ask({ prompt: 'none' });
    await refused(leaving(await newcomer().open(request.url)), request, 'login_required');
  });

  test('H-56 prompt=none with max_age=0: login_required', async () => {
    const request = await rp.ask({ prompt: 'none', max_age: 0 });
    await refused(leaving(await person.open(request.url)), request, 'login_required');
  });

  test('H-56 prompt=none with acr_values that the session does not meet: an error, no weaker token', async () => {
    const request = await rp.ask({ prompt: 'none', acr_values: 'aal2' });
    const errors = ['interaction_required', 'login_required', 'unmet_authentication_requirements'];
    await refused(leaving(await person.open(request.url)), request, errors);
  });

  test('A-24 prompt=none beside another value: invalid_request', async () => {
    const request = await rp.ask({ prompt: 'none login' });
    await refused(leaving(await person.open(request.url)), request, 'invalid_request');
  });

  test('H-56 acr_values=aal3 that nobody here can reach: unmet, no weaker token', async () => {
    const request = await rp.ask({ acr_values: 'aal3' });
    await refused(leaving(await person.open(request.url)), request, 'unmet_authentication_requirements');
  });

  test('A-22 an essential acr claim is as strict', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['aal3'] } } });
    const request = await rp.ask({ claims });
    await refused(leaving(await person.open(request.url)), request, 'unmet_authentication_requirements');
  });

  test('C-08 alternatives: the first that can be reached wins', async () => {
    const request = await rp.ask({ acr_values: 'aal3 aal1' });
    const tokens = await rp.redeem(leaving(await person.open(request.url)), request);
    assert.equal(tokens.claims().acr, 'aal1');
  });

  test('A-26 an id_token_hint for somebody else never switches silently', async () => {
    const other = newcomer(ada);
    const theirs = await rp.signIn(other);
    const request = await rp.ask({ prompt: 'none', id_token_hint: theirs.id_token });
    await refused(leaving(await person.open(request.url)), request, 'login_required');
  });

  test('login_hint prefills the address', async () => {
    const request = await rp.ask({ login_hint: 'somebody@example.com' });
    const page = await newcomer().open(request.url);
    assert.ok(page.body.includes('somebody@example.com'), page.text);
  });

  test('prompt=select_account asks who', async () => {
    const request = await rp.ask({ prompt: 'select_account' });
    const page = await person.open(request.url);
    assert.equal(leaving(page), undefined);
    assert.match(page.text, new RegExp(grace.email.replace('.', '\\.')));
  });

  test('cancel: access_denied, with iss and state', async () => {
    const request = await rp.ask();
    const stranger = newcomer();
    const answer = leaving(await stranger.press(await stranger.open(request.url), /^cancel$/i));
    await refused(answer, request, 'access_denied');
  });

  test('cancel of a re-authentication: access_denied, and the session lives on', async () => {
    const request = await rp.ask({ prompt: 'login' });
    const answer = leaving(await person.press(await person.open(request.url), /^cancel$/i));
    await refused(answer, request, 'access_denied');
    const silent = await rp.ask({ prompt: 'none' });
    assert.ok((await rp.redeem(leaving(await person.open(silent.url)), silent)).access_token);
  });

  test('response_mode=form_post posts the same answer', async () => {
    const request = await rp.ask({ response_mode: 'form_post' });
    const answer = leaving(await person.open(request.url));
    assert.equal(answer.formPost, true);
    assert.ok((await rp.redeem(answer, request)).access_token);
  });

  test('the authorization endpoint takes a POST (A-38 EnsurePostRequestSucceeds)', async () => {
    const request = await rp.ask();
    const target = new URL(request.url.pathname, request.url);
    const page = await person.request(target, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'http://localhost:9999', 'sec-fetch-site': 'cross-site' },
      body: request.url.searchParams.toString(),
    });
    assert.equal(page.status, 303);
    const tokens = await rp.redeem(leaving(await person.follow(page)), request);
    assert.ok(tokens.access_token);
  });

  test('unknown parameters are overlooked (A-38 UnknownParameterSucceeds)', async () => {
    const request = await rp.ask({ extra: 'foobar' });
    assert.ok((await rp.redeem(leaving(await person.open(request.url)), request)).access_token);
  });
});

describe('codes and tokens', () => {
  const person = newcomer(grace);
  let tokens;

  before(async () => {
    tokens = await rp.signIn(person, offline);
  });

  const code = async () => {
    const request = await rp.ask(offline);
    return { request, answer: leaving(await person.open(request.url)) };
  };

  test('introspection by the resource tells what the token is worth', async () => {
    const told = await api.introspect(tokens.access_token);
    assert.equal(told.active, true);
    for (const name of ['sub', 'acr', 'auth_time', 'client_id']) {
      assert.equal(told[name], read(tokens.access_token).payload[name], name);
    }
  });

  test('A-14 introspection tells an application nothing of tokens that are not for it', async () => {
    const foreign = await rp.signIn(person, { resource: `${world.issuer}/api/v1`, scope: 'openid me' });
    assert.deepEqual(await api.introspect(foreign.access_token), { active: false });
    assert.deepEqual(await api.introspect('no-such-token'), { active: false });
  });

  test('C-30 resource chooses the audience, one at a time', async () => {
    const mine = await rp.signIn(person, { resource: `${world.issuer}/api/v1`, scope: 'openid me' });
    assert.equal(read(mine.access_token).payload.aud, `${world.issuer}/api/v1`);
    const other = await rp.signIn(person, { resource: applications.api.audience });
    assert.equal(read(other.access_token).payload.aud, applications.api.audience);
    const request = await rp.ask({ resource: 'https://not.ours.example' });
    await refused(leaving(await person.open(request.url)), request, 'invalid_target');
  });

  test('the Me API takes the token made for it, and no other', async () => {
    const mine = await rp.signIn(person, { resource: `${world.issuer}/api/v1`, scope: 'openid me' });
    const ask = (token) => fetch(`${world.issuer}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
    const told = await ask(mine.access_token);
    assert.equal(told.status, 200);
    assert.equal((await told.json()).email, grace.email);
    assert.equal((await ask(tokens.access_token)).status, 401);
    assert.equal((await ask(mine.id_token)).status, 401, 'an ID token opens no API');
  });

  test('H-35 a wrong verifier is refused and burns the code', async () => {
    const { request, answer } = await code();
    const wrong = { ...request, checks: { ...request.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() } };
    await denied(rp.redeem(answer, wrong), 'invalid_grant');
    await denied(rp.redeem(answer, request), 'invalid_grant');
  });

  test('A-05 a code used twice ends what the first use gave', async () => {
    const { request, answer } = await code();
    const first = await rp.redeem(answer, request);
    assert.equal((await api.introspect(first.access_token)).active, true);
    await denied(rp.redeem(answer, request), 'invalid_grant');
    assert.equal((await api.introspect(first.access_token)).active, false);
    await denied(rp.refresh(first.refresh_token), 'invalid_grant');
  });

  test('A-05 a code older than a minute is refused', async () => {
    const { request, answer } = await code();
    await world.advance(61);
    await denied(rp.redeem(answer, request), 'invalid_grant');
  });

  test('revocation of a refresh token ends the grant; unknown tokens are 200 too', async () => {
    const fresh = await rp.signIn(person, offline);
    await rp.revoke(fresh.refresh_token);
    await denied(rp.refresh(fresh.refresh_token), 'invalid_grant');
    assert.equal((await api.introspect(fresh.access_token)).active, false);
    await rp.revoke('no-such-token');
  });

  test('a wrong client secret is refused everywhere', async () => {
    const { web } = applications;
    const impostor = await RelyingParty.discover(world.issuer, web.id, { secret: 'not-the-secret', redirect: web.redirect });
    await denied(impostor.ask({}, { par: true }), 'invalid_client');
    await denied(impostor.refresh(tokens.refresh_token), 'invalid_client');
    await denied(impostor.revoke(tokens.refresh_token), 'invalid_client');
    await denied(impostor.introspect(tokens.access_token), 'invalid_client');
    assert.ok((await rp.refresh(tokens.refresh_token)).access_token, 'the real one goes on');
  });

  test('sign-out: the session, its refresh tokens and its cookies end', async () => {
    const leaver = newcomer(grace);
    const had = await rp.signIn(leaver, offline);
    const url = client.buildEndSessionUrl(rp.config, { id_token_hint: had.id_token });
    const page = await leaver.open(url);
    assert.equal(page.status, 200, page.text);
    assert.match(page.text, /signed out/i);
    const silent = await rp.ask({ prompt: 'none' });
    await refused(leaving(await leaver.open(silent.url)), silent, 'login_required');
    await denied(rp.refresh(had.refresh_token), 'invalid_grant');
  });

  test('A-35 sign-out without a hint asks first', async () => {
    const stayer = newcomer(grace);
    await rp.signIn(stayer);
    const page = await stayer.open(client.buildEndSessionUrl(rp.config, {}));
    assert.equal(page.status, 200);
    assert.ok(page.button(/sign out/i), page.text);
    const silent = await rp.ask({ prompt: 'none' });
    assert.ok(leaving(await stayer.open(silent.url)).searchParams.get('code'), 'still signed in');
  });
});

describe('a second factor', () => {
  const person = newcomer(ada);
  let tokens;
  let confirmed; // when the enrolment's code was made

  test('acr_values=aal2 makes a person without a factor enrol one in the flow', async () => {
    const request = await rp.ask({ ...offline, acr_values: 'aal2' });
    confirmed = world.now();
    const answer = await person.signIn(request.url);
    assert.ok(person.secret, 'an authenticator app was set up');
    assert.ok(person.trail.some((p) => /^otpauth:\/\/totp\//.test(p.root.querySelector('a[href^="otpauth"]')?.getAttribute('href') ?? '')));
    tokens = await rp.redeem(answer, request);
    assert.equal(tokens.claims().acr, 'aal2');
    assert.deepEqual([...tokens.claims().amr].sort(), ['mfa', 'otp', 'pwd']);
    assert.equal(read(tokens.access_token).payload.acr, 'aal2');
  });

  test('acr, amr and auth_time survive a refresh', async () => {
    await world.advance(20);
    const before = tokens.claims();
    tokens = await rp.refresh(tokens.refresh_token);
    for (const name of ['acr', 'auth_time', 'sid']) assert.equal(tokens.claims()[name], before[name], name);
    assert.deepEqual(tokens.claims().amr, before.amr);
    assert.equal(read(tokens.access_token).payload.acr, 'aal2');
  });

  test('T-04 the code that confirmed the enrolment is spent', async () => {
    const other = newcomer(ada);
    other.secret = person.secret;
    other.clock = () => confirmed;
    const page = await other.answer(await other.answer(await other.open((await rp.ask()).url)));
    assert.equal(page.asks, 'one-time-code', `enrolled means enforced\n${page.text}`);
    assert.equal(leaving(await other.answer(page)), undefined);
  });

  test('H-08 a code is accepted once, in whatever browser', async () => {
    const [one, two] = [newcomer(ada), newcomer(ada)];
    one.secret = two.secret = person.secret;
    await world.advance(31); // past the step that the enrolment consumed
    const code = await one.answer(await one.answer(await one.open((await rp.ask()).url)));
    assert.equal(code.asks, 'one-time-code', `enrolled means enforced\n${code.text}`);
    const late = await two.answer(await two.answer(await two.open((await rp.ask()).url)));
    assert.ok(leaving(await one.answer(code)));
    const replayed = await two.answer(late);
    assert.equal(leaving(replayed), undefined, 'T-03 a step is accepted once, whoever brings it');
    await world.advance(30);
    assert.ok(await two.finish(replayed), 'the next code is good');
  });

  test('N-21 the level decays when the session idles, in a refresh too', async () => {
    await world.advance(2 * 3600);
    tokens = await rp.refresh(tokens.refresh_token);
    assert.equal(tokens.claims().acr, 'aal1');
    assert.equal(tokens.claims().amr.includes('mfa'), false, `${tokens.claims().amr}`);
    assert.equal(read(tokens.access_token).payload.acr, 'aal1');
  });

  test('N-23 coming back after that revives nothing, however often', async () => {
    for (let i = 0; i < 2; i++) {
      const silent = await rp.ask({ prompt: 'none', acr_values: 'aal2' });
      const answer = leaving(await person.open(silent.url));
      assert.equal(answer.searchParams.get('code'), null, `try ${i + 1} was given a code`);
    }
    const request = await rp.ask({ acr_values: 'aal2' });
    const page = await person.open(request.url);
    assert.ok(page.asks, `nothing is given for nothing\n${page.text}`);
    const resumed = await rp.redeem(await person.finish(page), request);
    assert.equal(resumed.claims().acr, 'aal2');
    assert.equal(resumed.claims().sid, tokens.claims().sid);
  });

  test('N-20 after a day both proofs are needed again, and the grant of before stays where it was', async () => {
    await world.advance(25 * 3600);
    const request = await rp.ask({ acr_values: 'aal2' });
    const raised = await rp.redeem(await person.signIn(request.url), request);
    assert.equal(raised.claims().acr, 'aal2');
    assert.ok(raised.claims().auth_time >= world.now() - 60, 'auth_time is fresh');
    assert.equal(raised.claims().sid, tokens.claims().sid);
    const old = await rp.refresh(tokens.refresh_token);
    assert.equal(old.claims().acr, 'aal1');
    assert.ok(old.claims().auth_time < world.now() - 3600);
  });

  test('C-02 what another application got does not rise with the session', async () => {
    const other = newcomer(grace);
    const weak = await rp.signIn(other, offline);
    assert.equal(weak.claims().acr, 'aal1');
    await world.advance(5);
    const strong = await rp.signIn(other, { acr_values: 'aal2' });
    assert.equal(strong.claims().acr, 'aal2');
    assert.equal(strong.claims().sid, weak.claims().sid);
    const refreshed = await rp.refresh(weak.refresh_token);
    assert.equal(refreshed.claims().acr, 'aal1');
    assert.deepEqual(refreshed.claims().amr, ['pwd']);
  });
});

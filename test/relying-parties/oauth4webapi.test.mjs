// npm oauth4webapi 3 against the demo world: a public application in a
// browser, every step by hand and every check on.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { World, grace, applications } from '../world/dev.mjs';
import { Person, leaving } from '../world/person.mjs';
import { read } from '../world/rp.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
const origin = 'http://localhost:5173';
const { id, redirect } = applications.spa;

let world;
let as;
const spa = { client_id: id, [oauth.clockTolerance]: 5 };

before(async () => {
  world = await World.start();
  const issuer = new URL(world.issuer);
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
});
after(() => world?.stop());

const newcomer = () => Object.assign(new Person(grace), { clock: () => world.now() });

async function ask(parameters = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const url = new URL(as.authorization_endpoint);
  const sent = {
    client_id: id,
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'openid email offline_access',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  };
  for (const [name, value] of Object.entries(sent)) if (value !== undefined) url.searchParams.set(name, value);
  return { url, verifier, state, nonce };
}

async function redeem(answer, { verifier, state, nonce }) {
  const parameters = oauth.validateAuthResponse(as, spa, answer, state);
  const response = await oauth.authorizationCodeGrantRequest(as, spa, oauth.None(), parameters, redirect, verifier, insecure);
  const tokens = await oauth.processAuthorizationCodeResponse(as, spa, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, response, insecure);
  return tokens;
}

describe('a public application', () => {
  const person = newcomer();
  let tokens;

  test('signs a person in with code and PKCE', async () => {
    const request = await ask();
    tokens = await redeem(await person.signIn(request.url), request);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    assert.equal(claims.acr, 'aal1');
    assert.deepEqual(claims.amr, ['pwd']);
    assert.equal(claims.iss, world.issuer);
  });

  test('its access token passes a resource server’s check of RFC 9068', async () => {
    const audience = read(tokens.access_token).payload.aud;
    const request = new Request('http://api.localhost/', { headers: { authorization: `Bearer ${tokens.access_token}` } });
    const claims = await oauth.validateJwtAccessToken(as, request, audience, insecure);
    assert.equal(claims.client_id, id);
    assert.equal(claims.acr, 'aal1');
  });

  test('reads userinfo', async () => {
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const response = await oauth.userInfoRequest(as, spa, tokens.access_token, insecure);
    const info = await oauth.processUserInfoResponse(as, spa, sub, response);
    assert.equal(info.email, grace.email);
  });

  test('refreshes, and its refresh token is another each time', async () => {
    const response = await oauth.refreshTokenGrantRequest(as, spa, oauth.None(), tokens.refresh_token, insecure);
    const fresh = await oauth.processRefreshTokenResponse(as, spa, response);
    assert.notEqual(fresh.refresh_token, tokens.refresh_token);
    assert.equal(oauth.getValidatedIdTokenClaims(fresh).acr, 'aal1');
    tokens = fresh;
  });

  test('revokes', async () => {
    const response = await oauth.revocationRequest(as, spa, oauth.None(), tokens.refresh_token, insecure);
    await oauth.processRevocationResponse(response);
    const again = await oauth.refreshTokenGrantRequest(as, spa, oauth.None(), tokens.refresh_token, insecure);
    await assert.rejects(oauth.processRefreshTokenResponse(as, spa, again), { error: 'invalid_grant' });
  });
});

describe('H-37 PKCE cannot be got around', () => {
  for (const [name, parameters] of [
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['plain', { code_challenge_method: 'plain' }],
    ['no method, which means plain', { code_challenge_method: undefined }],
  ]) {
    test(`${name}: invalid_request`, async () => {
      const request = await ask(parameters);
      const answer = leaving(await newcomer().open(request.url));
      assert.throws(() => oauth.validateAuthResponse(as, spa, answer, request.state), { error: 'invalid_request' });
    });
  }

  test('a code with a challenge is not given for no verifier', async () => {
    const request = await ask();
    const answer = await newcomer().signIn(request.url);
    const parameters = oauth.validateAuthResponse(as, spa, answer, request.state);
    const response = await oauth.authorizationCodeGrantRequest(as, spa, oauth.None(), parameters, redirect, oauth.nopkce, insecure);
    await assert.rejects(oauth.processAuthorizationCodeResponse(as, spa, response), (thrown) => {
      assert.ok(['invalid_grant', 'invalid_request'].includes(thrown.error), thrown.error);
      return true;
    });
  });

  test('a public application gives no secret', async () => {
    const request = await ask();
    const parameters = oauth.validateAuthResponse(as, spa, await newcomer().signIn(request.url), request.state);
    const response = await oauth.authorizationCodeGrantRequest(
      as, spa, oauth.ClientSecretPost('anything'), parameters, redirect, request.verifier, insecure,
    );
    await assert.rejects(oauth.processAuthorizationCodeResponse(as, spa, response), (thrown) => {
      assert.equal(thrown.error ?? thrown.cause?.error, 'invalid_client', `${thrown}`);
      return true;
    });
  });
});

describe('A-08 what a page of another origin may do', () => {
  const preflight = (path) =>
    fetch(`${world.issuer}${path}`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
  const allowed = async (path) => (await preflight(path)).headers.get('access-control-allow-origin');

  test('token, and reading userinfo, keys and metadata', async () => {
    for (const path of ['/oauth2/token', '/oauth2/userinfo']) assert.ok([origin, '*'].includes(await allowed(path)), path);
    for (const path of ['/oauth2/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
      const got = await fetch(`${world.issuer}${path}`, { headers: { origin } });
      assert.ok([origin, '*'].includes(got.headers.get('access-control-allow-origin')), path);
      assert.equal(got.headers.get('access-control-allow-credentials'), null, path);
    }
  });

  test('never authorize nor the flow API', async () => {
    for (const path of ['/oauth2/authorize', '/flow/flow_00000000000000000000000000', '/', '/signout']) assert.equal(await allowed(path), null, path);
  });
});

describe('A-02 what is never redirected', () => {
  for (const [name, parameters] of [
    ['another redirect_uri', { redirect_uri: 'https://evil.example/callback' }],
    ['a longer redirect_uri', { redirect_uri: `${redirect}/../evil` }],
    ['a redirect_uri in capitals', { redirect_uri: redirect.toUpperCase() }],
    ['a redirect_uri with another port', { redirect_uri: 'http://localhost:5174/callback' }],
    ['a redirect_uri with a query', { redirect_uri: `${redirect}?next=//evil.example` }],
    ['no redirect_uri, where there are several', { redirect_uri: undefined }],
    ['an unknown application', { client_id: 'nobody' }],
    ['no application', { client_id: undefined }],
  ]) {
    test(`${name}: a page that says so`, async () => {
      const request = await ask(parameters);
      const page = await newcomer().open(request.url);
      assert.equal(page.status, 400);
      assert.equal(page.location, undefined);
      assert.ok(page.title, 'a page for people');
      assert.equal(page.forms.length, 0);
      for (const a of page.root.querySelectorAll('a')) assert.ok(!/evil/.test(a.getAttribute('href')), a.toString());
    });
  }
});

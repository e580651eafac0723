// npm openid-client 6 against `serve`, with what the demo world has not:
// private_key_jwt, client_secret_post, client credentials, required PAR,
// consent, every signing algorithm, and an application with a floor.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Serve } from '../world/serve.mjs';
import { Person, leaving } from '../world/person.mjs';
import { RelyingParty, client, denied, read } from '../world/rp.mjs';

const lin = { email: 'lin@example.org', password: 'seven quiet herons at dusk' };
const redirect = 'http://127.0.0.1:9999/callback';
const algorithms = { es: 'ES256', ed: 'EdDSA', rsa: 'RS256' };
const secret = 'kZ3vN8qR1tY6wB4mX9cL2pD7';

let serve;
let keys; // of the application, by algorithm
const issuer = (name) => (name === 'es' ? `http://localhost:${serve.port}` : `http://${name}.localhost:${serve.port}`);

async function keyPair(algorithm) {
  const how = {
    ES256: { name: 'ECDSA', namedCurve: 'P-256' },
    EdDSA: { name: 'Ed25519' },
    RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  }[algorithm];
  const pair = await crypto.subtle.generateKey(how, true, ['sign', 'verify']);
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const jwk = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, kid: `app-${algorithm}`, alg: algorithm, use: 'sig' }));
  return { privateKey: pair.privateKey, jwk };
}

// Without mail, a first factor needs no more than the password.
const applications = () => `
    policy: {enrolment: {first_factor: password}}
    applications:
      - id: signer
        name: Signing application
        auth: private_key_jwt
        jwks: '${JSON.stringify({ keys: Object.values(keys).map((key) => key.jwk) })}'
        redirect_uris: [${redirect}]
        grants: [authorization_code, refresh_token, client_credentials]
        audience: https://ledger.example
        first_party: true
      - id: poster
        name: Posting application
        auth: client_secret_post
        secrets: [${secret}]
        redirect_uris: [${redirect}]
        require_par: true
        first_party: true
      - id: guest
        name: Somebody else’s application
        secrets: [${secret}]
        redirect_uris: [${redirect}]
        pkce_optional: true
      - id: vault
        name: Vault
        secrets: [${secret}]
        redirect_uris: [${redirect}]
        min_level: aal2
        first_party: true
      - id: ledger
        secrets: [${secret}]
        audience: https://ledger.example
`;

before(async () => {
  keys = Object.fromEntries(await Promise.all(Object.entries(algorithms).map(async ([id, alg]) => [id, await keyPair(alg)])));
  serve = await Serve.start({
    tenants: (port) =>
      Object.entries(algorithms)
        .map(([id, algorithm]) => {
          const host = id === 'es' ? 'localhost' : `${id}.localhost`;
          return `  - id: ${id}\n    issuer: http://${host}:${port}\n    name: House of ${id}\n    algorithm: ${algorithm}${applications()}`;
        })
        .join('\n'),
    users: Object.keys(algorithms).map((tenant) => ({ tenant, ...lin })),
  });
});
after(() => serve?.stop());

// The library names Ed25519 by RFC 9864; EdDSA (RFC 8037) is what is advertised.
const named = (header) => {
  if (header.alg === 'Ed25519') header.alg = 'EdDSA';
};
const assertion = (key, change = () => {}) =>
  client.PrivateKeyJwt(
    { key: key.privateKey, kid: key.jwk.kid },
    {
      [client.modifyAssertion]: (header, payload) => {
        named(header);
        change(payload, header);
      },
    },
  );
const signer = (tenant, key = keys[tenant]) =>
  RelyingParty.discover(issuer(tenant), 'signer', { auth: assertion(key), redirect });
const secretly = (id, more) => RelyingParty.discover(issuer('es'), id, { secret, redirect, ...more });

for (const [tenant, algorithm] of Object.entries(algorithms)) {
  describe(`private_key_jwt and tokens signed with ${algorithm}`, () => {
    test('PAR, sign-in, refresh, userinfo, introspection, revocation', async () => {
      const rp = await signer(tenant);
      const tokens = await rp.signIn(new Person(lin), { scope: 'openid email offline_access' }, { par: true });
      assert.equal(read(tokens.id_token).header.alg, algorithm);
      assert.equal(read(tokens.access_token).header.alg, algorithm);
      assert.equal(tokens.claims().acr, 'aal1');
      assert.equal((await rp.userinfo(tokens)).email, lin.email);
      const ledger = await RelyingParty.discover(issuer(tenant), 'ledger', { secret });
      assert.equal((await ledger.introspect(tokens.access_token)).active, true);
      const fresh = await rp.refresh(tokens.refresh_token);
      assert.equal(fresh.claims().acr, 'aal1');
      await rp.revoke(fresh.refresh_token);
      assert.deepEqual(await ledger.introspect(fresh.access_token), { active: false });
    });

    test('client credentials', async () => {
      const rp = await signer(tenant);
      const tokens = await rp.credentials();
      const { header, payload } = read(tokens.access_token);
      assert.equal(header.typ, 'at+jwt');
      assert.equal(payload.sub, 'signer', 'RFC 9068, 2.2: without a person, sub is the client');
      assert.equal(payload.aud, 'https://ledger.example');
      for (const name of ['acr', 'amr', 'auth_time', 'sid']) assert.equal(name in payload, false, `no ${name} without a person`);
      assert.equal(tokens.refresh_token, undefined);
      assert.equal(tokens.id_token, undefined);
    });
  });
}

describe('client authentication cannot be borrowed', () => {
  const altered = (change) => RelyingParty.discover(issuer('es'), 'signer', { auth: assertion(keys.es, change) });

  test('an assertion is good once', async () => {
    let first;
    const same = (payload) => {
      payload.jti = first ??= payload.jti;
    };
    const rp = await altered(same);
    await rp.credentials();
    await denied(rp.credentials(), 'invalid_client');
  });

  for (const [name, change] of [
    ['for another issuer', (payload) => (payload.aud = issuer('ed'))],
    ['that has expired', (payload) => Object.assign(payload, { iat: payload.iat - 900, nbf: undefined, exp: payload.iat - 600 })],
    ['that is good for a year', (payload) => (payload.exp += 365 * 86_400)],
    ['not good yet', (payload) => (payload.nbf = payload.iat + 600)],
    ['of another application', (payload) => (payload.sub = 'vault')],
    ['by another application', (payload) => (payload.iss = 'vault')],
    ['without a jti', (payload) => delete payload.jti],
    ['without an exp', (payload) => delete payload.exp],
  ]) {
    test(`an assertion ${name} is refused`, async () => {
      await denied((await altered(change)).credentials(), 'invalid_client');
    });
  }

  test('a key that is not registered is refused', async () => {
    await denied((await signer('es', await keyPair('ES256'))).credentials(), 'invalid_client');
  });

  test('a secret where a key is registered is refused', async () => {
    await denied((await secretly('signer')).credentials(), 'invalid_client');
  });

  test('a grant that was not registered is refused', async () => {
    await denied((await secretly('guest')).credentials(), 'unauthorized_client');
  });

  test('H-11 a code of one tenant is nothing at another', async () => {
    const [here, there] = [await signer('es'), await signer('ed', keys.es)];
    const request = await here.ask();
    const answer = await new Person(lin).signIn(request.url);
    const forged = new URL(answer);
    forged.searchParams.set('iss', issuer('ed'));
    await denied(there.redeem(forged, request), 'invalid_grant');
  });
});

describe('an application that must push', () => {
  test('signs in by client_secret_post and PAR', async () => {
    const rp = await RelyingParty.discover(issuer('es'), 'poster', { auth: client.ClientSecretPost(secret), redirect });
    const tokens = await rp.signIn(new Person(lin), {}, { par: true });
    assert.equal(tokens.claims().acr, 'aal1');
  });

  test('is refused without PAR', async () => {
    const rp = await RelyingParty.discover(issuer('es'), 'poster', { auth: client.ClientSecretPost(secret), redirect });
    const request = await rp.ask();
    const page = await new Person(lin).open(request.url);
    assert.equal(page.asks, undefined, 'no sign-in');
    const answer = leaving(page);
    if (answer) assert.equal(answer.searchParams.get('error'), 'invalid_request');
    else assert.equal(page.status, 400);
  });
});

describe('an application of somebody else', () => {
  test('gets access_denied where consent is refused', async () => {
    const rp = await secretly('guest');
    const person = new Person(lin);
    const request = await rp.ask();
    let page = await person.open(request.url);
    while (['username', 'current-password'].includes(page.asks)) page = await person.answer(page);
    const answer = leaving(await person.press(page, /don.t allow/i));
    assert.equal(answer.searchParams.get('error'), 'access_denied');
    assert.equal(answer.searchParams.get('state'), request.checks.expectedState);
  });

  test('asks for consent, once, and may leave PKCE out with a nonce', async () => {
    const rp = await secretly('guest');
    const person = new Person(lin);
    const request = await rp.ask({}, { pkce: false });
    let page = await person.open(request.url);
    while (['username', 'current-password'].includes(page.asks)) page = await person.answer(page);
    assert.equal(leaving(page), undefined, 'consent is asked');
    assert.match(page.text, /Somebody else/);
    const tokens = await rp.redeem(leaving(await person.press(page, /^allow$/i)), request);
    assert.equal(tokens.claims().acr, 'aal1');
    const second = await rp.ask({}, { pkce: false });
    assert.ok(leaving(await person.open(second.url)), 'what was allowed is not asked again');
  });

  test('is refused without PKCE and without a nonce', async () => {
    const rp = await secretly('guest');
    const request = await rp.ask({}, { pkce: false, nonce: false });
    const answer = leaving(await new Person(lin).open(request.url));
    assert.equal(answer.searchParams.get('error'), 'invalid_request');
  });
});

describe('an application with a floor', () => {
  test('never gets less, though it asks for nothing', async () => {
    const rp = await secretly('vault');
    const person = new Person(lin);
    const tokens = await rp.signIn(person);
    assert.equal(tokens.claims().acr, 'aal2');
    assert.ok(person.secret, 'a person without a factor enrolled one');
    const other = await signer('es');
    assert.equal((await other.signIn(person)).claims().acr, 'aal2', 'single sign-on keeps what was proved');
  });
});

// An application built on openid-client (a certified relying party), with
// every check that it has switched on.
import './localhost.mjs';
import assert from 'node:assert/strict';
import * as client from 'openid-client';

export class RelyingParty {
  /** Reads the issuer's metadata. `skew()` is how far its clock is moved. */
  static async discover(issuer, id, { secret, auth, redirect, metadata, skew = () => 0, algorithm } = {}) {
    const rp = new RelyingParty();
    Object.assign(rp, { issuer, id, redirect, skew });
    const how = auth ?? (secret ? client.ClientSecretBasic(secret) : client.None());
    rp.config = await client.discovery(new URL(issuer), id, metadata, how, {
      execute: [client.allowInsecureRequests],
      ...(algorithm && { algorithm }),
    });
    client.enableNonRepudiationChecks(rp.config);
    return rp;
  }

  get settings() {
    this.config[client.clockSkew] = Math.round(this.skew() / 1000);
    return this.config;
  }

  /** A fresh request: where to send the browser, and what its answer is held against. */
  async ask(parameters = {}, { par = false, pkce = true, nonce = true } = {}) {
    const checks = { expectedState: client.randomState(), idTokenExpected: true };
    const sent = { redirect_uri: this.redirect, scope: 'openid profile email', state: checks.expectedState };
    if (pkce) {
      checks.pkceCodeVerifier = client.randomPKCECodeVerifier();
      sent.code_challenge = await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier);
      sent.code_challenge_method = 'S256';
    }
    if (nonce) sent.nonce = checks.expectedNonce = client.randomNonce();
    Object.assign(sent, parameters);
    if (sent.max_age !== undefined) checks.maxAge = Number(sent.max_age);
    for (const [name, value] of Object.entries(sent)) if (value === undefined) delete sent[name];
    const url = par
      ? await client.buildAuthorizationUrlWithPAR(this.settings, sent)
      : client.buildAuthorizationUrl(this.settings, sent);
    return { url, checks, sent };
  }

  /** Holds an answer against its request and redeems the code. */
  async redeem(answer, { checks, sent }, parameters) {
    const tokens = await client.authorizationCodeGrant(
      this.settings,
      answer,
      checks,
      parameters ?? (sent.resource ? { resource: sent.resource } : undefined),
    );
    tokens.expectedNonce = checks.expectedNonce;
    return tokens;
  }

  /** A whole sign-in of a person. */
  async signIn(person, parameters, options) {
    const request = await this.ask(parameters, options);
    const answer = await person.signIn(request.url);
    return this.redeem(answer, request);
  }

  refresh(token, parameters) {
    return client.refreshTokenGrant(this.settings, token, parameters);
  }

  userinfo(tokens) {
    return client.fetchUserInfo(this.settings, tokens.access_token, tokens.claims().sub);
  }

  introspect(token, parameters) {
    return client.tokenIntrospection(this.settings, token, parameters);
  }

  revoke(token, parameters) {
    return client.tokenRevocation(this.settings, token, parameters);
  }

  credentials(parameters) {
    return client.clientCredentialsGrant(this.settings, parameters);
  }
}

/** What a JWT says, unchecked: for asserting on what libraries do not show. */
export function read(jwt) {
  const [header, payload] = jwt.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  return { header, payload };
}

/**
 * Expects an endpoint to refuse with an OAuth error. openid-client shows a 401
 * as the challenge of its header; the error is in the body beside it.
 */
export async function denied(promise, error) {
  const thrown = await promise.then(
    (given) => assert.fail(`given instead of ${error}: ${JSON.stringify(given)}`),
    (reason) => reason,
  );
  let got = thrown.error ?? thrown.cause?.error;
  const response = thrown.response ?? thrown.cause?.response;
  if (!got && response && !response.bodyUsed) got = (await response.json()).error;
  assert.equal(got, error, `${thrown} ${JSON.stringify(thrown.cause)}`);
}

export { client };

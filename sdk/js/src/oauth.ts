import * as oauth from 'oauth4webapi';
import { IntelliAuthError, ofOAuth } from './errors';
import { kept } from './store';

// The OAuth side: metadata, requests, tokens, proofs of the key. Knows nothing
// of windows.

/** An authorization request on its way, kept until its answer comes. */
export interface Transaction {
  state: string;
  nonce: string;
  verifier: string;
  redirectUri: string;
  resource?: string;
  /** Who has to answer; nobody else will do. */
  sub?: string;
  level?: number;
  maxAge?: number;
  askedAt: number;
}

export interface Asked {
  scope: string;
  resource?: string;
  /** Everything that tokens may be asked for later. */
  resources?: string[];
  idToken?: string;
  sub?: string;
  level?: number;
  maxAge?: number;
  extra?: Record<string, string | undefined>;
}

export interface Access {
  token: string;
  expires: number; // by this machine's clock, milliseconds
  bound: boolean;
  scope: string;
}

export interface Tokens {
  access: Access;
  refresh?: string;
  idToken?: string;
  claims?: oauth.IDToken;
}

/** The header that carries the state's kind, which tells a callback page what it is. */
export type Kind = 'r' | 'p' | 's'; // redirect, popup, silent frame

const loopback = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const clockSlack = 300; // seconds; a wrong clock must not lock anybody out
const auth = oauth.None();

export class Issuer {
  readonly #issuer: URL;
  #client: oauth.Client;
  readonly #redirectUri: string;
  readonly #insecure: boolean;
  #as: Promise<oauth.AuthorizationServer> | undefined;
  #dpop: Promise<oauth.DPoPHandle | undefined> | undefined;

  constructor(tenantUrl: string, clientId: string, redirectUri: string) {
    try {
      this.#issuer = new URL(tenantUrl);
      new URL(redirectUri);
    } catch (cause) {
      throw new IntelliAuthError('configuration_error', 'tenantUrl and redirectUri have to be addresses.', { cause });
    }
    if (!clientId) throw new IntelliAuthError('configuration_error', 'clientId is missing.');
    this.#insecure = this.#issuer.protocol === 'http:' && loopback.test(this.#issuer.hostname);
    if (this.#issuer.protocol !== 'https:' && !this.#insecure) {
      throw new IntelliAuthError('configuration_error', 'tenantUrl has to be https, or on this machine.');
    }
    this.#client = { client_id: clientId, [oauth.clockTolerance]: clockSlack };
    this.#redirectUri = redirectUri;
  }

  get origin(): string {
    return this.#issuer.origin;
  }

  get meAudience(): string {
    return `${this.origin}/api/v1`;
  }

  get #options() {
    return { [oauth.allowInsecureRequests]: this.#insecure };
  }

  /** Read once; again after a failure. */
  metadata(): Promise<oauth.AuthorizationServer> {
    this.#as ??= oauth
      .discoveryRequest(this.#issuer, { ...this.#options, signal: AbortSignal.timeout(10_000) })
      .then((response) => oauth.processDiscoveryResponse(this.#issuer, response))
      .catch((cause: unknown) => {
        this.#as = undefined;
        throw coded(cause);
      });
    return this.#as;
  }

  /** The key that tokens are bound to, where the server binds and the browser keeps keys. */
  #key(): Promise<oauth.DPoPHandle | undefined> {
    this.#dpop ??= this.#makeKey().catch(() => undefined); // without a key: rotation
    return this.#dpop;
  }

  async #makeKey(): Promise<oauth.DPoPHandle | undefined> {
    const as = await this.metadata();
    if (!as.dpop_signing_alg_values_supported?.includes('ES256')) return undefined;
    const skew = await kept.get<number>(`clock ${this.#issuer.href}`);
    if (skew !== undefined) this.#client = { ...this.#client, [oauth.clockSkew]: skew };
    const name = `key ${this.#issuer.href} ${this.#client.client_id}`;
    const pair = (await kept.get<CryptoKeyPair>(name)) ?? (await kept.once(name, await oauth.generateKeyPair('ES256', { extractable: false })));
    return oauth.DPoP(this.#client, pair);
  }

  /** The parameters of a request, and what its answer is held against. */
  async ask(kind: Kind, asked: Asked): Promise<{ endpoint: string; fields: [string, string][]; transaction: Transaction }> {
    const as = await this.metadata();
    const key = await this.#key();
    const transaction: Transaction = {
      state: `${kind}.${oauth.generateRandomState()}`,
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
      redirectUri: this.#redirectUri,
      askedAt: Date.now(),
    };
    if (asked.resource) transaction.resource = asked.resource;
    if (asked.sub) transaction.sub = asked.sub;
    if (asked.level) transaction.level = asked.level;
    if (asked.maxAge !== undefined) transaction.maxAge = asked.maxAge;
    const all: Record<string, string | undefined> = {
      client_id: this.#client.client_id,
      response_type: 'code',
      redirect_uri: transaction.redirectUri,
      scope: asked.scope,
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(transaction.verifier),
      code_challenge_method: 'S256',
      id_token_hint: asked.idToken,
      acr_values: asked.level ? `aal${asked.level}` : undefined,
      max_age: asked.maxAge?.toString(),
      dpop_jkt: await key?.calculateThumbprint(),
      claims: personal(asked.scope),
      ...asked.extra,
    };
    const fields = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
    for (const resource of new Set([...(asked.resources ?? []), ...(asked.resource ? [asked.resource] : [])])) fields.push(['resource', resource]);
    const endpoint = as.authorization_endpoint;
    if (!endpoint) throw new IntelliAuthError('server_error', 'The issuer has no authorization endpoint.');
    return { endpoint, fields, transaction };
  }

  /** Holds an answer against its request, and redeems its code. */
  async redeem(answer: URLSearchParams, t: Transaction): Promise<Tokens> {
    const as = await this.metadata();
    let checked: URLSearchParams;
    try {
      checked = oauth.validateAuthResponse(as, this.#client, answer, t.state);
    } catch (cause) {
      throw answered(cause, answer, as.issuer, t.state);
    }
    const tokens = await this.#grant(
      (options) =>
        oauth.authorizationCodeGrantRequest(as, this.#client, auth, checked, t.redirectUri, t.verifier, {
          ...options,
          ...(t.resource && { additionalParameters: { resource: t.resource } }),
        }),
      (response) =>
        oauth.processAuthorizationCodeResponse(as, this.#client, response, {
          expectedNonce: t.nonce,
          requireIdToken: true,
        }),
    );
    hold(tokens, t);
    return tokens;
  }

  async refresh(token: string, options: { resource?: string; scope?: string } = {}): Promise<Tokens> {
    const as = await this.metadata();
    const additionalParameters: Record<string, string> = {};
    if (options.resource) additionalParameters.resource = options.resource;
    if (options.scope) additionalParameters.scope = options.scope;
    return this.#grant(
      (more) => oauth.refreshTokenGrantRequest(as, this.#client, auth, token, { ...more, additionalParameters }),
      (response) => oauth.processRefreshTokenResponse(as, this.#client, response),
    );
  }

  /**
   * A token that was just made tells the issuer's time: proofs are made by that,
   * whatever this clock says, here and in tabs that are given tokens.
   */
  async #setClock(made: number): Promise<void> {
    const skew = made - Math.floor(Date.now() / 1000);
    if (Math.abs(skew - (this.#client[oauth.clockSkew] ?? 0)) < 5) return;
    this.#client = { ...this.#client, [oauth.clockSkew]: skew };
    if (!this.#dpop) return;
    await kept.put(`clock ${this.#issuer.href}`, skew).catch(() => undefined); // for this page alone, then
    this.#dpop = undefined;
  }

  /** Sends, once more where the server wants its nonce in the proof. */
  async #grant(
    send: (options: oauth.TokenEndpointRequestOptions) => Promise<Response>,
    read: (response: Response) => Promise<oauth.TokenEndpointResponse>,
  ): Promise<Tokens> {
    const key = await this.#key();
    const options = () => ({ ...this.#options, signal: AbortSignal.timeout(15_000), ...(key && { DPoP: key }) });
    try {
      let got: oauth.TokenEndpointResponse;
      try {
        got = await read(await send(options()));
      } catch (error) {
        if (!key || !oauth.isDPoPNonceError(error)) throw error;
        got = await read(await send(options()));
      }
      const claims = oauth.getValidatedIdTokenClaims(got);
      if (claims) await this.#setClock(claims.iat);
      return {
        access: {
          token: got.access_token,
          expires: Date.now() + (got.expires_in ?? 60) * 1000,
          bound: got.token_type === 'dpop',
          scope: got.scope ?? '',
        },
        ...(got.refresh_token && { refresh: got.refresh_token }),
        ...(got.id_token && { idToken: got.id_token }),
        ...(claims && { claims }),
      };
    } catch (error) {
      throw coded(error);
    }
  }

  /**
   * Calls an API with a token. Redirects are not followed: no token goes where
   * it was not sent on purpose.
   */
  async call(access: Access, url: URL, init: RequestInit & { headers: Headers }): Promise<Response> {
    const key = access.bound ? await this.#key() : undefined;
    if (access.bound && !key) throw new IntelliAuthError('storage_unavailable', 'The key of the token is gone.');
    const once = async () => {
      try {
        return await oauth.protectedResourceRequest(access.token, init.method ?? 'GET', url, new Headers(init.headers), null, {
          [oauth.allowInsecureRequests]: url.protocol === 'http:' && loopback.test(url.hostname),
          [oauth.customFetch]: (_: string, given: { headers: Record<string, string> }) =>
            fetch(url, { ...init, headers: given.headers, redirect: 'manual' }),
          ...(key && { DPoP: key }),
        });
      } catch (error) {
        if (error instanceof oauth.WWWAuthenticateChallengeError) {
          if (key && oauth.isDPoPNonceError(error)) return { again: error.response };
          return error.response;
        }
        if (error instanceof TypeError && !('code' in error)) throw error; // as fetch throws it
        if (error instanceof DOMException) throw error;
        throw coded(error);
      }
    };
    let response = await once();
    if ('again' in response) response = await once();
    if ('again' in response) response = response.again;
    if (response.type === 'opaqueredirect') {
      throw new IntelliAuthError('redirect_refused', `${url.origin} answered with a redirect, which no token follows.`);
    }
    return response;
  }

  async logoutRequest(idToken: string | undefined, returnTo: string | undefined): Promise<{ endpoint: string; fields: [string, string][] } | undefined> {
    const { end_session_endpoint: endpoint } = await this.metadata();
    if (!endpoint) return undefined;
    const fields: [string, string][] = [['client_id', this.#client.client_id]];
    if (idToken) fields.push(['id_token_hint', idToken]);
    if (returnTo) fields.push(['post_logout_redirect_uri', returnTo]);
    return { endpoint, fields };
  }
}

/** Asks for what a page shows of a person in the ID token itself: it spares a call. */
function personal(scope: string): string | undefined {
  const scopes = scope.split(' ');
  const names = [...(scopes.includes('profile') ? ['name'] : []), ...(scopes.includes('email') ? ['email', 'email_verified'] : [])];
  return names.length > 0 ? JSON.stringify({ id_token: Object.fromEntries(names.map((name) => [name, null])) }) : undefined;
}

/** What the library does not check: who it is, how sure, and since when. */
function hold({ claims }: Tokens, t: Transaction): void {
  const bad = (what: string) => new IntelliAuthError('invalid_response', what);
  if (!claims) throw bad('There is no ID token.');
  if (t.sub && claims.sub !== t.sub) throw new IntelliAuthError('subject_mismatch', 'Somebody else has signed in.');
  if (t.level && levelOf(claims) < t.level) {
    throw new IntelliAuthError('unmet_authentication_requirements', 'The sign-in is weaker than what was asked for.');
  }
  if (t.maxAge !== undefined) {
    // Differences on either clock, so that it does not matter which is right.
    const since = (Date.now() - t.askedAt) / 1000;
    if (claims.auth_time === undefined) throw bad('The ID token does not say when.');
    if (claims.iat - claims.auth_time > t.maxAge + since + 5) {
      throw new IntelliAuthError('unmet_authentication_requirements', 'The sign-in is older than what was asked for.');
    }
  }
}

export function levelOf(claims: { [name: string]: unknown } | undefined): 0 | 1 | 2 | 3 {
  const level = /^aal([123])$/.exec(String(claims?.acr))?.[1];
  return level ? (Number(level) as 1 | 2 | 3) : 0;
}

/** Why an authorization response was refused. */
function answered(cause: unknown, answer: URLSearchParams, issuer: string, state: string): IntelliAuthError {
  if (cause instanceof oauth.AuthorizationResponseError) return ofOAuth(cause.error, cause.error_description);
  if (answer.get('state') !== state) return new IntelliAuthError('state_mismatch', 'The answer is not to a question of this page.', { cause });
  if (answer.get('iss') !== issuer) return new IntelliAuthError('issuer_mismatch', 'Another issuer answered.', { cause });
  return new IntelliAuthError('invalid_response', 'The answer cannot be read.', { cause });
}

/** Any error of the library under a code of ours. */
export function coded(cause: unknown): IntelliAuthError {
  if (cause instanceof IntelliAuthError) return cause;
  if (cause instanceof oauth.ResponseBodyError) return ofOAuth(cause.error, cause.error_description);
  if (cause instanceof oauth.WWWAuthenticateChallengeError) {
    return ofOAuth(cause.cause[0]?.parameters.error ?? 'invalid_client');
  }
  if (cause instanceof oauth.OperationProcessingError) {
    const about = /nonce|iss|claim|ID Token/i.test(cause.message) ? 'invalid_response' : 'server_error';
    return new IntelliAuthError(about, cause.message, { cause });
  }
  if (cause instanceof oauth.UnsupportedOperationError) return new IntelliAuthError('server_error', cause.message, { cause });
  return new IntelliAuthError('network_error', 'The issuer cannot be reached.', { cause });
}

import { Proofs, type DPoPOptions } from './dpop';
import { Refusal } from './errors';
import { parse, signedBy } from './jwt';
import { Keys } from './keys';
import { Revocations, type RevocationOptions } from './revocations';

/** Claims of an access token that passed every check. */
export interface Claims {
  iss: string;
  sub: string;
  aud: string | string[];
  client_id: string;
  exp: number;
  iat: number;
  jti: string;
  scope: string;
  sid?: string;
  acr?: string;
  amr?: string[];
  auth_time?: number;
  cnf?: { jkt: string };
  /** Of `acr`; 0 where the token shows none. */
  aal: 0 | 1 | 2 | 3;
  /** The scope, split. */
  scopes: readonly string[];
  [name: string]: unknown;
}

export interface VerifierOptions {
  /** The tenant's issuer, byte for byte. */
  tenantUrl: string;
  /** Of this API. */
  audience: string;
  /** Follow the issuer's revocation feed. */
  revocations?: RevocationOptions;
  dpop?: DPoPOptions;
  /** Seconds that clocks may differ by; default 5. */
  clockTolerance?: number;
  /** Milliseconds; for tests. */
  now?: () => number;
}

/** The request that a token came with; needed where it may be bound to a key. */
export interface Presented {
  method: string;
  url: string;
  dpop?: string;
}

export type Verification =
  | { valid: true; claims: Claims; scheme: 'Bearer' | 'DPoP' }
  | { valid: false; claims: null; error: Refusal };

const loopback = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Verifies access tokens of one issuer for one audience (RFC 9068, section 4), without a call for each. */
export class Verifier {
  readonly proofs: Proofs;
  readonly revocations: Revocations | undefined;
  readonly #options: VerifierOptions;
  readonly #keys: Keys;

  constructor(options: VerifierOptions) {
    const { protocol, hostname, origin } = new URL(options.tenantUrl);
    if (protocol !== 'https:' && !(protocol === 'http:' && loopback.test(hostname))) throw new TypeError('tenantUrl has to be https, or on this machine');
    if (origin !== options.tenantUrl) throw new TypeError(`tenantUrl has to be the issuer: ${origin}`);
    if (!options.audience) throw new TypeError('audience is missing');
    this.#options = options;
    this.#keys = new Keys(options.tenantUrl);
    this.proofs = new Proofs(options.dpop);
    this.revocations = options.revocations && new Revocations(options.tenantUrl, options.revocations);
  }

  now(): number {
    return (this.#options.now?.() ?? Date.now()) / 1000;
  }

  /** Ends what runs in the background. */
  close(): void {
    this.revocations?.close();
  }

  /** Throws a Refusal. */
  async verify(authorization: string | undefined, request?: Presented): Promise<{ claims: Claims; scheme: 'Bearer' | 'DPoP' }> {
    if (!authorization) throw new Refusal('token_missing', 'An access token is wanted.');
    const [, name, compact] = /^(Bearer|DPoP) +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization) ?? [];
    if (!name || !compact) throw new Refusal('invalid_request', 'The Authorization header is malformed, or there are two.');
    const scheme = name.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer';
    const { claims, kid } = await this.#token(compact);
    const jkt = claims.cnf?.jkt;
    if (scheme === 'Bearer' && claims.cnf) throw new Refusal('invalid_token', 'The token is bound to a key and was sent as if it were not.');
    if (scheme === 'DPoP') {
      if (!jkt) throw new Refusal('invalid_token', 'The token is bound to no key.');
      if (!request) throw new Refusal('invalid_dpop_proof', 'The request is not known, so the proof cannot be checked.');
      this.proofs.check(request.dpop, request, compact, jkt, this.now());
    }
    this.revocations?.check(claims, kid);
    return { claims, scheme };
  }

  async #token(compact: string): Promise<{ claims: Claims; kid: string }> {
    const bad = (why: string) => new Refusal('invalid_token', why);
    const parsed = parse(compact);
    if (!parsed) throw bad('The token is malformed.');
    const { typ, kid } = parsed.header;
    if (typeof typ !== 'string' || !/^(application\/)?at\+jwt$/i.test(typ)) throw bad('The token is no access token.');
    if (typeof kid !== 'string') throw bad('The token names no key.');
    if (['jku', 'jwk', 'x5u', 'x5c'].some((name) => name in parsed.header)) throw bad('The token brings its own key.');
    const key = await this.#keys.get(kid);
    if (!key || !signedBy(parsed, key)) throw bad('The token is not signed by the issuer.');
    return { claims: this.#claims(parsed.claims, bad), kid };
  }

  #claims(c: Record<string, unknown>, bad: (why: string) => Refusal): Claims {
    const { tenantUrl, audience, clockTolerance = 5 } = this.#options;
    const now = this.now();
    const text = (name: string) => typeof c[name] === 'string' && c[name] !== '';
    if (c.iss !== tenantUrl) throw bad('The token is of another issuer.');
    const audiences: unknown[] = Array.isArray(c.aud) ? c.aud : [c.aud];
    if (audiences.length !== 1 || audiences[0] !== audience) throw bad('The token is for another API.');
    if (typeof c.exp !== 'number' || typeof c.iat !== 'number' || !['sub', 'client_id', 'jti'].every(text)) throw bad('The token lacks a claim.');
    if (now >= c.exp + clockTolerance) throw bad('The token has expired.');
    if (c.iat > now + clockTolerance + 60 || (c.nbf !== undefined && !(typeof c.nbf === 'number' && c.nbf <= now + clockTolerance))) throw bad('The token is not good yet.');
    if (c.cnf !== undefined && !(typeof c.cnf === 'object' && c.cnf !== null && typeof (c.cnf as { jkt?: unknown }).jkt === 'string')) throw bad('The token is bound in a way that is not known.');
    if (c.scope !== undefined && typeof c.scope !== 'string') throw bad('The scope is malformed.');
    if (c.sid !== undefined && !text('sid')) throw bad('The session is malformed.');
    const level = /^aal([123])$/.exec(String(c.acr))?.[1];
    const scope = (c.scope as string | undefined) ?? '';
    return { ...c, scope, scopes: scope.split(' ').filter(Boolean), aal: level ? (Number(level) as 1 | 2 | 3) : 0 } as unknown as Claims;
  }
}

/**
 * Demands a level, and a proof no older than `maxAge` seconds (RFC 9470). A token
 * that does not show one or the other shows too little.
 */
export function demandAal(claims: Claims, level: 1 | 2 | 3, { maxAge, now = Date.now() / 1000 }: { maxAge?: number; now?: number } = {}): void {
  const weak = claims.aal < level;
  const old = maxAge !== undefined && !(typeof claims.auth_time === 'number' && now - claims.auth_time <= maxAge && claims.auth_time <= now + 60);
  if (!weak && !old) return;
  throw new Refusal('mfa_required', weak ? 'A stronger sign-in is required.' : 'A newer sign-in is required.', {
    extra: { requiredAal: level, ...(maxAge !== undefined && { maxAge }) },
    challenge: { acr_values: `aal${level}`, ...(maxAge !== undefined && { max_age: String(maxAge) }) },
  });
}

export function demandScope(claims: Claims, scopes: readonly string[]): void {
  const lacks = scopes.filter((scope) => !claims.scopes.includes(scope));
  if (lacks.length > 0) throw new Refusal('insufficient_scope', `The token has not the scope ${lacks.join(' ')}.`, { challenge: { scope: scopes.join(' ') } });
}

const verifiers = new Map<string, Verifier>();

/** Checks one `Authorization` header. Verifiers are kept by issuer and audience. */
export async function verifyAccessToken(
  authorization: string | undefined,
  options: Pick<VerifierOptions, 'tenantUrl' | 'audience'>,
  request?: Presented,
): Promise<Verification> {
  const id = JSON.stringify([options.tenantUrl, options.audience]);
  let verifier = verifiers.get(id);
  if (!verifier) verifiers.set(id, (verifier = new Verifier({ tenantUrl: options.tenantUrl, audience: options.audience })));
  try {
    return { valid: true, ...(await verifier.verify(authorization, request)) };
  } catch (error) {
    if (error instanceof Refusal) return { valid: false, claims: null, error };
    throw error;
  }
}

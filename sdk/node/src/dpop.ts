import { createHash, createHmac, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import { Refusal } from './errors';
import { parse, publicKey, signedBy } from './jwt';

// Proofs that whoever sends a token holds its key (RFC 9449, 4.3 and 7).

const window = 60; // seconds that a proof is good for
const slack = 5;
const most = 200_000; // proofs that are remembered at once
const slot = 120; // seconds of a nonce

export interface DPoPOptions {
  /** Demand a nonce of ours in each proof. `true` makes one for this process; give a secret to share it. */
  nonce?: boolean | string;
}

const bad = (why: string) => new Refusal('invalid_dpop_proof', why);
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');

/** The thumbprint of a key (RFC 7638). */
export function thumbprint(key: KeyObject): string {
  const jwk = key.export({ format: 'jwk' });
  const members: Record<string, string[]> = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] };
  const named = Object.fromEntries((members[jwk.kty ?? ''] ?? []).map((name) => [name, jwk[name as keyof typeof jwk]]));
  return sha256(JSON.stringify(named));
}

/** An address without query and fragment, as URLs are normalised; nothing if it is none. */
function bare(address: unknown): string | undefined {
  try {
    const { origin, pathname } = new URL(String(address));
    return origin === 'null' ? undefined : origin + pathname;
  } catch {
    return undefined;
  }
}

export class Proofs {
  readonly #seen = new Map<string, number>(); // hash of key and jti, until when (seconds)
  readonly #secret: Buffer | undefined;

  constructor(options: DPoPOptions = {}) {
    if (options.nonce) this.#secret = typeof options.nonce === 'string' ? Buffer.from(options.nonce) : randomBytes(32);
  }

  /** A nonce for the next proof, if they are demanded. */
  nonce(now = Date.now() / 1000): string | undefined {
    return this.#secret && this.#nonce(Math.floor(now / slot));
  }

  #nonce(at: number): string {
    return createHmac('sha256', this.#secret!).update(String(at)).digest('base64url').slice(0, 32);
  }

  /** Holds a proof against the request and the token; throws a Refusal. */
  check(proof: string | undefined, request: { method: string; url: string }, token: string, jkt: string, now = Date.now() / 1000): void {
    if (!proof) throw bad('The token is bound to a key and came without proof of it.');
    if (proof.includes(',')) throw bad('There is more than one proof.');
    const parsed = parse(proof);
    if (!parsed || parsed.header.typ !== 'dpop+jwt') throw bad('The proof is malformed.');
    const key = publicKey(parsed.header.jwk);
    if (!key || !signedBy(parsed, key)) throw bad('The proof is not signed by its key.');
    const { jti, htm, htu, iat, ath, nonce } = parsed.claims;
    if (typeof jti !== 'string' || jti.length === 0 || jti.length > 256 || typeof iat !== 'number') throw bad('The proof lacks a claim.');
    if (htm !== request.method) throw bad('The proof is for another method.');
    const here = bare(request.url);
    if (!here || bare(htu) !== here) throw bad('The proof is for another address.');
    if (!(iat <= now + slack && iat >= now - window)) throw bad('The proof is too old, or of the future.');
    if (ath !== sha256(token)) throw bad('The proof is for another token.');
    if (thumbprint(key) !== jkt) throw bad('The proof is of another key.');
    if (this.#secret && !this.#known(nonce, now)) throw new Refusal('use_dpop_nonce', 'The proof lacks a current nonce.');
    this.#remember(sha256(`${jkt} ${jti}`), iat + window + slack, now);
  }

  #known(nonce: unknown, now: number): boolean {
    if (typeof nonce !== 'string') return false;
    const given = Buffer.from(nonce);
    const current = Math.floor(now / slot);
    return [current, current - 1].some((at) => {
      const wanted = Buffer.from(this.#nonce(at));
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    });
  }

  /** Each proof works once. What is remembered is this process's alone. */
  #remember(id: string, until: number, now: number): void {
    const known = this.#seen.get(id);
    if (known !== undefined && known >= now) throw bad('The proof was used before.');
    if (this.#seen.size >= most) {
      for (const [old, end] of this.#seen) if (end < now) this.#seen.delete(old);
      if (this.#seen.size >= most) throw new Refusal('overloaded', 'Too many proofs at once.');
    }
    this.#seen.set(id, until);
  }
}

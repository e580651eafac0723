import type { KeyObject } from 'node:crypto';
import { Refusal } from './errors';
import { publicKey } from './jwt';

// The issuer's keys: read when they are first needed, kept, read again before
// they are old or when a token names one that is not known.

const fresh = 5 * 60_000;
const longestUse = 60 * 60_000; // with an issuer that cannot be reached
const calm = 10_000; // between two readings that an unknown key id asks for
const patience = 5_000;
const largest = 256 * 1024;

/** Reads JSON of bounded size, in bounded time, from exactly this address. */
export async function readJSON(address: string): Promise<Record<string, unknown>> {
  const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(patience), headers: { accept: 'application/json' } });
  if (!response.ok || !response.body) throw new Error(`${address} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > largest) throw new Error(`${address} answered with more than ${largest} bytes`);
    chunks.push(chunk);
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new Error(`${address} answered with no object`);
  return value as Record<string, unknown>;
}

export class Keys {
  readonly #issuer: string;
  #known = new Map<string, KeyObject>();
  #readAt = -Infinity;
  #triedAt = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  /** The key of an id, or nothing if the issuer has none such. */
  async get(id: string): Promise<KeyObject | undefined> {
    const now = performance.now();
    const known = this.#known.get(id);
    const age = now - this.#readAt;
    if (known && age < fresh) return known;
    if (known && age < longestUse) {
      if (now - this.#triedAt > calm) void this.#read().catch(() => undefined); // meanwhile the old ones do
      return known;
    }
    if (!this.#reading && now - this.#triedAt < calm && age < longestUse) return undefined;
    try {
      await this.#read();
    } catch (cause) {
      if (age < longestUse) return undefined;
      throw new Refusal('keys_unavailable', "The issuer's keys cannot be read.", { cause });
    }
    return this.#known.get(id);
  }

  #read(): Promise<void> {
    this.#reading ??= this.#load().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #load(): Promise<void> {
    this.#triedAt = performance.now();
    const metadata = await readJSON(`${this.#issuer}/.well-known/openid-configuration`);
    if (metadata.issuer !== this.#issuer) throw new Error('the metadata are of another issuer');
    if (typeof metadata.jwks_uri !== 'string') throw new Error('the metadata name no keys');
    const { keys } = await readJSON(metadata.jwks_uri);
    if (!Array.isArray(keys)) throw new Error('there are no keys');
    const read = new Map<string, KeyObject>();
    for (const jwk of keys as Record<string, unknown>[]) {
      const key = jwk.use === undefined || jwk.use === 'sig' ? publicKey(jwk) : undefined;
      if (key && typeof jwk.kid === 'string') read.set(jwk.kid, key);
    }
    this.#known = read;
    this.#readAt = performance.now();
  }
}

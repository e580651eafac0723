import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';

// Compact JWS (RFC 7515): what is needed to check one, and nothing else.

export interface Parsed {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  signed: Buffer;
  signature: Buffer;
}

const longest = 16 * 1024;
const part = /^[A-Za-z0-9_-]+$/;

/** Takes a token apart; nothing of it is believed yet. Undefined if it is none. */
export function parse(compact: string): Parsed | undefined {
  if (compact.length > longest) return undefined;
  const parts = compact.split('.');
  const [head, payload, signature] = parts;
  if (parts.length !== 3 || !head || !payload || !signature || !parts.every((text) => part.test(text))) return undefined;
  const [header, claims] = [head, payload].map(object);
  if (!header || !claims) return undefined;
  return { header, claims, signed: Buffer.from(`${head}.${payload}`), signature: Buffer.from(signature, 'base64url') };
}

function object(encoded: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256';

/** The one algorithm that a key is for, or nothing if it is of no kind that we take. */
export function algorithmOf(key: KeyObject): Algorithm | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  if (key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return 'RS256';
  return undefined;
}

/** Reads a public key; one with private members, or of a kind that we do not take, is none. */
export function publicKey(jwk: unknown): KeyObject | undefined {
  if (typeof jwk !== 'object' || jwk === null || 'd' in jwk || 'k' in jwk) return undefined;
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    return algorithmOf(key) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Checks a signature with the algorithm of the key, which the header has to name, too. */
export function signedBy({ header, signed, signature }: Parsed, key: KeyObject): boolean {
  const algorithm = algorithmOf(key);
  const named = header.alg === 'Ed25519' ? 'EdDSA' : header.alg;
  if (!algorithm || named !== algorithm || 'crit' in header) return false;
  switch (algorithm) {
    case 'ES256': return signature.length === 64 && verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
    case 'EdDSA': return verify(null, signed, key, signature);
    case 'RS256': return verify('sha256', signed, key, signature);
  }
}

// An issuer that signs whatever it is told to, for tokens that a real one would
// never make, and for feeds and keys that are slow, huge or broken.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { listen } from './stage.mjs';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export const pair = (kind = 'ES256') =>
  kind === 'EdDSA' ? generateKeyPairSync('ed25519')
    : kind === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'RS1024' ? generateKeyPairSync('rsa', { modulusLength: 1024 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });

export function jwt(header, claims, key) {
  const signed = `${encode(header)}.${encode(claims)}`;
  if (!key) return `${signed}.`;
  const how = key.asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' } : key;
  return `${signed}.${sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', Buffer.from(signed), how).toString('base64url')}`;
}

export const thumbprint = (key) => {
  const { crv, kty, x, y } = key.export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
};

export class StubIssuer {
  keys = new Map();
  reads = 0;
  polls = [];
  streams = new Set();

  static async open() {
    const issuer = new StubIssuer();
    const server = await listen((request, response) => issuer.answer(request, response));
    Object.assign(issuer, { url: `http://127.0.0.1:${server.port}`, stop: server.stop });
    issuer.add('one');
    return issuer;
  }

  add(kid, kind) {
    this.keys.set(kid, pair(kind));
  }

  answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const json = (value) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    if (this.fault) return this.fault(request, response, pathname);
    if (pathname === '/.well-known/openid-configuration') return json({ issuer: this.claimed ?? this.url, jwks_uri: `${this.url}/jwks` });
    if (pathname === '/jwks') {
      this.reads++;
      return json({ keys: [...this.keys].map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' })) });
    }
    if (pathname === '/api/v1/revocations') {
      this.polls.push({ since: searchParams.get('since'), authorization: request.headers.authorization });
      return this.feed?.(request, response, searchParams.get('since')) ?? response.writeHead(404).end();
    }
    return response.writeHead(404).end();
  }

  /** A stream to which `tell` writes. */
  streaming() {
    this.feed = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      this.streams.add(response);
      response.on('close', () => this.streams.delete(response));
      response.write(`id: c0\ndata: ${JSON.stringify({ cursor: 'c0', entries: [] })}\n\n`);
      return response;
    };
  }

  tell(entries, cursor = randomUUID()) {
    for (const stream of this.streams) stream.write(`id: ${cursor}\r\ndata: ${JSON.stringify({ cursor, entries })}\r\n\r\n`);
  }

  token(claims = {}, header = {}, key) {
    const now = Math.floor(Date.now() / 1000);
    const all = {
      iss: this.url, sub: 'usr_1', aud: 'https://api.example', client_id: 'spa', jti: randomUUID(), iat: now, exp: now + 300,
      scope: 'openid payments:write', sid: 'ses_1', acr: 'aal2', auth_time: now - 10, ...claims,
    };
    for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
    const kid = header.kid ?? 'one';
    return jwt({ alg: 'ES256', typ: 'at+jwt', kid, ...header }, all, key === undefined ? this.keys.get(kid)?.privateKey : key);
  }
}

/** A proof of a key (RFC 9449, 4.2); `more` replaces claims, `header` the header's members. */
export function proof({ publicKey, privateKey }, { method, url, token }, more = {}, header = {}) {
  const claims = { jti: randomUUID(), htm: method, htu: url, iat: Math.floor(Date.now() / 1000), ath: createHash('sha256').update(token).digest('base64url'), ...more };
  return jwt({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }), ...header }, claims, privateKey);
}


// The vectors that drive the server's and the Go SDK's verifiers drive this one, too (C-43).
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Verifier } from '../node/dist/index.mjs';

const vectors = JSON.parse(readFileSync(new URL('../go/testdata/vectors.json', import.meta.url), 'utf8'));
const now = () => Date.parse(vectors.now);
const real = globalThis.fetch;

/** The issuer of the vectors does not exist: its two documents are answered here. */
before(() => {
  globalThis.fetch = async (address, ...rest) => {
    const documents = {
      [`${vectors.issuer}/.well-known/openid-configuration`]: { issuer: vectors.issuer, jwks_uri: `${vectors.issuer}/jwks` },
      [`${vectors.issuer}/jwks`]: vectors.jwks,
    };
    return documents[address] ? Response.json(documents[address]) : real(address, ...rest);
  };
});
after(() => { globalThis.fetch = real; });

const verifier = () => new Verifier({ tenantUrl: vectors.issuer, audience: vectors.audience, now });
const outcome = (promise) => promise.then(() => true, (error) => { assert.equal(error.name, 'Refusal', error.stack); return false; });

describe('tokens', () => {
  // A bound token passes as far as its key goes: without a proof it is refused at the end.
  for (const { name, compact, good } of vectors.tokens) {
    test(`${good ? 'good' : 'bad'}: ${name}`, async () => {
      const got = await outcome(verifier().verify(`Bearer ${compact}`));
      assert.equal(got, good);
    });
  }
});

describe('proofs', () => {
  for (const { name, compact, good, method, url, access, ...rest } of vectors.proofs) {
    test(`${good ? 'good' : 'bad'}: ${name}`, () => {
      const jkt = rest.jkt ?? rest.thumbprint;
      const check = () => verifier().proofs.check(compact, { method, url }, access, jkt, now() / 1000);
      if (good) check();
      else assert.throws(check, { name: 'Refusal' });
    });
  }
});

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';

import { type Algorithm, importKey, type JsonWebKey } from 'keyturn';

import { readWycheproof, VECTORS } from '../support/vectors.js';

const b64 = (bytes: Buffer): string => bytes.toString('base64url');

describe('J24, J25: an RSA key that protects nothing', () => {
  const good = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }) as JsonWebKey;

  it('is refused for every algorithm: too short, too long, even, with an exponent of one or an even one', () => {
    const modulus = (bytes: number, last: number): string => {
      const digits = Buffer.alloc(bytes, 0x99);
      digits[bytes - 1] = last;
      return b64(digits);
    };
    const bad = [{ n: modulus(255, 1) }, { n: modulus(128, 1) }, { n: modulus(2048, 1) }, { n: modulus(256, 2) }, { e: 'AQ' }, { e: 'Ag' }, { e: 'BA' }, { e: b64(Buffer.alloc(256, 0x99)) }];
    for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const) {
      assert.equal(importKey(good, { alg }).alg, alg);
      for (const members of bad) {
        assert.throws(() => importKey({ ...good, ...members }, { alg }), (error: Error & { code?: string }) => ['ERR_KEY_TOO_WEAK', 'ERR_KEY_INVALID'].includes(error.code ?? ''));
      }
    }
  });

  it('is refused if its modulus can be factored (ROCA), in every form', { skip: VECTORS.skip }, () => {
    const rows = readWycheproof<{ readonly keys: readonly JsonWebKey[] }>('json_web_key_test.json');
    const jwk = rows.find(({ tests }) => tests.some(({ tcId }) => tcId === 7))?.private.keys[0];
    assert.ok(jwk !== undefined, 'the vectors have no ROCA key');
    const { kty, n, e } = jwk;
    const key = createPublicKey({ key: { kty, n: String(n), e: String(e) }, format: 'jwk' });
    for (const alg of ['RS256', 'PS256'] as const) {
      for (const material of [{ kty, n, e }, key, key.export({ format: 'pem', type: 'spki' }), key.export({ format: 'der', type: 'pkcs1' })]) {
        assert.throws(() => importKey(material, { alg }), { code: 'ERR_KEY_TOO_WEAK', message: /ROCA/ });
      }
    }
  });
});

describe('J25: an EC key that is no point of its curve', () => {
  const CURVES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

  it('is refused: off the curve, at infinity, of another curve, of another length', () => {
    for (const [name, namedCurve] of Object.entries(CURVES)) {
      const alg = name as Algorithm;
      const jwk = generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' }) as JsonWebKey;
      const [x, y] = [Buffer.from(String(jwk['x']), 'base64url'), Buffer.from(String(jwk['y']), 'base64url')];
      const moved = Buffer.from(y);
      moved[moved.length - 1] = (moved.at(-1) ?? 0) ^ 1;
      const zero = Buffer.alloc(x.length);
      const bad = [
        { y: b64(moved) }, { x: b64(y), y: b64(x) }, { x: b64(zero), y: b64(zero) }, { x: b64(Buffer.alloc(x.length, 0xff)) },
        { x: b64(x.subarray(1)) }, { x: b64(Buffer.concat([Buffer.alloc(1), x])) }, { y: '' }, { x: undefined }, { crv: 'P-224' }, { crv: 'secp256k1' }, { crv: undefined },
        ...Object.values(CURVES).filter((crv) => crv !== namedCurve).map((crv) => ({ crv })),
      ];
      assert.equal(importKey(jwk, { alg }).alg, alg);
      for (const members of bad) assert.throws(() => importKey({ ...jwk, ...members }, { alg }), { code: 'ERR_KEY_INVALID' }, JSON.stringify(members));
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createSigner, createVerifier, generateKey, importKeySet, type JsonWebKey, KeyturnError, signJws, verifyJws } from 'keyturn';

import { ALGORITHMS } from '../../dist/keys/key.js';
import { RFC_8037_PRIVATE, RFC_8037_PUBLIC } from '../support/test-keys.js';
import { readVectors, VECTORS } from '../support/vectors.js';

const secret = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64url');
const refusal = (keys: readonly unknown[], options = {}): unknown => {
  try {
    importKeySet({ keys: keys as JsonWebKey[] }, options);
  } catch (error) {
    return error;
  }
  return undefined;
};
const codeOf = (keys: readonly unknown[], options = {}): string | undefined => {
  const error = refusal(keys, options);
  return error instanceof KeyturnError ? error.code : undefined;
};

describe('importKeySet', () => {
  it('verifies with the key that a token names', () => {
    const [a, b] = [generateKey('EdDSA', { kid: 'a' }), generateKey('EdDSA', { kid: 'b' })];
    const verify = createVerifier({ key: importKeySet({ keys: [a.publicJwk(), b.publicJwk()] }) });
    for (const key of [a, b]) assert.equal(verify(createSigner({ key })({ sub: 'alice' })).sub, 'alice');
    const other = generateKey('EdDSA', { kid: 'c' });
    assert.throws(() => verify(createSigner({ key: other })({})), { code: 'ERR_KEY_UNKNOWN' });
    const forged = generateKey('EdDSA', { kid: 'a' });
    assert.throws(() => verify(createSigner({ key: forged })({})), { code: 'ERR_SIGNATURE_INVALID' });
  });

  for (const alg of ALGORITHMS.filter((name) => !name.startsWith('HS'))) {
    it(`takes a public ${alg} key, and without its alg the usual one for its type`, () => {
      const key = generateKey(alg);
      const { alg: named, ...bare } = key.publicJwk();
      assert.equal(named, alg);
      const verify = createVerifier({ key: importKeySet({ keys: [bare] }, { algorithms: [alg] }) });
      assert.equal(verify(createSigner({ key })({ sub: 'alice' })).sub, 'alice');
      const usual = alg.startsWith('PS') || alg.startsWith('RS') ? 'RS256' : alg;
      assert.equal(importKeySet({ keys: [bare] }).keys[0]?.alg, usual);
    });
  }

  it('verifies raw JWS', () => {
    const key = generateKey('ES256', { kid: 'a' });
    const { payload } = verifyJws(signJws('any bytes', key), importKeySet({ keys: [key.publicJwk()] }));
    assert.equal(payload.toString(), 'any bytes');
  });

  it('gives the keys, and the public ones as a JWK Set', () => {
    const key = generateKey('EdDSA', { kid: 'a' });
    const set = importKeySet({ keys: [key.publicJwk()] });
    assert.deepEqual(set.keys.map(({ alg, kid, canSign }) => ({ alg, kid, canSign })), [{ alg: 'EdDSA', kid: 'a', canSign: false }]);
    assert.deepEqual(set.jwks(), { keys: [key.publicJwk()] });
    assert.throws(() => (set.keys as unknown[]).push(key), TypeError);
  });

  it('never shows an HMAC key', () => {
    const set = importKeySet({ keys: [{ kty: 'oct', alg: 'HS256', k: secret(32) }] });
    assert.equal(set.keys[0]?.canSign, true);
    assert.deepEqual(set.jwks(), { keys: [] });
  });

  it('takes the usual algorithm for a key that names none, and for a secret only the one that is asked for', () => {
    assert.equal(importKeySet({ keys: [RFC_8037_PUBLIC] }).keys[0]?.alg, 'EdDSA');
    const bare = { kty: 'oct', k: secret(64) };
    assert.equal(codeOf([bare]), 'ERR_KEY_INVALID');
    assert.equal(codeOf([bare], { algorithms: ['EdDSA'] }), 'ERR_KEY_INVALID');
    assert.equal(importKeySet({ keys: [bare] }, { algorithms: ['EdDSA', 'HS256'] }).keys[0]?.alg, 'HS256');
    assert.equal(codeOf([{ ...RFC_8037_PUBLIC, alg: 'EdDSA' }], { algorithms: ['ES256'] }), 'ERR_KEY_INVALID');
  });

  it('ignores members of the set that it does not know (RFC 7517, section 5)', () => {
    assert.equal(importKeySet({ keys: [RFC_8037_PUBLIC], version: 2 } as never).keys.length, 1);
  });

  const ed = (kid: string): unknown => generateKey('EdDSA', { kid }).publicJwk();
  const refused: readonly (readonly [what: string, keys: readonly unknown[], code?: string])[] = [
    ['no key', []],
    ['secrets beside public keys', [RFC_8037_PUBLIC, { kty: 'oct', alg: 'HS256', k: secret(32) }]],
    ['two keys of one kid', [ed('a'), ed('a')]],
    ['more than 32 keys', Array.from({ length: 33 }, (_, index) => ed(String(index)))],
    ['a private key', [RFC_8037_PRIVATE]],
    ['a key for encryption', [{ ...RFC_8037_PUBLIC, use: 'enc' }]],
    ['a key whose key_ops do not verify', [{ ...RFC_8037_PUBLIC, key_ops: ['deriveBits'] }]],
    ['a secret that is too short', [{ kty: 'oct', alg: 'HS256', k: secret(31) }], 'ERR_KEY_TOO_WEAK'],
    ['an algorithm that is none', [{ ...RFC_8037_PUBLIC, alg: 'none' }]],
    ['a curve that signs nothing', [{ kty: 'OKP', crv: 'X25519', x: RFC_8037_PUBLIC.x }]],
    ['a hole', Array(1)],
    ['null', [null]],
    ['text', ['{}']],
    ['what is no plain data', [{ kty: 'OKP', x: 1n }]],
  ];
  for (const [what, keys, code = 'ERR_KEY_INVALID'] of refused) {
    it(`refuses ${what}`, () => {
      assert.equal(codeOf(keys), code);
    });
  }

  it('says which key is refused, and why', () => {
    const error = refusal([RFC_8037_PUBLIC, { ...RFC_8037_PUBLIC, use: 'enc' }]);
    assert.match(String(error), /keys\[1\]: .*use/);
  });

  it('refuses what is no set, and options that are none', () => {
    for (const set of [undefined, null, [], 'keys', { keys: {} }, RFC_8037_PUBLIC]) {
      assert.throws(() => importKeySet(set as never), { code: 'ERR_KEY_INVALID' });
    }
    assert.throws(() => importKeySet({ keys: [RFC_8037_PUBLIC] }, { algorithm: 'EdDSA' } as never), { code: 'ERR_OPTION_UNKNOWN' });
    assert.throws(() => importKeySet({ keys: [RFC_8037_PUBLIC] }, { algorithms: ['none' as 'EdDSA'] }), { code: 'ERR_OPTION_INVALID' });
  });

  it('keeps secrets of others apart from keys that sign', () => {
    assert.throws(() => createSigner({ key: importKeySet({ keys: [RFC_8037_PUBLIC] }) as never }), { code: 'ERR_OPTION_INVALID' });
  });
});

describe('importKeySet, given the sets of Wycheproof', VECTORS, () => {
  interface Group {
    readonly comment: string;
    readonly public?: Readonly<{ keys: JsonWebKey[] }>;
    readonly private: Readonly<{ keys: JsonWebKey[] }>;
    readonly tests: readonly Readonly<{ tcId: number; comment: string; result: 'valid' | 'invalid' }>[];
  }
  const { testGroups } = readVectors<{ testGroups: readonly Group[] }>('wycheproof/json_web_key_test.json', { testGroups: [] });
  for (const group of testGroups) {
    const set = group.public ?? group.private;
    // A group with a valid row has a good set; its other rows are about the token.
    const isGood = group.tests.some(({ result }) => result === 'valid');
    const name = group.tests.map(({ tcId, comment }) => `${String(tcId)} ${comment}`).join(', ');
    it(`${isGood ? 'takes' : 'refuses'} ${name}`, () => {
      if (isGood) assert.equal(importKeySet(set).keys.length, set.keys.length);
      else assert.ok(['ERR_KEY_INVALID', 'ERR_KEY_TOO_WEAK'].includes(codeOf(set.keys) ?? ''), String(refusal(set.keys)));
    });
  }
});

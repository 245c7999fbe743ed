import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';

import { importKey, type KeyMaterial } from '../../dist/keys/import.js';
import { type Algorithm, ALGORITHMS } from '../../dist/keys/key.js';
import { createSigner } from '../../dist/tokens/signer.js';
import { createVerifier } from '../../dist/tokens/verifier.js';

const PASSPHRASE = 'open sesame';
const CURVES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PAIRS: Readonly<Record<string, Pair>> = {
  ...Object.fromEntries(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => [alg, RSA])),
  ...Object.fromEntries(Object.entries(CURVES).map(([alg, namedCurve]) => [alg, generateKeyPairSync('ec', { namedCurve })])),
};

/** The form that is older than PKCS#8: PKCS#1 for RSA (RFC 8017), SEC1 for EC (RFC 5915). */
const traditional = (key: KeyObject) => (key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1');

function privateForms({ privateKey: key }: Pair): readonly (readonly [string, KeyMaterial, passphrase?: string])[] {
  const locked = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const;
  return [
    ['a KeyObject', key],
    ['PKCS#8 PEM', key.export({ format: 'pem', type: 'pkcs8' })],
    ['PKCS#8 DER', key.export({ format: 'der', type: 'pkcs8' })],
    ['PKCS#1 or SEC1 PEM', key.export({ format: 'pem', type: traditional(key) })],
    ['PKCS#1 or SEC1 DER', key.export({ format: 'der', type: traditional(key) })],
    ['encrypted PKCS#8 PEM', key.export({ format: 'pem', type: 'pkcs8', ...locked }), PASSPHRASE],
    ['encrypted PKCS#8 DER', key.export({ format: 'der', type: 'pkcs8', ...locked }), PASSPHRASE],
    ['encrypted PKCS#1 or SEC1 PEM', key.export({ format: 'pem', type: traditional(key), ...locked }), PASSPHRASE],
    ['a JWK', key.export({ format: 'jwk' }) as KeyMaterial],
  ];
}

function publicForms({ publicKey: key }: Pair): readonly (readonly [string, KeyMaterial])[] {
  const pkcs1: [string, KeyMaterial][] =
    key.asymmetricKeyType === 'rsa'
      ? [['PKCS#1 PEM', key.export({ format: 'pem', type: 'pkcs1' })], ['PKCS#1 DER', key.export({ format: 'der', type: 'pkcs1' })]]
      : [];
  return [
    ['a KeyObject', key],
    ['SPKI PEM', key.export({ format: 'pem', type: 'spki' })],
    ['SPKI DER', key.export({ format: 'der', type: 'spki' })],
    ['a JWK', key.export({ format: 'jwk' }) as KeyMaterial],
    ...pkcs1,
  ];
}

describe('importKey of RSA and EC keys', () => {
  for (const [name, pair] of Object.entries(PAIRS)) {
    const alg = name as Algorithm;
    const reference = importKey(pair.publicKey, { alg });
    const token = createSigner({ key: importKey(pair.privateKey, { alg }) })({ sub: 'alice' });

    for (const [form, material, passphrase] of privateForms(pair)) {
      it(`takes a private ${alg} key as ${form}`, () => {
        const key = importKey(material, { alg, passphrase });
        assert.deepEqual([key.alg, key.canSign, key.thumbprint()], [alg, true, reference.thumbprint()]);
        assert.equal(createVerifier({ key: reference })(createSigner({ key })({ sub: 'bob' })).sub, 'bob');
      });
    }

    for (const [form, material] of publicForms(pair)) {
      it(`takes a public ${alg} key as ${form}`, () => {
        const key = importKey(material, { alg });
        assert.deepEqual([key.alg, key.canSign, key.thumbprint()], [alg, false, reference.thumbprint()]);
        assert.equal(createVerifier({ key })(token).sub, 'alice');
      });
    }

    it(`takes an ${alg} key for no algorithm of another kind`, () => {
      for (const other of ALGORITHMS) {
        const isOfKind = PAIRS[other] === pair;
        for (const material of [pair.privateKey, pair.publicKey, pair.publicKey.export({ format: 'jwk' }) as KeyMaterial]) {
          if (isOfKind) assert.equal(importKey(material, { alg: other }).alg, other);
          else assert.throws(() => importKey(material, { alg: other }), { code: 'ERR_KEY_INVALID' });
        }
      }
    });

    it(`publishes a JWK for ${alg} that node:crypto reads as the same key`, () => {
      const jwk = importKey(pair.privateKey, { alg, kid: 'k1' }).publicJwk();
      assert.deepEqual([jwk.alg, jwk.use, jwk.kid], [alg, 'sig', 'k1']);
      assert.equal('d' in jwk, false);
      assert.ok(createPublicKey({ key: { ...jwk }, format: 'jwk' }).equals(pair.publicKey));
    });
  }

  it('takes the point of an EC key in its compressed form', () => {
    for (const [alg, pair] of Object.entries(PAIRS).filter(([name]) => name in CURVES)) {
      const compressed = compress(pair.publicKey);
      assert.equal(importKey(compressed, { alg: alg as Algorithm }).thumbprint(), importKey(pair.publicKey, { alg: alg as Algorithm }).thumbprint());
    }
  });
});

describe('importKey of RSA-PSS keys', () => {
  const restricted = (hashAlgorithm?: string, saltLength?: number) =>
    // The types demand encodings; without them node:crypto gives KeyObjects.
    generateKeyPairSync('rsa-pss' as 'rsa', {
      modulusLength: 2048,
      ...(hashAlgorithm === undefined ? {} : { hashAlgorithm, mgf1HashAlgorithm: hashAlgorithm }),
      ...(saltLength === undefined ? {} : { saltLength }),
    });

  it('takes a key without parameters for every PS algorithm and for no RS algorithm', () => {
    const { privateKey, publicKey } = restricted();
    for (const alg of ['PS256', 'PS384', 'PS512'] as const) {
      const token = createSigner({ key: importKey(privateKey, { alg }) })({ sub: 'alice' });
      assert.equal(createVerifier({ key: importKey(publicKey, { alg }) })(token).sub, 'alice');
    }
    for (const key of [privateKey, publicKey]) assert.throws(() => importKey(key, { alg: 'RS256' }), { code: 'ERR_KEY_INVALID', message: /not for RS256/ });
  });

  it('holds a key to the hash and the salt that it names', () => {
    const { privateKey, publicKey } = restricted('sha256', 32);
    const token = createSigner({ key: importKey(privateKey, { alg: 'PS256' }) })({ sub: 'alice' });
    assert.equal(createVerifier({ key: importKey(publicKey, { alg: 'PS256' }) })(token).sub, 'alice');
    for (const alg of ['PS384', 'PS512', 'RS256'] as const) assert.throws(() => importKey(publicKey, { alg }), { code: 'ERR_KEY_INVALID' });
    assert.throws(() => importKey(restricted('sha256', 64).publicKey, { alg: 'PS256' }), { code: 'ERR_KEY_INVALID' });
  });
});

describe('importKey of keys that are too weak, or no good', () => {
  const jwk = RSA.publicKey.export({ format: 'jwk' }) as Readonly<Record<string, string>>;

  it('refuses an RSA modulus below 2048 bits, in every form', () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
    for (const [, material] of [...privateForms(small).filter(([, , passphrase]) => passphrase === undefined), ...publicForms(small)]) {
      assert.throws(() => importKey(material, { alg: 'RS256' }), { code: 'ERR_KEY_TOO_WEAK', message: /less than 2048 bits/ });
    }
  });

  it('refuses an RSA modulus above 8192 bits, an even one, and odd exponents', () => {
    const n = (bytes: number, last = 0x77): string => {
      const modulus = Buffer.alloc(bytes, 0xa5);
      modulus[bytes - 1] = last;
      return modulus.toString('base64url');
    };
    const wrong: readonly (readonly [object, string])[] = [
      [{ n: n(1025) }, 'ERR_KEY_INVALID'],
      [{ n: n(2048) }, 'ERR_KEY_INVALID'],
      [{ n: n(256, 0x76) }, 'ERR_KEY_INVALID'],
      [{ n: '' }, 'ERR_KEY_INVALID'],
      [{ e: 'AQ' }, 'ERR_KEY_TOO_WEAK'],
      [{ e: 'Ag' }, 'ERR_KEY_TOO_WEAK'],
      [{ e: '' }, 'ERR_KEY_TOO_WEAK'],
      [{ e: 'AAEAAQ' }, 'ERR_KEY_INVALID'],
      [{ e: 'AQAAAAAAAQ' }, 'ERR_KEY_INVALID'],
    ];
    for (const [members, code] of wrong) assert.throws(() => importKey({ ...jwk, kty: 'RSA', ...members }, { alg: 'RS256' }), { code });
  });

  it('refuses curves that no algorithm uses', () => {
    for (const namedCurve of ['secp256k1', 'P-224', 'brainpoolP256r1']) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      for (const alg of ['ES256', 'ES384', 'ES512'] as const) {
        for (const key of [privateKey, publicKey]) assert.throws(() => importKey(key, { alg }), { code: 'ERR_KEY_INVALID' });
      }
    }
  });

  it('refuses a private RSA JWK without its primes, and one with more than two', () => {
    const full = RSA.privateKey.export({ format: 'jwk' }) as Readonly<Record<string, string>>;
    for (const name of ['p', 'q', 'dp', 'dq', 'qi']) {
      assert.throws(() => importKey({ ...full, kty: 'RSA', [name]: undefined }, { alg: 'RS256' }), { code: 'ERR_KEY_INVALID', message: /needs d, p, q, dp, dq and qi/ });
    }
    assert.throws(() => importKey({ ...full, kty: 'RSA', oth: [{}] }, { alg: 'RS256' }), { code: 'ERR_KEY_INVALID', message: /more than two primes/ });
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    assert.throws(() => importKey({ ...full, kty: 'RSA', d: other.d }, { alg: 'RS256' }), { code: 'ERR_KEY_INVALID' });
  });

  it('refuses DSA and X25519 keys', () => {
    const dsa = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
    const x25519 = generateKeyPairSync('x25519');
    for (const { privateKey, publicKey } of [dsa, x25519]) {
      for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const) {
        for (const key of [privateKey, publicKey]) assert.throws(() => importKey(key, { alg }), { code: 'ERR_KEY_INVALID' });
      }
    }
  });

  it('tells a person with an encrypted PKCS#1 or SEC1 key what is missing', () => {
    for (const { privateKey } of [RSA, PAIRS['ES256'] ?? RSA]) {
      const pem = privateKey.export({ format: 'pem', type: traditional(privateKey), cipher: 'aes-256-cbc', passphrase: PASSPHRASE });
      const alg = privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
      assert.throws(() => importKey(pem, { alg }), { code: 'ERR_KEY_INVALID', message: /needs passphrase/ });
      assert.throws(() => importKey(pem, { alg, passphrase: 'wrong' }), { code: 'ERR_KEY_INVALID' });
      assert.equal(importKey(createPrivateKey({ key: pem, passphrase: PASSPHRASE }), { alg }).canSign, true);
    }
  });
});

/** An SPKI whose point is its x and one bit of its y (SEC 1, section 2.3.3). */
function compress(key: KeyObject): Buffer {
  const spki = key.export({ format: 'der', type: 'spki' });
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const [xs, ys] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
  const identifierAt = spki.indexOf(0x30, 2);
  const identifier = spki.subarray(identifierAt, identifierAt + 2 + (spki[identifierAt + 1] ?? 0));
  const point = Buffer.concat([Buffer.from([2 + ((ys.at(-1) ?? 0) & 1)]), xs]);
  const bits = Buffer.concat([Buffer.from([0x03, point.length + 1, 0]), point]);
  const content = Buffer.concat([identifier, bits]);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}

import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';

import { decryptJwe, type EncryptionKey, encryptJwe, generateKey, importKey, type KeyManagementAlgorithm, type KeyMaterial } from 'keyturn';

import { CONTENT_ENCRYPTIONS, CURVES, KEY_MANAGEMENT_ALGORITHMS } from '../../dist/keys/encryption.js';
import { native } from '../../dist/native.js';
import { ENCRYPTION_KEYS } from '../support/encryption-keys.js';

/** 1.2.840.113549.1.1.10 keys are for signatures alone. */
const PSS = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });

const wrong = (material: unknown, options: object): EncryptionKey => importKey(material as KeyMaterial, options as { alg: 'dir' });
const reads = (one: EncryptionKey, other: EncryptionKey): boolean => decryptJwe(encryptJwe('text', one), other).plaintext.toString() === 'text';

describe('a key for encryption', () => {
  for (const { name, alg, key, publicKey, raw } of ENCRYPTION_KEYS.filter((one) => one.raw.type === 'private')) {
    it(`comes for ${name} in every form, private and public`, () => {
      const half = createPublicKey(raw);
      const privates: KeyMaterial[] = [raw, pem(raw, 'pkcs8'), der(raw, 'pkcs8'), { ...raw.export({ format: 'jwk' }), kty: String(raw.export({ format: 'jwk' }).kty) }];
      const publics: KeyMaterial[] = [half, pem(half, 'spki'), der(half, 'spki'), { ...key.publicJwk() }];
      for (const form of privates) assert.ok(reads(publicKey, importKey(form, { alg })));
      for (const form of publics) {
        const imported = importKey(form, { alg, kid: 'k', use: 'enc' });
        assert.deepEqual([imported.alg, imported.kid, imported.canEncrypt, imported.canDecrypt, imported.canSign], [alg, 'k', true, false, false]);
        assert.ok(reads(importKey(form, { alg }), key));
        assert.equal(imported.thumbprint(), key.thumbprint());
      }
      const locked = raw.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'open' });
      assert.ok(reads(publicKey, importKey(locked, { alg, passphrase: 'open' })));
    });
  }

  for (const alg of KEY_MANAGEMENT_ALGORITHMS) {
    it(`is generated for ${alg}, and shows no secret`, () => {
      const key = generateKey(alg, { kid: 'k1' });
      assert.ok(reads(key, key));
      assert.deepEqual(JSON.parse(JSON.stringify(key)), { alg, kid: 'k1' });
      assert.doesNotMatch(inspect(key, { depth: 9, showHidden: true }), /secret|"d"/);
      if (/^(RSA|ECDH)/.test(alg)) {
        const jwk = key.publicJwk();
        assert.deepEqual([jwk.alg, jwk.use, jwk.kid, 'd' in jwk, 'p' in jwk], [alg, 'enc', 'k1', false, false]);
      } else {
        assert.throws(() => key.publicJwk(), { code: 'ERR_KEY_INVALID' });
        assert.throws(() => key.thumbprint(), { code: 'ERR_KEY_INVALID' });
      }
    });
  }

  it('is generated with the curve, the content encryption and the modulus that was asked for, where there is a choice', () => {
    for (const crv of CURVES) assert.equal(generateKey('ECDH-ES', { crv }).publicJwk()['crv'], crv);
    assert.equal(generateKey('ECDH-ES+A256KW').publicJwk()['crv'], 'P-256');
    for (const enc of CONTENT_ENCRYPTIONS) assert.throws(() => encryptJwe('', generateKey('dir', { enc }), { enc: enc === 'A128GCM' ? 'A256GCM' : 'A128GCM' }), { code: 'ERR_OPTION_INVALID' });
    assert.equal(Buffer.from(String(generateKey('RSA-OAEP', { modulusLength: 2048 }).publicJwk()['n']), 'base64url').length, 256);
    assert.equal(Buffer.from(String(generateKey('RSA-OAEP-256').publicJwk()['n']), 'base64url').length, 384);
    for (const [alg, options, claim] of [
      ['A128KW', { crv: 'P-256' }, 'crv'], ['ECDH-ES', { crv: 'Ed25519' }, 'crv'], ['ECDH-ES', { enc: 'A128GCM' }, 'enc'], ['dir', { enc: 'A192GCM' }, 'enc'],
      ['dir', { modulusLength: 2048 }, 'modulusLength'], ['RSA-OAEP', { modulusLength: 1024 }, 'modulusLength'], ['HS256', { crv: 'P-256' }, 'crv'],
    ] as const) {
      assert.throws(() => generateKey(alg as 'dir', options as object), { code: 'ERR_OPTION_INVALID', claim });
    }
  });

  it('takes a secret of exactly the right length, given as { secret }', () => {
    for (const [alg, good] of [['A128KW', [16]], ['A256KW', [32]], ['A128GCMKW', [16]], ['A256GCMKW', [32]], ['dir', [16, 32, 64]]] as const) {
      for (const length of [0, 8, 15, 16, 17, 24, 32, 48, 64, 128]) {
        const secret = randomBytes(length);
        const make = (): EncryptionKey => importKey({ secret }, { alg });
        if ((good as readonly number[]).includes(length)) assert.ok(reads(make(), make()));
        else assert.throws(make, { code: 'ERR_KEY_INVALID' }, `${alg} ${length}`);
      }
      assert.throws(() => importKey(randomBytes(32), { alg }), { code: 'ERR_KEY_INVALID', message: /given as \{ secret/ });
    }
    assert.throws(() => importKey({ secret: randomBytes(32) }, { alg: 'RSA-OAEP' }), { code: 'ERR_KEY_INVALID' });
    assert.throws(() => importKey({ secret: randomBytes(32) }, { alg: 'dir', enc: 'A128GCM' }), { code: 'ERR_KEY_INVALID' });
  });

  it('is never an asymmetric key in the dress of a secret', () => {
    const spki = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
    const dress = Buffer.from(spki.subarray(0, 24).toString('base64'));
    assert.equal(dress.length, 32);
    for (const alg of ['A256KW', 'dir'] as const) assert.throws(() => importKey({ secret: dress }, { alg }), { code: 'ERR_KEY_INVALID', message: /asymmetric key/ });
  });

  it('is refused for another algorithm, use or kind', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const ed = generateKeyPairSync('ed25519').privateKey;
    const jwk = ec.export({ format: 'jwk' });
    const refused: readonly (readonly [material: unknown, alg: KeyManagementAlgorithm])[] = [
      [ec, 'RSA-OAEP'], [rsa, 'ECDH-ES'], [ed, 'ECDH-ES'], [createPublicKey(ed), 'ECDH-ES'], [PSS.privateKey, 'RSA-OAEP'], [PSS.publicKey, 'RSA-OAEP-256'],
      [generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, 'ECDH-ES'], [generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey, 'ECDH-ES'],
      [generateKeyPairSync('x448').publicKey, 'ECDH-ES'], [ec, 'dir'], [ec, 'A128KW'],
      [{ ...jwk, use: 'sig' }, 'ECDH-ES'], [{ ...jwk, alg: 'ES256' }, 'ECDH-ES'], [{ ...jwk, alg: 'ECDH-ES' }, 'ECDH-ES+A128KW'], [{ ...jwk, key_ops: ['sign'] }, 'ECDH-ES'],
      [{ ...jwk, x: jwk.y }, 'ECDH-ES'], [{ kty: 'OKP', crv: 'X25519', x: Buffer.alloc(32).toString('base64url') }, 'ECDH-ES'],
      [{ ...rsa.export({ format: 'jwk' }), p: undefined }, 'RSA-OAEP'], ['', 'RSA-OAEP'], [null, 'dir'],
    ];
    for (const [material, alg] of refused) assert.throws(() => wrong(material, { alg }), { code: 'ERR_KEY_INVALID' }, inspect([material, alg]));
    assert.throws(() => wrong(ec, { alg: 'ECDH-ES', use: 'sig' }), { code: 'ERR_OPTION_INVALID', claim: 'use', message: /'enc' for ECDH-ES/ });
    assert.throws(() => wrong(ec, { alg: 'ECDH-ES', enc: 'A128GCM' }), { code: 'ERR_OPTION_INVALID', claim: 'enc' });
    assert.throws(() => wrong(ec, { alg: 'ES256', enc: 'A128GCM' }), { code: 'ERR_OPTION_INVALID', claim: 'enc' });
  });

  it('is refused if RSA is too short, has no sound exponent, or can be factored', () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
    assert.throws(() => importKey(short.privateKey, { alg: 'RSA-OAEP' }), { name: 'KeyturnError', code: /^ERR_KEY_/ });
    assert.throws(() => importKey(short.publicKey, { alg: 'RSA-OAEP' }), { code: 'ERR_KEY_TOO_WEAK', message: /less than 2048 bits/ });
    const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    for (const e of ['AQ', 'Ag', 'AAAB']) assert.throws(() => importKey({ kty: 'RSA', n, e }, { alg: 'RSA-OAEP-256' }), { name: 'KeyturnError', code: /^ERR_KEY_/ });
    // 65537 to the power of 128 has the fingerprint of the faulty generator.
    const roca = (65537n ** 128n).toString(16);
    const modulus = Buffer.from(roca.padStart(roca.length + (roca.length % 2), '0'), 'hex').toString('base64url');
    assert.throws(() => importKey({ kty: 'RSA', n: modulus, e: 'AQAB' }, { alg: 'RSA-OAEP' }), { code: 'ERR_KEY_TOO_WEAK', message: /ROCA/ });
  });

  it('has the names that the core has', () => {
    for (const algorithm of KEY_MANAGEMENT_ALGORITHMS) assert.equal(native.NativeEncryptionKey.generate({ algorithm }).algorithm, algorithm);
    assert.throws(() => native.NativeEncryptionKey.generate({ algorithm: 'RSA1_5' }), { code: 'ERR_OPTION_INVALID' });
  });
});

function pem(key: KeyObject, type: 'pkcs8' | 'spki'): string {
  return key.export({ format: 'pem', type } as { format: 'pem'; type: 'pkcs8' }).toString();
}

function der(key: KeyObject, type: 'pkcs8' | 'spki'): Buffer {
  return key.export({ format: 'der', type } as { format: 'der'; type: 'pkcs8' });
}

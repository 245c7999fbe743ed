import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';

import { createSigner, createVerifier, dangerouslyDecode, decryptJwe, encryptJwe, generateKey, importKey } from 'keyturn';

import { answerOf } from '../support/vectors.js';

const SECRET = randomBytes(32);
const key = importKey({ secret: SECRET }, { alg: 'dir' });

/** A good JWE under {@link SECRET} with any header and any plaintext, by node:crypto. */
function rawJwe(header: object | string, plaintext: Buffer): string {
  const protectedHeader = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)).toString('base64url');
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', SECRET, iv).setAAD(Buffer.from(protectedHeader));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [protectedHeader, '', iv.toString('base64url'), ciphertext.toString('base64url'), cipher.getAuthTag().toString('base64url')].join('.');
}

describe('J30: a JWE where a JWS is expected, and the reverse', () => {
  const signing = generateKey('HS256');
  const jws = createSigner({ key: signing })({ sub: 'alice' });
  const jwe = encryptJwe(jws, key, { header: { cty: 'JWT' } });

  it('a verifier refuses a JWE, whatever its header says', () => {
    const verify = createVerifier({ key: signing });
    assert.throws(() => verify(jwe), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    const disguised = rawJwe({ alg: 'HS256', enc: 'A256GCM' }, Buffer.from(jws));
    assert.throws(() => verify(disguised), { code: 'ERR_TOKEN_MALFORMED' });
    assert.throws(() => dangerouslyDecode(jwe), { code: 'ERR_TOKEN_MALFORMED' });
  });

  it('decryptJwe refuses a JWS, whatever its header says, and both JSON serializations', () => {
    assert.throws(() => decryptJwe(jws, key), { code: 'ERR_TOKEN_MALFORMED', reason: 'segments' });
    const [header, , iv, ciphertext, tag] = jwe.split('.');
    for (const json of [{ protected: header, iv, ciphertext, tag }, { protected: header, recipients: [{}], iv, ciphertext, tag }]) {
      assert.throws(() => decryptJwe(JSON.stringify(json), key), { code: 'ERR_TOKEN_MALFORMED' });
    }
    assert.throws(() => decryptJwe(rawJwe({ alg: 'HS256', enc: 'A256GCM' }, Buffer.from('x')), key), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    assert.throws(() => decryptJwe(rawJwe({ alg: 'none', enc: 'A256GCM' }, Buffer.from('x')), key), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
  });

  it('a verifier that decrypts takes no JWS that is not inside a JWE, and looks no second time into one', () => {
    const verify = createVerifier({ key: signing, decrypt: { key } });
    assert.equal(verify(jwe).sub, 'alice');
    assert.throws(() => verify(jws), { code: 'ERR_TOKEN_MALFORMED' });
    assert.throws(() => verify(encryptJwe(jwe, key, { header: { cty: 'JWT' } })), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
  });
});

describe('J34: decompression and costly key derivation', () => {
  it('a bomb is refused by its header and never inflated', () => {
    const bomb = deflateRawSync(Buffer.alloc(100 * 1024 * 1024));
    assert.ok(bomb.length < 128 * 1024);
    const jwe = rawJwe({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }, bomb);
    const before = process.memoryUsage().rss;
    for (let turn = 0; turn < 20; turn += 1) assert.throws(() => decryptJwe(jwe, key), { code: 'ERR_HEADER_UNSUPPORTED' });
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024);
    const plain = rawJwe({ alg: 'dir', enc: 'A256GCM' }, bomb);
    assert.equal(decryptJwe(plain, key).plaintext.length, bomb.length);
  });

  it('zip, crit and b64 are refused whatever they say and however they are spelt', () => {
    for (const member of ['"zip":"DEF"', '"zip":"def"', '"zip":""', '"zip":null', '"z\\u0069p":"DEF"', '"crit":["zip"]', '"crit":[]', '"b64":true']) {
      assert.throws(() => decryptJwe(rawJwe(`{"alg":"dir","enc":"A256GCM",${member}}`, Buffer.from('x')), key), { code: 'ERR_HEADER_UNSUPPORTED' }, member);
    }
    assert.throws(() => decryptJwe(rawJwe('{"alg":"dir","enc":"A256GCM","alg":"dir"}', Buffer.from('x')), key), { code: 'ERR_TOKEN_MALFORMED', reason: 'duplicate' });
    assert.throws(() => encryptJwe('x', key, { header: { zip: 'DEF' } }), { code: 'ERR_OPTION_INVALID' });
  });

  it('passwords and RSA1_5 are no algorithms, so that no header asks for work', () => {
    for (const alg of ['PBES2-HS256+A128KW', 'PBES2-HS384+A192KW', 'PBES2-HS512+A256KW', 'RSA1_5']) {
      const jwe = rawJwe({ alg, enc: 'A256GCM', p2s: 'AAAAAAAAAAA', p2c: 2_000_000_000 }, Buffer.from('x'));
      const start = process.hrtime.bigint();
      assert.throws(() => decryptJwe(jwe, key), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
      assert.ok(process.hrtime.bigint() - start < 1_000_000_000n);
      assert.throws(() => importKey({ secret: SECRET }, { alg: alg as 'dir' }), { code: 'ERR_OPTION_INVALID', claim: 'alg' });
      assert.throws(() => generateKey(alg as 'dir'), { code: 'ERR_OPTION_INVALID', claim: 'alg' });
    }
    // Without its algorithm p2c is a parameter like any other that nobody reads.
    assert.equal(answerOf(() => decryptJwe(rawJwe({ alg: 'dir', enc: 'A256GCM', p2c: 2_000_000_000 }, Buffer.from('x')), key)), 'good');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { decryptJwe, encryptJwe, generateKey, importKey } from 'keyturn';

import { ENCRYPTION_KEYS, encryptionKeyFor } from '../support/encryption-keys.js';

const { key } = encryptionKeyFor('A128KW');
const jwe = encryptJwe('text', key);
const decryptWrong = (token: unknown, wrongKey: unknown, options?: unknown): unknown => decryptJwe(token as string, wrongKey as typeof key, options as object);

describe('decryptJwe', () => {
  it('answers every failure that depends on the key in the same words', () => {
    const failures = ENCRYPTION_KEYS.flatMap(({ key: own, publicKey, alg, raw }) => {
      const token = encryptJwe('text', publicKey);
      const segments = token.split('.');
      const flipped = [1, 3, 4].filter((index) => segments[index] !== '').map((index) => {
        const bytes = Buffer.from(segments[index] ?? '', 'base64url');
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        return segments.with(index, bytes.toString('base64url')).join('.');
      });
      const stranger = raw.type === 'secret' ? importKey({ secret: Buffer.alloc(raw.symmetricKeySize ?? 0, 9) }, { alg, enc: alg === 'dir' ? encOf(token) : undefined }) : generateKey(alg);
      return [...flipped.map((one) => () => decryptJwe(one, own)), () => decryptJwe(token, stranger)];
    });
    for (const failure of failures) {
      assert.throws(failure, (error: Error & { code?: string; reason?: string }) => {
        assert.deepEqual([error.code, error.message, error.reason], ['ERR_DECRYPTION_FAILED', 'The token could not be decrypted.', undefined]);
        return true;
      });
    }
  });

  it('finds the key by its name, or tries each of the algorithm', () => {
    const [a, b] = [generateKey('A128KW', { kid: 'a' }), generateKey('A128KW', { kid: 'b' })];
    const unnamed = generateKey('A128KW');
    assert.equal(decryptJwe(encryptJwe('text', b), [a, b]).plaintext.toString(), 'text');
    assert.equal(decryptJwe(encryptJwe('text', unnamed), [generateKey('A128KW'), generateKey('dir'), unnamed]).plaintext.toString(), 'text');
    assert.throws(() => decryptJwe(encryptJwe('text', a), b), { code: 'ERR_KEY_UNKNOWN' });
    assert.throws(() => decryptJwe(encryptJwe('text', a), generateKey('A256KW', { kid: 'a' })), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    assert.throws(() => decryptJwe(encryptJwe('text', unnamed), generateKey('A256KW')), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
  });

  it('tries a token that names no key against four private keys and no more', () => {
    for (const alg of ['RSA-OAEP', 'ECDH-ES'] as const) {
      const { key: unnamed, publicKey } = encryptionKeyFor(alg);
      const token = encryptJwe('text', publicKey);
      const four = Array.from({ length: 4 }, () => unnamed);
      assert.equal(decryptJwe(token, four).plaintext.toString(), 'text');
      assert.throws(() => decryptJwe(token, [...four, unnamed]), { code: 'ERR_KEY_UNKNOWN', message: /more than 4 private keys fit; give the keys a kid/ });
    }
    const named = Array.from({ length: 32 }, (_, n) => generateKey('ECDH-ES', { kid: String(n) }));
    for (const one of named) assert.equal(decryptJwe(encryptJwe('text', one), named).plaintext.toString(), 'text');
    const secrets = Array.from({ length: 32 }, () => generateKey('A128KW'));
    for (const one of secrets) assert.equal(decryptJwe(encryptJwe('text', one), secrets).plaintext.toString(), 'text');
  });

  it('narrows algorithms and encryptions', () => {
    const other = generateKey('dir');
    assert.equal(decryptJwe(jwe, [key, other], { algorithms: ['A128KW'], encryptions: ['A256GCM'] }).plaintext.toString(), 'text');
    assert.throws(() => decryptJwe(jwe, [key, other], { algorithms: ['dir'] }), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    assert.throws(() => decryptJwe(jwe, key, { encryptions: ['A128GCM', 'A128CBC-HS256'] }), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    assert.throws(() => decryptJwe(jwe, key, { algorithms: ['dir'] }), { code: 'ERR_OPTION_INVALID', message: /no key has/ });
  });

  it('takes a dir key for its own content encryption alone', () => {
    const secret = Buffer.alloc(32, 5);
    const token = encryptJwe('text', importKey({ secret }, { alg: 'dir', enc: 'A128CBC-HS256' }));
    assert.throws(() => decryptJwe(token, importKey({ secret }, { alg: 'dir' })), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
  });

  it('gives back the header as plain data', () => {
    const { header } = decryptJwe(encryptJwe('', key, { header: { typ: 'x', n: [1] } }), key);
    assert.deepEqual(header, { alg: 'A128KW', enc: 'A256GCM', typ: 'x', n: [1] });
    assert.equal(Object.getPrototypeOf(header), Object.prototype);
  });

  it('refuses what is no string, has wide characters, or is too long, before it looks further', () => {
    for (const token of [undefined, null, 7, {}, [], Buffer.from(jwe), { toString: () => jwe }]) assert.throws(() => decryptWrong(token, key), { code: 'ERR_TOKEN_MALFORMED' });
    for (const token of ['', 'a', '....', '.....', `\u0141${jwe.slice(1)}`, `${jwe}\u0141`, `${jwe}.`, ` ${jwe}`]) assert.throws(() => decryptJwe(token, key), { code: 'ERR_TOKEN_MALFORMED' });
    assert.throws(() => decryptJwe('A'.repeat(256 * 1024 + 1), key), { code: 'ERR_TOKEN_TOO_LARGE', message: /256 KiB/ });
    assert.throws(() => decryptJwe('A'.repeat(256 * 1024), key), { code: 'ERR_TOKEN_MALFORMED' });
  });

  it('refuses keys that sign, that are public, that are too many or share a kid, and what is no key', () => {
    assert.throws(() => decryptWrong(jwe, generateKey('ES256')), { code: 'ERR_OPTION_INVALID', message: /ES256, which signs/ });
    assert.throws(() => decryptJwe(jwe, encryptionKeyFor('RSA-OAEP').publicKey), { code: 'ERR_KEY_INVALID', message: /public key cannot decrypt/ });
    assert.throws(() => decryptJwe(jwe, []), { code: 'ERR_KEY_INVALID' });
    assert.throws(() => decryptJwe(jwe, Array.from({ length: 33 }, () => key)), { code: 'ERR_KEY_INVALID', message: /32/ });
    assert.throws(() => decryptJwe(jwe, [generateKey('dir', { kid: 'a' }), generateKey('A128KW', { kid: 'a' })]), { code: 'ERR_KEY_INVALID', message: /same kid/ });
    for (const wrong of [undefined, null, 'secret', Buffer.alloc(16), {}, [undefined]]) assert.throws(() => decryptWrong(jwe, wrong), { code: 'ERR_OPTION_INVALID', claim: 'key' });
  });

  it('refuses options that mean nothing', () => {
    assert.throws(() => decryptWrong(jwe, key, { algs: ['dir'] }), { code: 'ERR_OPTION_UNKNOWN' });
    for (const wrong of [[], '', 'RSA1_5', ['none'], 7, [undefined]]) {
      assert.throws(() => decryptWrong(jwe, key, { algorithms: wrong }), { code: 'ERR_OPTION_INVALID', claim: 'algorithms' });
      assert.throws(() => decryptWrong(jwe, key, { encryptions: wrong }), { code: 'ERR_OPTION_INVALID', claim: 'encryptions' });
    }
  });
});

function encOf(token: string): 'A256GCM' {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { readonly enc: 'A256GCM' };
  return header.enc;
}

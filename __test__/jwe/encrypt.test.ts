import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { decryptJwe, encryptJwe, generateKey, importKey } from 'keyturn';

import { ENCRYPTION_KEYS, encryptionKeyFor } from '../support/encryption-keys.js';

const { key } = encryptionKeyFor('A256KW');
const headerOf = (jwe: string): unknown => JSON.parse(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString());
const encryptWrong = (plaintext: unknown, wrongKey: unknown, options?: unknown): string => encryptJwe(plaintext as string, wrongKey as typeof key, options as object);

describe('encryptJwe', () => {
  for (const { name, key: own, publicKey, alg } of ENCRYPTION_KEYS) {
    it(`encrypts for ${name}, anew each time, and the holder of the key reads it`, () => {
      const [one, two] = [encryptJwe('text', publicKey), encryptJwe('text', publicKey)];
      for (const index of [2, 3, 4]) assert.notEqual(one.split('.')[index], two.split('.')[index]);
      for (const jwe of [one, two]) assert.equal(decryptJwe(jwe, own).plaintext.toString(), 'text');
      assert.equal((headerOf(one) as { alg: string }).alg, alg);
    });
  }

  it('takes text as UTF-8 and bytes as they are, of a view only what it shows', () => {
    const bytes = Uint8Array.from([1, 2, 3, 4, 5]);
    for (const [plaintext, expected] of [
      ['', ''],
      ['caf\u00e9 \u{1f600}', Buffer.from('caf\u00e9 \u{1f600}').toString('hex')],
      [bytes.subarray(1, 3), '0203'],
      [Buffer.from('ff00', 'hex'), 'ff00'],
    ] as const) {
      assert.equal(decryptJwe(encryptJwe(plaintext, key), key).plaintext.toString('hex'), expected);
    }
  });

  it('writes alg, kid, enc and the members of header', () => {
    const named = importKey({ secret: Buffer.alloc(32, 1) }, { alg: 'A256KW', kid: 'k1' });
    assert.deepEqual(headerOf(encryptJwe('', named)), { alg: 'A256KW', kid: 'k1', enc: 'A256GCM' });
    assert.deepEqual(headerOf(encryptJwe('', named, { enc: 'A128CBC-HS256', header: { typ: 'x', cty: 'y', iss: ['z', { a: 1 }] } })), {
      alg: 'A256KW', kid: 'k1', enc: 'A128CBC-HS256', typ: 'x', cty: 'y', iss: ['z', { a: 1 }],
    });
  });

  it('takes 128 KiB and no more, which is always read again', () => {
    const jwe = encryptJwe(Buffer.alloc(128 * 1024), key, { header: { x: 'y'.repeat(16_000) } });
    assert.equal(decryptJwe(jwe, key).plaintext.length, 128 * 1024);
    assert.throws(() => encryptJwe(Buffer.alloc(128 * 1024 + 1), key), { code: 'ERR_OPTION_INVALID', message: /128 KiB/ });
    assert.throws(() => encryptJwe('', key, { header: { x: 'y'.repeat(16 * 1024) } }), { code: 'ERR_OPTION_INVALID', message: /16 KiB/ });
  });

  it('refuses a plaintext that is neither bytes nor whole characters', () => {
    for (const plaintext of [undefined, null, 7, {}, [], ['a'], '\ud800', 'a\udc00', new ArrayBuffer(2), new Uint16Array(2)]) {
      assert.throws(() => encryptWrong(plaintext, key), { code: 'ERR_OPTION_INVALID', claim: 'plaintext' });
    }
  });

  it('refuses header members that it writes itself or does not support, and what is no plain data', () => {
    for (const name of ['alg', 'enc', 'kid', 'zip', 'crit', 'b64', 'jwk', 'epk', 'iv', 'tag', 'p2s', 'p2c']) {
      assert.throws(() => encryptJwe('', key, { header: { [name]: 'x' } }), { code: 'ERR_OPTION_INVALID', message: /header must not hold/ }, name);
    }
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    for (const header of [null, 7, 'typ', [], () => 'x', circular, { a: 5n }, JSON.parse('{"__proto__":1}') as object, { a: '\ud800' }, { typ: 7 }, { cty: null }]) {
      assert.throws(() => encryptWrong('', key, { header }), { code: 'ERR_OPTION_INVALID' });
    }
  });

  it('takes apu and apv for ECDH-ES alone, in canonical base64url', () => {
    const { key: agreeing } = encryptionKeyFor('ECDH-ES');
    const jwe = encryptJwe('text', agreeing, { header: { apu: 'QWxpY2U', apv: 'Qm9i' } });
    assert.equal(decryptJwe(jwe, agreeing).plaintext.toString(), 'text');
    for (const apu of ['QWxpY2U=', 'QWxpY2V', '?', 7]) assert.throws(() => encryptJwe('', agreeing, { header: { apu } }), { code: 'ERR_OPTION_INVALID' });
    assert.throws(() => encryptJwe('', key, { header: { apv: 'Qm9i' } }), { code: 'ERR_OPTION_INVALID' });
  });

  it('refuses keys that sign, keys that must not encrypt, and what is no key', () => {
    assert.throws(() => encryptWrong('', generateKey('HS256')), { code: 'ERR_OPTION_INVALID', claim: 'key', message: /HS256, which signs: encrypt with a key for/ });
    const jwk = { kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url'), key_ops: ['unwrapKey'] };
    assert.throws(() => encryptJwe('', importKey(jwk, { alg: 'A256KW' })), { code: 'ERR_KEY_INVALID', message: /key_ops/ });
    for (const wrong of [undefined, null, 'secret', Buffer.alloc(32), {}, [key]]) assert.throws(() => encryptWrong('', wrong), { code: 'ERR_OPTION_INVALID', claim: 'key' });
  });

  it('refuses an enc that is none, or not that of a dir key, and options that do not exist', () => {
    for (const enc of [null, '', 'a256gcm', 'A192GCM', 'none', 7, ['A256GCM']]) assert.throws(() => encryptWrong('', key, { enc }), { code: 'ERR_OPTION_INVALID', claim: 'enc' });
    const direct = generateKey('dir', { enc: 'A128CBC-HS256' });
    assert.throws(() => encryptJwe('', direct, { enc: 'A256GCM' }), { code: 'ERR_OPTION_INVALID', message: /another content encryption/ });
    assert.equal(decryptJwe(encryptJwe('', direct, { enc: 'A128CBC-HS256' }), direct).header['enc'], 'A128CBC-HS256');
    assert.throws(() => encryptWrong('', key, { zip: 'DEF' }), { code: 'ERR_OPTION_UNKNOWN', claim: 'zip' });
  });
});

import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { serialize } from 'node:v8';

import { generateKey } from '../../dist/keys/generate.js';
import { importKey } from '../../dist/keys/import.js';
import { ALGORITHMS, checkedAlgorithm, Key, nativeKeyOf } from '../../dist/keys/key.js';
import { RFC_8037_KEY_OBJECT, RFC_8037_PRIVATE, RFC_8037_PUBLIC, RFC_8037_THUMBPRINT } from '../support/test-keys.js';

const SECRET = 'this secret of 40 bytes is never printed';

describe('publicJwk', () => {
  it('is the public half, with alg and use, and with a kid if there is one', () => {
    const expected = { ...RFC_8037_PUBLIC, alg: 'EdDSA', use: 'sig' };
    for (const material of [RFC_8037_PRIVATE, RFC_8037_PUBLIC]) {
      assert.deepEqual(importKey(material, { alg: 'EdDSA' }).publicJwk(), expected);
      assert.deepEqual(importKey(material, { alg: 'EdDSA', kid: 'k1' }).publicJwk(), { ...expected, kid: 'k1' });
    }
  });

  it('can be imported again', () => {
    const key = generateKey('EdDSA', { kid: 'k1' });
    const again = importKey(key.publicJwk(), { alg: 'EdDSA' });
    assert.deepEqual(again.publicJwk(), key.publicJwk());
    assert.equal(again.canSign, false);
  });

  it('is another object each time', () => {
    const key = generateKey('EdDSA');
    assert.notEqual(key.publicJwk(), key.publicJwk());
  });

  it('does not exist for an HMAC key', () => {
    const key = importKey({ secret: SECRET }, { alg: 'HS256' });
    assert.throws(() => key.publicJwk(), { code: 'ERR_KEY_INVALID', message: /an HMAC key is secret wholly/ });
  });
});

describe('thumbprint', () => {
  it('is the one of RFC 8037, whatever the kid and whichever half', () => {
    for (const material of [RFC_8037_PRIVATE, RFC_8037_PUBLIC, RFC_8037_KEY_OBJECT, createPublicKey(RFC_8037_KEY_OBJECT)]) {
      assert.equal(importKey(material, { alg: 'EdDSA', kid: 'k1' }).thumbprint(), RFC_8037_THUMBPRINT);
    }
  });

  it('is refused for an HMAC key, since it would be a hash of the secret', () => {
    assert.throws(() => importKey({ secret: SECRET }, { alg: 'HS256' }).thumbprint(), { code: 'ERR_KEY_INVALID' });
  });
});

describe('Key', () => {
  const secrets = [SECRET, Buffer.from(SECRET).toString('hex'), Buffer.from(SECRET).toString('base64url'), RFC_8037_PRIVATE.d];
  const keys = [importKey({ secret: SECRET }, { alg: 'HS256', kid: 'k1' }), importKey(RFC_8037_PRIVATE, { alg: 'EdDSA', kid: 'k1' })];

  for (const key of keys) {
    it(`prints nothing secret of a key for ${key.alg}, however it is printed`, () => {
      const printed = [
        inspect(key, { depth: Infinity, showHidden: true, getters: true, showProxy: true }),
        inspect({ nested: [key] }, { depth: Infinity }),
        JSON.stringify(key),
        JSON.stringify({ nested: [key] }),
        Reflect.apply<undefined, unknown[], string>(String, undefined, [key]),
        inspect(Object.getOwnPropertyDescriptors(key), { depth: Infinity }),
        serialize(structuredClone(key)).toString('latin1'),
      ];
      for (const text of printed) {
        for (const secret of secrets) assert.equal(text.includes(secret), false, text);
      }
    });
  }

  it('shows its algorithm and its name in JSON', () => {
    assert.deepEqual(keys.map((key) => JSON.stringify(key)), ['{"alg":"HS256","kid":"k1"}', '{"alg":"EdDSA","kid":"k1"}']);
    assert.equal(JSON.stringify(generateKey('HS256')), '{"alg":"HS256"}');
  });

  it('cannot be changed', () => {
    const key = generateKey('HS256', { kid: 'k1' });
    for (const member of ['alg', 'kid', 'canSign']) assert.throws(() => Object.assign(key, { [member]: 'EdDSA' }), TypeError);
    assert.deepEqual([key.alg, key.kid, key.canSign], ['HS256', 'k1', true]);
  });
});

describe('nativeKeyOf', () => {
  it('knows a key from what only looks like one', () => {
    const key = generateKey('HS256');
    assert.notEqual(nativeKeyOf(key), undefined);
    const impostors: readonly unknown[] = [
      undefined, null, '', 'key', 7, {}, [], { alg: 'HS256', kid: undefined, canSign: true }, Object.create(Key.prototype), Object.create(key),
      new Proxy(key, {}), structuredClone(key),
    ];
    for (const impostor of impostors) assert.equal(nativeKeyOf(impostor), undefined);
  });
});

describe('checkedAlgorithm', () => {
  it('takes the algorithms there are and names them to whoever asks for another', () => {
    for (const alg of ALGORITHMS) assert.equal(checkedAlgorithm(alg, 'alg'), alg);
    assert.equal(checkedAlgorithm('Ed25519', 'alg'), 'EdDSA');
    for (const value of ['none', 'toString', '', undefined, ['HS256']]) {
      assert.throws(() => checkedAlgorithm(value, 'alg'), { code: 'ERR_OPTION_INVALID', claim: 'alg', message: /one of EdDSA, .*RS512$/ });
    }
  });
});

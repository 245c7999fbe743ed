import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';

import * as jwt from 'keyturn/jsonwebtoken';

import { BoundedMap } from '../../dist/jsonwebtoken/bounded-map.js';
import { KeyCache } from '../../dist/jsonwebtoken/key-cache.js';

describe('the key cache', () => {
  it('sees that bytes were changed in place', () => {
    for (const make of [(text: string) => Buffer.from(text), (text: string) => new Uint8Array(Buffer.from(text)) as Buffer]) {
      const secret = make('first secret');
      const first = jwt.sign({}, secret);
      assert.ok(jwt.verify(first, secret));
      secret.set(Buffer.from('other secret'));
      assert.throws(() => jwt.verify(first, secret), { message: 'invalid signature' });
      assert.ok(jwt.verify(jwt.sign({}, secret), 'other secret'));
      assert.ok(jwt.verify(first, 'first secret'));
    }
  });

  it('sees that an object with a key was changed in place', () => {
    const [one, two] = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('ec', { namedCurve: 'P-256' })];
    const pem = ({ privateKey }: typeof one, passphrase: string): string => privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase }).toString();
    const key = { key: pem(one, 'a'), passphrase: 'a' };
    const options = { algorithm: 'ES256' } as const;
    assert.ok(jwt.verify(jwt.sign({}, key, options), one.publicKey));
    key.key = pem(two, 'a');
    assert.ok(jwt.verify(jwt.sign({}, key, options), two.publicKey));
    key.passphrase = 'b';
    assert.throws(() => jwt.sign({}, key, options), { message: 'secretOrPrivateKey is not valid key material' });
  });

  it('keeps text, bytes and objects apart', () => {
    const text = JSON.stringify([['key', 'string', 'x']]);
    const cache = new KeyCache(() => {
      throw new Error('no asymmetric key');
    });
    assert.notEqual(cache.handle(text), cache.handle(Buffer.from(text)));
    assert.equal(cache.handle(text), cache.handle(text));
    assert.equal(cache.handle(Buffer.from(text)), cache.known(new Uint8Array(Buffer.from(text))));
    assert.throws(() => cache.handle({ key: 'x' }), TypeError);
  });

  it('finds a KeyObject again, and forgets text that has not been used for long', () => {
    const cache = new KeyCache(() => {
      throw new Error('no asymmetric key');
    });
    const key = createSecretKey(Buffer.from('x'));
    const [ofKey, inUse, forgotten] = [cache.handle(key), cache.handle('in use'), cache.handle('forgotten')];
    for (let index = 0; index < 300; index += 1) {
      cache.handle(`secret ${index}`);
      assert.equal(cache.handle('in use'), inUse);
    }
    assert.equal(cache.handle(key), ofKey);
    assert.notEqual(cache.handle('forgotten'), forgotten);
  });

  it('does not remember material longer than any key', () => {
    const cache = new KeyCache(() => {
      throw new Error('no asymmetric key');
    });
    const long = 'x'.repeat(20_000);
    cache.handle(long);
    assert.equal(cache.known(long), undefined);
    cache.handle(Buffer.from(long));
    assert.equal(cache.known(Buffer.from(long)), undefined);
  });
});

describe('the bounded map', () => {
  it('never holds more than twice its half', () => {
    const map = new BoundedMap<number>(10);
    for (let index = 0; index < 1000; index += 1) {
      map.set(String(index), index);
      map.get(String(index - 12));
      assert.ok(map.size <= 20);
    }
    assert.equal(map.get('999'), 999);
    assert.equal(map.get('0'), undefined);
  });
});

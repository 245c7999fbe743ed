import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createKeyRing, createRemoteKeySet, createSessions, createSigner, createVerifier, generateKey, importKeySet } from 'keyturn';

import { keySourceOf } from '../../dist/keys/source.js';

const key = generateKey('EdDSA', { kid: 'a' });
const set = importKeySet({ keys: [key.publicJwk()] });
const remote = createRemoteKeySet('https://id.example/jwks');

describe('the keys of an option', () => {
  it('are keys, lists, sets, rings and remote sets for a verifier', () => {
    for (const keys of [key, [key], set, createKeyRing()]) assert.equal(keySourceOf(keys).remote, undefined);
    assert.notEqual(keySourceOf(remote).remote, undefined);
    for (const keys of [key, [key], set, createKeyRing(), remote]) createVerifier({ key: keys });
  });

  const wrong: readonly unknown[] = [undefined, null, 'key', {}, { keys: [key] }, [set], [undefined], Array(1), Object.create(set)];
  for (const [index, keys] of wrong.entries()) {
    it(`are nothing else (${String(index)})`, () => {
      assert.throws(() => createVerifier({ key: keys as never }), { code: 'ERR_OPTION_INVALID', claim: 'key' });
    });
  }

  it('are at least one', () => {
    assert.throws(() => createVerifier({ key: [] }), { code: 'ERR_KEY_INVALID' });
  });

  it('sign only if they are a key or a ring', () => {
    createSigner({ key });
    createSigner({ key: createKeyRing() });
    for (const keys of [[key], set, remote]) assert.throws(() => createSigner({ key: keys as never }), { code: 'ERR_OPTION_INVALID', claim: 'key' });
    assert.throws(() => createSigner({ key: set.keys[0] as never }), { code: 'ERR_KEY_INVALID' });
  });

  it('serve sessions only if they are a list or a ring, or options for a ring in the store', () => {
    const settings = { store: 'memory:', issuer: 'https://app.example', audience: 'app' };
    for (const keys of [set, remote, 'keys', null]) {
      assert.throws(() => createSessions({ ...settings, keys: keys as never }), { code: 'ERR_OPTION_INVALID', claim: 'keys' });
    }
    assert.throws(() => createSessions({ ...settings, keys: new Map() as never }), { code: 'ERR_OPTION_INVALID', claim: 'keys' });
    assert.throws(() => createSessions({ ...settings, keys: set.keys }), { code: 'ERR_KEY_INVALID' });
  });
});

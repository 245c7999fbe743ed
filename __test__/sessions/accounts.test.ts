import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createAccounts } from 'keyturn';

import { coded, openSessions, STORES } from '../support/sessions.js';

for (const store of STORES) {
  describe(`accounts on the ${store.name} store`, () => {
    it('let in whoever has the name and the password, and nobody else', async (t) => {
      const accounts = createAccounts(openSessions(t, { store: store.url(t) }));
      await accounts.save({ name: 'alice', password: 'correct horse', roles: ['admin'], permissions: ['a:b'] });
      const alice = { subject: 'alice', roles: ['admin'], permissions: ['a:b'] };
      assert.deepEqual(await accounts.authenticate('alice', 'correct horse'), alice);
      for (const [name, password] of [['alice', 'wrong'], ['Alice', 'correct horse'], ['bob', 'correct horse'], ['', ''], ['x'.repeat(10_000), 'y']] as const) {
        assert.equal(await accounts.authenticate(name, password), null);
      }
    });

    it('are replaced by save and kept by register', async (t) => {
      const accounts = createAccounts(openSessions(t, { store: store.url(t) }));
      assert.deepEqual(await accounts.register({ name: 'bob', password: 'one', subject: 'user-7' }), {
        subject: 'user-7', roles: [], permissions: [],
      });
      assert.equal(await accounts.register({ name: 'bob', password: 'two' }), null);
      assert.notEqual(await accounts.authenticate('bob', 'one'), null);
      await accounts.save({ name: 'bob', password: 'three' });
      assert.equal(await accounts.authenticate('bob', 'one'), null);
      assert.deepEqual((await accounts.authenticate('bob', 'three'))?.subject, 'bob');
    });
  });
}

describe('accounts', () => {
  it('refuse what makes no sense with a code', async (t) => {
    const accounts = createAccounts(openSessions(t));
    await assert.rejects(accounts.save({ name: '', password: 'x' }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(accounts.save({ name: 'a\nb', password: 'x' }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(accounts.save({ name: 'a', password: '' }), coded('ERR_PASSWORD_INVALID'));
    await assert.rejects(accounts.save({ name: 'a', password: 'x', admin: true } as never), coded('ERR_OPTION_UNKNOWN'));
    for (const [name, password] of [[undefined, 'x'], ['a', undefined], [{}, []], [1, 2]]) {
      await assert.rejects(accounts.authenticate(name, password), coded('ERR_BODY_INVALID'));
    }
    assert.throws(() => createAccounts({} as never), coded('ERR_OPTION_INVALID'));
  });
});

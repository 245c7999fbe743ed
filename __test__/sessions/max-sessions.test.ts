import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createSessions, type MaxSessions } from 'keyturn';

import { internalsOf } from '../../dist/sessions/internals.js';
import { coded, openSessions, STORES } from '../support/sessions.js';

for (const store of STORES) {
  describe(`maxSessions on the ${store.name} store`, () => {
    it('ends the oldest, with its access tokens, and says so', async (t) => {
      // Sign-ins of one millisecond are equally old.
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
      const sessions = openSessions(t, { store: store.url(t), maxSessions: 2 });
      const told: unknown[] = [];
      internalsOf(sessions).events.on('revoked', ({ subject, session, reason }) => told.push([subject, session, reason]));
      const pairs = [];
      for (let n = 0; n < 3; n += 1) {
        pairs.push(await sessions.start({ subject: 'alice' }));
        t.mock.timers.tick(1);
      }
      await sessions.start({ subject: 'bob' });
      const [oldest, ...rest] = pairs;
      assert.ok(oldest !== undefined);
      assert.deepEqual((await sessions.list('alice')).map(({ id }) => id).sort(), rest.map(({ session }) => session.id).sort());
      assert.throws(() => sessions.verify(oldest.accessToken), coded('ERR_TOKEN_REVOKED', 'session'));
      await assert.rejects(sessions.refresh(oldest.refreshToken), coded('ERR_SESSION_REVOKED', 'limit'));
      assert.deepEqual(told, [['alice', oldest.session.id, 'limit']]);
      for (const { accessToken, refreshToken } of rest) {
        sessions.verify(accessToken);
        await sessions.refresh(refreshToken);
      }
    });

    it('refuses the newest until there is room', async (t) => {
      const sessions = openSessions(t, { store: store.url(t), maxSessions: { count: 1, when: 'refuse-newest' } });
      const { session } = await sessions.start({ subject: 'alice' });
      await assert.rejects(sessions.start({ subject: 'alice' }), coded('ERR_SESSION_LIMIT'));
      await sessions.start({ subject: 'bob' });
      await sessions.end(session.id);
      await sessions.start({ subject: 'alice' });
    });

    it('holds against sign-ins at once', async (t) => {
      const sessions = openSessions(t, { store: store.url(t), maxSessions: 3 });
      await Promise.all(Array.from({ length: 20 }, () => sessions.start({ subject: 'alice' })));
      assert.equal((await sessions.list('alice')).length, 3);
    });
  });
}

describe('maxSessions', () => {
  it('refuses what is no number of sessions', () => {
    const wrong: readonly unknown[] = [0, -1, 1.5, NaN, 10_001, '3', null, [], {}, { count: 0 }, { count: 1, when: 'never' }];
    for (const maxSessions of wrong) {
      const create = () => createSessions({ store: 'memory:', issuer: 'i', audience: 'a', maxSessions: maxSessions as MaxSessions });
      assert.throws(create, coded('ERR_OPTION_INVALID'), JSON.stringify(maxSessions));
    }
    assert.throws(
      () => createSessions({ store: 'memory:', issuer: 'i', audience: 'a', maxSessions: { count: 1, wen: 'x' } as never }),
      coded('ERR_OPTION_UNKNOWN'),
    );
  });
});

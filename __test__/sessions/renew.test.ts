import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { nativeSessionsOf } from '../../dist/native-sessions.js';
import { internalsOf } from '../../dist/sessions/internals.js';
import { coded, openSessions, STORES } from '../support/sessions.js';

for (const store of STORES) {
  describe(`renew on the ${store.name} store`, () => {
    it('puts a session with other rights in the place of one', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
      const sessions = openSessions(t, { store: store.url(t) });
      const old = await sessions.start({ subject: 'alice', roles: ['user'], permissions: ['a:b'], claims: { tenant: 7 }, device: 'a laptop' });
      t.mock.timers.tick(60_000);
      const renewed = await sessions.renew(old.refreshToken, { roles: ['admin'] });
      const { roles, permissions, tenant, auth_time: authTime, sid } = sessions.verify(renewed.accessToken);
      assert.deepEqual({ roles, permissions, tenant, authTime }, { roles: ['admin'], permissions: ['a:b'], tenant: 7, authTime: 1_800_000_000 });
      assert.notEqual(sid, old.session.id);
      assert.equal(renewed.session.absoluteEndsAt, old.session.absoluteEndsAt);
      assert.equal(renewed.session.device, 'a laptop');
      assert.throws(() => sessions.verify(old.accessToken), coded('ERR_TOKEN_REVOKED', 'session'));
      await assert.rejects(sessions.refresh(old.refreshToken), coded('ERR_SESSION_REVOKED', 'renewed'));
      assert.deepEqual((await sessions.list('alice')).map(({ id }) => id), [sid]);
      assert.equal((await sessions.refresh(renewed.refreshToken)).session.id, sid);
    });

    it('sets auth_time after a step-up, which a refresh never does', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
      const sessions = openSessions(t, { store: store.url(t) });
      const first = await sessions.start({ subject: 'alice' });
      t.mock.timers.tick(60_000);
      const refreshed = await sessions.refresh(first.refreshToken);
      assert.equal(sessions.verify(refreshed.accessToken).auth_time, 1_800_000_000);
      const stepped = await sessions.renew(refreshed.refreshToken, { authenticated: true });
      assert.equal(sessions.verify(stepped.accessToken).auth_time, 1_800_000_060);
      assert.equal(stepped.session.lastActivityAt, 1_800_000_060_000);
    });

    it('takes the live token only', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const first = await sessions.start({ subject: 'alice' });
      const second = await sessions.refresh(first.refreshToken);
      await assert.rejects(sessions.renew(first.refreshToken), coded('ERR_REFRESH_INVALID', 'superseded'));
      assert.equal((await sessions.renew(second.refreshToken)).session.subject, 'alice');
      await assert.rejects(sessions.renew(second.refreshToken), coded('ERR_SESSION_REVOKED', 'renewed'));
    });

    it('leaves one session to 20 renewals at once', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const { refreshToken } = await sessions.start({ subject: 'alice' });
      const answers = await Promise.allSettled(Array.from({ length: 20 }, () => sessions.renew(refreshToken)));
      assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await sessions.list('alice')).length, 1);
    });
  });
}

describe('renew', () => {
  it('reads the keys again for a token under one that another process has just made', async (t) => {
    const sessions = openSessions(t);
    const { refreshToken } = await sessions.start({ subject: 'alice' });
    const native = nativeSessionsOf(sessions);
    let read = 0;
    native.namesUnknownKey = () => true;
    native.learnKeys = () => {
      read += 1;
      return Promise.resolve({});
    };
    await sessions.renew(refreshToken);
    assert.equal(read, 1);
  });

  it('refuses what makes no sense and leaves the session as it was', async (t) => {
    const sessions = openSessions(t);
    const { refreshToken } = await sessions.start({ subject: 'alice', claims: { a: 'x'.repeat(4000) } });
    const renew = (options: object): Promise<unknown> => sessions.renew(refreshToken, options);
    await assert.rejects(renew({ role: [] }), coded('ERR_OPTION_UNKNOWN'));
    await assert.rejects(renew({ roles: 'admin' }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(renew({ authenticated: 'yes' }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(renew({ claims: { sub: 'eve' } }), coded('ERR_CLAIMS_INVALID'));
    await assert.rejects(renew({ roles: ['r'.repeat(100)] }), coded('ERR_CLAIMS_INVALID'));
    for (const token of ['', 'kt1_', undefined, 7]) await assert.rejects(sessions.renew(token as string), coded('ERR_REFRESH_INVALID'));
    assert.equal((await sessions.refresh(refreshToken)).outcome, 'rotated');
  });

  it('tells of it in an event that names the new session', async (t) => {
    const sessions = openSessions(t);
    const { refreshToken } = await sessions.start({ subject: 'alice' });
    const seen: unknown[] = [];
    internalsOf(sessions).events.on('refresh_rotated', ({ subject, session, reason }) => seen.push({ subject, session, reason }));
    const { session } = await sessions.renew(refreshToken);
    assert.deepEqual(seen, [{ subject: 'alice', session: session.id, reason: 'renewed' }]);
  });
});

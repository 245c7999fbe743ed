import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { SessionsOptions } from 'keyturn';

import { coded, openSessions, STORES } from '../support/sessions.js';

const START = 1_800_000_000_000;

for (const store of STORES) {
  describe(`strategy 'jti-exchange' on the ${store.name} store`, () => {
    it('exchanges an access token that has expired, once, and within the grace again', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: START });
      const sessions = openSessions(t, { store: store.url(t), strategy: 'jti-exchange' });
      const first = await sessions.start({ subject: 'alice', roles: ['user'] });
      assert.equal(first.refreshToken, first.accessToken, 'there is one token');
      await assert.rejects(sessions.refresh(first.accessToken), coded('ERR_REFRESH_INVALID', 'unexpired'));
      t.mock.timers.tick(300_000);
      const second = await sessions.refresh(first.accessToken);
      assert.equal(second.outcome, 'rotated');
      t.mock.timers.tick(9_999);
      const again = await sessions.refresh(first.accessToken);
      assert.equal(again.outcome, 'replayed');
      assert.equal(sessions.verify(again.accessToken).jti, sessions.verify(second.accessToken).jti);
      assert.deepEqual((await sessions.list('alice')).map(({ id }) => id), [first.session.id]);
      t.mock.timers.tick(300_000);
      await assert.rejects(sessions.refresh(first.accessToken), coded('ERR_REFRESH_REUSED'));
      await assert.rejects(sessions.refresh(second.accessToken), coded('ERR_SESSION_REVOKED', 'reuse'));
    });

    it('renews, ends and changes roles as every session does', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: START });
      const sessions = openSessions(t, { store: store.url(t), strategy: 'jti-exchange' });
      const first = await sessions.start({ subject: 'alice', roles: ['user'] });
      const stepped = await sessions.renew(first.accessToken, { authenticated: true });
      assert.throws(() => sessions.verify(first.accessToken), coded('ERR_TOKEN_REVOKED'));
      await sessions.revocation.permissions('alice', { roles: ['admin'] });
      assert.throws(() => sessions.verify(stepped.accessToken), coded('ERR_PERMISSIONS_STALE'));
      const next = await sessions.refresh(stepped.accessToken);
      assert.deepEqual(sessions.verify(next.accessToken).roles, ['admin']);
      await sessions.end(next.session.id, { subject: 'alice' });
      t.mock.timers.tick(300_000);
      await assert.rejects(sessions.refresh(next.accessToken), coded('ERR_SESSION_REVOKED', 'revoked'));
    });

    it('lets 50 exchanges at once leave one live token', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: START });
      const sessions = openSessions(t, { store: store.url(t), strategy: 'jti-exchange' });
      const { accessToken } = await sessions.start({ subject: 'alice' });
      t.mock.timers.tick(300_000);
      const answers = await Promise.all(Array.from({ length: 50 }, () => sessions.refresh(accessToken)));
      assert.equal(answers.filter(({ outcome }) => outcome === 'rotated').length, 1);
      assert.equal(new Set(answers.map((answer) => sessions.verify(answer.accessToken).jti)).size, 1);
    });
  });

  describe(`strategy 'renewal' on the ${store.name} store`, () => {
    it('renews a token near its end if its user was there, up to the absolute end', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: START });
      const sessions = openSessions(t, { store: store.url(t), strategy: 'renewal', absolute: '10m', idle: '10m' });
      const first = await sessions.start({ subject: 'alice', roles: ['user'], claims: { tenant: 7 } });
      t.mock.timers.tick(149_000);
      const early = await sessions.refresh(first.accessToken, { activity: 0 });
      assert.deepEqual([early.outcome, early.accessToken, early.expiresIn], ['replayed', first.accessToken, 151]);
      t.mock.timers.tick(1_000);
      assert.equal((await sessions.refresh(first.accessToken)).outcome, 'replayed', 'a refresh is no activity');
      const second = await sessions.refresh(first.accessToken, { activity: 0 });
      assert.equal(second.outcome, 'rotated');
      const { sid, roles, tenant, auth_time: authTime, exp } = sessions.verify(second.accessToken);
      assert.deepEqual({ sid, roles, tenant, authTime }, { sid: first.session.id, roles: ['user'], tenant: 7, authTime: START / 1000 });
      assert.equal(exp, START / 1000 + 450);
      assert.equal(sessions.verify(first.accessToken).sid, sid, 'the old one lives on');
      t.mock.timers.tick(250_000);
      const third = await sessions.refresh(second.accessToken, { activity: 0 });
      assert.equal(sessions.verify(third.accessToken).exp, START / 1000 + 600);
      t.mock.timers.tick(200_000);
      await assert.rejects(sessions.refresh(third.accessToken, { activity: 0 }), coded('ERR_SESSION_EXPIRED', 'absolute'));
    });

    it('ends by revocation, and says what it cannot do', async (t) => {
      const sessions = openSessions(t, { store: store.url(t), strategy: 'renewal' });
      const { accessToken, session } = await sessions.start({ subject: 'alice' });
      assert.deepEqual(await sessions.list('alice'), []);
      await assert.rejects(sessions.end(session.id, { subject: 'alice' }), coded('ERR_SESSION_UNKNOWN'));
      await assert.rejects(sessions.endAll('alice', { except: session.id }), coded('ERR_OPTION_INVALID'));
      await assert.rejects(sessions.revocation.permissions('alice', { roles: [] }), coded('ERR_OPTION_INVALID'));
      assert.equal(sessions.verify(accessToken).sub, 'alice');
      await sessions.end(session.id);
      assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
      await assert.rejects(sessions.refresh(accessToken), coded('ERR_SESSION_REVOKED'));
      const next = await sessions.start({ subject: 'alice' });
      await sessions.endAll('alice');
      assert.throws(() => sessions.verify(next.accessToken), coded('ERR_TOKEN_REVOKED'));
    });
  });
}

describe('strategy', () => {
  const wrong: readonly Partial<SessionsOptions>[] = [
    { strategy: 'sliding' as 'renewal' },
    { strategy: 'jti-exchange', refresh: { pairing: 'required' } },
    { strategy: 'jti-exchange', refresh: { binding: 'reject' } },
    { strategy: 'renewal', maxSessions: 3 },
    { strategy: 'renewal', refresh: { onRefresh: () => undefined } },
  ];
  for (const options of wrong) {
    it(`refuses ${JSON.stringify(options)}`, (t) => {
      assert.throws(() => openSessions(t, options), coded('ERR_OPTION_INVALID'));
    });
  }

  it('counts sessions and asks onRefresh under jti-exchange, too', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: START });
    let asked = 0;
    const onRefresh = () => {
      asked += 1;
      return { roles: ['asked'] };
    };
    const sessions = openSessions(t, { strategy: 'jti-exchange', maxSessions: 1, refresh: { onRefresh } });
    const first = await sessions.start({ subject: 'alice' });
    const second = await sessions.start({ subject: 'alice' });
    assert.throws(() => sessions.verify(first.accessToken), coded('ERR_TOKEN_REVOKED'));
    t.mock.timers.tick(300_000);
    const next = await sessions.refresh(second.accessToken);
    assert.deepEqual(sessions.verify(next.accessToken).roles, ['asked']);
    assert.equal(asked, 1);
  });
});

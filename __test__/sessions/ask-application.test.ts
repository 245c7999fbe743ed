import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { createAuth, type OnRefresh, type Sessions } from 'keyturn';

import type { AuthEvent } from '../../dist/events.js';
import type { NativeRefresh } from '../../dist/native.js';
import { nativeSessionsOf } from '../../dist/native-sessions.js';
import { refreshIfAllowed } from '../../dist/sessions/ask-application.js';
import { internalsOf } from '../../dist/sessions/internals.js';
import { coded, openSessions, STORES } from '../support/sessions.js';

/** What the application answers next, and what it was asked. */
class Application {
  readonly asked: Parameters<OnRefresh>[0][] = [];
  answer: () => unknown = () => undefined;

  readonly onRefresh: OnRefresh = (session) => {
    this.asked.push(session);
    return this.answer() as ReturnType<OnRefresh>;
  };
}

function eventsOf(sessions: Sessions): AuthEvent[] {
  const events: AuthEvent[] = [];
  for (const type of ['refresh_rotated', 'refresh_replayed', 'revoked'] as const) {
    internalsOf(sessions).events.on(type, (event) => events.push(event));
  }
  return events;
}

for (const store of STORES) {
  describe(`refresh.onRefresh on the ${store.name} store`, () => {
    const open = (t: TestContext) => {
      const application = new Application();
      const sessions = openSessions(t, { store: store.url(t), refresh: { onRefresh: application.onRefresh } });
      return { application, sessions, events: eventsOf(sessions) };
    };

    it('is told of the session and what it carries, at rotations and at replays', async (t) => {
      const { application, sessions } = open(t);
      const { refreshToken, session } = await sessions.start({
        subject: 'alice', roles: ['user'], claims: { tenant: 'a"b', deep: { n: [1] } }, device: 'a laptop',
      });
      assert.equal((await sessions.refresh(refreshToken)).outcome, 'rotated');
      assert.equal((await sessions.refresh(refreshToken)).outcome, 'replayed');
      const expected = { ...session, roles: ['user'], permissions: undefined, claims: { tenant: 'a"b', deep: { n: [1] } } };
      assert.deepEqual(application.asked, [expected, expected]);
    });

    it('is asked at a renewal too, and what renew() is given goes before it', async (t) => {
      const { application, sessions } = open(t);
      const { refreshToken } = await sessions.start({ subject: 'alice', roles: ['admin'], permissions: ['a:b'] });
      application.answer = () => ({ roles: ['user'], permissions: [] });
      await sessions.revocation.permissions('alice');
      const renewed = await sessions.renew(refreshToken, { permissions: ['c:d'], authenticated: true });
      const { roles, permissions } = sessions.verify(renewed.accessToken);
      assert.deepEqual({ roles, permissions }, { roles: ['user'], permissions: ['c:d'] }, 'roles that were taken away come back by no renewal');
      assert.equal(application.asked.length, 1);
    });

    it('answers an error of ours whatever it throws', async (t) => {
      const { application, sessions } = open(t);
      const { refreshToken } = await sessions.start({ subject: 'alice' });
      application.answer = () => {
        throw Object.create(null);
      };
      await assert.rejects(sessions.refresh(refreshToken), coded('ERR_STORE_UNAVAILABLE', 'onRefresh'));
    });

    it('refuses a renewal, which ends the session', async (t) => {
      const { application, sessions, events } = open(t);
      const { accessToken, refreshToken } = await sessions.start({ subject: 'alice' });
      application.answer = () => null;
      await assert.rejects(sessions.renew(refreshToken), coded('ERR_REFRESH_REFUSED'));
      assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED', 'session'));
      assert.deepEqual(events.map(({ type, reason }) => [type, reason]), [['revoked', 'refused']]);
    });

    it('makes no token of a renewal that survives a change of permissions while it decides', async (t) => {
      const { application, sessions } = open(t);
      const { refreshToken } = await sessions.start({ subject: 'alice', roles: ['admin'] });
      application.answer = () => sessions.revocation.permissions('alice').then(() => ({ roles: ['admin'] }));
      const renewed = await sessions.renew(refreshToken);
      assert.throws(() => sessions.verify(renewed.accessToken), coded('ERR_PERMISSIONS_STALE'));
    });

    it('changes the parts that it returns, for this token and all later ones', async (t) => {
      const { application, sessions } = open(t);
      const first = await sessions.start({ subject: 'alice', roles: ['user'], permissions: ['a:b'], claims: { tenant: 'x' } });
      application.answer = () => ({ roles: ['admin'] });
      const second = await sessions.refresh(first.refreshToken);
      const rights = (token: string) => {
        const { roles, permissions, tenant } = sessions.verify(token);
        return { roles, permissions, tenant };
      };
      assert.deepEqual(rights(second.accessToken), { roles: ['admin'], permissions: ['a:b'], tenant: 'x' });
      application.answer = () => undefined;
      const third = await sessions.refresh(second.refreshToken);
      assert.deepEqual(rights(third.accessToken), { roles: ['admin'], permissions: ['a:b'], tenant: 'x' });
      application.answer = () => ({ permissions: [], claims: {} });
      const fourth = await sessions.refresh(third.refreshToken);
      assert.deepEqual(rights(fourth.accessToken), { roles: ['admin'], permissions: [], tenant: undefined });
    });

    it('gives a replay its own answer and lets the record keep that of the rotation', async (t) => {
      const { application, sessions } = open(t);
      const first = await sessions.start({ subject: 'alice', roles: ['user'] });
      application.answer = () => ({ roles: ['one'] });
      const rotated = await sessions.refresh(first.refreshToken);
      application.answer = () => ({ roles: ['two'] });
      const replayed = await sessions.refresh(first.refreshToken);
      assert.equal(replayed.refreshToken, rotated.refreshToken);
      assert.deepEqual(sessions.verify(replayed.accessToken).roles, ['two']);
      application.answer = () => undefined;
      const next = await sessions.refresh(rotated.refreshToken);
      assert.deepEqual(sessions.verify(next.accessToken).roles, ['one']);
    });

    it('ends the session with null, at once and for good', async (t) => {
      const { application, sessions, events } = open(t);
      const first = await sessions.start({ subject: 'alice' });
      application.answer = () => null;
      await assert.rejects(sessions.refresh(first.refreshToken, { address: '10.0.0.0/24' }), coded('ERR_REFRESH_REFUSED'));
      assert.throws(() => sessions.verify(first.accessToken), coded('ERR_TOKEN_REVOKED'));
      application.answer = () => undefined;
      await assert.rejects(sessions.refresh(first.refreshToken), coded('ERR_SESSION_REVOKED', 'refused'));
      assert.equal(application.asked.length, 1, 'nobody is asked about a session that is over');
      const { type, subject, session, address, reason } = events[0] ?? assert.fail('no event');
      assert.deepEqual([type, subject, session, address, reason], ['revoked', 'alice', first.session.id, '10.0.0.0/24', 'refused']);
    });

    const failures: readonly (readonly [name: string, answer: () => unknown])[] = [
      ['throws', () => { throw new Error('the directory is down'); }],
      ['rejects', () => Promise.reject(new Error('the directory is down'))],
      ['returns a boolean', () => false],
      ['returns a list', () => ['admin']],
      ['returns an unknown name', () => ({ role: 'admin' })],
      ['returns roles that are no list', () => ({ roles: 'admin' })],
    ];
    for (const [name, answer] of failures) {
      it(`changes nothing if the application ${name}`, async (t) => {
        const { application, sessions, events } = open(t);
        const { refreshToken } = await sessions.start({ subject: 'alice', roles: ['user'] });
        application.answer = answer;
        await assert.rejects(sessions.refresh(refreshToken), coded('ERR_STORE_UNAVAILABLE', 'onRefresh'));
        application.answer = () => undefined;
        const pair = await sessions.refresh(refreshToken);
        assert.equal(pair.outcome, 'rotated');
        assert.deepEqual(sessions.verify(pair.accessToken).roles, ['user']);
        assert.deepEqual(events.map(({ type }) => type), ['refresh_rotated']);
      });
    }

    it('refuses reserved names and changes nothing', async (t) => {
      const { application, sessions } = open(t);
      const { refreshToken } = await sessions.start({ subject: 'alice' });
      application.answer = () => ({ claims: { sub: 'eve' } });
      await assert.rejects(sessions.refresh(refreshToken), coded('ERR_CLAIMS_INVALID'));
      application.answer = () => undefined;
      assert.equal((await sessions.refresh(refreshToken)).outcome, 'rotated');
    });

    it('lets 50 at once leave one live token, each asked for', async (t) => {
      const { application, sessions } = open(t);
      const { refreshToken } = await sessions.start({ subject: 'alice' });
      application.answer = () => new Promise((resolve) => setImmediate(() => { resolve({ roles: ['x'] }); }));
      const pairs = await Promise.all(Array.from({ length: 50 }, () => sessions.refresh(refreshToken)));
      assert.equal(application.asked.length, 50);
      assert.equal(pairs.filter(({ outcome }) => outcome === 'rotated').length, 1);
      assert.equal(new Set(pairs.map((pair) => pair.refreshToken)).size, 1);
    });

    it('ends no session because it was slow', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
      const { application, sessions } = open(t);
      const first = await sessions.start({ subject: 'alice' });
      await sessions.refresh(first.refreshToken);
      t.mock.timers.tick(9000);
      application.answer = async () => { t.mock.timers.tick(5000); };
      const replayed = await sessions.refresh(first.refreshToken);
      assert.equal(replayed.outcome, 'replayed', 'the grace counts up to when the request came');

      t.mock.timers.tick(60_000);
      let newest = replayed.refreshToken;
      const quick = new Application();
      application.answer = async () => {
        application.answer = quick.answer;
        for (let reload = 0; reload < 2; reload += 1) {
          t.mock.timers.tick(1000);
          newest = (await sessions.refresh(newest)).refreshToken;
        }
      };
      await assert.rejects(sessions.refresh(replayed.refreshToken), coded('ERR_STORE_UNAVAILABLE', 'overtaken'));
      assert.equal((await sessions.refresh(newest)).outcome, 'rotated');
    });

    it('finds a session that ended meanwhile ended', async (t) => {
      const { application, sessions } = open(t);
      const { refreshToken, session } = await sessions.start({ subject: 'alice' });
      application.answer = async () => { await sessions.end(session.id); };
      await assert.rejects(sessions.refresh(refreshToken), coded('ERR_SESSION_REVOKED', 'revoked'));
    });

    it('is not asked about reuse, which ends the session all the same', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
      const { application, sessions } = open(t);
      const { refreshToken } = await sessions.start({ subject: 'alice' });
      const { refreshToken: second } = await sessions.refresh(refreshToken);
      t.mock.timers.tick(11_000);
      await assert.rejects(sessions.refresh(refreshToken), coded('ERR_REFRESH_REUSED'));
      await assert.rejects(sessions.refresh(second), coded('ERR_SESSION_REVOKED', 'reuse'));
      assert.equal(application.asked.length, 1);
    });
  });
}

describe('refresh.onRefresh', () => {
  it('must be a function', () => {
    assert.throws(
      () => createAuth({ store: 'memory:', issuer: 'i', audience: 'a', refresh: { onRefresh: true as never } }),
      coded('ERR_OPTION_INVALID'),
    );
  });

  it('is asked anew, three times at most, if the claims were rewritten while it decided', async (t) => {
    const sessions = openSessions(t, { refresh: { onRefresh: () => undefined } });
    const native = nativeSessionsOf(sessions);
    for (const [times, outcome] of [[2, 'rotated'], [3, undefined]] as const) {
      const { refreshToken } = await sessions.start({ subject: 'alice', roles: ['user'] });
      let left: number = times;
      const store = {
        checkRefresh: native.checkRefresh.bind(native),
        refresh(request: NativeRefresh, now: number) {
          left -= 1;
          const outdated = { roles: ['x'], insteadOf: '"roles":["others"]', arrived: now, readAt: now };
          return native.refresh(left < 0 ? request : { ...request, decision: outdated }, now);
        },
      };
      const asked: unknown[] = [];
      const onRefresh: OnRefresh = ({ roles }) => { asked.push(roles); return undefined; };
      const { pair, failure } = await refreshIfAllowed(store as typeof native, onRefresh, { token: refreshToken }, () => undefined);
      assert.equal(pair?.outcome, outcome);
      assert.equal(failure === undefined, outcome !== undefined);
      assert.equal(asked.length, 3);
    }
  });

  it('judges the limits again once the application has answered', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const sessions = openSessions(t, {
      idle: '1m',
      refresh: { onRefresh: async () => { t.mock.timers.tick(60_000); return undefined; } },
    });
    const { refreshToken } = await sessions.start({ subject: 'alice' });
    await assert.rejects(sessions.refresh(refreshToken, { activity: 0 }), coded('ERR_SESSION_EXPIRED', 'idle'));
  });
});

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { createSessions } from 'keyturn';

import { type AuthEvent, EventHub } from '../../dist/events.js';
import { native } from '../../dist/native.js';
import { type OnStale, resolveStaleness, Staleness } from '../../dist/sessions/staleness.js';
import { AUDIENCE, coded, ISSUER, openSessions } from '../support/sessions.js';

/** What looks at a store that lags behind by `lag.ms`, with a timer that the test moves. */
function watched(t: TestContext, onStale?: OnStale) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const warn = t.mock.method(process, 'emitWarning', () => undefined);
  const lag = { ms: 0 };
  const native = { staleness: () => lag.ms } as unknown as ConstructorParameters<typeof Staleness>[0];
  const hub = new EventHub();
  const events: AuthEvent[] = [];
  hub.on('store_down', (event) => events.push(event));
  const staleness = new Staleness(native, hub, resolveStaleness({ onStale }));
  staleness.start();
  t.after(() => {
    staleness.stop();
  });
  return { staleness, lag, events, warn, look: () => { t.mock.timers.tick(5000); } };
}

describe('staleness', () => {
  it('is told once when the store has been out of reach for too long, and again only after it was back', (t) => {
    const { staleness, lag, events, warn, look } = watched(t);
    lag.ms = 30_000;
    look();
    assert.equal(staleness.isStale, false);
    lag.ms = 30_001;
    look();
    look();
    assert.equal(staleness.isStale, true);
    staleness.check();
    assert.deepEqual(events.map(({ reason }) => reason), ['stale']);
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /out of reach for 30 s.*accepted all the same/);
    lag.ms = 100;
    look();
    assert.equal(staleness.isStale, false);
    lag.ms = 40_000;
    look();
    assert.equal(events.length, 2);
    assert.equal(warn.mock.callCount(), 2);
  });

  it('rejects where that was asked for, by the sessions or by one guard', (t) => {
    const { staleness, lag, look } = watched(t, 'reject');
    staleness.check();
    lag.ms = 31_000;
    look();
    assert.throws(() => { staleness.check(); }, coded('ERR_STORE_UNAVAILABLE', 'stale'));
    staleness.check('allow');
    assert.throws(() => { staleness.check('reject'); }, { retryAfter: 5 });
  });

  it('never is with a store that nobody else writes to', async (t) => {
    const sessions = openSessions(t, { onStale: 'reject', maxStaleness: '1s' });
    const { accessToken } = await sessions.start({ subject: 'alice' });
    assert.equal(sessions.verify(accessToken).sub, 'alice');
  });

  it("issues nothing under 'renewal', which would ask no store, while tokens are still accepted", async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    t.mock.method(process, 'emitWarning', () => undefined);
    const lag = { ms: 0 };
    t.mock.method(native.NativeSessions.prototype, 'staleness', () => lag.ms);
    const sessions = openSessions(t, { strategy: 'renewal' });
    const { accessToken, refreshToken } = await sessions.start({ subject: 'alice' });
    lag.ms = 30_001;
    t.mock.timers.tick(5000);
    for (const issue of [
      () => sessions.start({ subject: 'alice' }),
      () => sessions.refresh(refreshToken),
      () => sessions.renew(refreshToken, { authenticated: true }),
    ]) {
      await assert.rejects(issue, coded('ERR_STORE_UNAVAILABLE', 'stale'));
    }
    assert.equal(sessions.verify(accessToken).sub, 'alice');
    lag.ms = 0;
    t.mock.timers.tick(5000);
    assert.equal((await sessions.refresh(refreshToken)).outcome, 'replayed');
  });

  for (const [options, message] of [
    [{ maxStaleness: '999ms' }, /maxStaleness/],
    [{ maxStaleness: 'soon' }, /maxStaleness/],
    [{ onStale: 'maybe' as 'allow' }, /onStale must be 'allow' or 'reject'/],
  ] as const) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      const create = (): unknown => createSessions({ store: 'memory:', issuer: ISSUER, audience: AUDIENCE, ...options });
      assert.throws(create, { code: 'ERR_OPTION_INVALID', message });
    });
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ownInbox } from '../../dist/inbox.js';
import { native } from '../../dist/native.js';
import { codeOf } from '../../dist/native-error.js';
import { nativeSessionsOf } from '../../dist/native-sessions.js';
import { createRefresher } from '../../dist/sessions/refresher.js';
import { openSessions, STORES } from '../support/sessions.js';

for (const store of STORES) {
  describe(`a refresh without a decision on the ${store.name} store`, () => {
    it('says the same as one that crosses member by member', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const { refreshToken } = await sessions.start({ subject: 'al"i\u{1f600}ce', device: 'caf\u00e9\\' });
      const handle = nativeSessionsOf(sessions);
      const refresh = createRefresher(handle);
      const first = await refresh({ token: refreshToken, report: 5, origin: '10.0.0.0/24' }, Date.now());
      assert.equal(first.pair?.outcome, 'rotated');
      const replay = await refresh({ token: refreshToken, origin: '10.0.0.0/24' }, Date.now());
      const byMembers = await handle.refresh({ token: refreshToken, origin: '10.0.0.0/24' }, Date.now());
      const { accessToken, expiresAt, ...same } = byMembers.pair ?? assert.fail();
      assert.ok(accessToken !== '' && expiresAt > Date.now());
      assert.deepEqual({ ...replay.pair, accessToken, expiresAt }, { ...same, accessToken, expiresAt });
      assert.equal(same.session.subject, 'al"i\u{1f600}ce');
      assert.equal(same.session.device, 'caf\u00e9\\');
    });

    for (const device of [undefined, 'Firefox on \u{1f427}']) {
      it(`says of a rotation what a retry is told of it, the device being ${String(device)}`, async (t) => {
        const sessions = openSessions(t, { store: store.url(t) });
        const { refreshToken } = await sessions.start({ subject: 'b\u00f6b"', device });
        const handle = nativeSessionsOf(sessions);
        const first = await createRefresher(handle)({ token: refreshToken, report: 0 }, Date.now());
        const { accessToken, expiresAt, ...retried } = (await handle.refresh({ token: refreshToken }, Date.now())).pair ?? assert.fail();
        const { accessToken: own, expiresAt: ownEnd, ...rotated } = first.pair ?? assert.fail();
        assert.equal(retried.outcome, 'replayed');
        assert.deepEqual(rotated, { ...retried, outcome: 'rotated' });
        assert.equal(sessions.verify(own).exp, Math.floor(ownEnd / 1000));
        assert.equal(sessions.verify(accessToken).exp, Math.floor(expiresAt / 1000));
      });
    }

    it('fails as one that crosses member by member', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const { refreshToken, session } = await sessions.start({ subject: 'alice' });
      await sessions.end(session.id);
      const handle = nativeSessionsOf(sessions);
      const refresh = createRefresher(handle);
      for (const token of [refreshToken, '', 'kt1_', 'x'.repeat(100_000), '\ud800']) {
        const request = { token };
        assert.deepEqual(await refresh(request, Date.now()), await handle.refresh(request, Date.now()), token.slice(0, 9));
      }
    });

    it('answers all of many at once, each its own', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const starts = Array.from({ length: 100 }, (_, n) => sessions.start({ subject: `user-${n}` }));
      const pairs = await Promise.all(starts);
      const refreshed = await Promise.all(pairs.map(({ refreshToken }) => sessions.refresh(refreshToken)));
      assert.deepEqual(refreshed.map(({ session }) => session.id), pairs.map(({ session }) => session.id));
    });
  });
}

describe('what refreshes', () => {
  it('answers parts of a rotation that was its last answer, and of nothing else', async (t) => {
    const sessions = openSessions(t, { store: 'memory:' });
    const { refreshToken } = await sessions.start({ subject: 'alice' });
    const refresh = native.createRefresher(nativeSessionsOf(sessions), ownInbox());
    const has = (part: number): boolean => codeOf(Number(refresh(part))) !== 'ERR_INTERNAL';
    const parts = [-1, 0, 1, 2, 3, 9, 10, NaN];
    assert.deepEqual(parts.filter(has), []);
    assert.equal(refresh(refreshToken, Date.now(), 1), -1);
    const successor = String(refresh(1));
    assert.equal(sessions.verify(String(refresh(0))).sub, 'alice');
    assert.equal(has(10), false);
    assert.match(String(refresh(refreshToken, Date.now(), 2)), /"outcome":"replayed"/);
    assert.deepEqual(parts.filter(has), []);
    assert.equal(refresh(successor, Date.now(), 3), -1);
    assert.match(String(refresh('kt1_', Date.now(), 4)), /"error":/);
    assert.deepEqual(parts.filter(has), []);
  });
});

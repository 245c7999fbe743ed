import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { type ContextMismatch, createSessions } from 'keyturn';

import { internalsOf } from '../../dist/sessions/internals.js';
import { AUDIENCE, coded, ISSUER, openSessions, STORES, temporaryFolder } from '../support/sessions.js';

for (const store of STORES) {
  describe(`refresh.binding on the ${store.name} store`, () => {
    const policies: readonly (readonly [ContextMismatch, string])[] = [
      ['reject', 'refuses a live token from elsewhere and leaves the session as it is'],
      ['revoke', 'ends a session whose live token comes from elsewhere'],
      ['report', 'reports a live token from elsewhere, once for each change'],
    ];
    for (const [binding, name] of policies) {
      it(`${name} (${binding})`, async (t) => {
        t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
        const sessions = openSessions(t, { store: store.url(t), refresh: { binding } });
        const told: unknown[] = [];
        internalsOf(sessions).events.on('context_mismatch', ({ session, reason }) => told.push([session, reason]));
        const { refreshToken, session: { id } } = await sessions.start({ subject: 'alice', context: 'home' });
        const away = sessions.refresh(refreshToken, { context: 'away' });
        if (binding === 'reject') {
          await assert.rejects(away, coded('ERR_REFRESH_REFUSED', 'context'));
          assert.equal((await sessions.refresh(refreshToken, { context: 'home' })).outcome, 'rotated');
          assert.deepEqual(told, [[id, 'context']]);
        } else if (binding === 'revoke') {
          await assert.rejects(away, coded('ERR_SESSION_REVOKED', 'context'));
          await assert.rejects(sessions.refresh(refreshToken, { context: 'home' }), coded('ERR_SESSION_REVOKED', 'context'));
          assert.deepEqual(told[0], [id, 'context']);
        } else {
          const second = await away;
          const third = await sessions.refresh(second.refreshToken, { context: 'away' });
          await sessions.refresh(third.refreshToken, { context: 'further' });
          assert.deepEqual(told, [[id, 'report'], [id, 'report']]);
        }
      });
    }

    it('takes a used token from elsewhere for reuse, also within the grace', async (t) => {
      const sessions = openSessions(t, { store: store.url(t), refresh: { binding: 'report' } });
      const { refreshToken } = await sessions.start({ subject: 'alice', context: 'home' });
      await sessions.refresh(refreshToken, { context: 'home' });
      assert.equal((await sessions.refresh(refreshToken, { context: 'home' })).outcome, 'replayed');
      await assert.rejects(sessions.refresh(refreshToken, { context: 'away' }), coded('ERR_REFRESH_REUSED'));
    });
  });
}

describe('refresh options', () => {
  it('refuse what cannot be meant', () => {
    const wrong: readonly Readonly<Record<string, unknown>>[] = [
      { heal: 'all' }, { heal: true }, { binding: 'ignore' }, { binding: true }, { onRefresh: 'x' }, { grace: '6m' },
    ];
    for (const refresh of wrong) {
      const create = () => createSessions({ store: 'memory:', issuer: 'i', audience: 'a', refresh: refresh });
      assert.throws(create, coded('ERR_OPTION_INVALID'), JSON.stringify(refresh));
    }
  });

  it('want a context exactly where sessions are bound to one', async (t) => {
    const bound = openSessions(t, { refresh: { binding: 'reject' } });
    await assert.rejects(bound.start({ subject: 'alice' }), coded('ERR_OPTION_INVALID'));
    const { refreshToken } = await bound.start({ subject: 'alice', context: '' });
    await assert.rejects(bound.refresh(refreshToken), coded('ERR_OPTION_INVALID'));
    await bound.refresh(refreshToken, { context: '' });

    const free = openSessions(t);
    await assert.rejects(free.start({ subject: 'alice', context: 'x' }), coded('ERR_OPTION_INVALID'));
    const pair = await free.start({ subject: 'alice' });
    await assert.rejects(free.refresh(pair.refreshToken, { context: 'x' }), coded('ERR_OPTION_INVALID'));
    for (const context of [1, null, {}, '\ud800']) {
      await assert.rejects(bound.start({ subject: 'alice', context: context as string }), coded('ERR_OPTION_INVALID'));
    }
  });

  for (const heal of ['one', 'any'] as const) {
    it(`${heal === 'any' ? 'take over' : 'end'} a session that is far ahead of a restored store (heal: '${heal}')`, async (t) => {
      const folder = temporaryFolder(t);
      const [path, backup] = [join(folder, 'keyturn.db'), join(folder, 'backup.db')];
      const open = () => createSessions({ store: `sqlite:${path}`, issuer: ISSUER, audience: AUDIENCE, refresh: { heal } });
      let sessions = open();
      let { refreshToken } = await sessions.start({ subject: 'alice' });
      await sessions.close();
      copyFileSync(path, backup);
      sessions = open();
      for (let turn = 0; turn < 3; turn += 1) ({ refreshToken } = await sessions.refresh(refreshToken));
      await sessions.close();
      copyFileSync(backup, path);

      sessions = open();
      t.after(() => sessions.close());
      const told: string[] = [];
      for (const type of ['generation_ahead', 'store_rollback_healed'] as const) {
        internalsOf(sessions).events.on(type, () => told.push(type));
      }
      if (heal === 'any') {
        assert.equal((await sessions.refresh(refreshToken)).outcome, 'healed');
        assert.deepEqual(told, ['generation_ahead', 'store_rollback_healed']);
      } else {
        await assert.rejects(sessions.refresh(refreshToken), coded('ERR_SESSION_REVOKED', 'rollback'));
        assert.deepEqual(told, ['generation_ahead']);
      }
    });
  }

  it('let the address of a refresh into its events, and raise refresh_contention for a replay from another', async (t) => {
    const sessions = openSessions(t);
    const { refreshToken } = await sessions.start({ subject: 'alice' });
    const told: unknown[] = [];
    const { events } = internalsOf(sessions);
    for (const type of ['refresh_rotated', 'refresh_replayed', 'refresh_contention'] as const) {
      events.on(type, ({ address, reason }) => told.push([type, address, reason]));
    }
    for (const address of ['10.0.0.0/24', '10.0.0.0/24', '10.9.0.0/24']) await sessions.refresh(refreshToken, { address });
    assert.deepEqual(told, [
      ['refresh_rotated', '10.0.0.0/24', undefined],
      ['refresh_replayed', '10.0.0.0/24', undefined],
      ['refresh_replayed', '10.9.0.0/24', undefined],
      ['refresh_contention', '10.9.0.0/24', 'origin'],
    ]);
  });

  it('raise refresh_contention when a third generation running is replayed', async (t) => {
    const sessions = openSessions(t);
    let { refreshToken } = await sessions.start({ subject: 'alice' });
    const told: unknown[] = [];
    internalsOf(sessions).events.on('refresh_contention', ({ reason }) => told.push(reason));
    for (let generation = 0; generation < 3; generation += 1) {
      assert.deepEqual(told, []);
      const next = await sessions.refresh(refreshToken);
      await sessions.refresh(refreshToken);
      ({ refreshToken } = next);
    }
    assert.deepEqual(told, ['running']);
  });
});

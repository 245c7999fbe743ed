import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

import { createSessions, type Sessions } from 'keyturn';

import { AUDIENCE, coded, ISSUER, MASTER_KEY, temporaryFolder } from '../support/sessions.js';

const NOW = Date.UTC(2026, 5, 1, 12);
const HOUR = 3_600_000;

/** Sessions of a host that is started again and again with another clock. */
class Host {
  readonly #t: TestContext;
  readonly #store: string;
  #sessions: Sessions | undefined;

  constructor(t: TestContext) {
    this.#t = t;
    this.#store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    t.after(() => this.#sessions?.close());
  }

  async restart(now: number): Promise<Sessions> {
    await this.#sessions?.close();
    this.#t.mock.timers.setTime(now);
    this.#sessions = createSessions({ store: this.#store, issuer: ISSUER, audience: AUDIENCE, masterKey: MASTER_KEY });
    await this.#sessions.ready();
    return this.#sessions;
  }
}

describe('a clock that was set back across a restart', () => {
  it('signs nobody out, and revives nothing', async (t) => {
    const host = new Host(t);
    const before = await host.restart(NOW);
    const lives = await before.start({ subject: 'alice' });
    const ended = await before.start({ subject: 'bob' });
    const revoked = await before.start({ subject: 'carol' });
    const rotated = await before.refresh(lives.refreshToken);
    await before.end(ended.session.id);
    const { jti, exp } = before.verify(revoked.accessToken);
    await before.revocation.token(jti, exp);

    const after = await host.restart(NOW - HOUR);
    assert.throws(() => after.verify(ended.accessToken), coded('ERR_TOKEN_REVOKED'));
    assert.throws(() => after.verify(revoked.accessToken), coded('ERR_TOKEN_REVOKED', 'token'));
    await assert.rejects(after.refresh(ended.refreshToken), coded('ERR_SESSION_REVOKED'));
    const next = await after.refresh(rotated.refreshToken);
    assert.equal(next.outcome, 'rotated');
    after.verify(next.accessToken);
    // Whether a retry is in time cannot be said while the clock lies behind the rotation: it waits, and nothing is lost.
    await assert.rejects(after.refresh(rotated.refreshToken), coded('ERR_STORE_UNAVAILABLE', 'clock'));

    const again = await host.restart(NOW + 1000);
    assert.throws(() => again.verify(ended.accessToken), coded('ERR_TOKEN_REVOKED'));
    assert.equal((await again.refresh(rotated.refreshToken)).outcome, 'replayed');
    assert.equal((await again.refresh(next.refreshToken)).outcome, 'rotated');
    await assert.rejects(again.refresh(lives.refreshToken), coded('ERR_REFRESH_REUSED'), 'a token of two generations ago');
  });

  it('lets a revocation reach what started before it by the order of things, and not by the clock', async (t) => {
    const host = new Host(t);
    const before = await host.restart(NOW);
    const [alice, bob] = [await before.start({ subject: 'alice' }), await before.start({ subject: 'bob' })];

    const after = await host.restart(NOW - HOUR);
    assert.equal(await after.endAll('alice'), 1);
    await assert.rejects(after.refresh(alice.refreshToken), coded('ERR_SESSION_REVOKED'));
    const newer = await after.start({ subject: 'alice' });
    after.verify(newer.accessToken);
    await after.revocation.everything();
    const newest = await after.start({ subject: 'bob' });

    // What started while the clock was fast is dead by its name, and drags nobody's cut-off to where its own start lies.
    const later = await host.restart(NOW - HOUR + 1000);
    for (const { accessToken, refreshToken } of [alice, bob, newer]) {
      assert.throws(() => later.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
      await assert.rejects(later.refresh(refreshToken), coded('ERR_SESSION_REVOKED'));
    }
    later.verify(newest.accessToken);
    assert.ok(newest.session.startedAt < NOW - HOUR + 1000);
    const { refreshToken, outcome } = await later.refresh(newest.refreshToken);
    assert.equal(outcome, 'rotated');

    const again = await host.restart(NOW - 1000);
    assert.equal((await again.refresh(refreshToken)).outcome, 'rotated');
    const ahead = await host.restart(NOW + 1000);
    for (const { accessToken, refreshToken } of [alice, bob]) {
      assert.throws(() => ahead.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
      await assert.rejects(ahead.refresh(refreshToken), coded('ERR_SESSION_REVOKED'));
    }
  });

  it('moves no absolute end', async (t) => {
    const host = new Host(t);
    const before = await host.restart(NOW);
    let { refreshToken, session } = await before.start({ subject: 'alice' });
    const { absoluteEndsAt } = session;
    const after = await host.restart(NOW - HOUR);
    ({ refreshToken, session } = await after.refresh(refreshToken, { activity: 0 }));
    assert.equal(session.absoluteEndsAt, absoluteEndsAt);
    const late = await host.restart(absoluteEndsAt);
    await assert.rejects(late.refresh(refreshToken), coded('ERR_SESSION_EXPIRED', 'absolute'));
  });
});

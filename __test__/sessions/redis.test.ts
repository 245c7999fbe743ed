import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { createSessions, KeyturnError } from 'keyturn';

import { internalsOf } from '../../dist/sessions/internals.js';
import { Neighbour } from '../support/neighbour.js';
import { command, redis, startRedis } from '../support/redis.js';
import { AUDIENCE, coded, ISSUER, openSessions } from '../support/sessions.js';

describe('sessions in Redis', { skip: redis.skip }, () => {
  it('are signed in, refreshed, listed and ended', async (t) => {
    const { url } = await startRedis(t);
    const sessions = openSessions(t, { store: url });
    const { accessToken, refreshToken, session } = await sessions.start({ subject: 'alice', roles: ['user'], device: 'a browser' });
    assert.equal(sessions.verify(accessToken).sub, 'alice');
    const next = await sessions.refresh(refreshToken);
    assert.equal(next.outcome, 'rotated');
    assert.equal((await sessions.refresh(refreshToken)).refreshToken, next.refreshToken);
    assert.deepEqual((await sessions.list('alice')).map(({ id, device }) => [id, device]), [[session.id, 'a browser']]);
    await sessions.end(session.id);
    assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
    await assert.rejects(sessions.refresh(next.refreshToken), coded('ERR_SESSION_REVOKED', 'revoked'));
    assert.equal(await sessions.endAll('alice'), 0);
  });

  it('are shared by processes, which give one successor to fifty refreshes at once', async (t) => {
    const { url } = await startRedis(t);
    const here = openSessions(t, { store: url });
    const there = Neighbour.process(t, { store: url });
    let { refreshToken } = await here.start({ subject: 'alice' });
    for (let round = 0; round < 10; round += 1) {
      const race = there.ask({ type: 'refresh', token: refreshToken, times: 25 });
      const mine = await Promise.all(Array.from({ length: 25 }, () => here.refresh(refreshToken)));
      const all = [...mine, ...((await race).pairs ?? [])];
      assert.equal(all.filter(({ outcome }) => outcome === 'rotated').length, 1);
      assert.equal(new Set(all.map((pair) => pair.refreshToken)).size, 1);
      refreshToken = mine[0]?.refreshToken ?? '';
    }
  });

  it('that end in one process are refused by the others within a second', async (t) => {
    const { url } = await startRedis(t);
    const here = openSessions(t, { store: url });
    const there = Neighbour.process(t, { store: url });
    const { accessToken = '' } = await there.ask({ type: 'start', subject: 'alice' });
    const { sid } = here.verify(accessToken);
    await there.ask({ type: 'end', sid });
    const ended = performance.now();
    while (performance.now() < ended + 1000) {
      try {
        here.verify(accessToken);
      } catch (error) {
        assert.ok(coded('ERR_TOKEN_REVOKED')(error));
        return;
      }
      await setTimeout(1);
    }
    assert.fail('still accepted after a second');
  });

  it('whose end could not be stored tell of it when it has been', async (t) => {
    const { url, port } = await startRedis(t, ['--maxmemory-policy', 'noeviction']);
    const sessions = openSessions(t, { store: url, idle: 1000 });
    const told: (string | undefined)[] = [];
    internalsOf(sessions).events.on('revoked', ({ session, reason }) => told.push(session, reason));
    const { session } = await sessions.start({ subject: 'alice' });
    await command(port, 'CONFIG SET maxmemory 1mb');
    await assert.rejects(sessions.end(session.id), coded('ERR_STORE_UNAVAILABLE'));
    const waiting = (): number | undefined => internalsOf(sessions).gauges().get('keyturn_revocations_waiting');
    assert.deepEqual([waiting(), told], [1, []]);
    await command(port, 'CONFIG SET maxmemory 0');
    const deadline = performance.now() + 10_000;
    while (told.length === 0 && performance.now() < deadline) await setTimeout(10);
    assert.deepEqual([waiting(), told], [0, [session.id, 'session']]);
  });

  it('say that Redis is out of reach, without its password', async (t) => {
    const store = 'redis://app:hunter2@127.0.0.1:1';
    const sessions = openSessions(t, { store });
    await assert.rejects(sessions.ready(), (error) => {
      assert.ok(error instanceof KeyturnError);
      assert.equal(error.code, 'ERR_STORE_UNAVAILABLE');
      assert.doesNotMatch(JSON.stringify([error.message, error.stack]), /hunter2/);
      return true;
    });
  });
});

describe('a Redis URL', () => {
  it('that is wrong is refused without its password', () => {
    for (const store of ['redis://', 'redis://u:hunter2@a,b', 'redis://u:hunter2@a?x=1', 'redis+sentinel://u:hunter2@a']) {
      assert.throws(
        () => createSessions({ store, issuer: ISSUER, audience: AUDIENCE }),
        (error) => {
          coded('ERR_OPTION_INVALID')(error);
          return !(error as Error).message.includes('hunter2');
        },
        store,
      );
    }
  });
});

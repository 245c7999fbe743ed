import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import type { RefreshedPair } from 'keyturn';

import { Neighbour } from '../support/neighbour.js';
import { LONG } from '../support/requirements.js';
import { coded, openSessions, temporaryFolder } from '../support/sessions.js';

describe('several processes on one SQLite file', () => {
  it('answer 50 refreshes of one token at once with one successor and no error', async (t) => {
    const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
    const here = openSessions(t, { store });
    const there = Neighbour.process(t, { store });
    let { refreshToken } = await here.start({ subject: 'alice' });
    const rounds = LONG ? 1000 : 20;
    let rotatedThere = 0;
    for (let round = 0; round < rounds; round += 1) {
      const token = refreshToken;
      const race = there.ask({ type: 'refresh', token, times: 25 });
      const mine = await Promise.all(Array.from({ length: 25 }, () => here.refresh(token)));
      const answers: readonly Pick<RefreshedPair, 'refreshToken' | 'outcome'>[] = [...mine, ...((await race).pairs ?? [])];
      assert.equal(answers.length, 50);
      assert.equal(new Set(answers.map((answer) => answer.refreshToken)).size, 1);
      assert.equal(answers.filter(({ outcome }) => outcome === 'rotated').length, 1);
      if (mine.every(({ outcome }) => outcome === 'replayed')) rotatedThere += 1;
      refreshToken = answers[0]?.refreshToken ?? '';
    }
    t.diagnostic(`${String(rotatedThere)} of ${String(rounds)} rounds were won by the other process`);
    assert.equal((await here.refresh(refreshToken)).outcome, 'rotated');
  });

  it('make their keys once, whoever comes first', async (t) => {
    for (let round = 0; round < (LONG ? 50 : 3); round += 1) {
      const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
      const neighbours = [0, 1, 2].map(() => Neighbour.process(t, { store }));
      const here = openSessions(t, { store });
      const tokens = await Promise.all(neighbours.map((neighbour) => neighbour.ask({ type: 'start', subject: 'alice' })));
      await here.ready();
      for (const { accessToken } of tokens) assert.equal(here.verify(accessToken ?? '').sub, 'alice');
    }
  });

  it('make their keys once under one master key, too', async (t) => {
    const masterKey = randomBytes(32).toString('hex');
    for (let round = 0; round < (LONG ? 50 : 2); round += 1) {
      const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
      const neighbours = [0, 1, 2].map(() => Neighbour.process(t, { store, masterKey }));
      const here = openSessions(t, { store, masterKey });
      const tokens = await Promise.all(neighbours.map((neighbour) => neighbour.ask({ type: 'start', subject: 'alice' })));
      await here.ready();
      for (const { accessToken } of tokens) assert.equal(here.verify(accessToken ?? '').sub, 'alice');
    }
  });

  it('sign with the key to which another one rotated, soon after', async (t) => {
    const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
    const here = openSessions(t, { store });
    const there = Neighbour.process(t, { store });
    const before = await here.start({ subject: 'alice' });
    const delays: number[] = [];
    // A ring holds 32 keys.
    for (let round = 0; round < (LONG ? 30 : 10); round += 1) {
      const { kid } = await there.ask({ type: 'rotate' });
      const rotated = performance.now();
      while (here.keys.keys[0]?.kid !== kid) {
        assert.ok(performance.now() - rotated < 5000, 'the rotation never arrived');
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      delays.push(performance.now() - rotated);
      const { accessToken } = await there.ask({ type: 'start', subject: 'alice' });
      assert.equal(here.verify(accessToken ?? '').sub, 'alice');
    }
    assert.equal(here.verify(before.accessToken).sub, 'alice', 'nobody is signed out');
    delays.sort((a, b) => a - b);
    t.diagnostic(`seen after ${delays[Math.floor(delays.length / 2)]?.toFixed(0) ?? ''} ms at the median, ${delays.at(-1)?.toFixed(0) ?? ''} ms at most`);
  });

  it('refuse what another one revoked, soon after', async (t) => {
    const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
    const here = openSessions(t, { store });
    const there = Neighbour.process(t, { store });
    const delays: number[] = [];
    for (let round = 0; round < (LONG ? 200 : 10); round += 1) {
      const { accessToken, session } = await here.start({ subject: 'alice' });
      assert.equal(here.verify(accessToken).sub, 'alice');
      await there.ask({ type: 'end', sid: session.id });
      const revoked = performance.now();
      while (!isRefused(() => here.verify(accessToken))) {
        assert.ok(performance.now() - revoked < 5000, 'the revocation never arrived');
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      delays.push(performance.now() - revoked);
    }
    delays.sort((a, b) => a - b);
    t.diagnostic(`seen after ${delays[Math.floor(delays.length / 2)]?.toFixed(0) ?? ''} ms at the median, ${delays.at(-1)?.toFixed(0) ?? ''} ms at most`);
  });

  function isRefused(verify: () => unknown): boolean {
    try {
      verify();
      return false;
    } catch (error) {
      return coded('ERR_TOKEN_REVOKED')(error);
    }
  }
});

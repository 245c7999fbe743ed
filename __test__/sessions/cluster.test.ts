import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

import { Neighbour } from '../support/neighbour.js';
import { redis, startRedis } from '../support/redis.js';
import { LONG } from '../support/requirements.js';
import { MASTER_KEY, temporaryFolder } from '../support/sessions.js';

const ROUNDS = LONG ? 1000 : 50;

/** How many refreshes of one token each of four processes sends at once: 50 together. */
const SHARES = [13, 13, 12, 12];

describe('four workers of node:cluster on one SQLite file', () => {
  const workers = (t: TestContext): readonly Neighbour[] => {
    const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
    return SHARES.map(() => Neighbour.clusterWorker(t, { store, masterKey: MASTER_KEY }));
  };

  it('answer 50 refreshes of one token at once with one successor and no error', async (t) => {
    await race(t, workers(t));
  });

  it('all refuse within 250 ms what one of them ended', async (t) => {
    await reach(t, workers(t), 250);
  });
});

describe('two hosts with two processes each on one Redis', { skip: redis.skip }, () => {
  const processes = async (t: TestContext): Promise<readonly Neighbour[]> => {
    const { url: store } = await startRedis(t);
    // The hosts' clocks lie apart by less than what is warned of.
    return [0, 0, 700, 700].map((clockMs) => Neighbour.process(t, { store, masterKey: MASTER_KEY, clockMs }));
  };

  it('answer 50 refreshes of one token at once with one successor and no error', async (t) => {
    await race(t, await processes(t));
  });

  it('all refuse within a second what one of them ended', async (t) => {
    await reach(t, await processes(t), 1000);
  });
});

async function race(t: TestContext, processes: readonly Neighbour[]): Promise<void> {
  let { refreshToken = '' } = await first(processes).ask({ type: 'start', subject: 'alice' });
  const wins = SHARES.map(() => 0);
  const begun = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) {
    const token = refreshToken;
    const answers = await Promise.all(processes.map((process, index) => process.ask({ type: 'refresh', token, times: SHARES[index] ?? 0 })));
    const all = answers.flatMap(({ pairs = [] }) => pairs);
    assert.equal(all.length, 50);
    assert.equal(new Set(all.map((pair) => pair.refreshToken)).size, 1, 'one live leaf');
    assert.deepEqual(all.map(({ outcome }) => outcome).sort(), [...Array<string>(49).fill('replayed'), 'rotated']);
    const winner = answers.findIndex(({ pairs = [] }) => pairs.some(({ outcome }) => outcome === 'rotated'));
    wins[winner] = (wins[winner] ?? 0) + 1;
    refreshToken = all[0]?.refreshToken ?? '';
    assert.notEqual(refreshToken, token);
  }
  const milliseconds = (performance.now() - begun) / ROUNDS;
  t.diagnostic(`${String(ROUNDS)} rounds of 50, ${milliseconds.toFixed(0)} ms each, won by ${wins.join(', ')}`);
}

/** The bound holds for 99 of 100, as the protocol has it; the rest has five times as long, which is for the machine. */
async function reach(t: TestContext, processes: readonly Neighbour[], boundMs: number): Promise<void> {
  const delays: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const ender = processes[round % processes.length] ?? first(processes);
    const { accessToken = '' } = await ender.ask({ type: 'start', subject: 'alice' });
    const others = processes.filter((process) => process !== ender);
    const refused = Promise.all(others.map((process) => process.ask({ type: 'await-end', accessToken })));
    const acknowledged = await ender.ask({ type: 'end', sid: sidOf(accessToken) });
    for (const { at } of await refused) delays.push(Math.max(0, at - acknowledged.at));
  }
  delays.sort((a, b) => a - b);
  const [median, p99, most] = [0.5, 0.99, 1].map((share) => delays[Math.ceil(delays.length * share) - 1] ?? Infinity);
  t.diagnostic(`${String(delays.length)} times: p50 ${ms(median)}, p99 ${ms(p99)}, at most ${ms(most)}; the bound is ${ms(boundMs)}`);
  assert.ok(p99 !== undefined && p99 <= boundMs, `p99 is ${ms(p99)}`);
  assert.ok(most !== undefined && most <= 5 * boundMs, `one took ${ms(most)}`);
}

function ms(milliseconds = NaN): string {
  return `${milliseconds.toFixed(0)} ms`;
}

function first(processes: readonly Neighbour[]): Neighbour {
  const [process] = processes;
  assert.ok(process !== undefined);
  return process;
}

function sidOf(accessToken: string): string {
  const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { readonly sid: string }).sid;
}

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { createSessions, type Sessions } from 'keyturn';

import { Ledger } from '../support/ledger.js';
import type { Step } from '../support/load-process.js';
import { redis, startRedis } from '../support/redis.js';
import { LONG } from '../support/requirements.js';
import { AUDIENCE, ISSUER, MASTER_KEY, openSessions, temporaryFolder } from '../support/sessions.js';

/** So many rounds share a store; then comes an empty one, whose first process is killed while it makes its tables and keys. */
const ROUNDS_OF_A_STORE = 10;

/** Each is a process after another on a store of its own; there are two cores where this has to be quick. */
const LANES = 2;

/** When what one process revoked is refused by the others on its file. */
const REACH_MS = 250;

describe('a process that is killed under load', () => {
  it('has forgotten nothing that it acknowledged in SQLite, and has burnt no session', async (t) => {
    const rounds = (LONG ? 1000 : 200) / LANES;
    const begun = performance.now();
    const ledgers = await Promise.all(Array.from({ length: LANES }, async (_, lane) => {
      const ledger = new Ledger();
      let store = '';
      for (let round = 0; round < rounds; round += 1) {
        if (round % ROUNDS_OF_A_STORE === 0) {
          ledger.forget();
          store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
        }
        await killAndReopen(store, round, lane, ledger);
      }
      return ledger;
    }));
    t.diagnostic(report(rounds * LANES, ledgers, begun));
  });

  it('leaves the process beside it, on the same SQLite file, undisturbed and in the know', async (t) => {
    const rounds = LONG ? 200 : 10;
    const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
    const survivor = openSessions(t, { store, masterKey: MASTER_KEY });
    const stop = new AbortController();
    const lives = liveOn(survivor, stop.signal);
    const begun = performance.now();
    const ledger = new Ledger();
    for (let round = 0; round < rounds; round += 1) {
      await Promise.race([lives, kill(store, round, 0, ledger)]);
      await setTimeout(2 * REACH_MS);
      await ledger.check(survivor);
    }
    stop.abort();
    t.diagnostic(`${report(rounds, [ledger], begun)}; ${String(await lives)} turns of the survivor`);
  });

  it('has forgotten nothing that it acknowledged in Redis, and has burnt no session', { skip: redis.skip }, async (t) => {
    const rounds = LONG ? 1000 : 20;
    const { url } = await startRedis(t);
    const begun = performance.now();
    const ledger = new Ledger();
    for (let round = 0; round < rounds; round += 1) await killAndReopen(url, round, 0, ledger);
    t.diagnostic(report(rounds, [ledger], begun));
  });
});

function report(rounds: number, ledgers: readonly Ledger[], begun: number): string {
  const sum = (of: (ledger: Ledger) => number): number => ledgers.reduce((all, ledger) => all + of(ledger), 0);
  const [steps, live, dead] = [sum((ledger) => ledger.steps), sum((ledger) => ledger.live), sum((ledger) => ledger.dead)];
  assert.ok(live > rounds && dead > rounds, 'the load did not get going');
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  return `${String(rounds)} kills in ${seconds} s; ${String(steps)} messages; ${String(live)} live sessions and ${String(dead)} revocations found`;
}

async function killAndReopen(store: string, round: number, lane: number, ledger: Ledger): Promise<void> {
  await kill(store, round, lane, ledger);
  const sessions = createSessions({ store, issuer: ISSUER, audience: AUDIENCE, masterKey: MASTER_KEY });
  try {
    await sessions.ready();
    await ledger.check(sessions);
  } finally {
    await sessions.close();
  }
}

/** Signs in, refreshes and ends until it is told to stop, and answers how often. */
async function liveOn(sessions: Sessions, stop: AbortSignal): Promise<number> {
  let turns = 0;
  for (; !stop.aborted; turns += 1) {
    const { refreshToken, session } = await sessions.start({ subject: 'survivor' });
    assert.equal((await sessions.refresh(refreshToken)).outcome, 'rotated');
    await sessions.end(session.id);
  }
  return turns;
}

/** Every fifth process dies while it opens the store, and the others in the midst of their work. */
async function kill(store: string, round: number, lane: number, ledger: Ledger): Promise<void> {
  const child = fork(join(__dirname, '..', 'support', 'load-process.js'), [store]);
  const isEarly = round % 5 === 0;
  await killAfter(child, isEarly, isEarly ? (round * 7 + lane * 3) % 40 : (round * 37 + lane * 61) % 150, ledger);
}

/** @param isEarly Whether the time counts from the opening of the store, and otherwise from the first step. */
async function killAfter(child: ChildProcess, isEarly: boolean, afterMs: number, ledger: Ledger): Promise<void> {
  const begun = new Promise<void>((resolve) => {
    child.on('message', (step: Step) => {
      ledger.note(step);
      if (isEarly || step.type !== 'opening') resolve();
    });
  });
  // Not before the channel has been read to its end.
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  await Promise.race([begun, closed]);
  await setTimeout(afterMs);
  child.kill('SIGKILL');
  const [code, signal] = await closed;
  assert.equal(signal, 'SIGKILL', `it ended by itself, with ${String(code)}`);
}

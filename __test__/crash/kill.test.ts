import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { createSessions } from 'keyturn';

import { Ledger } from '../support/ledger.js';
import type { Step } from '../support/load-process.js';
import { redis, startRedis } from '../support/redis.js';
import { LONG } from '../support/requirements.js';
import { AUDIENCE, ISSUER, MASTER_KEY, temporaryFolder } from '../support/sessions.js';

/** So many rounds share a store; then comes an empty one, whose first process is killed while it makes its tables and keys. */
const ROUNDS_OF_A_STORE = 10;

/** Each is a process after another on a store of its own; there are two cores where this has to be quick. */
const LANES = 2;

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
        await killAndCheck(store, round, lane, ledger);
      }
      return ledger;
    }));
    t.diagnostic(report(rounds * LANES, ledgers, begun));
  });

  it('has forgotten nothing that it acknowledged in Redis, and has burnt no session', { skip: redis.skip }, async (t) => {
    const rounds = LONG ? 1000 : 20;
    const { url } = await startRedis(t);
    const begun = performance.now();
    const ledger = new Ledger();
    for (let round = 0; round < rounds; round += 1) await killAndCheck(url, round, 0, ledger);
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

async function killAndCheck(store: string, round: number, lane: number, ledger: Ledger): Promise<void> {
  const child = fork(join(__dirname, '..', 'support', 'load-process.js'), [store]);
  const isEarly = round % 5 === 0;
  await killUnderLoad(child, isEarly, isEarly ? (round * 7 + lane * 3) % 40 : (round * 37 + lane * 61) % 150, ledger);
  const sessions = createSessions({ store, issuer: ISSUER, audience: AUDIENCE, masterKey: MASTER_KEY });
  try {
    await sessions.ready();
    await ledger.check(sessions);
  } finally {
    await sessions.close();
  }
}

/** @param isEarly Whether the time counts from the opening of the store, and otherwise from the first step. */
async function killUnderLoad(child: ChildProcess, isEarly: boolean, afterMs: number, ledger: Ledger): Promise<void> {
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

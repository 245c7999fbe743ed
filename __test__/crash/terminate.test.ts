import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { createSessions } from 'keyturn';

import { Ledger } from '../support/ledger.js';
import { RESTING, type Step } from '../support/load-process.js';
import { redis, startRedis } from '../support/redis.js';
import { LONG } from '../support/requirements.js';
import { AUDIENCE, ISSUER, MASTER_KEY, temporaryFolder } from '../support/sessions.js';

const ROUNDS = LONG ? 100 : 5;

describe('a process under load that closes its sessions on SIGTERM', () => {
  it('leaves all that it acknowledged, and the last activity, in SQLite', async (t) => {
    await terminate(`sqlite:${join(temporaryFolder(t), 'keyturn.db')}`);
  });

  it('leaves all that it acknowledged, and the last activity, in Redis', { skip: redis.skip }, async (t) => {
    await terminate((await startRedis(t)).url);
  });
});

async function terminate(store: string): Promise<void> {
  const ledger = new Ledger();
  for (let round = 0; round < ROUNDS; round += 1) {
    const active = await terminateUnderLoad(store, 20 + ((round * 37) % 150), ledger);
    const sessions = createSessions({ store, issuer: ISSUER, audience: AUDIENCE, masterKey: MASTER_KEY });
    const resting = await sessions.list(RESTING);
    assert.ok((resting.at(-1)?.lastActivityAt ?? 0) >= active, 'the activity was not stored');
    await ledger.check(sessions);
    await sessions.close();
  }
  assert.ok(ledger.live > ROUNDS && ledger.dead > ROUNDS, 'the load did not get going');
}

/** @returns When the resting session was active. */
async function terminateUnderLoad(store: string, afterMs: number, ledger: Ledger): Promise<number> {
  const child = fork(join(__dirname, '..', 'support', 'load-process.js'), [store]);
  let active = NaN;
  const ended = new Promise<void>((resolve) => {
    child.on('message', (step: Step) => {
      ledger.note(step);
      if (step.type === 'active') active = step.at;
      if (step.type === 'ended') resolve();
    });
  });
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  await Promise.race([ended, closed]);
  await setTimeout(afterMs);
  child.kill('SIGTERM');
  assert.deepEqual(await closed, [0, null]);
  return active;
}

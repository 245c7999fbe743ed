import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { createSessions, type Sessions } from 'keyturn';

import type { Acknowledged } from '../support/load-process.js';
import { LONG } from '../support/requirements.js';
import { AUDIENCE, coded, ISSUER, temporaryFolder } from '../support/sessions.js';

/** What the killed process had been told was done, by session. */
interface Told {
  refreshToken: string;
  accessToken: string;
  isEnded: boolean;
}

describe('a process that is killed under load', () => {
  it('has forgotten nothing that it acknowledged, and has burnt no session', async (t) => {
    const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
    const rounds = LONG ? 1000 : 15;
    let acknowledged = 0;
    for (let round = 0; round < rounds; round += 1) {
      const told = new Map<string, Told>();
      const child = fork(join(__dirname, '..', 'support', 'load-process.js'), [store]);
      acknowledged += await killAfter(child, 100 + ((round * 37) % 400), told);
      const sessions = createSessions({ store, issuer: ISSUER, audience: AUDIENCE });
      await sessions.ready();
      for (const session of told.values()) await check(sessions, session);
      await sessions.close();
    }
    t.diagnostic(`${String(rounds)} kills, ${String(acknowledged)} acknowledged steps checked`);
    assert.ok(acknowledged > rounds, 'the load did not get going');
  });
});

async function killAfter(child: ChildProcess, milliseconds: number, told: Map<string, Told>): Promise<number> {
  let count = 0;
  const ended = new Promise<void>((resolve) => child.once('exit', () => {
    resolve();
  }));
  child.on('message', (step: Acknowledged) => {
    count += 1;
    if (step.type === 'ended') {
      const session = told.get(step.sid);
      if (session !== undefined) session.isEnded = true;
    } else {
      told.set(step.sid, { refreshToken: step.refreshToken, accessToken: step.accessToken, isEnded: false });
    }
  });
  await new Promise<void>((resolve) => child.once('message', () => {
    resolve();
  }));
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  child.kill('SIGKILL');
  await ended;
  return count;
}

async function check(sessions: Sessions, { refreshToken, accessToken, isEnded }: Told): Promise<void> {
  if (isEnded) {
    assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
    await assert.rejects(sessions.refresh(refreshToken), coded('ERR_SESSION_REVOKED'));
    return;
  }
  // The last acknowledged token is the live one, or the parent of one whose acknowledgement died with the process; or an
  // end was stored and its acknowledgement was lost. None of that may look like theft.
  try {
    const { outcome } = await sessions.refresh(refreshToken);
    assert.ok(outcome === 'rotated' || outcome === 'replayed', outcome);
  } catch (error) {
    coded('ERR_SESSION_REVOKED', 'revoked')(error);
  }
}

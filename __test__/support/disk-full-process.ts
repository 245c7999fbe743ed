/**
 * Fills the small disk that its argument is a folder of, under sessions at work, and makes room again. Ends with status 1 and
 * an error if anything was lost, and prints what it has seen otherwise.
 */
import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { createSessions, type Sessions, type TokenPair } from 'keyturn';

import { AUDIENCE, coded, ISSUER, MASTER_KEY } from './sessions.js';

/** How many refreshes are to fail before there is room again. */
const FAILURES = 500;
const SESSIONS = 60;

const unavailable = coded('ERR_STORE_UNAVAILABLE');

void main(process.argv[2] ?? '');

async function main(folder: string): Promise<void> {
  const first = await opened(folder, 'keyturn.db');
  const pairs: TokenPair[] = [];
  for (let user = 0; user < SESSIONS; user += 1) pairs.push(await first.start({ subject: String(user) }));

  // With the first there is room for some commits, and for the beginning of one.
  let [failed, done] = [0, 0];
  for (const room of [200_000, 40_000, 0]) {
    if (failed > 0) makeRoom(folder);
    await refreshAll(first, pairs);
    fill(folder, room);
    const seen = await refreshUntilItFails(first, pairs);
    failed += seen.failed;
    done += seen.done;
  }
  await assert.rejects(first.start({ subject: 'new' }), unavailable);
  await assert.rejects(opened(folder, 'another.db'), unavailable, 'a start on a full disk');
  for (const { accessToken } of pairs) first.verify(accessToken);

  // Not stored, and not acknowledged; and yet in force here.
  const [one, all, token, ...rest] = pairs;
  assert.ok(one !== undefined && all !== undefined && token !== undefined);
  await assert.rejects(first.end(one.session.id), unavailable);
  await assert.rejects(first.endAll(all.session.subject), unavailable);
  const { jti, exp } = first.verify(token.accessToken);
  await assert.rejects(first.revocation.token(jti, exp), unavailable);
  assertRevoked(first, [one, all, token]);

  makeRoom(folder);
  await refreshAll(first, rest);
  await first.close();

  // What had to wait for room has been stored.
  const second = await opened(folder, 'keyturn.db');
  assertRevoked(second, [one, all, token]);
  for (const { refreshToken } of [one, all]) await assert.rejects(second.refresh(refreshToken), coded('ERR_SESSION_REVOKED'));
  for (const { accessToken } of rest) second.verify(accessToken);
  await second.close();

  // A start beside a full disk either works or says why not, and harms nothing.
  fill(folder, 0);
  await opened(folder, 'keyturn.db').then((sessions) => sessions.close(), unavailable);
  makeRoom(folder);
  const third = await opened(folder, 'keyturn.db');
  await refreshAll(third, rest);
  await third.close();
  console.log(`${String(failed)} refreshes failed and ${String(done)} were done while the disk was full; none of ${String(SESSIONS)} sessions was burnt`);
}

async function opened(folder: string, name: string): Promise<Sessions> {
  const sessions = createSessions({ store: `sqlite:${join(folder, name)}`, issuer: ISSUER, audience: AUDIENCE, masterKey: MASTER_KEY });
  try {
    await sessions.ready();
  } catch (error) {
    await sessions.close();
    throw error;
  }
  return sessions;
}

/** A failed commit has changed nothing, so the token that failed is good; that of a commit in doubt is replayed. */
async function refreshAll(sessions: Sessions, pairs: TokenPair[]): Promise<void> {
  await Promise.all(pairs.map(async ({ refreshToken }, index) => {
    const next = await sessions.refresh(refreshToken);
    assert.ok(next.outcome === 'rotated' || next.outcome === 'replayed', next.outcome);
    pairs[index] = next;
  }));
}

/** The log may have room of its own for a while. */
async function refreshUntilItFails(sessions: Sessions, pairs: TokenPair[]): Promise<{ failed: number; done: number }> {
  let [failed, done] = [0, 0];
  while (failed < FAILURES) {
    assert.ok(done < 100_000, 'the disk never got full');
    await Promise.all(pairs.map(async ({ refreshToken }, index) => {
      try {
        pairs[index] = await sessions.refresh(refreshToken);
        done += 1;
      } catch (error) {
        unavailable(error);
        failed += 1;
      }
    }));
  }
  return { failed, done };
}

function assertRevoked(sessions: Sessions, pairs: readonly TokenPair[]): void {
  for (const { accessToken } of pairs) assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
}

/** Leaves so many bytes. */
function fill(folder: string, room: number): void {
  const file = openSync(join(folder, 'ballast'), 'w');
  let size = 0;
  try {
    for (;;) size += writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  ftruncateSync(file, size - room);
  closeSync(file);
}

function makeRoom(folder: string): void {
  rmSync(join(folder, 'ballast'));
}

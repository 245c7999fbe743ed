/**
 * Fills the disk under sessions at work and makes room again, several times. Ends with status 1 and an error if anything was
 * lost, and prints what it has seen otherwise.
 *
 *     node disk-full-process.js FOLDER [PRLIMIT]
 *
 * FOLDER is all of a small disk; or else PRLIMIT, the path of that program, keeps this process's files from growing instead.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { createSessions, type Sessions, type TokenPair } from 'keyturn';

import { AUDIENCE, coded, ISSUER, MASTER_KEY } from './sessions.js';

/** How many refreshes are to fail before there is room again. */
const FAILURES = 500;
const SESSIONS = 60;

const unavailable = coded('ERR_STORE_UNAVAILABLE');

const [, , folder = '', prlimit] = process.argv;

void main();

async function main(): Promise<void> {
  const first = await opened('keyturn.db');
  const pairs: TokenPair[] = [];
  for (let user = 0; user < SESSIONS; user += 1) pairs.push(await first.start({ subject: String(user) }));

  // With the first there is room for some commits, and for the beginning of one.
  let [failed, done] = [0, 0];
  for (const room of [200_000, 40_000, 0]) {
    if (failed > 0) makeRoom();
    await refreshAll(first, pairs);
    fill(room);
    const seen = await refreshUntilItFails(first, pairs);
    failed += seen.failed;
    done += seen.done;
  }
  await assert.rejects(first.start({ subject: 'new' }), unavailable);
  await assert.rejects(opened('another.db'), unavailable, 'a start on a full disk');
  for (const { accessToken } of pairs) first.verify(accessToken);

  // Not stored, and not acknowledged; and yet in force here.
  const [one, all, token, ...rest] = pairs;
  assert.ok(one !== undefined && all !== undefined && token !== undefined);
  await assert.rejects(first.end(one.session.id), unavailable);
  await assert.rejects(first.endAll(all.session.subject), unavailable);
  const { jti, exp } = first.verify(token.accessToken);
  await assert.rejects(first.revocation.token(jti, exp), unavailable);
  assertRevoked(first, [one, all, token]);

  makeRoom();
  await refreshAll(first, rest);
  await first.close();

  // What had to wait for room has been stored.
  const second = await opened('keyturn.db');
  assertRevoked(second, [one, all, token]);
  for (const { refreshToken } of [one, all]) await assert.rejects(second.refresh(refreshToken), coded('ERR_SESSION_REVOKED'));
  for (const { accessToken } of rest) second.verify(accessToken);
  await second.close();

  // A start beside a full disk either works or says why not, and harms nothing.
  fill(0);
  await opened('keyturn.db').then((sessions) => sessions.close(), unavailable);
  makeRoom();
  const third = await opened('keyturn.db');
  await refreshAll(third, rest);
  await third.close();
  console.log(`${String(failed)} refreshes failed and ${String(done)} were done while the disk was full; none of ${String(SESSIONS)} sessions was burnt`);
}

async function opened(name: string): Promise<Sessions> {
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
function fill(room: number): void {
  if (prlimit === undefined) fillDisk(room);
  else limitFiles(prlimit, room === 0 ? '0' : String(statSync(join(folder, 'keyturn.db-wal')).size + room));
}

function makeRoom(): void {
  if (prlimit === undefined) rmSync(join(folder, 'ballast'));
  else limitFiles(prlimit, 'unlimited');
}

function fillDisk(room: number): void {
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

/** The soft limit: it may be lifted again. Node ignores the signal, so that the write fails. */
function limitFiles(program: string, bytes: string): void {
  execFileSync(program, [`--pid=${String(process.pid)}`, `--fsize=${bytes}:`]);
}

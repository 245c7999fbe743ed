import { createRequire } from 'node:module';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import type * as Keyturn from 'keyturn';

import { SLOW } from './slow.js';

/**
 * A program for the tests of worker threads: a crowd of them uses the addon, is ended at random moments and replaced, and
 * the process must end by itself, with status 0 and without a signal.
 *
 *     node worker-crowd.js MODE
 *
 * - `main-too`: the main thread has loaded the addon as well.
 * - `workers-only`: it has not, so that the addon is loaded and let go with the last worker, again and again.
 * - `exit`: process.exit() while all of them are at work.
 */
const AT_ONCE = 20;
const ROUNDS = 4;

type Work = 'tokens' | 'pool' | 'passwords' | 'sessions' | 'finish';
const WORK: readonly Work[] = ['tokens', 'pool', 'passwords', 'sessions', 'finish'];

if (isMainThread) void runCrowd(process.argv[2] ?? '');
else void toil((workerData as { readonly work: Work }).work);

async function runCrowd(mode: string): Promise<void> {
  if (mode === 'main-too') signAndVerify(1);
  for (let round = 0; round < ROUNDS; round += 1) {
    const crowd = Array.from({ length: AT_ONCE }, (_, index) => startWorker(WORK[(round + index) % WORK.length] ?? 'tokens'));
    if (mode === 'exit' && round === ROUNDS - 1) {
      await Promise.all(crowd.map(({ ready }) => ready));
      process.exit(0);
    }
    await Promise.all(crowd.map(async ({ worker, ready }, index) => {
      // Some are ended before they are ready, some in the middle of their work.
      if (index % 4 !== 0) await ready;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      await worker.terminate();
    }));
  }
  if (mode === 'main-too') signAndVerify(1000);
  console.log('done');
}

function startWorker(work: Work): { readonly worker: Worker; readonly ready: Promise<void> } {
  const worker = new Worker(__filename, { workerData: { work } });
  const ready = new Promise<void>((resolve) => {
    worker.once('message', () => resolve());
    worker.once('exit', () => resolve());
  });
  worker.on('error', (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  return { worker, ready };
}

async function toil(work: Work): Promise<void> {
  for (let round = 0; ; round += 1) {
    if (work === 'tokens') signAndVerify(50);
    else if (work === 'pool') await signSlowly();
    else if (work === 'passwords') await hashSome();
    else if (work === 'finish') return finish();
    else await useSessions();
    if (round === 0) parentPort?.postMessage('at work');
    // A turn of the event loop, or the thread could not be ended between two rounds.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Not imported above, since who loads the addon, and when, is what is tested. */
function load(): typeof Keyturn {
  return createRequire(__filename)('keyturn') as typeof Keyturn;
}

function signAndVerify(times: number): void {
  const { createSigner, createVerifier, generateKey } = load();
  for (const alg of ['HS256', 'EdDSA'] as const) {
    const key = generateKey(alg);
    const [sign, verify] = [createSigner({ key }), createVerifier({ key })];
    for (let n = 0; n < times; n += 1) {
      if (verify(sign({ n }))['n'] !== n) throw new Error('a token came back as another');
    }
  }
}

/** Leaves signatures under way, of which the next round finds some in the inbox. */
async function signSlowly(): Promise<void> {
  const { createSigner, createVerifier, generateKey } = load();
  const key = generateKey(SLOW);
  const [sign, verify] = [createSigner({ key }), createVerifier({ key })];
  const tokens = Array.from({ length: 20 }, async (_, n) => verify.async(await sign.async({ n })));
  if ((await tokens[0])?.['n'] !== 0) throw new Error('a token came back as another');
}

/** Ends by itself, and no sooner than what it started is answered. */
async function finish(): Promise<void> {
  const { createSigner, generateKey, hashPassword } = load();
  parentPort?.postMessage('at work');
  const sign = createSigner({ key: generateKey(SLOW) });
  await Promise.all([...Array.from({ length: 20 }, (_, n) => sign.async({ n })), hashPassword('correct horse').catch(unlessFull)]);
}

/** Leaves promises behind that nobody waits for, and that a thread of the pool settles when the worker may be gone. */
async function hashSome(): Promise<void> {
  const { hashPassword, verifyPassword } = load();
  hashPassword('correct horse').catch(unlessFull);
  verifyPassword(null, 'correct horse').catch(unlessFull);
  await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A crowd asks for more than the pool takes. */
function unlessFull(error: unknown): void {
  if ((error as { readonly code?: unknown }).code !== 'ERR_POOL_FULL') throw error;
}

async function useSessions(): Promise<void> {
  const { createSessions } = load();
  const sessions = createSessions({ store: 'memory:', issuer: 'https://issuer.example', audience: 'a' });
  const { accessToken, refreshToken } = await sessions.start({ subject: 'alice' });
  if (sessions.verify(accessToken).sub !== 'alice') throw new Error('another subject came back');
  void sessions.refresh(refreshToken);
}

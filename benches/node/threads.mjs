/**
 * How verification grows with threads: what one worker thread verifies in a second, and what two verify together.
 *
 *     node benches/node/threads.mjs [MILLISECONDS]
 *
 * Writes `{ arms: [{ name, one, two }] }`, HS256 verifications a second: medians of turns that each take MILLISECONDS. Threads
 * of a turn start together; the making of the tokens' strings is not counted. Each thread has verifiers of its own, as a
 * program's threads have.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

import { at, headerValues } from './inputs.mjs';
import { makeSuite } from './material.mjs';
import { cachedVerifiers, everyVerifier } from './packages.mjs';
import { fullRevocation } from './peers/keyturn.mjs';
import { time } from './timing.mjs';

/** @import { Verifiers } from './packages.mjs' */
/** @import { Timed } from './timing.mjs' */

const TURNS = 11;

/** So many between two looks at the clock: some milliseconds of the slowest. */
const STRETCH = 512;

/** Who takes part: what a turn of milliseconds can measure, and answers without promises. */
const NAMES = ['keyturn', 'keyturn (cache)', 'jsonwebtoken (KeyObject)', 'fast-jwt', 'fast-jwt (cache)', 'node-rs (sync)'];

/** @typedef {{ readonly name: string, readonly ms: number }} Request */

await (isMainThread ? main() : serve());

async function main() {
  const ms = Number(process.argv[2] ?? 200);
  const threads = [1, 2].map(() => new Worker(fileURLToPath(import.meta.url)));
  await Promise.all(threads.map(async (thread) => once(thread, 'message')));
  const arms = NAMES.map((name) => ({ name, one: /** @type {number[]} */ ([]), two: /** @type {number[]} */ ([]) }));
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const { name, one, two } of arms) {
      // Each of them alone in turn, so that neither is measured more than the other.
      one.push(await together(threads.slice(turn % 2, (turn % 2) + 1), { name, ms }));
      two.push(await together(threads, { name, ms }));
    }
  }
  await Promise.all(threads.map(async (thread) => thread.terminate()));
  console.log(JSON.stringify({ arms: arms.map(({ name, one, two }) => ({ name, one: median(one), two: median(two) })) }));
}

/**
 * @param {readonly Worker[]} threads
 * @param {Request} request
 * @returns {Promise<number>} Verifications a second, of all of them.
 */
async function together(threads, request) {
  const answers = threads.map(async (thread) => once(thread, 'message'));
  for (const thread of threads) thread.postMessage(request);
  let total = 0;
  for (const [rate] of await Promise.all(answers)) total += Number(rate);
  return total;
}

/** A thread: says that it is ready, and answers each request with verifications a second. */
async function serve() {
  const suite = makeSuite('HS256');
  const revocation = await fullRevocation([suite]);
  const cached = cachedVerifiers(suite, revocation);
  const { keyturn: cachedKeyturn, ...cachedOthers } = cached;
  /** @type {Verifiers} */
  const verifiers = {
    ...(await everyVerifier(suite, revocation)),
    ...(cachedKeyturn === undefined ? {} : { 'keyturn (cache)': cachedKeyturn }),
    ...cachedOthers,
  };
  const input = headerValues(suite.tokens);
  /** @type {Timed['check']} */
  const check = (result, index) => assert.deepStrictEqual(result, at(suite.claims, index));
  /** @type {Map<string, Timed>} */
  const timed = new Map(
    Object.entries(verifiers).map(([name, verify]) => [
      name,
      { awaited: false, input, run: /** @type {Timed['run']} */ (verify), check },
    ]),
  );
  for (const name of NAMES) await rate({ name, ms: 1 });
  parentPort?.on('message', (/** @type {Request} */ request) => {
    void rate(request).then((perSecond) => parentPort?.postMessage(perSecond));
  });
  parentPort?.postMessage('ready');

  /** @param {Request} request */
  async function rate({ name, ms }) {
    const one = timed.get(name);
    if (one === undefined) throw new Error(`there is no ${name}`);
    let [done, nanoseconds] = [0, 0n];
    const end = performance.now() + ms;
    do {
      nanoseconds += await time(one, STRETCH);
      done += STRETCH;
    } while (performance.now() < end);
    return (done * 1e9) / Number(nanoseconds);
  }
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

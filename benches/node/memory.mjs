/**
 * What verifications leave behind: how much a process grows over very many of them. One package for each process.
 *
 *     node --expose-gc benches/node/memory.mjs plain|cached NAME VERIFICATIONS
 *
 * Writes `{ before, warm, after }`, bytes of resident memory after a collection: before the first verification, after a
 * tenth more of them than are counted, in which caches and heaps reach their size, and after all the others. The tokens take
 * turns, and are twice as many as keyturn's cache keeps, so that caches work at their bound.
 */
import assert from 'node:assert/strict';

import { at, headerValues } from './inputs.mjs';
import { makeSuite } from './material.mjs';
import { cachedVerifiers, everyVerifier } from './packages.mjs';
import { fullRevocation } from './peers/keyturn.mjs';
import { time } from './timing.mjs';

const TOKENS = 20_000;

const [kind = '', name = '', verifications = ''] = process.argv.slice(2);
const suite = makeSuite('HS256', { pool: TOKENS });
const revocation = await fullRevocation([suite]);
const verifiers = kind === 'cached' ? cachedVerifiers(suite, revocation) : await everyVerifier(suite, revocation);
const verify = verifiers[name];
if (verify === undefined) throw new Error(`there is no ${name} among ${Object.keys(verifiers).join(', ')}`);

const timed = {
  awaited: false,
  input: headerValues(suite.tokens),
  /** @param {unknown} token */
  run: (token) => verify(String(token)),
  /** @type {(result: unknown, index: number) => void} */
  check: (result, index) => assert.deepStrictEqual(result, at(suite.claims, index)),
};
const times = Number(verifications);
const before = await residentMemory();
await time(timed, Math.ceil(times / 10));
const warm = await residentMemory();
await time(timed, times);
console.log(JSON.stringify({ before, warm, after: await residentMemory() }));

async function residentMemory() {
  // Finalizers run in turns of their own.
  for (let turn = 0; turn < 5; turn += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().rss;
}

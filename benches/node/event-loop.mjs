/**
 * What RS256 signatures do to everything else that a process does: how late a timer of one millisecond fires while
 * signatures are made as fast as they can be.
 *
 *     node benches/node/event-loop.mjs [MILLISECONDS]
 *
 * Writes `{ inFlight, arms: [{ name, perSecond, p50, p99, max }] }`, lateness in milliseconds. The arms take turns. An
 * asynchronous one always has signatures waiting; a synchronous one makes a single signature in each turn of the event loop,
 * which is the kindest that it can be. `nothing` shows how late timers are by themselves. MILLISECONDS is how long a turn
 * takes.
 */
import { claimObjects } from './inputs.mjs';
import { makeSuite } from './material.mjs';
import * as jose from './peers/jose.mjs';
import * as jsonwebtoken from './peers/jsonwebtoken.mjs';
import * as keyturn from './peers/keyturn.mjs';

/** @import { AppClaims } from './material.mjs' */

/** Enough that no thread of any pool ever waits for work. */
const IN_FLIGHT = 256;

const TURNS = 5;

/** Of each turn, at its beginning: until the queue is full and the code compiled. */
const WARM_UP_MS = 300;

/**
 * @typedef {object} Arm
 * @property {string} name
 * @property {number} width How many loops of `step` run at once.
 * @property {() => unknown} step Awaited before the next one of its loop.
 */

/** @typedef {{ late: number[], done: number, seconds: number }} Measured */

const turnMs = Number(process.argv[2] ?? 2000);
const arms = await makeArms();
/** @type {Map<Arm, Measured[]>} */
const measured = new Map(arms.map((arm) => [arm, []]));
for (let turn = 0; turn < TURNS; turn += 1) {
  for (const [arm, turns] of measured) turns.push(await takeTurn(arm));
}
console.log(JSON.stringify({ inFlight: IN_FLIGHT, arms: [...measured].map(([arm, turns]) => summary(arm, turns)) }));

/** @returns {Promise<Arm[]>} */
async function makeArms() {
  const suite = makeSuite('RS256');
  const sign = keyturn.signer(suite);
  const signers = { ...jsonwebtoken.signers(suite), ...(await jose.signers(suite)) };
  /** @param {string} name */
  const peer = (name) => {
    const signer = signers[name];
    if (signer === undefined) throw new Error(`there is no ${name}`);
    return signer;
  };
  const input = claimObjects(suite);
  for (const signer of [sign.async, ...Object.values(signers)]) suite.read(String(await signer(input(0))));
  let next = 0;
  const claims = () => input(next++);
  /** @param {(claims: AppClaims) => unknown} signer */
  const oncePerTurn = (signer) => async () => {
    signer(claims());
    await new Promise((resolve) => setImmediate(resolve));
  };
  const [jwtSign, joseSign] = [peer('jsonwebtoken (KeyObject)'), peer('jose')];
  return [
    { name: 'nothing', width: 0, step: () => undefined },
    { name: 'keyturn async', width: IN_FLIGHT, step: async () => sign.async(claims()) },
    { name: 'jose', width: IN_FLIGHT, step: async () => joseSign(claims()) },
    { name: 'keyturn sync', width: 1, step: oncePerTurn(sign) },
    { name: 'jsonwebtoken (KeyObject) sync', width: 1, step: oncePerTurn(jwtSign) },
  ];
}

/**
 * @param {Arm} arm
 * @returns {Promise<Measured>}
 */
async function takeTurn({ width, step }) {
  const state = { stopped: false, done: 0 };
  const loops = Array.from({ length: width }, async () => {
    while (!state.stopped) {
      await step();
      state.done += 1;
    }
  });
  await sleep(WARM_UP_MS);
  const before = state.done;
  const started = performance.now();
  const late = [];
  while (performance.now() - started < turnMs) {
    const asked = performance.now();
    await sleep(1);
    late.push(Math.max(0, performance.now() - asked - 1));
  }
  const seconds = (performance.now() - started) / 1000;
  const done = state.done - before;
  state.stopped = true;
  await Promise.all(loops);
  return { late, done, seconds };
}

/**
 * @param {Arm} arm
 * @param {readonly Measured[]} turns
 */
function summary({ name, width }, turns) {
  const late = turns.flatMap((turn) => turn.late).sort((a, b) => a - b);
  const rates = turns.map(({ done, seconds }) => done / seconds).sort((a, b) => a - b);
  return {
    name,
    perSecond: width === 0 ? null : quantile(rates, 0.5),
    p50: quantile(late, 0.5),
    p99: quantile(late, 0.99),
    max: late.at(-1) ?? 0,
  };
}

/**
 * @param {readonly number[]} sorted
 * @param {number} share
 */
function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** @param {number} ms */
async function sleep(ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * What RS256 signatures do to everything else that a process does: how long the event loop is held while signatures are made
 * as fast as they can be.
 *
 *     node benches/node/event-loop.mjs [MILLISECONDS]
 *
 * Writes `{ inFlight, arms: [{ name, perSecond, p50, p99, max }] }`, delays in milliseconds: from one firing of a timer of one
 * millisecond to the next, so that millisecond included, which is what any other request would wait. The arms take turns of
 * MILLISECONDS; `p50` and `p99` are medians of turns, `max` is the longest of all. An asynchronous arm has so many signatures
 * in flight that its pool never rests; a synchronous one makes a single signature in each turn of the event loop, which is
 * the kindest that it can be. `nothing` is what the machine itself costs.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

import { claimObjects } from './inputs.mjs';
import { makeSuite } from './material.mjs';
import * as jose from './peers/jose.mjs';
import * as jsonwebtoken from './peers/jsonwebtoken.mjs';
import * as keyturn from './peers/keyturn.mjs';

/** @import { AppClaims } from './material.mjs' */

/** Enough that no thread of any pool ever waits for work. */
const IN_FLIGHT = 1000;

const TURNS = 5;

/** Of each turn, at its beginning: until the queue is full and the code compiled. */
const WARM_UP_MS = 300;

/**
 * @typedef {object} Arm
 * @property {string} name
 * @property {number} width How many loops of `step` run at once.
 * @property {() => unknown} step Awaited before the next one of its loop.
 */

/** @typedef {{ perSecond: number, p50: number, p99: number, max: number }} Measured */

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
  /** @param {AppClaims} claims */
  const signAsync = async (claims) => sign.async(claims);
  const signers = { ...jsonwebtoken.signers(suite), ...(await jose.signers(suite)) };
  /** @param {string} name */
  const peer = (name) => {
    const signer = signers[name];
    if (signer === undefined) throw new Error(`there is no ${name}`);
    return signer;
  };
  const input = claimObjects(suite);
  for (const signer of [signAsync, ...Object.values(signers)]) suite.read(String(await signer(input(0))));
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
    { name: 'keyturn async', width: IN_FLIGHT, step: async () => signAsync(claims()) },
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
  await pause(WARM_UP_MS);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = state.done;
  const started = performance.now();
  delay.enable();
  await pause(turnMs);
  delay.disable();
  const seconds = (performance.now() - started) / 1000;
  const done = state.done - before;
  state.stopped = true;
  await Promise.all(loops);
  const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e6);
  return { perSecond: done / seconds, p50: p50 ?? 0, p99: p99 ?? 0, max: max ?? 0 };
}

/**
 * @param {Arm} arm
 * @param {readonly Measured[]} turns
 */
function summary({ name, width }, turns) {
  return {
    name,
    perSecond: width === 0 ? null : median(turns.map(({ perSecond }) => perSecond)),
    p50: median(turns.map(({ p50 }) => p50)),
    p99: median(turns.map(({ p99 }) => p99)),
    max: Math.max(...turns.map(({ max }) => max)),
  };
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

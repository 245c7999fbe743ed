/**
 * Why this exists: what cannot be told by one call's time alone: memory, threads, and what signing does to the rest of a
 * process. Each is a program of benches/node that writes one line of JSON; each runs in a process of its own.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

import { untilStopped } from '../run.mjs';
import { atRoot } from '../source/files.mjs';
import { textTable } from './table.mjs';

/**
 * @typedef {object} Beside
 * @property {EventLoop} eventLoop
 * @property {Threads} threads
 * @property {readonly Memory[]} memory
 * @property {number} verifications By which memory grew.
 *
 * @typedef {{ inFlight: number, arms: readonly { name: string, perSecond: number | null, p50: number, p99: number, max: number }[] }} EventLoop
 *
 * @typedef {{ arms: readonly { name: string, one: number, two: number }[] }} Threads Verifications a second.
 *
 * @typedef {{ kind: string, name: string, before: number, warm: number, after: number }} Memory Bytes.
 */

/** Who is left to verify a million tokens; jose, and jsonwebtoken with text as its secret, would take minutes. */
const REMEMBERING = [
  ['plain', 'keyturn'],
  ['cached', 'keyturn'],
  ['plain', 'jsonwebtoken (KeyObject)'],
  ['plain', 'fast-jwt'],
  ['cached', 'fast-jwt (cache)'],
  ['plain', 'node-rs (sync)'],
];

const MIB = 2 ** 20;

/**
 * Measures all of it, one program after the other.
 *
 * @param {boolean} trial Whether it is only tried out, with next to nothing to do.
 * @returns {Promise<Beside>}
 */
export async function measureBeside(trial) {
  console.log('measuring event loop, threads and memory');
  const eventLoop = /** @type {EventLoop} */ (await program('event-loop', [trial ? '100' : '2000']));
  const threads = /** @type {Threads} */ (await program('threads', [trial ? '10' : '200']));
  const verifications = trial ? 2_000 : 1_000_000;
  const memory = [];
  for (const [kind = '', name = ''] of REMEMBERING) {
    const bytes = /** @type {Omit<Memory, 'kind' | 'name'>} */ (await program('memory', [kind, name, String(verifications)]));
    memory.push({ kind, name, ...bytes });
  }
  return { eventLoop, threads, memory, verifications };
}

/**
 * As lines of Markdown.
 *
 * @param {Beside} beside
 * @returns {string[]}
 */
export function besideSections({ eventLoop, threads, memory, verifications }) {
  return [
    '## RS256 signing and the event loop',
    '',
    'From one firing of a timer of one millisecond to the next, in milliseconds, while signatures are made as fast as they can',
    `be: medians of turns, and the longest. What is asynchronous has ${eventLoop.inFlight} signatures in flight; what is synchronous`,
    'makes one in each turn of the event loop.',
    '',
    ...textTable(['', 'signatures a second', 'p50', 'p99', 'max'], eventLoop.arms.map(({ name, perSecond, p50, p99, max }) => [
      name, perSecond === null ? '' : perSecond.toFixed(0), p50.toFixed(2), p99.toFixed(2), max.toFixed(2),
    ])),
    '',
    '## Threads',
    '',
    'HS256 verifications a second, in thousands: of one worker thread, and of two at once together.',
    '',
    ...textTable(['', 'one', 'two', 'factor'], threads.arms.map(({ name, one, two }) => [
      name, (one / 1000).toFixed(0), (two / 1000).toFixed(0), (two / one).toFixed(2),
    ])),
    '',
    '## Memory',
    '',
    `Resident memory in MiB before and after ${verifications.toLocaleString('en')} HS256 verifications of 20,000 tokens in turn, which is`,
    'more than caches keep. `warm` is after a tenth as many before those; growth is counted from there.',
    '',
    ...textTable(['', 'start', 'warm', 'end', 'growth'], memory.map(({ kind, name, before, warm, after }) => [
      kind === 'cached' && name === 'keyturn' ? 'keyturn (cache)' : name, mib(before), mib(warm), mib(after), mib(after - warm),
    ])),
  ];
}

/**
 * @param {string} name Of a program in benches/node.
 * @param {readonly string[]} args
 * @returns {Promise<unknown>} What it wrote.
 */
async function program(name, args) {
  const path = atRoot(`benches/node/${name}.mjs`);
  const child = spawn(process.execPath, ['--expose-gc', path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const written = await untilStopped(text(child.stdout), (signal) => child.kill(signal));
  console.log(`${[name, ...args].join(' ')}: ${written.trim()}`);
  if (written === '') throw new Error(`${path} ${args.join(' ')} measured nothing; it said why`);
  /** @type {unknown} */
  const value = JSON.parse(written);
  return value;
}

/** @param {number} bytes */
function mib(bytes) {
  return (bytes / MIB).toFixed(1);
}

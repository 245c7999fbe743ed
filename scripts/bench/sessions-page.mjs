/**
 * Why this exists: the record of sessions and revocation as it is read: first what was to be reached, then where and how it
 * was measured, then everything that was.
 */
import { cpuModel, machine, rustVersion } from './machine.mjs';
import { textTable } from './table.mjs';

/** @import { Calls, Contender } from './index-figures.mjs' */

/**
 * What benches/node/sessions.mjs writes.
 *
 * @typedef {object} Refreshes
 * @property {readonly Arm[]} arms
 * @property {number} startMillis
 *
 * @typedef {{ name: string, perSecond: number, lowest: number, highest: number, cpuMicros: number }} Arm
 *
 * @typedef {{ readonly refreshes: Refreshes, readonly index: readonly Contender[] }} Figures
 */

const TARGETS = ['what', 'target', 'measured', ''];

/** @param {{ figures: Figures, day: string, command: string, load: readonly string[] }} run */
export function sessionsPage({ figures, day, command, load }) {
  const facts = [
    ['machine', machine()],
    ['load average', `${load[0] ?? ''} before, ${load[1] ?? ''} after`],
    ['Node.js', process.versions.node],
    ['Rust', rustVersion()],
    ['command', `\`${command}\``],
  ];
  return [
    `# ${day}, ${cpuModel()}, Node.js ${process.versions.node}: sessions and revocation`,
    '',
    '## The targets',
    '',
    ...sessionsTable(figures),
    '',
    '## Where and how',
    '',
    ...textTable(['', ''], facts),
    '',
    'Each refresh is a rotation by one Node.js thread: its answer is looked at, and the next one of that session presents the',
    'token that came with it. Access tokens are HS256. On SQLite a refresh is answered after its commit has been synced to the',
    'disk; better-sqlite3 reads and writes one row in a transaction that is synced each time. On Redis a refresh is one script',
    'call; redis-benchmark sends the same call again and again. The arms take turns; the range is that of the turns.',
    '',
    'The index is asked as a verification asks it: by the session, the token and the subject of each token. It holds ended',
    'sessions, one subject and one token, so that all three names are looked for. index-sessions holds ended sessions alone, so',
    'that one is. index-both holds as many tokens as sessions. index-again is asked as the cache of verified tokens asks, which',
    'keeps the digests of a token. The other maps are asked for one digest. All hold as many live entries, while ten thousand a',
    'second are added and as many expire. A time of one call is read off the clock before and after it, which takes itself what',
    'its own row says; criterion times calls one after another.',
    '',
    '## Refreshes',
    '',
    ...textTable(['', 'a second', 'range', 'us of processor each'], figures.refreshes.arms.map(refreshRow)),
    '',
    '## Look-ups',
    '',
    ...figures.index.flatMap(contenderSection),
  ].join('\n');
}

/** @param {Figures} figures */
export function sessionsTable({ refreshes, index }) {
  /** @param {string} start */
  const perSecond = (start) => refreshes.arms.find(({ name }) => name.startsWith(start))?.perSecond ?? 0;
  const beside = perSecond('SQLite') / perSecond('better-sqlite3');
  const share = perSecond('Redis') / perSecond('redis-benchmark');
  const ours = index.find(({ name }) => name === 'index');
  /**
   * @param {string} contender
   * @param {string} name
   */
  const calls = (contender, name) =>
    index.find((one) => one.name === contender)?.calls.find((one) => one.case === name);
  /**
   * @param {string} contender
   * @param {string} name
   */
  const criterion = (contender, name) => calls(contender, name)?.criterion ?? Infinity;
  const tails = ['not revoked', 'revoked'].map((name) => calls('index', name)?.p999 ?? Infinity);
  return textTable(TARGETS, [
    atLeast('refreshes a second on `memory:`', 100_000, perSecond('memory:'), count),
    atLeast('refreshes a second on SQLite, 256 in flight', 15_000, perSecond('SQLite'), count),
    atLeast('the same beside better-sqlite3', 6, beside, (value) => `${value.toFixed(1)}x`),
    atLeast('refreshes on Redis beside redis-benchmark, 256 in flight', 0.7, share, (value) => `${(value * 100).toFixed(0)} %`),
    below(`not revoked, ${count(ours?.entries ?? 0)} ended sessions (criterion)`, 150, criterion('index-sessions', 'not revoked'), nanoseconds),
    below('revoked (criterion)', 300, criterion('index-sessions', 'revoked'), nanoseconds),
    below('not revoked, a subject and a token among them (criterion)', 150, criterion('index', 'not revoked'), nanoseconds),
    below('revoked (criterion)', 300, criterion('index', 'revoked'), nanoseconds),
    below('p99.9 of single calls of both', 2000, Math.max(...tails), nanoseconds),
    below('resident memory an entry', 48, ours?.bytesEach ?? Infinity, (value) => `${value.toFixed(1)} bytes`),
    below('start over a million revocations in SQLite', 2000, refreshes.startMillis, (value) => `${value.toFixed(0)} ms`),
  ]);
}

/**
 * @param {string} what
 * @param {number} target
 * @param {number} value
 * @param {(value: number) => string} written
 */
function atLeast(what, target, value, written) {
  return [what, `at least ${written(target)}`, written(value), value >= target ? 'met' : 'missed'];
}

/**
 * @param {string} what
 * @param {number} target
 * @param {number} value
 * @param {(value: number) => string} written
 */
function below(what, target, value, written) {
  return [what, `below ${written(target)}`, written(value), value < target ? 'met' : 'missed'];
}

/** @param {Arm} arm */
function refreshRow({ name, perSecond, lowest, highest, cpuMicros }) {
  return [name, count(perSecond), `${count(lowest)} to ${count(highest)}`, cpuMicros === 0 ? '' : cpuMicros.toFixed(1)];
}

/** @param {Contender} contender */
function contenderSection({ name, entries, bytesEach, calls }) {
  return [
    `### ${name}: ${count(entries)} entries, ${bytesEach.toFixed(1)} bytes of resident memory each`,
    '',
    ...textTable(['ns', 'criterion', 'median of single calls', 'p99', 'p99.9', 'longest'], calls.map(callsRow)),
    '',
  ];
}

/** @param {Calls} calls */
function callsRow({ case: name, criterion, median, p99, p999, longest }) {
  return [name, criterion?.toFixed(0) ?? '', ...[median, p99, p999, longest].map(String)];
}

/** @param {number} value */
function count(value) {
  return Math.round(value).toLocaleString('en');
}

/** @param {number} value */
function nanoseconds(value) {
  return `${value.toFixed(0)} ns`;
}

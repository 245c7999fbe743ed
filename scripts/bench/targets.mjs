/**
 * Why this exists: what keyturn has set itself to reach, judged by the run and not by whoever writes about it.
 */
import { textTable } from './table.mjs';

/** @import { Beside } from './beside.mjs' */
/** @import { Row } from './comparison.mjs' */

/**
 * A ratio that has to be reached: the time of `name` as a multiple of keyturn's, both in the group `group`.
 *
 * @typedef {object} Target
 * @property {string} operation
 * @property {string} against
 * @property {string} group
 * @property {string} name
 * @property {number} atLeast
 */

const STRING_SECRET = 'jsonwebtoken (string secret)';
const KEY_OBJECT = 'jsonwebtoken (KeyObject)';
const FAST_JWT = 'fast-jwt';
const FAST_JWT_CACHE = 'fast-jwt (cache)';

/** @type {readonly Target[]} */
const TARGETS = [
  target('HS256 verify, no cache', KEY_OBJECT, 'verify/HS256', 5),
  target('HS256 verify, no cache', STRING_SECRET, 'verify/HS256', 190),
  target('HS256 verify, no cache', FAST_JWT, 'verify/HS256', 3.4),
  target('HS256 verify, no cache', 'node-rs (sync)', 'verify/HS256', 3.5),
  target('HS256 verify, no cache', 'jose', 'verify/HS256', 30),
  target('HS256 verify, cache hit', FAST_JWT_CACHE, 'verify cached/HS256', 5),
  target('RS256 verify, cache hit', FAST_JWT_CACHE, 'verify cached/RS256', 5),
  target('ES256 verify, cache hit', FAST_JWT_CACHE, 'verify cached/ES256', 5),
  target('EdDSA verify, cache hit', FAST_JWT_CACHE, 'verify cached/EdDSA', 5),
  target('HS256 verify, cache hit', KEY_OBJECT, 'verify cached/HS256', 20),
  target('RS256 verify, cache hit', KEY_OBJECT, 'verify cached/RS256', 55),
  target('HS256 sign', KEY_OBJECT, 'sign/HS256', 4),
  target('HS256 sign', FAST_JWT, 'sign/HS256', 5),
  target('RS256 verify, no cache', KEY_OBJECT, 'verify/RS256', 1.7),
  target('ES256 verify, no cache', KEY_OBJECT, 'verify/ES256', 1.35),
  target('EdDSA verify', FAST_JWT, 'verify/EdDSA', 2.3),
  target('EdDSA sign', FAST_JWT, 'sign/EdDSA', 3.5),
  target('ES256 sign', FAST_JWT, 'sign/ES256', 1.5),
  target('RS256 sign, sync', KEY_OBJECT, 'sign/RS256', 0.97),
  ...dropIn('string secret', 150),
  ...dropIn('KeyObject', 3.5),
];

/** Below which the delay of the event loop has to stay, in milliseconds, while RS256 is signed asynchronously. */
const DELAY_BELOW_MS = 3;

/** What is aimed at beyond the least: HS256 verification as a multiple of the floor's time. */
const FLOOR_WITHIN = 1.15;

const HEAD = ['operation', 'against', 'target', 'measured', 'range', ''];

/**
 * The table of all targets, as lines of Markdown.
 *
 * @param {readonly Row[]} cases
 * @param {Beside} beside
 */
export function targetTable(cases, beside) {
  return textTable(HEAD, [...TARGETS.map((one) => ratioRow(one, cases)), delayRow(beside), floorRow(cases)]);
}

/**
 * @param {Target} target
 * @param {readonly Row[]} cases
 */
function ratioRow({ operation, against, group, name, atLeast }, cases) {
  const ratio = ratioOf(group, name, cases);
  return row([operation, against, `at least ${atLeast}x`], ratio && {
    measured: `${ratio.median.toFixed(2)}x`,
    range: `${ratio.p10.toFixed(2)} to ${ratio.p90.toFixed(2)}`,
    met: ratio.median >= atLeast,
  });
}

/** @param {Beside} beside */
function delayRow({ eventLoop }) {
  const arm = eventLoop.arms.find(({ name }) => name === 'keyturn async');
  return row(['RS256 sign, async', 'event-loop delay p99 at saturation', `below ${DELAY_BELOW_MS} ms`], arm && {
    measured: `${arm.p99.toFixed(2)} ms`,
    range: '',
    met: arm.p99 < DELAY_BELOW_MS,
  });
}

/** @param {readonly Row[]} cases */
function floorRow(cases) {
  const floor = cases.find(({ operation, name }) => operation === 'verify/HS256' && name.startsWith('floor'))?.ratio;
  return row(['HS256 verify, no cache', 'the floor (the aim)', `within ${FLOOR_WITHIN}x of it`], floor && {
    measured: `${(1 / floor.median).toFixed(2)}x`,
    range: `${(1 / floor.p90).toFixed(2)} to ${(1 / floor.p10).toFixed(2)}`,
    met: 1 / floor.median <= FLOOR_WITHIN,
  });
}

/**
 * @param {readonly string[]} cells
 * @param {{ readonly measured: string, readonly range: string, readonly met: boolean } | null | undefined} outcome
 */
function row(cells, outcome) {
  if (!outcome) return [...cells, '', '', 'not measured'];
  return [...cells, outcome.measured, outcome.range, outcome.met ? 'met' : 'missed'];
}

/**
 * @param {string} group
 * @param {string} name
 * @param {readonly Row[]} cases
 */
function ratioOf(group, name, cases) {
  return cases.find((one) => one.operation === group && one.name === name)?.ratio;
}

/**
 * @param {string} operation
 * @param {string} name
 * @param {string} group
 * @param {number} atLeast
 * @returns {Target}
 */
function target(operation, name, group, atLeast) {
  return { operation, against: name, group, name, atLeast };
}

/**
 * @param {string} keyForm
 * @param {number} atLeast
 * @returns {Target[]}
 */
function dropIn(keyForm, atLeast) {
  return ['verify', 'sign'].map((operation) => ({
    operation: `drop-in ${operation}, HS256`,
    against: `jsonwebtoken (${keyForm})`,
    group: `drop-in ${operation}/HS256 ${keyForm}`,
    name: 'jsonwebtoken',
    atLeast,
  }));
}

/**
 * Why this exists: the revocation bench leaves memory and percentiles in a file of its own and its times with criterion, and
 * this is the one place that knows the shapes of both; see benches/revocation/record.rs.
 */
import { readFileSync } from 'node:fs';

import { atRoot } from '../source/files.mjs';

/**
 * One contender: the index, or a bare map.
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {number} entries
 * @property {number} bytesEach
 * @property {readonly Calls[]} calls
 *
 * @typedef {object} Calls What single calls took, in nanoseconds, the clock's own cost included; and criterion's time of a
 *   call among others, which has none.
 * @property {string} case
 * @property {number} median
 * @property {number} p99
 * @property {number} p999
 * @property {number} longest
 * @property {number | null} criterion
 */

/**
 * @param {string} path
 * @returns {Contender[]}
 */
export function readIndex(path) {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => {
    /** @type {unknown} */
    const written = JSON.parse(line);
    const contender = /** @type {Contender} */ (written);
    const calls = contender.calls.map((one) => ({ ...one, criterion: criterionMedian(contender.name, one.case) }));
    return { ...contender, calls };
  });
}

/**
 * @param {string} contender
 * @param {string} name
 */
function criterionMedian(contender, name) {
  if (name === 'the clock alone') return null;
  const target = process.env['CARGO_TARGET_DIR'] ?? atRoot('target');
  /** @type {unknown} */
  const written = JSON.parse(readFileSync(`${target}/criterion/revocation_${contender}/${name}/new/estimates.json`, 'utf8'));
  return /** @type {{ median: { point_estimate: number } }} */ (written).median.point_estimate;
}

/**
 * Why this exists: benches/peers writes what its rounds came to as JSON, and this is the one place that knows its shape; see
 * benches/peers/table.rs.
 */
import { readFileSync } from 'node:fs';

/**
 * @typedef {object} Comparison
 * @property {{ node: string, openssl: string, packages: Record<string, string> }} versions
 * @property {readonly Row[]} cases
 *
 * @typedef {object} Row
 * @property {string} operation
 * @property {string} name
 * @property {number} median_ns
 * @property {{ median: number, p10: number, p90: number } | null} ratio
 */

/**
 * @param {string} path
 * @returns {Comparison}
 */
export function readComparison(path) {
  /** @type {unknown} */
  const written = JSON.parse(readFileSync(path, 'utf8'));
  return /** @type {Comparison} */ (written);
}

import { KeyturnError } from '../errors.js';

/** No option takes as many; a list of billions would hold the thread before anything could be said of it. */
const MOST = 10_000;

/**
 * One value or an array of them, as an array of one's own. What is a hole in the array is `undefined` here: `every()` and
 * `map()` would pass over it.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for more than 10,000.
 */
export function asList(value: unknown, option: string): readonly unknown[] {
  if (!Array.isArray(value)) return [value];
  if (value.length <= MOST) return Array.from(value as readonly unknown[]);
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be a list of at most ${String(MOST)}`, { claim: option });
}

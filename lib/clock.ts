import { KeyturnError } from './errors.js';

/**
 * `Date.now()`, for what keeps its consequences: keys that were dropped at the wrong time do not come back.
 *
 * @throws KeyturnError `ERR_INTERNAL` if the clock gives no time.
 */
export function currentTime(): number {
  const now = Date.now();
  if (now >= 0) return now;
  throw new KeyturnError('ERR_INTERNAL', 'Date.now() gives no time.');
}

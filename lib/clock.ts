import { KeyturnError } from './errors.js';

/** The last millisecond that a Date can be (ECMA-262, section 21.4.1.1). */
const LATEST = 8.64e15;

/**
 * `Date.now()`, for what keeps its consequences: keys that were dropped at the wrong time do not come back, and a token
 * signed by a clock without a time would hardly ever expire.
 *
 * @throws KeyturnError `ERR_INTERNAL` if the clock gives no time.
 */
export function currentTime(): number {
  const now: unknown = Date.now();
  if (typeof now === 'number' && now >= 0 && now <= LATEST) return now;
  throw new KeyturnError('ERR_INTERNAL', 'Date.now() gives no time.');
}

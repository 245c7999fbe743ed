import { KeyturnError } from '../errors.js';
import { checkOptions } from '../options/checks.js';
import { oneOf } from '../options/strings.js';

/** How many sessions a user may have at once. A plain number ends the oldest. */
export type MaxSessions = number | Readonly<{
  /** 1 to 10,000. */
  count: number;
  /** What gives way to one more: the session that started first (default), or the new one with `ERR_SESSION_LIMIT`. */
  when?: 'end-oldest' | 'refuse-newest' | undefined;
}>;

/** Each sign-in reads the other sessions of its user, so a limit that large would be none, only slow. */
const MOST = 10_000;

/** As the addon takes it. @throws KeyturnError `ERR_OPTION_UNKNOWN` or `ERR_OPTION_INVALID`, saying what to write instead. */
export function resolveMaxSessions(option: MaxSessions): { readonly count: number; readonly when: string } {
  const { count, when = 'end-oldest' } = typeof option === 'number' ? { count: option } : checked(option);
  if (Number.isInteger(count) && count >= 1 && count <= MOST) {
    return { count, when: oneOf(when, 'maxSessions.when', ['end-oldest', 'refuse-newest']) };
  }
  throw new KeyturnError('ERR_OPTION_INVALID', `maxSessions must be a number from 1 to ${String(MOST)}, or { count, when }`, {
    claim: 'maxSessions',
  });
}

function checked<T extends object>(option: T): T {
  checkOptions(option, 'maxSessions', ['count', 'when']);
  return option;
}

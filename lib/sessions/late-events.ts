import type { AuthEvent } from '../events.js';
import type { NativeStoredLate } from '../native.js';

/**
 * The event of an end or a revocation that was stored after its caller had been told that it was not. It is the one that would
 * have been told at once, as far as it is known by now: without the client's address, which nothing has kept.
 */
export function lateEventOf({ what, sid, subject, reason }: NativeStoredLate): Omit<AuthEvent, 'time'> {
  const whom = { subject, session: sid };
  if (reason === 'logout') return { type: 'logout', ...whom };
  if (reason === 'login') return { type: 'logout', ...whom, reason };
  return { type: 'revoked', ...whom, reason: reason === 'refused' ? reason : what };
}

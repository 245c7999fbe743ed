import { KeyturnError } from './errors.js';
import type { NativeSessions } from './native.js';

const NATIVE = new WeakMap<object, NativeSessions>();

/** Remembers the addon's handle of sessions, or of what hangs on them. */
export function registerNativeSessions(owner: object, handle: NativeSessions): void {
  NATIVE.set(owner, handle);
}

/** @throws KeyturnError `ERR_OPTION_INVALID` for anything that `createSessions` did not make. */
export function nativeSessionsOf(owner: object): NativeSessions {
  const handle = NATIVE.get(owner);
  if (handle !== undefined) return handle;
  throw new KeyturnError('ERR_OPTION_INVALID', 'this was not made by createSessions() or createAuth()');
}

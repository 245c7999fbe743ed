import type { EventHub } from '../events.js';
import type { Limiter, LimiterOptions } from '../limiter.js';
import type { Strategy } from './options.js';
import type { Sessions } from './sessions.js';
import type { OnStale } from './staleness.js';
import type { AccessClaims } from './types.js';

/**
 * What the HTTP layer needs of {@link Sessions} beyond its public face. Not exported by the package.
 * All of it answers from memory; call it only once `sessions.ready()` has resolved.
 */
export interface SessionInternals {
  readonly events: EventHub;
  readonly strategy: Strategy;
  /** As `sessions.verify`, by the revocations that are known here, however old. */
  verify(accessToken: string): Readonly<AccessClaims>;
  /**
   * @throws KeyturnError `ERR_STORE_UNAVAILABLE` while the revocations may be out of date and `onStale` (default: the sessions' own
   * option) is `'reject'`.
   */
  checkStaleness(onStale: OnStale | undefined): void;
  /** The `sid` of what `refresh` takes if it is of our making, expired or not; `undefined` for anything else. No store is read. */
  sessionOf(refreshToken: string): string | undefined;
  /** Whether a refresh token is one of a key that is not known here, which another process may have made just now. */
  namesUnknownKey(refreshToken: string): boolean;
  /** Reads the keys in the store again, at most once a second. Never rejects. */
  learnKeys(): Promise<void>;
  /** `HMAC(CSRF key, sid)` in base64url: the XSRF token of a session. */
  csrfToken(sid: string): string;
  /** Compares in constant time. */
  csrfMatches(sid: string, presented: string): boolean;
  /** Notes that the user of this access token was active `agoMs` before now. No I/O. */
  recordActivity(claims: AccessClaims, agoMs: number): void;
  /**
   * Ends the session of a refresh token of any generation; never counts as reuse. Resolves with the subject whose session was
   * ended, or `undefined` when there was none to end.
   */
  endByRefreshToken(refreshToken: string, reason: 'logout' | 'login'): Promise<string | undefined>;
  /**
   * Ends every session of the subject if the refresh token is one that `refresh` would accept now; an older generation ends its
   * own session and no other, and so does one from another context than the session is bound to. Never counts as reuse. Resolves as {@link endByRefreshToken}.
   */
  endAllByRefreshToken(refreshToken: string, reason: 'logout', context?: string): Promise<string | undefined>;
  /** The public halves of the signing keys, as a JWK Set. */
  jwks(): { readonly keys: readonly object[] };
  /** Figures for `/metrics` by their full Prometheus names. Callable before readiness. */
  gauges(): ReadonlyMap<string, number>;
  /** Callable before readiness. */
  createLimiter(options: LimiterOptions): Limiter;
}

const INTERNALS = new WeakMap<Sessions, SessionInternals>();

export function registerInternals(sessions: Sessions, internals: SessionInternals): void {
  INTERNALS.set(sessions, internals);
}

export function internalsOf(sessions: Sessions): SessionInternals {
  const internals = INTERNALS.get(sessions);
  if (internals === undefined) throw new TypeError('these sessions were not made by createSessions()');
  return internals;
}

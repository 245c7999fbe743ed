import type { Revocation } from '../revocation/revocation.js';
import type { SessionKeys } from './keys.js';
import type { AccessClaims, RefreshedPair, RefreshOptions, RenewOptions, Session, StartOptions, TokenPair } from './types.js';

/** Signs users in, keeps them signed in and signs them out. Made by `createSessions`. */
export interface Sessions {
  /** Resolves when the store is open and every unexpired revocation is in memory; rejects with the store's error. */
  ready(): Promise<void>;
  /** Signs a user in. @throws KeyturnError `ERR_OPTION_INVALID`, `ERR_CLAIMS_INVALID`, `ERR_SESSION_LIMIT`, `ERR_STORE_UNAVAILABLE`. */
  start(options: StartOptions): Promise<TokenPair>;
  /**
   * Exchanges a refresh token for a new pair. Each token works once; its direct predecessor gets the same successor again
   * within the grace, and any other second use ends the session.
   *
   * @throws KeyturnError `ERR_REFRESH_INVALID`, `ERR_REFRESH_REUSED`, `ERR_REFRESH_REFUSED`, `ERR_SESSION_REVOKED`,
   * `ERR_SESSION_EXPIRED` (with a reason), or `ERR_STORE_UNAVAILABLE`, after which the same token is still good.
   */
  refresh(refreshToken: string, options?: RefreshOptions): Promise<RefreshedPair>;
  /**
   * Starts a new session in the place of one, under the same absolute end: after a step-up, and after a change of roles or of the
   * password. The old session ends, reason `renewed`, and its access tokens die. Of its refresh tokens only the live one renews; its
   * predecessor within the grace is `ERR_REFRESH_INVALID`, reason `superseded`, and changes nothing. `refresh.onRefresh` is asked
   * as at a refresh, and the options go before what it answers.
   *
   * @throws KeyturnError as {@link refresh}, and `ERR_CLAIMS_INVALID`. A call whose answer was lost cannot be repeated: the user
   * signs in again.
   */
  renew(refreshToken: string, options?: RenewOptions): Promise<TokenPair>;
  /** The live sessions of a subject, the oldest first. */
  list(subject: string): Promise<readonly Session[]>;
  /** `ERR_SESSION_UNKNOWN` when there is no such live session, or it belongs to another subject than the one given. */
  end(sid: string, options?: Readonly<{ subject?: string }>): Promise<void>;
  /** Ends every session of a subject, or all but one; resolves with how many were live. */
  endAll(subject: string, options?: Readonly<{ except?: string }>): Promise<number>;
  /**
   * The claims of an access token of these sessions. No I/O.
   *
   * @throws KeyturnError with the code that says why not; `ERR_NOT_READY` before the store has been loaded.
   */
  verify(accessToken: string): Readonly<AccessClaims>;
  /** The keys: rotate them, take one out, publish them. */
  readonly keys: SessionKeys;
  /** Kills tokens before they expire. */
  readonly revocation: Revocation;
  /** Stores what has been seen and lets go of the store. Everything but a second `close` fails from then on. */
  close(): Promise<void>;
}

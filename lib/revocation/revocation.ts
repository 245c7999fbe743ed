import type { Claims } from '../claims.js';
import { KeyturnError, type KeyturnErrorCode } from '../errors.js';
import type { AuthEvent, EventHub } from '../events.js';
import type { NativeSessions } from '../native.js';
import { fromFailure, fromNumber } from '../native-error.js';
import { nativeSessionsOf, registerNativeSessions } from '../native-sessions.js';
import { checkOptions } from '../options/checks.js';
import { optionalNames, requiredString } from '../options/strings.js';

export interface CutOffOptions {
  /** A moment in Unix seconds, not in the future; fractions are fine. Default: everything there is. */
  readonly before?: number | undefined;
}

/** What a subject may do from now on. */
export interface Rights {
  readonly roles?: readonly string[] | undefined;
  readonly permissions?: readonly string[] | undefined;
}

/**
 * Kills tokens before they expire. Each call resolves when the revocation is durable in the store and in force here; other
 * processes of the host follow within 250 ms. If the store cannot be reached the call rejects with `ERR_STORE_UNAVAILABLE`,
 * the revocation is in force here all the same, and it is stored as soon as that is possible.
 */
export interface Revocation {
  /** One token. @param exp its `exp`, in Unix seconds: the entry is kept so long. */
  token(jti: string, exp: number): Promise<void>;
  /** One session with its access tokens; resolves also when there is no such session. */
  session(sid: string): Promise<void>;
  /** Every session and token of a subject up to a moment. */
  subject(subject: string, options?: Readonly<CutOffOptions>): Promise<void>;
  /** Every session and token of everybody up to a moment. */
  everything(options?: Readonly<CutOffOptions>): Promise<void>;
  /**
   * Every token that a key has signed or will sign, for good. Ends no session; take the key out of `keys` as well, or sessions
   * go on to get tokens that nobody accepts. For a key of the store, `sessions.keys.revoke()` does both.
   */
  key(kid: string): Promise<void>;
  /**
   * Makes a subject's access tokens stale (`ERR_PERMISSIONS_STALE`, 401): the client refreshes, and that issues the new roles and
   * permissions in every session. What is not given stays as it is; without either it needs `refresh.onRefresh`, which then says
   * them. Ends no session. Resolves when the sessions, too, have been rewritten: both is one step of the store.
   *
   * A sign-in that is under way gets what it brings along: change the roles in your own records first, then call this.
   */
  permissions(subject: string, rights?: Readonly<Rights>): Promise<void>;
  /**
   * Whether a token with these claims is revoked, or its roles and permissions are out of date. No I/O. `true` also when the index
   * is full and cannot say.
   *
   * @throws KeyturnError `ERR_NOT_READY` before the store has been loaded, `ERR_STORE_CLOSED` after it was closed.
   */
  isRevoked(claims: Readonly<Claims>): boolean;
}

/** What the index answers for a token that must not be accepted. */
const REVOKED: ReadonlySet<KeyturnErrorCode> = new Set(['ERR_TOKEN_REVOKED', 'ERR_PERMISSIONS_STALE', 'ERR_REVOCATION_FULL']);

/** An answer of the addon that may be a failure. */
interface Settled {
  readonly failure?: Parameters<typeof fromFailure>[0];
}

/** The revocation of these sessions. `ready` resolves once the store is open. */
export function createRevocation(handle: NativeSessions, events: EventHub, ready: () => Promise<void>): Revocation {
  const settle = ({ failure }: Settled, event: Pick<AuthEvent, 'reason' | 'subject' | 'session'>): void => {
    if (failure !== undefined) throw fromFailure(failure);
    events.emit({ type: 'revoked', time: Date.now(), ...event });
  };
  const revocation: Revocation = {
    async token(jti, exp) {
      const id = requiredString(jti, 'jti', 'claims.jti');
      const expiresAt = unixMilliseconds(exp, 'exp');
      await ready();
      settle(await handle.revokeToken(id, expiresAt), { reason: 'token' });
    },
    async session(sid) {
      const id = sessionId(sid);
      await ready();
      try {
        settle(await handle.end(id, undefined, Date.now()), { reason: 'session', session: id });
      } catch (error) {
        if (!(error instanceof KeyturnError) || error.code !== 'ERR_SESSION_UNKNOWN') throw error;
      }
    },
    async subject(subject, options = {}) {
      const name = requiredString(subject, 'subject', 'claims.sub');
      const before = cutOff(options);
      await ready();
      settle(await handle.revokeSubject(name, before, Date.now()), { reason: 'subject', subject: name });
    },
    async everything(options = {}) {
      const before = cutOff(options);
      await ready();
      settle(await handle.revokeEverything(before, Date.now()), { reason: 'everything' });
    },
    async key(kid) {
      const name = requiredString(kid, 'kid', 'key.kid');
      await ready();
      settle(await handle.revokeKey(name), { reason: 'key' });
    },
    async permissions(subject, rights = {}) {
      const name = requiredString(subject, 'subject', 'claims.sub');
      checkOptions(rights, 'the rights', ['roles', 'permissions']);
      const changes = { ...optionalNames(rights.roles, 'roles'), ...optionalNames(rights.permissions, 'permissions') };
      await ready();
      settle(await handle.changePermissions(name, changes, Date.now()), { reason: 'permissions', subject: name });
    },
    isRevoked(claims) {
      const number = handle.revocationOf(identity(claims), Date.now());
      if (number === null) return false;
      const error = fromNumber(number);
      if (REVOKED.has(error.code)) return true;
      throw error;
    },
  };
  registerNativeSessions(revocation, handle);
  return revocation;
}

/** The addon's handle behind a revocation. */
export function nativeRevocationOf(revocation: Revocation): NativeSessions {
  return nativeSessionsOf(revocation);
}

function identity({ jti, sid, sub, iat }: Readonly<Claims>): Parameters<NativeSessions['revocationOf']>[0] {
  return {
    ...(typeof jti === 'string' ? { jti } : {}),
    ...(typeof sid === 'string' ? { sid } : {}),
    ...(typeof sub === 'string' ? { sub } : {}),
    ...(typeof iat === 'number' ? { iat } : {}),
  };
}

function cutOff(options: Readonly<CutOffOptions>): number | undefined {
  checkOptions(options, 'the cut-off', ['before']);
  if (options.before === undefined) return undefined;
  const before = unixMilliseconds(options.before, 'before');
  if (before <= Date.now()) return before;
  throw new KeyturnError('ERR_OPTION_INVALID', 'before must not lie in the future', { claim: 'before' });
}

/** Unix seconds beyond this are the year 5138: whoever passes them means milliseconds. */
const LOOKS_LIKE_MILLISECONDS = 1e11;

function unixMilliseconds(seconds: unknown, option: string): number {
  if (typeof seconds === 'number' && seconds >= 0 && seconds < LOOKS_LIKE_MILLISECONDS) return Math.round(seconds * 1000);
  const hint = typeof seconds === 'number' && seconds >= LOOKS_LIKE_MILLISECONDS ? '; this looks like milliseconds' : '';
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be a time in Unix seconds${hint}`, { claim: option });
}

function sessionId(sid: unknown): string {
  if (typeof sid === 'string' && /^[A-Za-z0-9_-]{22}$/.test(sid)) return sid;
  throw new KeyturnError('ERR_OPTION_INVALID', 'sid must be the 22 characters of a session id', { claim: 'sid' });
}

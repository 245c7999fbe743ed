import { checkFunction, checkOptions } from '../options/checks.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { oneOf } from '../options/strings.js';
import type { Session } from './types.js';

/** How refresh tokens are exchanged. Every default has its reason in `docs/defaults.md`. */
export interface RefreshSettings {
  /** How long a used refresh token is answered with the same successor again, 0 to 5 min. Default `'10s'`. */
  readonly grace?: Duration | undefined;
  /**
   * What becomes of a refresh token that is ahead of the store, which then has lost what it had acknowledged. `'one'` (default):
   * ahead by one generation it is taken over, further it ends the session. `'any'`: it is always taken over; for an operator who
   * has restored a backup and knows it.
   */
  readonly heal?: 'one' | 'any' | undefined;
  /**
   * Binds a session to the `context` that it was started with: a device cookie, the family of the browser, a network. Default:
   * none. What becomes of the live token from elsewhere: `'reject'` refuses it and leaves the session as it is, `'revoke'` ends
   * the session, `'report'` lets it pass with the event `context_mismatch`. A used token from elsewhere is reuse in any case.
   */
  readonly binding?: ContextMismatch | undefined;
  /**
   * Whether a refresh must bring an access token of its session along: `'off'` (default); `'required'`, expired or not; `'expired'`,
   * an expired one. For clients that keep the access token across a reload.
   */
  readonly pairing?: Pairing | undefined;
  /** Asked at every refresh, replays included, before anything is handed out. See {@link OnRefresh}. */
  readonly onRefresh?: OnRefresh | undefined;
}

/** What a refresh has to bring along. */
export type Pairing = 'off' | 'required' | 'expired';

export type ContextMismatch = 'reject' | 'revoke' | 'report';

/** A session that is being refreshed, with the claims that it carries. */
export interface RefreshingSession extends Session {
  readonly roles: readonly string[] | undefined;
  readonly permissions: readonly string[] | undefined;
  /** The application's own claims. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Claims for the next access tokens. A part that is left out stays as it is; `claims` replaces all of the application's own. */
export interface RefreshedClaims {
  readonly roles?: readonly string[] | undefined;
  readonly permissions?: readonly string[] | undefined;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Decides whether a session goes on. `undefined`: as it is. Claims: with those in place of the ones that it carries. `null`: it
 * ends, and the refresh is `ERR_REFRESH_REFUSED`. A throw, or anything else, is `ERR_STORE_UNAVAILABLE` (503): nothing has
 * changed, and the client tries again.
 */
export type OnRefresh = (
  session: RefreshingSession,
) => RefreshedClaims | null | undefined | Promise<RefreshedClaims | null | undefined>;

/** As the addon takes them. */
export interface ResolvedRefreshSettings {
  readonly grace: number;
  readonly pairing: string;
  readonly heal: string;
  readonly onRefresh: boolean;
  readonly binding?: string;
}

/** @throws KeyturnError `ERR_OPTION_UNKNOWN` or `ERR_OPTION_INVALID`, saying what to write instead. */
export function resolveRefresh(refresh: Readonly<RefreshSettings>): ResolvedRefreshSettings {
  checkOptions(refresh, 'refresh', ['grace', 'pairing', 'heal', 'binding', 'onRefresh']);
  const { binding, heal = 'one', onRefresh } = refresh;
  if (onRefresh !== undefined) checkFunction(refresh, 'onRefresh', 'async (session) => ({ roles: await rolesOf(session.subject) })');
  return {
    grace: parseDuration(refresh.grace ?? '10s', 'refresh.grace'),
    pairing: oneOf(refresh.pairing ?? 'off', 'refresh.pairing', ['off', 'required', 'expired']),
    heal: oneOf(heal, 'refresh.heal', ['one', 'any']),
    onRefresh: onRefresh !== undefined,
    ...(binding === undefined ? {} : { binding: oneOf(binding, 'refresh.binding', ['reject', 'revoke', 'report']) }),
  };
}

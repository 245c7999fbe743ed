import type { Claims } from '../claims.js';

/** A session as its owner and the application may see it. Times are Unix milliseconds. */
export interface Session {
  /** The `sid`: 22 base64url characters. */
  readonly id: string;
  readonly subject: string;
  readonly device: string | undefined;
  readonly startedAt: number;
  readonly lastActivityAt: number;
  readonly idleEndsAt: number;
  readonly absoluteEndsAt: number;
}

/** What a sign-in or a refresh hands out. */
export interface TokenPair {
  readonly accessToken: string;
  /** What `refresh` takes. With the strategies `'jti-exchange'` and `'renewal'` it is the access token itself. */
  readonly refreshToken: string;
  /** Seconds until the access token expires. */
  readonly expiresIn: number;
  readonly session: Session;
}

/** How a refresh was answered: see the rotation table in `docs/design.md`. */
export type RefreshOutcome = 'rotated' | 'replayed' | 'healed';

export interface RefreshedPair extends TokenPair {
  readonly outcome: RefreshOutcome;
}

/** What a session carries from token to token; at most 4 KiB as JSON. */
export interface CarriedClaims {
  readonly roles?: readonly string[] | undefined;
  readonly permissions?: readonly string[] | undefined;
  /** The application's own claims; reserved names throw `ERR_CLAIMS_INVALID`. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

export interface StartOptions extends CarriedClaims {
  /** Who signed in; becomes `sub`. 1 to 255 characters. */
  readonly subject: string;
  /** A label for the session list, for instance `Firefox on Linux`. Cut at 255 characters. */
  readonly device?: string | undefined;
  /** What the session is bound to: needed if `refresh.binding` is set, and an error otherwise. Kept as an HMAC. */
  readonly context?: string | undefined;
}

export interface RefreshOptions {
  /** Milliseconds since the user's last input. Without it the refresh does not count as activity. */
  readonly activity?: number | undefined;
  /** The access token that comes along; asked for by `refresh.pairing`, and otherwise not looked at. */
  readonly accessToken?: string | undefined;
  /** Where the token is used, as at `start()`: needed if `refresh.binding` is set, and an error otherwise. */
  readonly context?: string | undefined;
  /**
   * Where the request came from, cut to what you want compared, for instance `203.0.113.0/24`; at most 64 characters count. A
   * replay from another address than the rotation raises `refresh_contention`. Events carry it.
   */
  readonly address?: string | undefined;
}

/** What changes; roles, permissions and claims that are not given stay, and given ones replace those of that kind as a whole. */
export interface RenewOptions extends CarriedClaims {
  /** Whether the user has just proved again who they are: then `auth_time` is now. Default `false`: it stays. */
  readonly authenticated?: boolean | undefined;
  /** Where the token is used, as at `refresh()`; the new session is bound to it. */
  readonly context?: string | undefined;
}

/** The claims of an access token that keyturn issued. */
export interface AccessClaims extends Claims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly sid: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  readonly auth_time: number;
  readonly roles?: readonly string[];
  readonly permissions?: readonly string[];
}

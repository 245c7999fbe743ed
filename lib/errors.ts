/**
 * Every code that a {@link KeyturnError} can carry. The same table stands in the Rust core and, one heading each, in
 * `docs/errors.md`; a test compares the three.
 */
export const ERROR_CODES = [
  // The token: whoever sent it is at fault, or nobody (it merely ran out).
  'ERR_TOKEN_MISSING',
  'ERR_TOKEN_MALFORMED',
  'ERR_TOKEN_TOO_LARGE',
  'ERR_HEADER_UNSUPPORTED',
  'ERR_ALGORITHM_NOT_ALLOWED',
  'ERR_KEY_UNKNOWN',
  'ERR_SIGNATURE_INVALID',
  'ERR_DECRYPTION_FAILED',
  'ERR_TOKEN_TYPE',
  'ERR_TOKEN_EXPIRED',
  'ERR_TOKEN_NOT_ACTIVE',
  'ERR_TOKEN_TOO_OLD',
  'ERR_CLAIM_MISSING',
  'ERR_CLAIM_INVALID',
  'ERR_TOKEN_REVOKED',
  'ERR_PERMISSIONS_STALE',
  // The session.
  'ERR_REFRESH_INVALID',
  'ERR_REFRESH_REUSED',
  'ERR_REFRESH_REFUSED',
  'ERR_SESSION_REVOKED',
  'ERR_SESSION_EXPIRED',
  'ERR_SESSION_UNKNOWN',
  'ERR_SESSION_LIMIT',
  'ERR_PAIRING',
  'ERR_LOGIN_FAILED',
  'ERR_REGISTER_REFUSED',
  // The request.
  'ERR_ACCESS_DENIED',
  'ERR_CSRF',
  'ERR_RATE_LIMITED',
  'ERR_BODY_INVALID',
  'ERR_BODY_TOO_LARGE',
  'ERR_BODY_TYPE',
  'ERR_ROUTE_UNKNOWN',
  'ERR_METHOD_NOT_ALLOWED',
  // The store: the operator can mend it.
  'ERR_STORE_UNAVAILABLE',
  'ERR_STORE_CORRUPT',
  'ERR_STORE_VERSION',
  'ERR_STORE_CLOSED',
  'ERR_MASTER_KEY',
  'ERR_REVOCATION_FULL',
  'ERR_NOT_READY',
  'ERR_POOL_FULL',
  'ERR_KEY_SET_UNAVAILABLE',
  // The caller: a mistake in the program.
  'ERR_OPTION_INVALID',
  'ERR_OPTION_UNKNOWN',
  'ERR_KEY_INVALID',
  'ERR_KEY_TOO_WEAK',
  'ERR_CLAIMS_INVALID',
  'ERR_PASSWORD_INVALID',
  'ERR_INTERNAL',
] as const;

/** The closed union of error codes, so that `switch (error.code)` is checked by the compiler. */
export type KeyturnErrorCode = (typeof ERROR_CODES)[number];

/** Facts that travel with an error; none of them is ever a secret. */
export interface KeyturnErrorDetails {
  /** The claim or option that failed. */
  readonly claim?: string | undefined;
  /** Why, in one word where the code alone does not say it: `reuse`, `idle`, `absolute`, `logout`, ... */
  readonly reason?: string | undefined;
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** Everything that keyturn throws, rejects with, or answers over HTTP. */
export class KeyturnError extends Error {
  readonly code: KeyturnErrorCode;
  declare readonly claim?: string;
  declare readonly reason?: string;
  declare readonly retryAfter?: number;

  constructor(code: KeyturnErrorCode, message: string, details: KeyturnErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'KeyturnError';
    this.code = code;
    if (details.claim !== undefined) this.claim = details.claim;
    if (details.reason !== undefined) this.reason = details.reason;
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter;
  }
}

/** What an {@link UnauthorizedError} is made from: it lends its message. */
export type ErrorLike = Error | { message: string };

type ErrorCode = 'credentials_bad_scheme' | 'credentials_bad_format' | 'credentials_required' | 'invalid_token' | 'revoked_token';

/** What the middleware hands to `next` when it does not let a request through. Express answers with its `status`. */
export class UnauthorizedError extends Error {
  /**
   * `credentials_required` (no token), `credentials_bad_scheme` (not Bearer), `credentials_bad_format` (not two words),
   * `invalid_token` (the reason is in `inner`) or `revoked_token`.
   */
  readonly code: string;
  /** Always 401. */
  readonly status: number;
  override name: string;
  /** What was wrong: for `invalid_token` the error of `keyturn/jsonwebtoken`. */
  readonly inner: ErrorLike;

  constructor(code: ErrorCode, error: ErrorLike) {
    super(error.message);
    this.code = code;
    this.status = 401;
    this.name = 'UnauthorizedError';
    this.inner = error;
  }
}

import { KeyturnError } from '../errors.js';
import { answerError } from './answer.js';
import type { AuthContext } from './context.js';
import { readSession, requireCsrfToken, requireOrigin } from './cookie-checks.js';
import { refuseArguments } from './misuse.js';
import type { Handler } from './request.js';

/** Methods that must change nothing (RFC 9110, section 9.2.1), and of which browsers send no XSRF token. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Makes the handler that protects an application's own routes which act with cookies: requests that change something need an
 * allowed origin, a good refresh cookie and the XSRF token of its session; else 403 `ERR_CSRF`. Routes that take only Bearer
 * tokens need none of it.
 */
export function createCsrf(context: AuthContext, ...args: readonly unknown[]): Handler {
  refuseArguments('csrf', args);
  if (!context.usesCookie) {
    throw new KeyturnError('ERR_OPTION_INVALID', 'auth.csrf() protects routes that act with the refresh cookie, and this strategy sets none');
  }
  return function csrf(req, res, next) {
    if (SAFE_METHODS.has(req.method ?? '')) {
      next();
      return;
    }
    const check = async (): Promise<void> => {
      requireOrigin(context, req);
      const session = await readSession(context, req);
      // Without a session there is nothing that a token could be bound to, and no way to tell a forged request.
      if (typeof session === 'string') {
        throw new KeyturnError('ERR_CSRF', 'there is no session to check this against', { reason: 'cookie' });
      }
      requireCsrfToken(context, req, session.sid);
    };
    check().then(
      () => {
        next();
      },
      (error: unknown) => {
        answerError(context, req, res, error);
      },
    );
  };
}

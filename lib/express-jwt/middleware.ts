import type { ServerResponse } from 'node:http';

import { decode, type Jwt, type Secret, TokenExpiredError, verify } from '../jsonwebtoken/index.js';
import { readCredentials } from './credentials.js';
import { handOn } from './hand-on.js';
import type { Params } from './params.js';
import { setProperty } from './property.js';
import type { ExpressRequest, Next } from './request.js';
import { type ErrorLike, UnauthorizedError } from './unauthorized-error.js';
import { unless } from './unless.js';

/**
 * Middleware for Express 4 and 5 that lets requests with a valid token through and puts its payload on the request. Any
 * other request goes to the error handler with an {@link UnauthorizedError}, or with what a function of the options threw.
 * A CORS preflight that asks for the Authorization header is let through, since it cannot carry one.
 *
 * The token is decoded once more before it is verified, for the functions of the options.
 *
 * @throws RangeError when `secret` or `algorithms` is missing.
 */
export function expressjwt(options: Params): {
  (req: ExpressRequest, res: ServerResponse, next: Next): Promise<void>;
  unless: typeof unless;
} {
  checkParams(options);
  const credentialsRequired = options.credentialsRequired === undefined || options.credentialsRequired;
  const requestProperty = typeof options.requestProperty === 'string' ? options.requestProperty : 'auth';

  const middleware = async (req: ExpressRequest, _res: ServerResponse, next: Next): Promise<void> => {
    try {
      if (isPreflight(req)) {
        setImmediate(next);
        return;
      }
      const credentials =
        typeof options.getToken === 'function' ? { token: await options.getToken(req) } : readCredentials(req, credentialsRequired);
      // Not awaited here: a failure of what follows is none of the token's, and next must not hear of it twice.
      // eslint-disable-next-line @typescript-eslint/return-await
      if (credentials === 'pass') return handOn(next);
      if (!credentials.token) {
        if (credentialsRequired) throw new UnauthorizedError('credentials_required', { message: 'No authorization token was found' });
        // eslint-disable-next-line @typescript-eslint/return-await
        return handOn(next);
      }
      const decoded = await verified(credentials.token, req, options);
      if (options.isRevoked && (await options.isRevoked(req, decoded))) {
        throw new UnauthorizedError('revoked_token', { message: 'The token has been revoked.' });
      }
      setProperty(req, requestProperty, decoded.payload);
      // In a turn of its own, so that what the next handler throws is not taken for a fault of the token.
      setImmediate(next);
    } catch (error) {
      setImmediate(next, error);
    }
  };
  return Object.assign(middleware, { unless });
}

function checkParams(options: Readonly<Partial<Params>> | undefined): void {
  if (!options?.secret) throw new RangeError('express-jwt: `secret` is a required option');
  if (!options.algorithms) throw new RangeError('express-jwt: `algorithms` is a required option');
  if (!Array.isArray(options.algorithms)) throw new RangeError('express-jwt: `algorithms` must be an array');
}

function isPreflight({ method, headers }: ExpressRequest): boolean {
  if (method !== 'OPTIONS') return false;
  const asked = headers['access-control-request-headers'];
  return asked?.split(',').some((name) => name.trim().toLowerCase() === 'authorization') === true;
}

/** The token, decoded, once it has been verified; or once the handler of expired tokens has taken it. */
async function verified(token: string, req: ExpressRequest, options: Params): Promise<Jwt> {
  const decoded = decoding(token);
  const key = typeof options.secret === 'function' ? await options.secret(req, decoded) : options.secret;
  try {
    verify(token, key as Secret, options);
  } catch (error) {
    const refusal = new UnauthorizedError('invalid_token', error as ErrorLike);
    if (!(error instanceof TokenExpiredError) || typeof options.onExpired !== 'function') throw refusal;
    await options.onExpired(req, refusal);
  }
  return decoded;
}

function decoding(token: string): Jwt {
  try {
    // Null for what is no token; verifying refuses it.
    return decode(token, { complete: true }) as Jwt;
  } catch (error) {
    throw new UnauthorizedError('invalid_token', error as ErrorLike);
  }
}

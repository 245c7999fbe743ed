/**
 * Takes the place of the npm package `express-jwt` 8: the same options, errors, messages and order of events, with tokens
 * verified by `keyturn/jsonwebtoken`.
 */
/* eslint-disable @typescript-eslint/no-deprecated -- the package has these names too */
import { expressjwt as middleware } from './middleware.js';

/**
 * Makes middleware for Express 4 and 5 that lets requests with a valid token through, and puts its payload on the request.
 * It is a member of this module and not a getter for another's: tests replace it, as they do the package's.
 *
 * @throws RangeError when `secret` or `algorithms` is missing.
 */
export const expressjwt = middleware;

export type {
  ExpirationHandler,
  GetVerificationKey,
  IsRevoked,
  Params,
  SecretCallback,
  SecretCallbackLong,
  TokenGetter,
} from './params.js';
export type { ExpressJwtRequest, ExpressJwtRequestUnrequired, Request } from './request.js';
export { type ErrorLike, UnauthorizedError } from './unauthorized-error.js';

/**
 * Takes the place of the npm package `express-jwt` 8: the same options, errors, messages and order of events, with tokens
 * verified by `keyturn/jsonwebtoken`.
 */
/* eslint-disable @typescript-eslint/no-deprecated -- the package has these names too */
export { expressjwt } from './middleware.js';
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

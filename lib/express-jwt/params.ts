import type { Algorithm, Jwt, Secret, VerifyOptions } from '../jsonwebtoken/index.js';
import type { ExpressRequest } from './request.js';
import type { UnauthorizedError } from './unauthorized-error.js';

/**
 * A function of the application. It is written as a method, whose parameters TypeScript compares in both directions, so
 * that one which asks for Express's own `Request` fits as well.
 */
type Callback<Arguments extends readonly unknown[], Result> = { call(...args: Arguments): Result }['call'];

/** Finds the key for a token that has been decoded but not verified; `token` is null when it could not be decoded. */
export type GetVerificationKey = Callback<
  [req: ExpressRequest, token: Jwt | undefined],
  Secret | undefined | Promise<Secret | undefined>
>;

/** @deprecated Use {@link GetVerificationKey}. */
export type SecretCallback = GetVerificationKey;

/** @deprecated Use {@link GetVerificationKey}. */
export type SecretCallbackLong = GetVerificationKey;

/** Says whether a verified token is revoked; `true` refuses it with `revoked_token`. */
export type IsRevoked = Callback<[req: ExpressRequest, token: Jwt | undefined], boolean | Promise<boolean>>;

/** Is told of an expired token. Unless it throws, the request goes on with the token's payload: throw `err` to refuse it. */
export type ExpirationHandler = Callback<[req: ExpressRequest, err: UnauthorizedError], void | Promise<void>>;

/** Takes the token from a request; nothing means that there is none. */
export type TokenGetter = Callback<[req: ExpressRequest], string | Promise<string> | undefined>;

/** The options of the middleware, and every option of `verify` of `keyturn/jsonwebtoken`. */
export type Params = {
  /** The key, or a function that finds it. */
  secret: Secret | GetVerificationKey;
  /** Where the token is; by default in the Authorization header, as a Bearer credential. */
  getToken?: TokenGetter;
  /** Whether a verified token is revoked; by default none is. */
  isRevoked?: IsRevoked;
  /** Whether a request without a token is refused. Default `true`; a token that is there must be valid either way. */
  credentialsRequired?: boolean;
  /** Where on the request the payload is put: a name, or a path such as `auth.user`. Default `auth`. */
  requestProperty?: string;
  /** The algorithms that a token may be signed with. */
  algorithms: Algorithm[];
  /** Takes expired tokens; by default they are refused. */
  onExpired?: ExpirationHandler;
} & VerifyOptions;

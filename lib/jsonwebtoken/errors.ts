/**
 * The error classes. They are constructor functions, as in the package that they stand for: `name` and `message` are own
 * enumerable properties, so that JSON shows them, and code from before classes may call them on an object of its own.
 */

export interface JsonWebTokenError extends Error {
  inner: Error;
}

/** `expiredAt`: the moment at which it expired. */
export interface TokenExpiredError extends JsonWebTokenError {
  expiredAt: Date;
}

/** `date`: the moment from which it is valid. */
export interface NotBeforeError extends JsonWebTokenError {
  date: Date;
}

/** What `class extends Error` declares, static members included. */
interface ErrorClass<Fields, Rest extends readonly unknown[]> extends Omit<ErrorConstructor, 'prototype'> {
  new (message: string, ...rest: Rest): Fields;
  prototype: Fields;
}

type OwnFields = Record<string, unknown>;

/** The token, the key or an option is not what it must be. */
export const JsonWebTokenError = function JsonWebTokenError(this: OwnFields, message: string, error?: Error) {
  Error.captureStackTrace(this, this['constructor'] as () => void);
  this['name'] = 'JsonWebTokenError';
  this['message'] = message;
  if (error) this['inner'] = error;
} as unknown as ErrorClass<JsonWebTokenError, [error?: Error]>;
inherit(JsonWebTokenError, Error.prototype);

/** The token has expired, or is older than `maxAge`. */
export const TokenExpiredError = function TokenExpiredError(this: OwnFields, message: string, expiredAt: Date) {
  construct(this, message, 'TokenExpiredError');
  this['expiredAt'] = expiredAt;
} as unknown as ErrorClass<TokenExpiredError, [expiredAt: Date]>;
inherit(TokenExpiredError, JsonWebTokenError.prototype);

/** The token is not valid yet. */
export const NotBeforeError = function NotBeforeError(this: OwnFields, message: string, date: Date) {
  construct(this, message, 'NotBeforeError');
  this['date'] = date;
} as unknown as ErrorClass<NotBeforeError, [date: Date]>;
inherit(NotBeforeError, JsonWebTokenError.prototype);

function construct(error: OwnFields, message: string, name: string): void {
  (JsonWebTokenError as unknown as (this: OwnFields, message: string) => void).call(error, message);
  error['name'] = name;
}

function inherit(constructor: { prototype: object }, from: object): void {
  constructor.prototype = Object.assign(Object.create(from) as object, { constructor });
}

/**
 * `keyturn/jsonwebtoken`: the functions and classes of npm's jsonwebtoken 9, by its rules and not by the strict ones of
 * `keyturn`. What differs on purpose: a public key in any dress, and an empty secret, are never an HMAC secret.
 */
import { decode } from './decode.js';
import { JsonWebTokenError, NotBeforeError, TokenExpiredError } from './errors.js';
import { sign } from './sign.js';
import { verify } from './verify.js';

export { decode, JsonWebTokenError, NotBeforeError, sign, TokenExpiredError, verify };
export type {
  Algorithm,
  DecodeOptions,
  GetPublicKeyOrSecret,
  Jwt,
  JwtHeader,
  JwtPayload,
  PrivateKey,
  PublicKey,
  Secret,
  SignCallback,
  SigningKeyCallback,
  SignOptions,
  VerifyOptions,
} from './types.js';
export type { VerifyCallback, VerifyErrors } from './verify.js';

// A plain object takes the place of what the compiler exports: its members can be replaced, which tests do, and it does not
// call itself a translated module, so that `import jwt from` finds it under every interoperation of require and import.
module.exports = { decode, verify, sign, JsonWebTokenError, NotBeforeError, TokenExpiredError };

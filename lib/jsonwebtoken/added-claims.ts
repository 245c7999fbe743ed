import { badSpan, timeAfter } from './time-span.js';
import type { SignOptions } from './types.js';

/** What options can add to a payload. */
type Added = { readonly [Claim in 'iat' | 'nbf' | 'exp' | 'aud' | 'iss' | 'sub' | 'jti']: unknown };

/**
 * The JSON text of what the options add to a payload that has none of it, nor `iat`: an object's, which may be empty, in the
 * order in which npm jsonwebtoken adds it. What is wrong with the options comes back in its place.
 */
export function addedClaims(options: SignOptions): string | Error {
  const now = Math.floor(Date.now() / 1000);
  const nbf = options.notBefore === undefined ? undefined : timeAfter(options.notBefore, now);
  if (nbf === undefined && options.notBefore !== undefined) return badSpan('notBefore');
  const exp = options.expiresIn === undefined ? undefined : timeAfter(options.expiresIn, now);
  if (exp === undefined && options.expiresIn !== undefined) return badSpan('expiresIn');
  const iat = options.noTimestamp ? undefined : now;
  const { audience: aud, issuer: iss, subject: sub, jwtid: jti } = options;
  if (isLast(iat, nbf, exp, aud, iss, sub, jti)) return lastText;
  const added: Added = { iat, nbf, exp, aud, iss, sub, jti };
  const text = JSON.stringify(added);
  // A list may change without becoming another one.
  if (typeof aud !== 'object') [last, lastText] = [added, text];
  return text;
}

/** Many tokens of one second are given the same. */
let last: Added = { iat: 0, nbf: 0, exp: 0, aud: 0, iss: 0, sub: 0, jti: 0 };
let lastText = '';

function isLast(iat: unknown, nbf: unknown, exp: unknown, aud: unknown, iss: unknown, sub: unknown, jti: unknown): boolean {
  return (
    last.iat === iat && last.exp === exp && last.nbf === nbf &&
    last.aud === aud && last.iss === iss && last.sub === sub && last.jti === jti
  );
}

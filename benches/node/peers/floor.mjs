/**
 * What no verifier of HS256 can do without that is native and answers with a claims object: the token's text crosses to the
 * addon, the HMAC is checked, the payload's text crosses back, `JSON.parse` makes an object of it. Nothing is checked beside
 * the signature: not the header, not the payload's form, no claim. It is the raw call below `keyturn/jsonwebtoken`, so it
 * reaches past what package.json exports.
 */
import { createRequire } from 'node:module';

/** @import { Suite } from '../material.mjs' */

/**
 * @typedef {object} RawCalls
 * @property {(algorithm: string, secret: Buffer) => unknown} hmacKeyOfAnyLengthHoweverWeak
 * @property {(key: unknown) => (token: string) => string | number} createCompactVerifier Gives the payload's text or an error number.
 */

const require = createRequire(new URL('../../../package.json', import.meta.url));

/**
 * @param {Suite} suite
 * @returns {(token: string) => unknown} A number in place of the claims if the signature is wrong.
 */
export function floor({ algorithm, secret }) {
  /** @type {unknown} */
  const native = require('./native/index.js');
  const { createCompactVerifier, hmacKeyOfAnyLengthHoweverWeak } = /** @type {RawCalls} */ (native);
  const open = createCompactVerifier(hmacKeyOfAnyLengthHoweverWeak(algorithm, Buffer.from(secret)));
  return (token) => {
    const answer = open(token);
    /** @type {unknown} */
    const claims = typeof answer === 'string' ? JSON.parse(answer) : answer;
    return claims;
  };
}

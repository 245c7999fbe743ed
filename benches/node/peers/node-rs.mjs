/**
 * `@node-rs/jsonwebtoken` by its synchronous functions, and as strict as the others: without its leeway of a minute, and with
 * `nbf`. It parses the key on every call. Issuer, audience and times of a signed token are the caller's work.
 */
import { signSync, verifySync } from '@node-rs/jsonwebtoken';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { Header, Validation } from '@node-rs/jsonwebtoken' */
/** @import { Suite } from '../material.mjs' */
/** @import { Signers, Verifiers } from '../packages.mjs' */

const NAME = 'node-rs (sync)';

/**
 * @param {Suite} suite
 * @returns {Verifiers}
 */
export function verifiers(suite) {
  const key = suite.secret === '' ? suite.verifyingKey.export({ type: 'spki', format: 'pem' }) : suite.secret;
  /** @type {unknown} */
  const validation = { algorithms: [suite.algorithm], iss: [ISSUER], aud: [AUDIENCE], leeway: 0, validateNbf: true };
  // Its enumeration of algorithms exists for the compiler alone; what the function takes is the name.
  return { [NAME]: (token) => verifySync(token, key, /** @type {Validation} */ (validation)) };
}

/**
 * @param {Suite} suite
 * @returns {Signers}
 */
export function signers(suite) {
  const key = suite.secret === '' ? suite.signingKey.export({ type: 'pkcs8', format: 'pem' }) : suite.secret;
  /** @type {unknown} */
  const header = { algorithm: suite.algorithm };
  return {
    [NAME](claims) {
      const iat = Math.floor(Date.now() / 1000);
      return signSync({ ...claims, iss: ISSUER, aud: AUDIENCE, iat, exp: iat + LIFE }, key, /** @type {Header} */ (header));
    },
  };
}

/**
 * `@node-rs/jsonwebtoken` by its synchronous functions, and as strict as the others: without its leeway of a minute, and with
 * `nbf`. It parses the key on every call. Issuer, audience and times of a signed token are the caller's work.
 */
import { createRequire } from 'node:module';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { Suite } from '../material.mjs' */
/** @import { Signers, Verifiers } from '../packages.mjs' */

/**
 * As much of it as is used here, so that the types are checked where only the project's own packages are installed.
 *
 * @typedef {object} NodeRs
 * @property {(claims: object, key: string | Buffer, header: object) => string} signSync
 * @property {(token: string, key: string | Buffer, validation: object) => object} verifySync
 */

/** @type {unknown} */
const loaded = createRequire(import.meta.url)('@node-rs/jsonwebtoken');
const { signSync, verifySync } = /** @type {NodeRs} */ (loaded);

const NAME = 'node-rs (sync)';

/**
 * @param {Suite} suite
 * @returns {Verifiers}
 */
export function verifiers(suite) {
  const key = suite.secret === '' ? suite.verifyingKey.export({ type: 'spki', format: 'pem' }) : suite.secret;
  const validation = { algorithms: [suite.algorithm], iss: [ISSUER], aud: [AUDIENCE], leeway: 0, validateNbf: true };
  return { [NAME]: (token) => verifySync(token, key, validation) };
}

/**
 * @param {Suite} suite
 * @returns {Signers}
 */
export function signers(suite) {
  const key = suite.secret === '' ? suite.signingKey.export({ type: 'pkcs8', format: 'pem' }) : suite.secret;
  const header = { algorithm: suite.algorithm };
  return {
    [NAME](claims) {
      const iat = Math.floor(Date.now() / 1000);
      return signSync({ ...claims, iss: ISSUER, aud: AUDIENCE, iat, exp: iat + LIFE }, key, header);
    },
  };
}

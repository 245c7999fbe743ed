/** keyturn itself, as an application calls it. */
import { createRequire } from 'node:module';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { Suite } from '../material.mjs' */
/** @import { Signers, Verifiers } from '../cases.mjs' */

// By its own name, from the repository's root: what is measured is what package.json exports.
const require = createRequire(new URL('../../../package.json', import.meta.url));
/** @type {unknown} */
const keyturn = require('keyturn');
const { createSigner, createVerifier, importKey } = /** @type {typeof import('keyturn')} */ (keyturn);

/**
 * @param {Suite} suite
 * @returns {Verifiers}
 */
export function verifiers({ algorithm, verifyingKey }) {
  const key = importKey(verifyingKey, { alg: algorithm });
  return { keyturn: createVerifier({ key, issuer: ISSUER, audience: AUDIENCE }) };
}

/**
 * @param {Suite} suite
 * @returns {Signers}
 */
export function signers({ algorithm, signingKey }) {
  const key = importKey(signingKey, { alg: algorithm });
  return { keyturn: createSigner({ key, issuer: ISSUER, audience: AUDIENCE, expiresIn: LIFE }) };
}

/** keyturn itself, as an application calls it. */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { Revocation, Signer, Verifier } from 'keyturn' */
/** @import { Suite } from '../material.mjs' */

/** How many live entries a verifier's question about revocation goes past. */
const REVOCATIONS = 10_000;

// By its own name, from the repository's root: what is measured is what package.json exports.
const require = createRequire(new URL('../../../package.json', import.meta.url));
/** @type {unknown} */
const keyturn = require('keyturn');
const { createSessions, createSigner, createVerifier, importKey } = /** @type {typeof import('keyturn')} */ (keyturn);

/**
 * Checks signature, `exp`, `nbf`, issuer and audience.
 *
 * @param {Suite} suite
 * @param {{ readonly revocation?: Revocation, readonly cache?: boolean }} [also]
 * @returns {Verifier}
 */
export function verifier({ algorithm, verifyingKey }, also = {}) {
  const key = importKey(verifyingKey, { alg: algorithm });
  return createVerifier({ key, issuer: ISSUER, audience: AUDIENCE, ...also });
}

/**
 * @param {Suite} suite
 * @returns {Signer}
 */
export function signer({ algorithm, signingKey }) {
  const key = importKey(signingKey, { alg: algorithm });
  return createSigner({ key, issuer: ISSUER, audience: AUDIENCE, expiresIn: LIFE });
}

/**
 * Ten thousand live revocations, and those of the suites' revoked tokens.
 *
 * @param {readonly Suite[]} suites
 * @returns {Promise<Revocation>}
 */
export async function fullRevocation(suites) {
  const { revocation } = createSessions({ store: 'memory:', issuer: ISSUER, audience: AUDIENCE });
  const exp = Math.floor(Date.now() / 1000) + 24 * LIFE;
  for (let n = 0; n < REVOCATIONS; n += 1) await revocation.token(randomBytes(16).toString('base64url'), exp);
  for (const { revoked } of suites) await revocation.token(revoked.jti, revoked.exp);
  return revocation;
}

/** fast-jwt with a static key, which it parses once, and without its cache of verified tokens. */
import { createSigner, createVerifier } from 'fast-jwt';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { Suite } from '../material.mjs' */
/** @import { Signers, Verifiers } from '../cases.mjs' */

/**
 * @param {Suite} suite
 * @returns {Verifiers}
 */
export function verifiers({ algorithm, verifyingKey, secret }) {
  const key = secret === '' ? verifyingKey.export({ type: 'spki', format: 'pem' }) : secret;
  const options = { algorithms: [algorithm], allowedIss: ISSUER, allowedAud: AUDIENCE, cache: false };
  return { 'fast-jwt': createVerifier({ key, ...options }) };
}

/**
 * @param {Suite} suite
 * @returns {Signers}
 */
export function signers({ algorithm, signingKey, secret }) {
  const key = secret === '' ? signingKey.export({ type: 'pkcs8', format: 'pem' }) : secret;
  return { 'fast-jwt': createSigner({ key, algorithm, iss: ISSUER, aud: AUDIENCE, expiresIn: LIFE * 1000 }) };
}

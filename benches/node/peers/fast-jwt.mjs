/** fast-jwt with a static key, which it parses once. */
import { createSigner, createVerifier } from 'fast-jwt';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { Suite } from '../material.mjs' */
/** @import { Signers, Verifiers } from '../packages.mjs' */

/**
 * Without its cache of verified tokens.
 *
 * @param {Suite} suite
 * @returns {Verifiers}
 */
export function verifiers(suite) {
  return { 'fast-jwt': verifier(suite, false) };
}

/**
 * With its cache, as it is when it is switched on: the thousand tokens used last, by their hash, for ten minutes.
 *
 * @param {Suite} suite
 * @returns {Verifiers}
 */
export function cachedVerifiers(suite) {
  return { 'fast-jwt (cache)': verifier(suite, true) };
}

/**
 * @param {Suite} suite
 * @returns {Signers}
 */
export function signers({ algorithm, signingKey, secret }) {
  const key = secret === '' ? signingKey.export({ type: 'pkcs8', format: 'pem' }) : secret;
  return { 'fast-jwt': createSigner({ key, algorithm, iss: ISSUER, aud: AUDIENCE, expiresIn: LIFE * 1000 }) };
}

/**
 * @param {Suite} suite
 * @param {boolean} cache
 */
function verifier({ algorithm, verifyingKey, secret }, cache) {
  const key = secret === '' ? verifyingKey.export({ type: 'spki', format: 'pem' }) : secret;
  return createVerifier({ key, algorithms: [algorithm], allowedIss: ISSUER, allowedAud: AUDIENCE, cache });
}

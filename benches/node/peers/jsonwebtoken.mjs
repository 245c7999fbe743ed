/**
 * jsonwebtoken, given its secret as text, as most applications do, and as a KeyObject, as its authors advise: text is
 * tried as a key of every other kind on each call. And keyturn's replacement for it, called in the same way.
 */
import { createRequire } from 'node:module';

import jsonwebtoken from 'jsonwebtoken';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { KeyObject } from 'node:crypto' */
/** @import { Suite } from '../material.mjs' */
/** @import { Signers, Verifiers } from '../packages.mjs' */

/** @typedef {Pick<typeof jsonwebtoken, 'sign' | 'verify'>} Library */

// By its own name, from the repository's root: what is measured is what package.json exports.
const require = createRequire(new URL('../../../package.json', import.meta.url));

/**
 * @param {Suite} suite
 * @returns {Verifiers} Without any for EdDSA, which it does not have.
 */
export function verifiers(suite) {
  return { ...stringVerifiers(suite), ...keyObjectVerifiers(suite) };
}

/**
 * @param {Suite} suite
 * @returns {Verifiers}
 */
export function keyObjectVerifiers(suite) {
  if (suite.algorithm === 'EdDSA') return {};
  return { 'jsonwebtoken (KeyObject)': verifierOf(jsonwebtoken, suite.verifyingKey, suite) };
}

/**
 * @param {Suite} suite
 * @returns {Signers} Without any for EdDSA, which it does not have.
 */
export function signers(suite) {
  if (suite.algorithm === 'EdDSA') return {};
  const text = suite.secret === '' ? {} : { 'jsonwebtoken (string secret)': signerOf(jsonwebtoken, suite.secret, suite) };
  return { ...text, 'jsonwebtoken (KeyObject)': signerOf(jsonwebtoken, suite.signingKey, suite) };
}

/**
 * The replacement beside the replaced, with one form of the key.
 *
 * @param {Suite} suite
 * @param {'secret' | 'signingKey'} form
 * @returns {{ readonly verifiers: Verifiers, readonly signers: Signers }}
 */
export function dropIn(suite, form) {
  /** @type {unknown} */
  const replacement = require('keyturn/jsonwebtoken');
  const keyturn = /** @type {Library} */ (replacement);
  const key = suite[form];
  return {
    verifiers: { keyturn: verifierOf(keyturn, key, suite), jsonwebtoken: verifierOf(jsonwebtoken, key, suite) },
    signers: { keyturn: signerOf(keyturn, key, suite), jsonwebtoken: signerOf(jsonwebtoken, key, suite) },
  };
}

/**
 * @param {Suite} suite
 * @returns {Verifiers}
 */
function stringVerifiers(suite) {
  return suite.secret === '' ? {} : { 'jsonwebtoken (string secret)': verifierOf(jsonwebtoken, suite.secret, suite) };
}

/**
 * @param {Library} library
 * @param {string | KeyObject} key
 * @param {Suite} suite
 * @returns {(token: string) => unknown}
 */
function verifierOf(library, key, { algorithm }) {
  /** @type {import('jsonwebtoken').VerifyOptions} */
  const options = { algorithms: [algorithmOf(algorithm)], issuer: ISSUER, audience: AUDIENCE };
  return (token) => library.verify(token, key, options);
}

/**
 * @param {Library} library
 * @param {string | KeyObject} key
 * @param {Suite} suite
 * @returns {Signers[string]}
 */
function signerOf(library, key, { algorithm }) {
  /** @type {import('jsonwebtoken').SignOptions} */
  const options = { algorithm: algorithmOf(algorithm), issuer: ISSUER, audience: AUDIENCE, expiresIn: LIFE };
  return (claims) => library.sign(claims, key, options);
}

/**
 * @param {Suite['algorithm']} algorithm
 * @returns {import('jsonwebtoken').Algorithm}
 */
function algorithmOf(algorithm) {
  if (algorithm === 'EdDSA') throw new Error('jsonwebtoken has no EdDSA');
  return algorithm;
}

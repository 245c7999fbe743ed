/**
 * jsonwebtoken, given its secret as text, as most applications do, and as a KeyObject, as its authors advise: text is
 * tried as a key of every other kind on each call.
 */
import jsonwebtoken from 'jsonwebtoken';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { Suite } from '../material.mjs' */
/** @import { Signers, Verifiers } from '../cases.mjs' */

/**
 * @param {Suite} suite
 * @returns {Verifiers}
 */
export function verifiers({ verifyingKey, secret }) {
  /** @type {import('jsonwebtoken').VerifyOptions} */
  const options = { algorithms: ['HS256'], issuer: ISSUER, audience: AUDIENCE };
  return {
    'jsonwebtoken (string secret)': (token) => jsonwebtoken.verify(token, secret, options),
    'jsonwebtoken (KeyObject)': (token) => jsonwebtoken.verify(token, verifyingKey, options),
  };
}

/**
 * @param {Suite} suite
 * @returns {Signers}
 */
export function signers({ signingKey, secret }) {
  /** @type {import('jsonwebtoken').SignOptions} */
  const options = { algorithm: 'HS256', issuer: ISSUER, audience: AUDIENCE, expiresIn: LIFE };
  return {
    'jsonwebtoken (string secret)': (claims) => jsonwebtoken.sign(claims, secret, options),
    'jsonwebtoken (KeyObject)': (claims) => jsonwebtoken.sign(claims, signingKey, options),
  };
}

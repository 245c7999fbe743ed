/** Everybody who takes part, by the name under which it is reported. */
import * as fastJwt from './peers/fast-jwt.mjs';
import * as jose from './peers/jose.mjs';
import * as jsonwebtoken from './peers/jsonwebtoken.mjs';
import * as keyturn from './peers/keyturn.mjs';
import * as nodeRs from './peers/node-rs.mjs';

/** @import { Revocation } from 'keyturn' */
/** @import { AppClaims, Suite } from './material.mjs' */

/**
 * How one package verifies or signs, by the name under which it is reported.
 *
 * @typedef {Readonly<Record<string, (token: string) => unknown>>} Verifiers
 * @typedef {Readonly<Record<string, (claims: AppClaims) => unknown>>} Signers
 */

/** Who answers with promises. */
export const AWAITED = new Set(['jose']);

/**
 * @param {Suite} suite
 * @param {Revocation} revocation
 * @returns {Promise<Verifiers>}
 */
export async function everyVerifier(suite, revocation) {
  return {
    keyturn: keyturn.verifier(suite, { revocation }),
    ...jsonwebtoken.verifiers(suite),
    ...fastJwt.verifiers(suite),
    ...nodeRs.verifiers(suite),
    ...(await jose.verifiers(suite)),
  };
}

/**
 * Verifiers that remember the tokens which they have verified.
 *
 * @param {Suite} suite
 * @param {Revocation} revocation
 * @returns {Verifiers}
 */
export function cachedVerifiers(suite, revocation) {
  return { keyturn: keyturn.verifier(suite, { revocation, cache: true }), ...fastJwt.cachedVerifiers(suite) };
}

/**
 * @param {Suite} suite
 * @returns {Promise<Signers>}
 */
export async function everySigner(suite) {
  return {
    keyturn: keyturn.signer(suite),
    ...jsonwebtoken.signers(suite),
    ...fastJwt.signers(suite),
    ...nodeRs.signers(suite),
    ...(await jose.signers(suite)),
  };
}

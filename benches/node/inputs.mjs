/** What the calls that are timed are given: a new value for every call. */

/** @import { AppClaims, Suite } from './material.mjs' */

/**
 * Tokens as they come out of a request: a slice of a header's value, made anew each time, so that no hash and no
 * flattened copy of an earlier call is still there.
 *
 * @param {readonly string[]} tokens
 * @returns {(index: number) => string}
 */
export function headerValues(tokens) {
  const headers = tokens.map((token) => Buffer.from(`Bearer ${token}`, 'latin1'));
  return (index) => at(headers, index).toString('latin1').slice('Bearer '.length);
}

/**
 * Claims as an application puts them together for one token.
 *
 * @param {Suite} suite
 * @returns {(index: number) => AppClaims}
 */
export function claimObjects({ claims }) {
  return (index) => {
    const { sub, name, roles, sid, jti, age } = at(claims, index);
    return { sub, name, roles: [...roles], sid, jti, age };
  };
}

/**
 * The pool over and over.
 *
 * @template T
 * @param {readonly T[]} pool
 * @param {number} index
 * @returns {T}
 */
export function at(pool, index) {
  return /** @type {T} */ (pool[index % pool.length]);
}

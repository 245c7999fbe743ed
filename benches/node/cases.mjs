/**
 * What can be timed. A case is one operation by one package; its id is `operation/algorithm/package`, where the package's
 * name may carry what distinguishes its cases. A new peer or algorithm adds rows here and nothing anywhere else.
 */
import assert from 'node:assert/strict';

import { AUDIENCE, eddsa, hs256, ISSUER, LIFE } from './material.mjs';
import { signers as fastJwtSigners, verifiers as fastJwtVerifiers } from './peers/fast-jwt.mjs';
import { signers as joseSigners, verifiers as joseVerifiers } from './peers/jose.mjs';
import { signers as jsonwebtokenSigners, verifiers as jsonwebtokenVerifiers } from './peers/jsonwebtoken.mjs';
import { signers as keyturnSigners, verifiers as keyturnVerifiers } from './peers/keyturn.mjs';

/** @import { AppClaims, Suite } from './material.mjs' */

/**
 * How one package verifies or signs, by the name under which it is reported. What answers with a promise is awaited
 * before the next call.
 *
 * @typedef {Readonly<Record<string, (token: string) => unknown>>} Verifiers
 * @typedef {Readonly<Record<string, (claims: AppClaims) => unknown>>} Signers
 */

/**
 * @typedef {object} Case
 * @property {string} id
 * @property {boolean} awaited Whether `run` answers with a promise.
 * @property {(index: number) => unknown} input A new input, the like of which no call has seen.
 * @property {(input: unknown) => unknown} run The timed part.
 * @property {(result: unknown, index: number) => void} check Throws unless it is the right result for input `index`.
 * @property {() => Promise<void>} prove Throws unless the case does all of its work; done once, before it is timed.
 */

/** @returns {Promise<Case[]>} */
export async function allCases() {
  const [hmac, edwards] = [hs256(), eddsa()];
  const awaited = true;
  return [
    ...verifyCases(hmac, { ...keyturnVerifiers(hmac), ...jsonwebtokenVerifiers(hmac), ...fastJwtVerifiers(hmac) }),
    ...verifyCases(hmac, await joseVerifiers(hmac), { awaited }),
    parseAlone(hmac),
    ...signCases(hmac, { ...keyturnSigners(hmac), ...jsonwebtokenSigners(hmac), ...fastJwtSigners(hmac) }),
    ...signCases(hmac, await joseSigners(hmac), { awaited }),
    stringifyAlone(hmac),
    // jsonwebtoken has no EdDSA.
    ...verifyCases(edwards, { ...keyturnVerifiers(edwards), ...fastJwtVerifiers(edwards) }),
    ...verifyCases(edwards, await joseVerifiers(edwards), { awaited }),
    ...signCases(edwards, { ...keyturnSigners(edwards), ...fastJwtSigners(edwards) }),
    ...signCases(edwards, await joseSigners(edwards), { awaited }),
  ];
}

/**
 * @param {Suite} suite
 * @param {Verifiers} verifiers
 * @param {{ readonly awaited?: boolean }} [kind]
 * @returns {Case[]}
 */
function verifyCases(suite, verifiers, { awaited = false } = {}) {
  const input = headerValues(suite.tokens);
  return Object.entries(verifiers).map(([name, verify]) => {
    /** @type {Case['check']} */
    const check = (result, index) => assert.deepStrictEqual(result, at(suite.claims, index));
    return {
      id: `verify/${suite.algorithm}/${name}`,
      awaited,
      input,
      run: /** @type {Case['run']} */ (verify),
      check,
      async prove() {
        for (const index of suite.tokens.keys()) check(await verify(input(index)), index);
        for (const token of suite.refused) await assert.rejects(async () => verify(token));
      },
    };
  });
}

/**
 * @param {Suite} suite
 * @param {Signers} signers
 * @param {{ readonly awaited?: boolean }} [kind]
 * @returns {Case[]}
 */
function signCases(suite, signers, { awaited = false } = {}) {
  const input = claimObjects(suite);
  return Object.entries(signers).map(([name, sign]) => {
    /** @type {Case['check']} */
    const check = (result, index) => {
      assert.ok(typeof result === 'string');
      const { iat, ...claims } = suite.read(result);
      assert.deepStrictEqual(claims, { ...input(index), iss: ISSUER, aud: AUDIENCE, exp: iat + LIFE });
      assert.ok(Math.abs(iat - Date.now() / 1000) < 60, 'iat is not now');
    };
    return {
      id: `sign/${suite.algorithm}/${name}`,
      awaited,
      input,
      run: /** @type {Case['run']} */ (sign),
      check,
      async prove() {
        for (const index of suite.claims.keys()) check(await sign(input(index)), index);
      },
    };
  });
}

/**
 * What no verifier can do without that answers with a claims object.
 *
 * @param {Suite} suite
 * @returns {Case}
 */
function parseAlone({ algorithm, claims }) {
  const texts = claims.map((one) => Buffer.from(JSON.stringify(one)));
  /** @param {number} index */
  const input = (index) => at(texts, index).toString('latin1');
  /** @type {Case['check']} */
  const check = (result, index) => assert.deepStrictEqual(result, at(claims, index));
  const run = /** @type {Case['run']} */ (JSON.parse);
  return { id: `verify/${algorithm}/JSON.parse alone`, awaited: false, input, run, check, prove: async () => check(run(input(0)), 0) };
}

/**
 * What no signer can do without that is given a claims object.
 *
 * @param {Suite} suite
 * @returns {Case}
 */
function stringifyAlone(suite) {
  const input = claimObjects(suite);
  /** @type {Case['check']} */
  const check = (result, index) => assert.deepStrictEqual(JSON.parse(String(result)), input(index));
  /** @type {Case['run']} */
  const run = (claims) => JSON.stringify(claims);
  return { id: `sign/${suite.algorithm}/JSON.stringify alone`, awaited: false, input, run, check, prove: async () => check(run(input(0)), 0) };
}

/**
 * Tokens as they come out of a request: a slice of a header's value, made anew each time, so that no hash and no
 * flattened copy of an earlier call is still there.
 *
 * @param {readonly string[]} tokens
 * @returns {(index: number) => string}
 */
function headerValues(tokens) {
  const headers = tokens.map((token) => Buffer.from(`Bearer ${token}`, 'latin1'));
  return (index) => at(headers, index).toString('latin1').slice('Bearer '.length);
}

/**
 * Claims as an application puts them together for one token.
 *
 * @param {Suite} suite
 * @returns {(index: number) => AppClaims}
 */
function claimObjects({ claims }) {
  return (index) => {
    const { sub, name, roles, sid, jti, age } = at(claims, index);
    return { sub, name, roles: [...roles], sid, jti, age };
  };
}

/**
 * @template T
 * @param {readonly T[]} pool
 * @param {number} index
 * @returns {T}
 */
function at(pool, index) {
  return /** @type {T} */ (pool[index % pool.length]);
}

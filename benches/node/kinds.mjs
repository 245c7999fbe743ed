/** The kinds of cases: what is called, with what, and how it is proved that it does its work. */
import assert from 'node:assert/strict';

import { at, claimObjects, headerValues } from './inputs.mjs';
import { AUDIENCE, ISSUER, LIFE } from './material.mjs';
import { AWAITED } from './packages.mjs';
import { floor } from './peers/floor.mjs';

/** @import { Suite } from './material.mjs' */
/** @import { Signers, Verifiers } from './packages.mjs' */
/** @import { Timed } from './timing.mjs' */

/**
 * @typedef {object} Proved
 * @property {string} id
 * @property {() => Promise<void>} prove Throws unless the case does all of its work; done once, before it is timed.
 */

/** @typedef {Proved & Timed} Case */

/**
 * @param {string} group
 * @param {Omit<Suite, 'revoked'> & { readonly revoked: Suite['revoked'] | undefined }} suite Whoever is called `keyturn` has to
 *   refuse its revoked token.
 * @param {Verifiers} verifiers
 * @returns {Case[]}
 */
export function verifyCases(group, suite, verifiers) {
  const input = headerValues(suite.tokens);
  return Object.entries(verifiers).map(([name, verify]) => {
    /** @type {Case['check']} */
    const check = (result, index) => assert.deepStrictEqual(result, at(suite.claims, index));
    const revoked = name === 'keyturn' && suite.revoked !== undefined ? [suite.revoked.token] : [];
    return {
      id: `${group}/${name}`,
      awaited: AWAITED.has(name),
      input,
      run: /** @type {Case['run']} */ (verify),
      check,
      async prove() {
        for (const index of suite.tokens.keys()) check(await verify(input(index)), index);
        for (const token of [...suite.refused, ...revoked]) await assert.rejects(async () => verify(token));
      },
    };
  });
}

/**
 * What a refusal costs, the making and the catching of the error included.
 *
 * @param {string} group
 * @param {readonly string[]} tokens
 * @param {Verifiers} verifiers
 * @param {(failure: string) => boolean} expected Whether an error's code, name and message are those of the case.
 * @returns {Case[]}
 */
export function refuseCases(group, tokens, verifiers, expected) {
  const input = headerValues(tokens);
  /** @type {Case['check']} */
  const check = (result) => {
    assert.ok(result instanceof Error, 'it was not refused');
    const code = 'code' in result ? String(result.code) : '';
    const failure = `${code} ${result.name} ${result.message}`;
    assert.ok(expected(failure), `refused for another reason: ${failure}`);
  };
  return Object.entries(verifiers).map(([name, verify]) => {
    const awaited = AWAITED.has(name);
    const run = /** @type {Case['run']} */ (awaited ? caughtLater(verify) : caught(verify));
    return {
      id: `${group}/${name}`,
      awaited,
      input,
      run,
      check,
      async prove() {
        for (const index of tokens.keys()) check(await run(input(index)), index);
      },
    };
  });
}

/**
 * @param {string} group
 * @param {Suite} suite
 * @param {Signers} signers
 * @returns {Case[]}
 */
export function signCases(group, suite, signers) {
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
      id: `${group}/${name}`,
      awaited: AWAITED.has(name),
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
 * What no native verifier can do without; see peers/floor.mjs.
 *
 * @param {string} group
 * @param {Suite} suite
 * @returns {Case}
 */
export function floorAlone(group, suite) {
  const input = headerValues(suite.tokens);
  const run = floor(suite);
  /** @type {Case['check']} */
  const check = (result, index) => assert.deepStrictEqual(result, at(suite.claims, index));
  return {
    id: `${group}/floor: one raw call + HMAC + JSON.parse`,
    awaited: false,
    input,
    run: /** @type {Case['run']} */ (run),
    check,
    async prove() {
      for (const index of suite.tokens.keys()) check(run(input(index)), index);
      for (const token of suite.forged) assert.equal(typeof run(token), 'number');
    },
  };
}

/**
 * What no verifier at all can do without that answers with a claims object.
 *
 * @param {string} group
 * @param {Suite} suite
 * @returns {Case}
 */
export function parseAlone(group, { claims }) {
  const texts = claims.map((one) => Buffer.from(JSON.stringify(one)));
  /** @param {number} index */
  const input = (index) => at(texts, index).toString('latin1');
  /** @type {Case['check']} */
  const check = (result, index) => assert.deepStrictEqual(result, at(claims, index));
  const run = /** @type {Case['run']} */ (JSON.parse);
  return { id: `${group}/JSON.parse alone`, awaited: false, input, run, check, prove: async () => check(run(input(0)), 0) };
}

/**
 * What no signer can do without that is given a claims object.
 *
 * @param {string} group
 * @param {Suite} suite
 * @returns {Case}
 */
export function stringifyAlone(group, suite) {
  const input = claimObjects(suite);
  /** @type {Case['check']} */
  const check = (result, index) => assert.deepStrictEqual(JSON.parse(String(result)), input(index));
  /** @type {Case['run']} */
  const run = (claims) => JSON.stringify(claims);
  return { id: `${group}/JSON.stringify alone`, awaited: false, input, run, check, prove: async () => check(run(input(0)), 0) };
}

/**
 * @param {Verifiers[string]} verify
 * @returns {Verifiers[string]}
 */
function caught(verify) {
  return (token) => {
    try {
      return verify(token);
    } catch (error) {
      return error;
    }
  };
}

/**
 * @param {Verifiers[string]} verify
 * @returns {Verifiers[string]}
 */
function caughtLater(verify) {
  return async (token) => {
    try {
      return await verify(token);
    } catch (error) {
      return error;
    }
  };
}

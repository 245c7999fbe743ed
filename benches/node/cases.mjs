/**
 * What can be timed. A case is one operation by one package; its id is `operation/subject/package`, where the package's
 * name may carry what distinguishes its cases. Cases are compared with those of the same operation and subject, which stand
 * side by side, and there with the one that is called `keyturn`. A new peer or algorithm adds rows here and nothing anywhere
 * else.
 */
import assert from 'node:assert/strict';

import { at, claimObjects, headerValues } from './inputs.mjs';
import { AUDIENCE, ISSUER, LIFE, makeSuite } from './material.mjs';
import * as fastJwt from './peers/fast-jwt.mjs';
import { floor } from './peers/floor.mjs';
import * as jose from './peers/jose.mjs';
import * as jsonwebtoken from './peers/jsonwebtoken.mjs';
import * as keyturn from './peers/keyturn.mjs';
import * as nodeRs from './peers/node-rs.mjs';

/** @import { Revocation } from 'keyturn' */
/** @import { AppClaims, Suite } from './material.mjs' */
/** @import { Timed } from './timing.mjs' */

/**
 * How one package verifies or signs, by the name under which it is reported.
 *
 * @typedef {Readonly<Record<string, (token: string) => unknown>>} Verifiers
 * @typedef {Readonly<Record<string, (claims: AppClaims) => unknown>>} Signers
 */

/**
 * @typedef {object} Proved
 * @property {string} id
 * @property {() => Promise<void>} prove Throws unless the case does all of its work; done once, before it is timed.
 */

/** @typedef {Proved & Timed} Case */

/** Who answers with promises. */
const AWAITED = new Set(['jose']);

const KIB = 1024;

/** @returns {Promise<Case[]>} */
export async function allCases() {
  const [hmac, edwards] = [makeSuite('HS256'), makeSuite('EdDSA')];
  const [rsa, ecdsa] = [makeSuite('RS256'), makeSuite('ES256')];
  const [large, larger] = [makeSuite('HS256', { payloadBytes: KIB }), makeSuite('HS256', { payloadBytes: 4 * KIB })];
  const suites = [hmac, rsa, ecdsa, edwards, large, larger];
  const revocation = await keyturn.fullRevocation(suites);
  const everybody = await everyVerifier(hmac, revocation);
  const withoutRevocation = { 'keyturn (no revocation)': keyturn.verifier(hmac) };
  return [
    ...verifyCases('verify/HS256', hmac, { ...everybody, ...withoutRevocation }),
    floorAlone('verify/HS256', hmac),
    parseAlone('verify/HS256', hmac),
    ...[hmac, rsa, ecdsa, edwards].flatMap((suite) => cacheCases(suite, revocation)),
    ...signCases('sign/HS256', hmac, await everySigner(hmac)),
    stringifyAlone('sign/HS256', hmac),
    ...(await bothCases(rsa, revocation)),
    ...(await bothCases(ecdsa, revocation)),
    ...(await bothCases(edwards, revocation)),
    ...dropInCases('string secret', hmac, 'secret'),
    ...dropInCases('KeyObject', hmac, 'signingKey'),
    ...verifyCases('verify/HS256 1 KB', large, await everyVerifier(large, revocation)),
    ...verifyCases('verify/HS256 4 KB', larger, await everyVerifier(larger, revocation)),
    ...refuseCases('refuse/HS256 expired', hmac.expired, everybody, (failure) => /expired/i.test(failure)),
    ...refuseCases('refuse/HS256 bad signature', hmac.forged, everybody, (failure) => /signature/i.test(failure) && !/expired/i.test(failure)),
  ];
}

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
async function everySigner(suite) {
  return {
    keyturn: keyturn.signer(suite),
    ...jsonwebtoken.signers(suite),
    ...fastJwt.signers(suite),
    ...nodeRs.signers(suite),
    ...(await jose.signers(suite)),
  };
}

/**
 * @param {Suite} suite
 * @param {Revocation} revocation
 */
async function bothCases(suite, revocation) {
  return [
    ...verifyCases(`verify/${suite.algorithm}`, suite, await everyVerifier(suite, revocation)),
    ...signCases(`sign/${suite.algorithm}`, suite, await everySigner(suite)),
  ];
}

/**
 * Tokens that have been seen before. jsonwebtoken has no cache and verifies them again.
 *
 * @param {Suite} suite
 * @param {Revocation} revocation
 * @returns {Case[]}
 */
function cacheCases(suite, revocation) {
  const group = `verify cached/${suite.algorithm}`;
  const input = headerValues(suite.tokens);
  const cached = cachedVerifiers(suite, revocation);
  const cases = verifyCases(group, suite, cached).map((one) => ({
    ...one,
    async prove() {
      await one.prove();
      for (const index of suite.tokens.keys()) assert.equal(one.run(input(index)), one.run(input(index)), 'no cache hit');
    },
  }));
  return [...cases, ...verifyCases(group, suite, jsonwebtoken.keyObjectVerifiers(suite))];
}

/**
 * @param {string} keyForm
 * @param {Suite} suite
 * @param {'secret' | 'signingKey'} form
 */
function dropInCases(keyForm, suite, form) {
  const { verifiers, signers } = jsonwebtoken.dropIn(suite, form);
  return [
    ...verifyCases(`drop-in verify/HS256 ${keyForm}`, { ...suite, revoked: undefined }, verifiers),
    ...signCases(`drop-in sign/HS256 ${keyForm}`, suite, signers),
  ];
}

/**
 * @param {string} group
 * @param {Omit<Suite, 'revoked'> & { readonly revoked: Suite['revoked'] | undefined }} suite Whoever is called `keyturn` has to
 *   refuse its revoked token.
 * @param {Verifiers} verifiers
 * @returns {Case[]}
 */
function verifyCases(group, suite, verifiers) {
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
function refuseCases(group, tokens, verifiers, expected) {
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

/**
 * @param {string} group
 * @param {Suite} suite
 * @param {Signers} signers
 * @returns {Case[]}
 */
function signCases(group, suite, signers) {
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
function floorAlone(group, suite) {
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
function parseAlone(group, { claims }) {
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
function stringifyAlone(group, suite) {
  const input = claimObjects(suite);
  /** @type {Case['check']} */
  const check = (result, index) => assert.deepStrictEqual(JSON.parse(String(result)), input(index));
  /** @type {Case['run']} */
  const run = (claims) => JSON.stringify(claims);
  return { id: `${group}/JSON.stringify alone`, awaited: false, input, run, check, prove: async () => check(run(input(0)), 0) };
}

/**
 * What can be timed. A case is one operation by one package; its id is `operation/subject/package`, where the package's
 * name may carry what distinguishes its cases. Cases are compared with those of the same operation and subject, which stand
 * side by side, and there with the one that is called `keyturn`. A new peer or algorithm adds rows here and nothing anywhere
 * else.
 */
import assert from 'node:assert/strict';

import { headerValues } from './inputs.mjs';
import { floorAlone, parseAlone, refuseCases, signCases, stringifyAlone, verifyCases } from './kinds.mjs';
import { makeSuite } from './material.mjs';
import { cachedVerifiers, everySigner, everyVerifier } from './packages.mjs';
import { dropIn, keyObjectVerifiers } from './peers/jsonwebtoken.mjs';
import { fullRevocation, verifier } from './peers/keyturn.mjs';

/** @import { Revocation } from 'keyturn' */
/** @import { Case } from './kinds.mjs' */
/** @import { Suite } from './material.mjs' */

const KIB = 1024;

/** @returns {Promise<Case[]>} */
export async function allCases() {
  const [hmac, edwards] = [makeSuite('HS256'), makeSuite('EdDSA')];
  const [rsa, ecdsa] = [makeSuite('RS256'), makeSuite('ES256')];
  const [large, larger] = [makeSuite('HS256', { payloadBytes: KIB }), makeSuite('HS256', { payloadBytes: 4 * KIB })];
  const suites = [hmac, rsa, ecdsa, edwards, large, larger];
  const revocation = await fullRevocation(suites);
  const everybody = await everyVerifier(hmac, revocation);
  const withoutRevocation = { 'keyturn (no revocation)': verifier(hmac) };
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
  return [...cases, ...verifyCases(group, suite, keyObjectVerifiers(suite))];
}

/**
 * @param {string} keyForm
 * @param {Suite} suite
 * @param {'secret' | 'signingKey'} form
 */
function dropInCases(keyForm, suite, form) {
  const { verifiers, signers } = dropIn(suite, form);
  return [
    ...verifyCases(`drop-in verify/HS256 ${keyForm}`, { ...suite, revoked: undefined }, verifiers),
    ...signCases(`drop-in sign/HS256 ${keyForm}`, suite, signers),
  ];
}

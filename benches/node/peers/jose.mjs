/** jose with imported CryptoKeys. It answers with promises only: a call is awaited before the next one starts. */
import { importJWK, jwtVerify, SignJWT } from 'jose';

import { AUDIENCE, ISSUER, LIFE } from '../material.mjs';

/** @import { KeyObject } from 'node:crypto' */
/** @import { Suite } from '../material.mjs' */
/** @import { Signers, Verifiers } from '../packages.mjs' */

/**
 * @param {Suite} suite
 * @returns {Promise<Verifiers>}
 */
export async function verifiers({ algorithm, verifyingKey }) {
  const key = await cryptoKey(verifyingKey, algorithm, 'verify');
  const options = { algorithms: [algorithm], issuer: ISSUER, audience: AUDIENCE };
  return {
    async jose(token) {
      /** @type {{ readonly payload: unknown }} */
      const { payload } = await jwtVerify(token, key, options);
      return payload;
    },
  };
}

/**
 * @param {Suite} suite
 * @returns {Promise<Signers>}
 */
export async function signers({ algorithm, signingKey }) {
  const key = await cryptoKey(signingKey, algorithm, 'sign');
  return {
    jose: async (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${String(LIFE)}s`)
        .sign(key),
  };
}

/**
 * @param {KeyObject} key
 * @param {Suite['algorithm']} algorithm
 * @param {'sign' | 'verify'} usage
 */
async function cryptoKey(key, algorithm, usage) {
  if (algorithm !== 'HS256') return importJWK({ ...key.export({ format: 'jwk' }), key_ops: [usage] }, algorithm);
  const format = { name: 'HMAC', hash: 'SHA-256' };
  return globalThis.crypto.subtle.importKey('raw', key.export(), format, false, [usage]);
}

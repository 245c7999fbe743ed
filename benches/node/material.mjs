/**
 * What every case is fed with: keys of one algorithm, and tokens over one set of claims. All of it is made with node:crypto
 * alone, so that nobody is timed on what a rival's signer happens to write.
 */
import assert from 'node:assert/strict';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto';

/** @import { KeyObject } from 'node:crypto' */

export const ISSUER = 'https://auth.example';
export const AUDIENCE = 'api';

/** Seconds that every signed token lives. */
export const LIFE = 3600;

/** How many different tokens there are; more would not fit the processor's nearest cache, fewer would be learnt by heart. */
const POOL = 64;

/** The length of the HS256 token: what an access token with a name, roles, a session and an identifier comes to. */
const TOKEN_LENGTH = 369;

/** @typedef {'EdDSA' | 'ES256' | 'HS256' | 'RS256'} Algorithm */

/**
 * The claims of a token as an application has them. `permissions` is there in larger tokens only.
 *
 * @typedef {{ sub: string, name: string, roles: string[], sid: string, jti: string, age: number, permissions?: string[] }} AppClaims
 */

/**
 * The claims of a token as it is sent.
 *
 * @typedef {AppClaims & { iss: string, aud: string, iat: number, exp: number }} TokenClaims
 */

/**
 * @typedef {object} Keys
 * @property {KeyObject} signingKey
 * @property {KeyObject} verifyingKey The same key for HS256.
 * @property {string} secret The HS256 secret as text, otherwise empty.
 * @property {(input: string) => Buffer} sign
 * @property {(input: string, signature: Buffer) => boolean} verify
 */

/**
 * The keys of one algorithm, and tokens that node:crypto made with them.
 *
 * @typedef {object} Suite
 * @property {Algorithm} algorithm
 * @property {Keys['signingKey']} signingKey
 * @property {Keys['verifyingKey']} verifyingKey
 * @property {Keys['secret']} secret
 * @property {readonly string[]} tokens
 * @property {readonly TokenClaims[]} claims Those of `tokens`.
 * @property {readonly string[]} refused Tokens that every verifier has to refuse: each fails one check.
 * @property {readonly string[]} expired Good but for their time.
 * @property {readonly string[]} forged Good but for their signature.
 * @property {{ readonly token: string, readonly jti: string, readonly exp: number }} revoked Refused by whoever is told that it is revoked.
 * @property {(token: string) => TokenClaims} read Checks header and signature, and gives the claims.
 */

/**
 * @param {Algorithm} algorithm
 * @param {{ readonly payloadBytes?: number, readonly pool?: number }} [size] Of each token, instead of the usual; and how many.
 * @returns {Suite}
 */
export function makeSuite(algorithm, { payloadBytes, pool = POOL } = {}) {
  const { sign, verify, ...keys } = algorithm === 'HS256' ? hmacKeys() : keyPair(algorithm);
  /** @param {TokenClaims} claims */
  const seal = (claims) => {
    const input = `${encoded({ alg: algorithm, typ: 'JWT' })}.${encoded(claims)}`;
    return `${input}.${sign(input).toString('base64url')}`;
  };
  const make = () => tokenClaims(payloadBytes);
  const claims = Array.from({ length: pool }, make);
  const tokens = claims.map(seal);
  if (algorithm === 'HS256' && payloadBytes === undefined) {
    for (const token of tokens) assert.equal(token.length, TOKEN_LENGTH);
  }
  const [good, revoked] = [make(), make()];
  return {
    algorithm,
    ...keys,
    claims,
    tokens,
    refused: [
      tampered(seal(good)),
      seal({ ...good, exp: good.iat - 1 }),
      seal({ ...good, iss: 'https://elsewhere.example' }),
      seal({ ...good, aud: 'another' }),
    ],
    expired: Array.from({ length: POOL }, () => {
      const { iat, ...rest } = make();
      return seal({ ...rest, iat: iat - LIFE, exp: iat - 1 });
    }),
    forged: Array.from({ length: POOL }, () => tampered(seal(make()))),
    revoked: { token: seal(revoked), jti: revoked.jti, exp: revoked.exp },
    read(token) {
      const [header = '', payload = '', signature = ''] = token.split('.');
      assert.equal(decoded(header)['alg'], algorithm);
      assert.ok(verify(`${header}.${payload}`, Buffer.from(signature, 'base64url')), 'the signature is wrong');
      return /** @type {TokenClaims} */ (/** @type {unknown} */ (decoded(payload)));
    },
  };
}

/** @returns {Keys} */
function hmacKeys() {
  const secret = randomBytes(32).toString('base64url');
  const key = createSecretKey(secret, 'utf8');
  /** @param {string} input */
  const sign = (input) => createHmac('sha256', key).update(input).digest();
  return { signingKey: key, verifyingKey: key, secret, sign, verify: (input, signature) => sign(input).equals(signature) };
}

/**
 * Keys as applications have them: read from PEM.
 *
 * @param {Exclude<Algorithm, 'HS256'>} algorithm
 * @returns {Keys}
 */
function keyPair(algorithm) {
  const pair = generatePair(algorithm);
  const signingKey = createPrivateKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const verifyingKey = createPublicKey(pair.publicKey.export({ type: 'spki', format: 'pem' }));
  const hash = algorithm === 'EdDSA' ? null : 'sha256';
  // A JWS holds r and s as they are (RFC 7518, section 3.4); other keys do not look at this.
  const dsaEncoding = 'ieee-p1363';
  return {
    signingKey,
    verifyingKey,
    secret: '',
    sign: (input) => signWith(hash, Buffer.from(input), { key: signingKey, dsaEncoding }),
    verify: (input, signature) => verifyWith(hash, Buffer.from(input), { key: verifyingKey, dsaEncoding }, signature),
  };
}

/** @param {Exclude<Algorithm, 'HS256'>} algorithm */
function generatePair(algorithm) {
  switch (algorithm) {
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
}

/** @returns {AppClaims} */
function appClaims() {
  return {
    sub: `user-${String(Math.floor(1000 + Math.random() * 9000))}`,
    name: 'Ada Lovelace',
    roles: ['admin', 'operator'],
    sid: randomBytes(16).toString('base64url'),
    jti: randomBytes(16).toString('base64url'),
    age: 36,
  };
}

/**
 * @param {number | undefined} payloadBytes How long they are as JSON; without it, what the claims above come to.
 * @returns {TokenClaims}
 */
function tokenClaims(payloadBytes) {
  const { age, ...app } = appClaims();
  const iat = Math.floor(Date.now() / 1000);
  const claims = { ...app, iss: ISSUER, aud: AUDIENCE, iat, exp: iat + 24 * LIFE, age };
  if (payloadBytes === undefined) return claims;
  const room = payloadBytes - JSON.stringify({ ...claims, permissions: [] }).length;
  const larger = { ...claims, permissions: permissions(room) };
  assert.equal(JSON.stringify(larger).length, payloadBytes);
  return larger;
}

/**
 * What makes real tokens long: a list of short strings.
 *
 * @param {number} room Bytes between the brackets, at least 60.
 * @returns {string[]}
 */
function permissions(room) {
  /** @type {string[]} */
  const list = [];
  let left = room;
  while (left > 60) {
    const one = `project-${String(1000 + list.length)}:write`;
    list.push(one);
    left -= `"${one}",`.length;
  }
  list.push('p'.repeat(left - '""'.length));
  return list;
}

/** @param {object} value */
function encoded(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/**
 * @param {string} segment
 * @returns {Record<string, unknown>}
 */
function decoded(segment) {
  /** @type {unknown} */
  const value = JSON.parse(Buffer.from(segment, 'base64url').toString());
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * The same token with another first character of the signature.
 *
 * @param {string} token
 */
function tampered(token) {
  const at = token.lastIndexOf('.') + 1;
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
}

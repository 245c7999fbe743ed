/**
 * What every case is fed with: one set of keys, and tokens over one set of claims. All of it is made with node:crypto
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

export const ISSUER = 'https://auth.example';
export const AUDIENCE = 'api';

/** Seconds that every signed token lives. */
export const LIFE = 3600;

/** How many different tokens there are; more would not fit the processor's nearest cache, fewer would be learnt by heart. */
const POOL = 64;

/** The length of the HS256 token: what an access token with a name, roles, a session and an identifier comes to. */
const TOKEN_LENGTH = 369;

/**
 * The claims of a token as an application has them.
 *
 * @typedef {{ sub: string, name: string, roles: string[], sid: string, jti: string, age: number }} AppClaims
 */

/**
 * The claims of a token as it is sent.
 *
 * @typedef {AppClaims & { iss: string, aud: string, iat: number, exp: number }} TokenClaims
 */

/**
 * The keys of one algorithm, how node:crypto signs and checks with them, and tokens made that way.
 *
 * @typedef {object} Suite
 * @property {'HS256' | 'EdDSA'} algorithm
 * @property {import('node:crypto').KeyObject} signingKey
 * @property {import('node:crypto').KeyObject} verifyingKey The same key for HS256.
 * @property {string} secret The HS256 secret as text, otherwise empty.
 * @property {readonly string[]} tokens
 * @property {readonly TokenClaims[]} claims Those of `tokens`.
 * @property {readonly string[]} refused Tokens that every verifier has to refuse: each fails one check.
 * @property {(token: string) => TokenClaims} read Checks header and signature, and gives the claims.
 */

/** @returns {Suite} */
export function hs256() {
  const secret = randomBytes(32).toString('base64url');
  const key = createSecretKey(secret, 'utf8');
  /** @param {string} input */
  const mac = (input) => createHmac('sha256', key).update(input).digest();
  const suite = makeSuite('HS256', mac, (input, signature) => mac(input).equals(signature), {
    signingKey: key,
    verifyingKey: key,
    secret,
  });
  for (const token of suite.tokens) assert.equal(token.length, TOKEN_LENGTH);
  return suite;
}

/** @returns {Suite} */
export function eddsa() {
  const pair = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const signingKey = createPrivateKey(pair.privateKey);
  const verifyingKey = createPublicKey(pair.publicKey);
  return makeSuite(
    'EdDSA',
    (input) => signWith(null, Buffer.from(input), signingKey),
    (input, signature) => verifyWith(null, Buffer.from(input), verifyingKey, signature),
    { signingKey, verifyingKey, secret: '' },
  );
}

/**
 * @param {Suite['algorithm']} algorithm
 * @param {(input: string) => Buffer} sign
 * @param {(input: string, signature: Buffer) => boolean} verify
 * @param {Pick<Suite, 'signingKey' | 'verifyingKey' | 'secret'>} keys
 * @returns {Suite}
 */
function makeSuite(algorithm, sign, verify, keys) {
  /** @param {TokenClaims} claims */
  const seal = (claims) => {
    const input = `${encoded({ alg: algorithm, typ: 'JWT' })}.${encoded(claims)}`;
    return `${input}.${sign(input).toString('base64url')}`;
  };
  const claims = Array.from({ length: POOL }, tokenClaims);
  const good = tokenClaims();
  return {
    algorithm,
    ...keys,
    claims,
    tokens: claims.map(seal),
    refused: [
      tampered(seal(good)),
      seal({ ...good, exp: good.iat - 1 }),
      seal({ ...good, iss: 'https://elsewhere.example' }),
      seal({ ...good, aud: 'another' }),
    ],
    read(token) {
      const [header = '', payload = '', signature = ''] = token.split('.');
      assert.equal(decoded(header)['alg'], algorithm);
      assert.ok(verify(`${header}.${payload}`, Buffer.from(signature, 'base64url')), 'the signature is wrong');
      return /** @type {TokenClaims} */ (/** @type {unknown} */ (decoded(payload)));
    },
  };
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

/** @returns {TokenClaims} */
function tokenClaims() {
  const { age, ...app } = appClaims();
  const iat = Math.floor(Date.now() / 1000);
  return { ...app, iss: ISSUER, aud: AUDIENCE, iat, exp: iat + 24 * LIFE, age };
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

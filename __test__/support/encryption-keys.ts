import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

import { type ContentEncryption, type EncryptionKey, importKey, type KeyManagementAlgorithm } from 'keyturn';

import { CONTENT_ENCRYPTIONS, CURVES, KEY_MANAGEMENT_ALGORITHMS } from '../../dist/keys/encryption.js';

/** One key for JWE as keyturn holds it and as node:crypto does. */
export interface TestEncryptionKey {
  /** The algorithm, and the curve or the content encryption where it is for one. */
  readonly name: string;
  readonly alg: KeyManagementAlgorithm;
  readonly key: EncryptionKey;
  /** The public half, or the secret. */
  readonly publicKey: EncryptionKey;
  /** The secret or the private key. */
  readonly raw: KeyObject;
  /** What it can be used with. */
  readonly encryptions: readonly ContentEncryption[];
}

const KEY_BYTES: Readonly<Record<ContentEncryption, number>> = { 'A128CBC-HS256': 32, A128GCM: 16, 'A256CBC-HS512': 64, A256GCM: 32 };

/** A key for each algorithm, on each curve, and for `dir` for each content encryption; new in each process. */
export const ENCRYPTION_KEYS: readonly TestEncryptionKey[] = KEY_MANAGEMENT_ALGORITHMS.flatMap((alg) => {
  if (alg === 'dir') return CONTENT_ENCRYPTIONS.map((enc) => secretKey(alg, KEY_BYTES[enc], enc));
  if (alg.startsWith('ECDH')) return CURVES.map((crv) => pair(alg, crv === 'X25519' ? generateKeyPairSync('x25519').privateKey : generateKeyPairSync('ec', { namedCurve: crv }).privateKey, crv));
  if (alg.startsWith('RSA')) return [pair(alg, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, '')];
  return [secretKey(alg, alg.startsWith('A128') ? 16 : 32)];
});

/** The first key for an algorithm. */
export function encryptionKeyFor(alg: KeyManagementAlgorithm): TestEncryptionKey {
  const found = ENCRYPTION_KEYS.find((one) => one.alg === alg);
  if (found === undefined) throw new Error(`no key for ${alg}`);
  return found;
}

function secretKey(alg: KeyManagementAlgorithm, bytes: number, enc?: ContentEncryption): TestEncryptionKey {
  const raw = createSecretKey(randomBytes(bytes));
  const key = importKey(raw, { alg, enc });
  return { name: enc === undefined ? alg : `${alg} for ${enc}`, alg, key, publicKey: key, raw, encryptions: enc === undefined ? CONTENT_ENCRYPTIONS : [enc] };
}

function pair(alg: KeyManagementAlgorithm, raw: KeyObject, curve: string): TestEncryptionKey {
  return { name: `${alg} ${curve}`.trim(), alg, key: importKey(raw, { alg }), publicKey: importKey(createPublicKey(raw), { alg }), raw, encryptions: CONTENT_ENCRYPTIONS };
}

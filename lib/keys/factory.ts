import { native, type NativeEncryptionKey, type NativeKey } from '../native.js';
import { type ContentEncryption, isKeyManagement, type KeyManagementAlgorithm } from './encryption.js';
import type { Algorithm, KeyAlgorithm } from './key.js';

/** What makes the addon's handles for one algorithm, from each form that material comes in. */
export interface KeyFactory {
  readonly alg: KeyAlgorithm;
  /** Whether its keys are secrets, which are given as `{ secret }`. */
  readonly isSymmetric: boolean;
  fromSecret(secret: Buffer): NativeKey | NativeEncryptionKey;
  fromPkcs8(der: Buffer): NativeKey | NativeEncryptionKey;
  fromSpki(der: Buffer): NativeKey | NativeEncryptionKey;
  fromJwk(json: string): NativeKey | NativeEncryptionKey;
}

/** Handles that sign for a signature algorithm, and that encrypt for a key management algorithm. */
export function keyFactory(alg: KeyAlgorithm, kid: string | undefined, enc: ContentEncryption | undefined): KeyFactory {
  return isKeyManagement(alg) ? encryptionKeys(alg, kid, enc) : signingKeys(alg, kid);
}

function signingKeys(alg: Algorithm, kid: string | undefined): KeyFactory {
  return {
    alg,
    isSymmetric: alg.startsWith('HS'),
    fromSecret: (secret) => native.NativeKey.fromSecret(alg, secret, kid),
    fromPkcs8: (der) => native.NativeKey.fromPkcs8(alg, der, kid),
    fromSpki: (der) => native.NativeKey.fromSpki(alg, der, kid),
    fromJwk: (json) => native.NativeKey.fromJwk(alg, json, kid),
  };
}

function encryptionKeys(alg: KeyManagementAlgorithm, kid: string | undefined, enc: ContentEncryption | undefined): KeyFactory {
  const binding = { algorithm: alg, ...(kid === undefined ? {} : { kid }), ...(enc === undefined ? {} : { encryption: enc }) };
  return {
    alg,
    isSymmetric: !/^(RSA|ECDH)/.test(alg),
    fromSecret: (secret) => native.NativeEncryptionKey.fromSecret(binding, secret),
    fromPkcs8: (der) => native.NativeEncryptionKey.fromPkcs8(binding, der),
    fromSpki: (der) => native.NativeEncryptionKey.fromSpki(binding, der),
    fromJwk: (json) => native.NativeEncryptionKey.fromJwk(binding, json),
  };
}

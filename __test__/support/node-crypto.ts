import {
  constants, createHmac, createSecretKey, generateKeyPairSync, type KeyObject, sign, type SigningOptions, timingSafeEqual, verify,
} from 'node:crypto';

import { type RandomSource } from './random.js';

/** A key of node:crypto for one algorithm; `publicKey` is the same one where a secret does both. */
export interface NodeKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A new key: secrets of many lengths, RSA moduli of `modulusLength` bits. */
export function newNodeKey(alg: string, random: RandomSource, modulusLength: number): NodeKey {
  switch (alg.slice(0, 2)) {
    case 'HS': {
      const length = bitsOf(alg) / 8 + random.below(200);
      const secret = createSecretKey(Buffer.from(Array.from({ length }, () => random.below(256))));
      return { privateKey: secret, publicKey: secret };
    }
    case 'RS':
    case 'PS':
      return generateKeyPairSync('rsa', { modulusLength });
    case 'ES':
      return generateKeyPairSync('ec', { namedCurve: alg === 'ES512' ? 'P-521' : `P-${bitsOf(alg)}` });
    default:
      return generateKeyPairSync('ed25519');
  }
}

/** The signature of RFC 7518, section 3, or RFC 8037. */
export function nodeSign(alg: string, input: string, { privateKey }: NodeKey): Buffer {
  if (alg.startsWith('HS')) return createHmac(`sha${bitsOf(alg)}`, privateKey).update(input).digest();
  return sign(hashOf(alg), Buffer.from(input), { key: privateKey, ...formOf(alg) });
}

/** Whether it is that signature. */
export function nodeVerifies(alg: string, input: string, signature: Buffer, key: NodeKey): boolean {
  if (alg.startsWith('HS')) {
    const tag = nodeSign(alg, input, key);
    return tag.length === signature.length && timingSafeEqual(tag, signature);
  }
  return verify(hashOf(alg), Buffer.from(input), { key: key.publicKey, ...formOf(alg) }, signature);
}

/** What node:crypto has to be told so that it does what JOSE asks for. */
function formOf(alg: string): SigningOptions {
  if (alg.startsWith('PS')) return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return alg.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' } : {};
}

/** Ed25519 hashes by itself. */
function hashOf(alg: string): string | null {
  return /^[RPE]S/.test(alg) ? `sha${bitsOf(alg)}` : null;
}

function bitsOf(alg: string): number {
  return Number(alg.slice(2));
}

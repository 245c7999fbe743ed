import { KeyObject } from 'node:crypto';

import { KeyturnError } from '../errors.js';
import type { NativeEncryptionKey, NativeKey } from '../native.js';
import { translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { isWellFormed, optionalString } from '../options/strings.js';
import { checkedName, CONTENT_ENCRYPTIONS, type ContentEncryption, isKeyManagement, type KeyManagementAlgorithm } from './encryption.js';
import { type KeyFactory, keyFactory } from './factory.js';
import { type Algorithm, checkedKeyAlgorithm, type EncryptionKey, Key, type KeyAlgorithm } from './key.js';
import { parseKeyObject } from './material.js';

/** A JSON Web Key (RFC 7517) as plain data. */
export type JsonWebKey = Readonly<{ kty: string; [member: string]: unknown }>;

/** A secret for HMAC or for symmetric encryption: its bytes, or text that is taken as UTF-8. */
export type SecretMaterial = Readonly<{ secret: string | Uint8Array }>;

/** Everything a key can be made of: PEM text or bytes, DER bytes, a JWK, a KeyObject, or `{ secret }`. */
export type KeyMaterial = string | Uint8Array | KeyObject | JsonWebKey | SecretMaterial;

export interface ImportKeyOptions {
  /** The one algorithm the key is for. */
  readonly alg: Algorithm | 'Ed25519';
  /** Its name in token headers; replaces a JWK's own. */
  readonly kid?: string | undefined;
  /** What it is for, as `alg` says already. */
  readonly use?: 'sig' | undefined;
  /** Opens an encrypted PEM or DER. */
  readonly passphrase?: string | undefined;
}

export interface ImportEncryptionKeyOptions {
  /** The one key management algorithm the key is for. */
  readonly alg: KeyManagementAlgorithm;
  /** For `dir`, the one content encryption. Default by length: 16 bytes are A128GCM, 32 A256GCM and 64 A256CBC-HS512. */
  readonly enc?: ContentEncryption | undefined;
  /** Its name in token headers; replaces a JWK's own. */
  readonly kid?: string | undefined;
  /** What it is for, as `alg` says already. */
  readonly use?: 'enc' | undefined;
  /** Opens an encrypted PEM or DER. */
  readonly passphrase?: string | undefined;
}

/**
 * Parses and judges key material once. Text is never taken for a secret unless it is given as `{ secret }`, and a public key
 * in any dress is never taken as one.
 *
 * @throws KeyturnError `ERR_KEY_INVALID` (what is wrong with it), `ERR_KEY_TOO_WEAK` (an HMAC secret shorter than the hash, an RSA key below 2048
 * bits), or `ERR_OPTION_INVALID`.
 */
export function importKey(material: KeyMaterial, options: Readonly<ImportKeyOptions>): Key;
export function importKey(material: KeyMaterial, options: Readonly<ImportEncryptionKeyOptions>): EncryptionKey;
export function importKey(material: KeyMaterial, options: Readonly<ImportKeyOptions | ImportEncryptionKeyOptions>): Key<KeyAlgorithm> {
  checkOptions(options, 'importKey()', ['alg', 'kid', 'use', 'enc', 'passphrase']);
  const alg = checkedKeyAlgorithm(options.alg, 'alg');
  const kid = optionalString(options.kid, 'kid');
  const passphrase = optionalString(options.passphrase, 'passphrase');
  const use = isKeyManagement(alg) ? 'enc' : 'sig';
  if (options.use !== undefined && options.use !== use) {
    throw new KeyturnError('ERR_OPTION_INVALID', `use must be '${use}' for ${alg}`, { claim: 'use' });
  }
  const make = keyFactory(alg, kid, checkedEncryption(options, alg));
  return new Key(translated(() => parse(material, make, passphrase)));
}

function checkedEncryption(options: Readonly<ImportKeyOptions | ImportEncryptionKeyOptions>, alg: KeyAlgorithm): ContentEncryption | undefined {
  if (!('enc' in options) || options.enc === undefined) return undefined;
  if (alg === 'dir') return checkedName(options.enc, 'enc', CONTENT_ENCRYPTIONS);
  throw new KeyturnError('ERR_OPTION_INVALID', `enc binds keys for dir; leave it out for ${alg}, and give it to encryptJwe() where that encrypts`, { claim: 'enc' });
}

function parse(material: unknown, make: KeyFactory, passphrase: string | undefined): NativeKey | NativeEncryptionKey {
  if (material instanceof KeyObject) return fromKeyObject(material, make);
  if (typeof material === 'string' || material instanceof Uint8Array) {
    if (make.isSymmetric) {
      throw new KeyturnError('ERR_KEY_INVALID', `a secret for ${make.alg} is given as { secret: ... }, so that nothing else is taken for one`);
    }
    return fromKeyObject(parseKeyObject(material, passphrase), make);
  }
  if (typeof material === 'object' && material !== null) {
    if ('secret' in material) return make.fromSecret(secretBytes(material.secret));
    if ('kty' in material) return make.fromJwk(jsonText(material));
  }
  throw new KeyturnError('ERR_KEY_INVALID', 'a key is PEM, DER, a JWK, a KeyObject, or { secret }');
}

function fromKeyObject(key: KeyObject, make: KeyFactory): NativeKey | NativeEncryptionKey {
  if (key.asymmetricKeyType === 'rsa-pss') checkPssParameters(key, make.alg);
  switch (key.type) {
    case 'secret':
      return make.fromSecret(key.export());
    case 'private':
      return make.fromPkcs8(key.export({ format: 'der', type: 'pkcs8' }));
    default:
      // A JWK holds an EC point in one form, whichever the key came in; SPKI keeps a compressed one compressed.
      if (key.asymmetricKeyType === 'ec') return make.fromJwk(JSON.stringify(exportedPoint(key)));
      return make.fromSpki(key.export({ format: 'der', type: 'spki' }));
  }
}

/** A key of type id-RSASSA-PSS may say for which hash it is, and how long the salt must be (RFC 4055, section 3.1). */
function checkPssParameters(key: KeyObject, alg: string): void {
  const hash = `sha${alg.slice(2)}`;
  const { hashAlgorithm = hash, mgf1HashAlgorithm = hash, saltLength = 0 } = key.asymmetricKeyDetails ?? {};
  const fits = alg.startsWith('PS') && hashAlgorithm === hash && mgf1HashAlgorithm === hash && saltLength * 8 <= Number(alg.slice(2));
  if (fits) return;
  throw new KeyturnError('ERR_KEY_INVALID', `this RSA-PSS key is not for ${alg}: its own parameters name another hash or salt, or it is no PS algorithm`);
}

function exportedPoint(key: KeyObject): object {
  try {
    return key.export({ format: 'jwk' });
  } catch (cause) {
    throw new KeyturnError('ERR_KEY_INVALID', 'the key is on a curve that no algorithm here uses', { cause });
  }
}

/** @throws KeyturnError `ERR_KEY_INVALID` unless the JWK is plain data. */
export function jsonText(jwk: object): string {
  let text: unknown;
  try {
    text = JSON.stringify(jwk);
  } catch (cause) {
    throw new KeyturnError('ERR_KEY_INVALID', 'a JWK must be plain data', { cause });
  }
  if (typeof text === 'string') return text;
  throw new KeyturnError('ERR_KEY_INVALID', 'a JWK must be plain data');
}

function secretBytes(secret: unknown): Buffer {
  // Each half of a surrogate pair would become the same three bytes, and so many secrets the same key.
  if (typeof secret === 'string' && isWellFormed(secret)) return Buffer.from(secret, 'utf8');
  if (secret instanceof Uint8Array) return Buffer.from(secret);
  throw new KeyturnError('ERR_KEY_INVALID', 'secret must be bytes, or a string of whole characters');
}

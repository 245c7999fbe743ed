import { KeyObject } from 'node:crypto';

import { KeyturnError } from '../errors.js';
import { native, type NativeKey } from '../native.js';
import { translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { isWellFormed, optionalString } from '../options/strings.js';
import { type Algorithm, checkedAlgorithm, Key } from './key.js';
import { parseKeyObject } from './material.js';

/** A JSON Web Key (RFC 7517) as plain data. */
export type JsonWebKey = Readonly<{ kty: string; [member: string]: unknown }>;

/** An HMAC secret: its bytes, or text that is taken as UTF-8. */
export type SecretMaterial = Readonly<{ secret: string | Uint8Array }>;

/** Everything a key can be made of: PEM text or bytes, DER bytes, a JWK, a KeyObject, or `{ secret }` for HMAC. */
export type KeyMaterial = string | Uint8Array | KeyObject | JsonWebKey | SecretMaterial;

export interface ImportKeyOptions {
  /** The one algorithm the key is for. */
  readonly alg: Algorithm | 'Ed25519';
  /** Its name in token headers; replaces a JWK's own. */
  readonly kid?: string | undefined;
  /** What it is for; only signatures are. */
  readonly use?: 'sig' | undefined;
  /** Opens an encrypted PEM or DER. */
  readonly passphrase?: string | undefined;
}

/**
 * Parses and judges key material once. Text is never taken for a secret unless it is given as `{ secret }`, and a public key
 * in any dress is never taken as one.
 *
 * @throws KeyturnError `ERR_KEY_INVALID` (what is wrong with it), `ERR_KEY_TOO_WEAK` (an HMAC secret below 32 bytes), or
 * `ERR_OPTION_INVALID`.
 */
export function importKey(material: KeyMaterial, options: Readonly<ImportKeyOptions>): Key {
  checkOptions(options, 'importKey()', ['alg', 'kid', 'use', 'passphrase']);
  const alg = checkedAlgorithm(options.alg, 'alg');
  const kid = optionalString(options.kid, 'kid');
  const passphrase = optionalString(options.passphrase, 'passphrase');
  if (optionalString(options.use, 'use') !== undefined && (options.use as string) !== 'sig') {
    throw new KeyturnError('ERR_OPTION_INVALID', "use must be 'sig'", { claim: 'use' });
  }
  return new Key(translated(() => parse(material, alg, kid, passphrase)));
}

function parse(material: unknown, alg: string, kid: string | undefined, passphrase: string | undefined): NativeKey {
  if (material instanceof KeyObject) return fromKeyObject(material, alg, kid);
  if (typeof material === 'string' || material instanceof Uint8Array) {
    if (alg.startsWith('HS')) {
      throw new KeyturnError('ERR_KEY_INVALID', `a secret for ${alg} is given as { secret: ... }, so that nothing else is taken for one`);
    }
    return fromKeyObject(parseKeyObject(material, passphrase), alg, kid);
  }
  if (typeof material === 'object' && material !== null) {
    if ('secret' in material) return native.NativeKey.fromSecret(alg, secretBytes(material.secret), kid);
    if ('kty' in material) return native.NativeKey.fromJwk(alg, jsonText(material), kid);
  }
  throw new KeyturnError('ERR_KEY_INVALID', 'a key is PEM, DER, a JWK, a KeyObject, or { secret } for HMAC');
}

function fromKeyObject(key: KeyObject, alg: string, kid: string | undefined): NativeKey {
  if (key.asymmetricKeyType === 'rsa-pss') checkPssParameters(key, alg);
  switch (key.type) {
    case 'secret':
      return native.NativeKey.fromSecret(alg, key.export(), kid);
    case 'private':
      return native.NativeKey.fromPkcs8(alg, key.export({ format: 'der', type: 'pkcs8' }), kid);
    default:
      // A JWK holds an EC point in one form, whichever the key came in; SPKI keeps a compressed one compressed.
      if (key.asymmetricKeyType === 'ec') return native.NativeKey.fromJwk(alg, JSON.stringify(exportedPoint(key)), kid);
      return native.NativeKey.fromSpki(alg, key.export({ format: 'der', type: 'spki' }), kid);
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
    throw new KeyturnError('ERR_KEY_INVALID', 'the key is on a curve that no JWS algorithm uses', { cause });
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

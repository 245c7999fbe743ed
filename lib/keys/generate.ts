import { KeyturnError } from '../errors.js';
import { native } from '../native.js';
import { translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { optionalString } from '../options/strings.js';
import { checkedName, CONTENT_ENCRYPTIONS, type ContentEncryption, type Curve, CURVES, isKeyManagement, type KeyManagementAlgorithm } from './encryption.js';
import { type Algorithm, checkedKeyAlgorithm, type EncryptionKey, Key, type KeyAlgorithm } from './key.js';

export interface GenerateKeyOptions {
  /** The key's name in token headers. */
  readonly kid?: string | undefined;
  /** Bits of an RSA modulus: 2048, 3072 or 4096. Default 3072. */
  readonly modulusLength?: number | undefined;
}

export interface GenerateEncryptionKeyOptions extends GenerateKeyOptions {
  /** The curve of a key for ECDH-ES. Default `'P-256'`. */
  readonly crv?: Curve | undefined;
  /** The content encryption that a key for `dir` is for. Default `'A256GCM'`. */
  readonly enc?: ContentEncryption | undefined;
}

/**
 * A new random key: as many bytes as the hash is long for HMAC, a pair on the algorithm's curve for ECDSA and EdDSA; for
 * encryption as many bytes as AES takes, or a pair on `crv` for ECDH-ES; an RSA pair otherwise. An RSA pair takes some hundred milliseconds, during which nothing else runs on this thread.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for another algorithm, and for a choice that it does not leave open.
 */
export function generateKey(alg: Algorithm | 'Ed25519', options?: Readonly<GenerateKeyOptions>): Key;
export function generateKey(alg: KeyManagementAlgorithm, options?: Readonly<GenerateEncryptionKeyOptions>): EncryptionKey;
export function generateKey(alg: KeyAlgorithm | 'Ed25519', options: Readonly<GenerateEncryptionKeyOptions> = {}): Key<KeyAlgorithm> {
  checkOptions(options, 'generateKey()', ['kid', 'modulusLength', 'crv', 'enc']);
  const name = checkedKeyAlgorithm(alg, 'alg');
  const kid = optionalString(options.kid, 'kid');
  const bits = checkedModulusLength(options.modulusLength, name);
  const crv = choice(options.crv, 'crv', CURVES, name.startsWith('ECDH-ES'), name);
  const enc = choice(options.enc, 'enc', CONTENT_ENCRYPTIONS, name === 'dir', name);
  if (isKeyManagement(name)) {
    const binding = { algorithm: name, ...(kid === undefined ? {} : { kid }), ...(enc === undefined ? {} : { encryption: enc }) };
    return new Key(translated(() => native.NativeEncryptionKey.generate(binding, crv, bits)));
  }
  return new Key(translated(() => (bits === undefined ? native.NativeKey.generate(name, kid) : native.NativeKey.generateRsa(name, bits, kid))));
}

function checkedModulusLength(bits: unknown, alg: KeyAlgorithm): number | undefined {
  if (bits === undefined) return undefined;
  if (!/^[PR]S/.test(alg)) {
    throw new KeyturnError('ERR_OPTION_INVALID', `modulusLength is for RSA keys; leave it out for ${alg}`, { claim: 'modulusLength' });
  }
  const found = [2048, 3072, 4096].find((size) => size === bits);
  if (found !== undefined) return found;
  throw new KeyturnError('ERR_OPTION_INVALID', 'modulusLength must be 2048, 3072 or 4096', { claim: 'modulusLength' });
}

function choice<T extends string>(value: unknown, option: string, names: readonly T[], isOpen: boolean, alg: string): T | undefined {
  if (value === undefined) return undefined;
  if (isOpen) return checkedName(value, option, names);
  throw new KeyturnError('ERR_OPTION_INVALID', `there is no ${option} to choose for ${alg}; leave it out`, { claim: option });
}

import { KeyturnError } from '../errors.js';
import { native } from '../native.js';
import { translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { optionalString } from '../options/strings.js';
import { type Algorithm, checkedAlgorithm, Key } from './key.js';

export interface GenerateKeyOptions {
  /** The key's name in token headers. */
  readonly kid?: string | undefined;
  /** Bits of an RSA modulus: 2048, 3072 or 4096. Default 3072. */
  readonly modulusLength?: number | undefined;
}

/**
 * A new random key: as many bytes as the hash is long for HMAC, a pair on the algorithm's curve for ECDSA and EdDSA, an RSA
 * pair otherwise. An RSA pair takes some hundred milliseconds, during which nothing else runs on this thread.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for another algorithm, and for `modulusLength` where there is no modulus.
 */
export function generateKey(alg: Algorithm | 'Ed25519', options: Readonly<GenerateKeyOptions> = {}): Key {
  checkOptions(options, 'generateKey()', ['kid', 'modulusLength']);
  const name = checkedAlgorithm(alg, 'alg');
  const kid = optionalString(options.kid, 'kid');
  const bits = checkedModulusLength(options.modulusLength, name);
  return new Key(translated(() => (bits === undefined ? native.NativeKey.generate(name, kid) : native.NativeKey.generateRsa(name, bits, kid))));
}

function checkedModulusLength(bits: unknown, alg: Algorithm): number | undefined {
  if (bits === undefined) return undefined;
  if (!/^[PR]S/.test(alg)) {
    throw new KeyturnError('ERR_OPTION_INVALID', `modulusLength is for RSA keys; leave it out for ${alg}`, { claim: 'modulusLength' });
  }
  const found = [2048, 3072, 4096].find((size) => size === bits);
  if (found !== undefined) return found;
  throw new KeyturnError('ERR_OPTION_INVALID', 'modulusLength must be 2048, 3072 or 4096', { claim: 'modulusLength' });
}

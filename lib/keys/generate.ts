import { native } from '../native.js';
import { translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { optionalString } from '../options/strings.js';
import { type Algorithm, checkedAlgorithm, Key } from './key.js';

export interface GenerateKeyOptions {
  /** The key's name in token headers. */
  readonly kid?: string | undefined;
}

/**
 * A new random key: 32 bytes for HS256, an Ed25519 pair for EdDSA.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for another algorithm.
 */
export function generateKey(alg: Algorithm, options: Readonly<GenerateKeyOptions> = {}): Key {
  checkOptions(options, 'generateKey()', ['kid']);
  const name = checkedAlgorithm(alg, 'alg');
  const kid = optionalString(options.kid, 'kid');
  return new Key(translated(() => native.NativeKey.generate(name, kid)));
}

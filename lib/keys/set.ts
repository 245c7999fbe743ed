import { KeyturnError } from '../errors.js';
import { native, type NativeKey, type NativeKeySet } from '../native.js';
import { translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { stringList } from '../options/strings.js';
import { jsonText, type JsonWebKey } from './import.js';
import { type Algorithm, checkedAlgorithm, Key, type PublicJwk } from './key.js';
import { registerSource } from './source.js';

/** Keys to verify with, for instance those of another service. */
export interface KeySet {
  /** The keys, in the order given. */
  readonly keys: readonly Key[];
  /** The public ones as a JWK Set (RFC 7517, section 5). HMAC keys are never part of it. */
  jwks(): PublicJwks;
}

/** A JWK Set of public keys. */
export interface PublicJwks {
  readonly keys: readonly PublicJwk[];
}

export interface ImportKeySetOptions {
  /**
   * The algorithms that are meant. A key that names another is refused; one that names none gets the first of these that fits
   * it. Without this option keys that name none get the usual one: RS256 for RSA, ES256, ES384 or ES512 by the curve, EdDSA for
   * Ed25519; a secret is refused.
   */
  readonly algorithms?: readonly Algorithm[] | undefined;
}

/** More keys than this are no set (`ERR_KEY_INVALID`): a token without a `kid` is tried against each key of its algorithm. */
const MOST_KEYS = 32;

/**
 * A JWK Set as plain data: public keys, or HMAC secrets. Each key is judged as by `importKey`.
 *
 * @throws KeyturnError `ERR_KEY_INVALID` or `ERR_KEY_TOO_WEAK`, naming the key by its place; also for an empty set, more than
 * 32 keys, two keys of one `kid`, a set that mixes secrets with asymmetric keys, and a private key.
 */
export function importKeySet(
  jwks: Readonly<{ keys: readonly JsonWebKey[] }>,
  options: Readonly<ImportKeySetOptions> = {},
): KeySet {
  checkOptions(options, "importKeySet()'s second argument", ['algorithms']);
  const algorithms = algorithmNames(options.algorithms);
  const given: unknown = typeof jwks === 'object' && (jwks as unknown) !== null ? jwks.keys : undefined;
  if (!Array.isArray(given)) throw new KeyturnError('ERR_KEY_INVALID', 'a key set is an object with a list of JWKs in keys');
  if (given.length > MOST_KEYS) throw new KeyturnError('ERR_KEY_INVALID', `a key set takes at most ${String(MOST_KEYS)} keys`);
  const keys = Array.from(given as readonly unknown[]).map((jwk, index) => member(jwk, index, algorithms));
  const set = translated(() => native.NativeKeySet.of(keys, true));
  return new FixedKeySet(set, keys.map((key) => new Key(key)));
}

/** @throws KeyturnError `ERR_OPTION_INVALID` unless every entry is the name of an algorithm. */
export function algorithmNames(value: unknown): Algorithm[] {
  return stringList(value, 'algorithms').map((name) => checkedAlgorithm(name, 'algorithms'));
}

/** The addon's JWKs as data. */
export function publicJwks(set: NativeKeySet, now: number): PublicJwks {
  return { keys: translated(() => set.jwks(now)).map((jwk) => JSON.parse(jwk) as PublicJwk) };
}

class FixedKeySet implements KeySet {
  readonly keys: readonly Key[];
  readonly #set: NativeKeySet;

  constructor(set: NativeKeySet, keys: readonly Key[]) {
    this.#set = set;
    this.keys = Object.freeze(keys);
    registerSource(this, set);
  }

  jwks(): PublicJwks {
    return publicJwks(this.#set, 0);
  }
}

function member(jwk: unknown, index: number, algorithms: string[]): NativeKey {
  try {
    if (typeof jwk !== 'object' || jwk === null) throw new KeyturnError('ERR_KEY_INVALID', 'a JWK must be plain data');
    return translated(() => native.NativeKey.fromSetMember(jsonText(jwk), algorithms));
  } catch (cause) {
    if (!(cause instanceof KeyturnError)) throw cause;
    throw new KeyturnError(cause.code, `keys[${String(index)}]: ${cause.message}`, { claim: 'keys', cause });
  }
}

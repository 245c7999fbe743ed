import { currentTime } from '../clock.js';
import { KeyturnError } from '../errors.js';
import { native, type NativeKey, type NativeKeyRing } from '../native.js';
import { translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { asList } from '../options/list.js';
import { requiredString } from '../options/strings.js';
import { type Algorithm, checkedAlgorithm, type Key, nativeKeyOf } from './key.js';
import { type PublicJwks, publicJwks } from './set.js';
import { registerRing } from './source.js';

/** What a key of a ring is for: announced, signing, only verifying what it has signed, or refused. */
export type KeyState = 'published' | 'active' | 'retiring' | 'revoked';

/** What may be shown of a ring's key. */
export interface RingKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly state: KeyState;
  /** Since when it has been in that state, in Unix milliseconds. */
  readonly since: number;
}

/** Options of `createKeyRing`. Every default has its reason in `docs/defaults.md`. */
export interface KeyRingOptions {
  /** The first that can sign signs; the others verify until they are retired. Default: a new key. */
  readonly keys?: readonly Key[] | undefined;
  /** The algorithm of the keys that the ring makes. Default: that of the first key that can sign, else `'EdDSA'`. */
  readonly alg?: Algorithm | undefined;
  /** How long a key signs before the next one does. Default: until `rotate()`. */
  readonly rotateEvery?: Duration | undefined;
  /**
   * How long the next key stands in the JWKS before the schedule lets it sign. Default `'1h'`, or `rotateEvery` if that is
   * shorter; 0 for HMAC, which has no JWKS.
   */
  readonly publishFor?: Duration | undefined;
  /** How long a superseded key still verifies: at least as long as the longest token lives. Default `'24h'`. */
  readonly keepFor?: Duration | undefined;
}

/**
 * Keys that take turns. It lives in this process: it has no timer, and moves on when it is asked, by `Date.now()`. A clock that
 * is set back undoes nothing.
 */
export interface KeyRing {
  /** Its keys, the active one first, and those that were revoked within `keepFor`. */
  readonly keys: readonly RingKey[];
  /**
   * Puts the next key into the JWKS ahead of its use, unless one is there already; the next rotation takes it.
   *
   * @returns its kid.
   * @throws KeyturnError `ERR_KEY_INVALID` if the ring holds 32 keys.
   */
  publish(): string;
  /**
   * Lets the published key, or a new one, sign from now on. The one before verifies for `keepFor`.
   *
   * @returns the kid of the key that signs now.
   * @throws KeyturnError `ERR_KEY_INVALID` if the ring holds 32 keys.
   */
  rotate(): string;
  /**
   * Lets a key verify for `within`, default and at most `keepFor`, and no longer. One that signs is rotated out first.
   *
   * @throws KeyturnError `ERR_OPTION_INVALID` if the ring has no such key.
   */
  retire(kid: string, options?: Readonly<{ within?: Duration | undefined }>): void;
  /**
   * Refuses a key's tokens from now on. One that signs is replaced at once. A second call changes nothing.
   *
   * @throws KeyturnError `ERR_OPTION_INVALID` if the ring has no such key.
   */
  revoke(kid: string): void;
  /** What verifies, as a JWK Set; empty for HMAC. Caches may keep it for as long as `publishFor`. */
  jwks(): PublicJwks;
}

const HOUR_MS = 3_600_000;

/**
 * A ring of signing keys for `createSigner`, `createVerifier`, `createSessions` and `createAuth`.
 *
 * Making an RSA key takes a tenth of a second and more, during which nothing else runs.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID`, also for a timetable that would need more than 32 keys, and `ERR_KEY_INVALID`.
 */
export function createKeyRing(options: Readonly<KeyRingOptions> = {}): KeyRing {
  checkOptions(options, 'createKeyRing()', ['keys', 'alg', 'rotateEvery', 'publishFor', 'keepFor']);
  const keys = options.keys === undefined ? [] : nativeKeys(options.keys);
  const signing = keys.find((key) => key.canSign);
  const algorithm = options.alg === undefined ? (signing?.algorithm ?? 'EdDSA') : checkedAlgorithm(options.alg, 'alg');
  const rotateEvery = options.rotateEvery === undefined ? undefined : parseDuration(options.rotateEvery, 'rotateEvery');
  // A default must not contradict what was asked for.
  const publishFor = algorithm.startsWith('HS') ? 0 : Math.min(HOUR_MS, rotateEvery ?? HOUR_MS);
  const policy = {
    algorithm,
    ...(rotateEvery === undefined ? {} : { rotateEvery }),
    publishFor: options.publishFor === undefined ? publishFor : parseDuration(options.publishFor, 'publishFor'),
    keepFor: parseDuration(options.keepFor ?? '24h', 'keepFor'),
  };
  return new LocalKeyRing(translated(() => native.NativeKeyRing.create(policy, keys, currentTime())));
}

class LocalKeyRing implements KeyRing {
  readonly #native: NativeKeyRing;

  constructor(ring: NativeKeyRing) {
    this.#native = ring;
    registerRing(this, ring.set);
  }

  get keys(): readonly RingKey[] {
    return translated(() => this.#native.entries(currentTime())) as RingKey[];
  }

  publish(): string {
    return translated(() => this.#native.publish(currentTime()));
  }

  rotate(): string {
    return translated(() => this.#native.rotate(currentTime()));
  }

  retire(kid: string, options: Readonly<{ within?: Duration | undefined }> = {}): void {
    checkOptions(options, 'retire()', ['within']);
    const name = requiredString(kid, 'kid', 'ring.keys[0].kid');
    const within = options.within === undefined ? undefined : parseDuration(options.within, 'within');
    translated(() => {
      this.#native.retire(name, within, currentTime());
    });
  }

  revoke(kid: string): void {
    const name = requiredString(kid, 'kid', 'ring.keys[0].kid');
    translated(() => {
      this.#native.revoke(name, currentTime());
    });
  }

  jwks(): PublicJwks {
    return publicJwks(this.#native.set, currentTime());
  }

  /** What a log may show. */
  toJSON(): { readonly keys: readonly RingKey[] } {
    return { keys: this.keys };
  }
}

function nativeKeys(keys: unknown): NativeKey[] {
  return asList(keys, 'keys').map((key) => {
    const handle = nativeKeyOf(key);
    if (handle !== undefined) return handle;
    throw new KeyturnError('ERR_OPTION_INVALID', 'keys must be a list of keys from importKey() or generateKey()', { claim: 'keys' });
  });
}

import { KeyturnError } from '../errors.js';
import { native, type NativeKeySet } from '../native.js';
import { translated } from '../native-error.js';
import { asList } from '../options/list.js';
import { type Key, nativeKeyOf } from './key.js';
import type { RemoteKeySet } from './remote/create.js';
import type { KeyRing } from './ring.js';
import type { KeySet } from './set.js';

/** What a verifier takes: keys that stay, keys of a ring, or keys that are fetched. */
export type VerifyingKeys = Key | readonly Key[] | KeySet | KeyRing | RemoteKeySet;

/** Keys as the addon uses them. They may change while they are in use. */
export interface KeySource {
  readonly set: NativeKeySet;
  /** Whether verifying takes long enough to be done on the pool. */
  readonly isSlow: () => boolean;
  /** For keys that are fetched: what a verification has to do with that. */
  readonly remote?: RemoteSource;
}

/** Keys to sign with. */
export interface SigningKeys {
  readonly set: NativeKeySet;
  /** Whether signing takes long enough to be done on the pool. */
  readonly isSlow: () => boolean;
}

/** Keys that come from elsewhere, seen from a verification. */
export interface RemoteSource {
  /** Before a verification that cannot wait: begins to fetch if it is time. */
  touch(): void;
  /** Before one that can: waits for keys where there are none, or where they are overdue; `true` if new ones came. */
  arrive(): Promise<boolean>;
  /** After a failure: begins to fetch if that may help, and gives the error to throw. */
  explain(error: unknown): unknown;
  /** After a failure: waits for what may help; `true` if the token deserves a second look. */
  learn(error: unknown): Promise<boolean>;
}

/** @throws KeyturnError `ERR_OPTION_INVALID` for anything that is not {@link VerifyingKeys}, or `ERR_KEY_INVALID` for keys that do not go together. */
export function keySourceOf(key: unknown): KeySource {
  const known = sourceOf(key);
  if (known !== undefined) return known;
  const set = setOf(key, VERIFYING);
  const source = { set, isSlow: once(() => set.verifiesSlowly(Date.now())) };
  // For the functions that are given a key with each call.
  if (!Array.isArray(key)) SOURCES.set(key as object, source);
  return source;
}

/** @throws KeyturnError `ERR_OPTION_INVALID` for anything but a key or a ring. */
export function signingKeysOf(key: unknown): SigningKeys {
  const ring = ringOf(key);
  if (ring !== undefined) return { set: ring, isSlow: () => ring.signsSlowly(Date.now()) };
  if (nativeKeyOf(key) === undefined) throw new KeyturnError('ERR_OPTION_INVALID', SIGNING, { claim: 'key' });
  const { set } = keySourceOf(key);
  return { set, isSlow: once(() => set.signsSlowly(Date.now())) };
}

/** @throws KeyturnError `ERR_OPTION_INVALID` for anything but a list of keys or a ring. */
export function sessionKeysOf(keys: unknown): NativeKeySet {
  if (Array.isArray(keys) && keys.length === 0) {
    throw new KeyturnError('ERR_KEY_INVALID', 'keys needs one that can sign; leave it out for a key made in the store', { claim: 'keys' });
  }
  return ringOf(keys) ?? setOf(keys, FOR_SESSIONS, 'keys');
}

/** Whether a value is keys of some kind, or a list of them, rather than options for keys. */
export function isKeys(value: unknown): boolean {
  return Array.isArray(value) || sourceOf(value) !== undefined || nativeKeyOf(value) !== undefined;
}

/** Makes an object known as keys. */
export function registerSource(owner: KeySet, set: NativeKeySet, remote?: RemoteSource): void {
  const isSlow = (): boolean => set.verifiesSlowly(Date.now());
  SOURCES.set(owner, remote === undefined ? { set, isSlow } : { set, isSlow, remote });
}

/** Makes a ring known as keys. */
export function registerRing(ring: KeyRing, set: NativeKeySet): void {
  SOURCES.set(ring, { set, isSlow: () => set.verifiesSlowly(Date.now()) });
  RINGS.set(ring, set);
}

/** How keys are described to somebody who gave something else. */
const VERIFYING = 'key must be a Key from importKey() or generateKey(), a list of them, a KeySet, a KeyRing or a RemoteKeySet';
const SIGNING = 'key must be a Key from importKey() or generateKey(), or a KeyRing';
const FOR_SESSIONS = 'keys must be a list of keys from importKey() or generateKey(), or a KeyRing';

const SOURCES = new WeakMap<object, KeySource>();
const RINGS = new WeakMap<object, NativeKeySet>();

function sourceOf(key: unknown): KeySource | undefined {
  return typeof key === 'object' && key !== null ? SOURCES.get(key) : undefined;
}

function ringOf(key: unknown): NativeKeySet | undefined {
  return typeof key === 'object' && key !== null ? RINGS.get(key) : undefined;
}

function setOf(key: unknown, wanted: string, option = 'key'): NativeKeySet {
  const keys = asList(key, option).map((one) => {
    const handle = nativeKeyOf(one);
    if (handle !== undefined) return handle;
    throw new KeyturnError('ERR_OPTION_INVALID', wanted, { claim: option });
  });
  return translated(() => native.NativeKeySet.of(keys, false));
}

/** The answer to a question whose answer does not change. */
function once(ask: () => boolean): () => boolean {
  let answer: boolean | undefined;
  return () => (answer ??= ask());
}

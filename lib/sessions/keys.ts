import { KeyturnError } from '../errors.js';
import type { PublicJwk } from '../keys/key.js';
import type { RingKey } from '../keys/ring.js';
import type { PublicJwks } from '../keys/set.js';
import type { NativeFailure, NativeSessions } from '../native.js';
import { fromFailure, translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { requiredString } from '../options/strings.js';

/**
 * The keys of sessions. Those that the store keeps are shared by every process on it: each change is one compare-and-swap, and the
 * others follow within 250 ms on one host. Nobody is signed out by any of it.
 *
 * Sessions with keys of their own sign with those: then everything but `jwks()` and `rotateSecrets()` is `ERR_OPTION_INVALID`.
 */
export interface SessionKeys {
  /** The signing keys in the store, the active one first, and those that were revoked lately. `ERR_NOT_READY` before the store is open. */
  readonly keys: readonly RingKey[];
  /** Puts the next signing key into the JWKS ahead of its use, unless one is there already; resolves with its kid. */
  publish(): Promise<string>;
  /**
   * Lets the published signing key, or a new one, sign from now on; the one before verifies until the last session that it signed
   * for is over. Processes that do so at the same time do it once. Other services that cache the JWKS may not know the key yet:
   * `publish()` it some minutes before. Resolves with the kid of the key that signs now.
   */
  rotate(): Promise<string>;
  /** Lets a signing key verify for `within` and no longer. One that signs is rotated out first. `ERR_OPTION_INVALID` if there is no such key. */
  retire(kid: string, options?: Readonly<{ within?: Duration | undefined }>): Promise<void>;
  /**
   * Refuses a signing key's tokens from now on, here and wherever the revocations of this store are asked; sessions get others with
   * their next refresh. If the store cannot be reached the call rejects, and they are refused here all the same.
   */
  revoke(kid: string): Promise<void>;
  /** Announces the next refresh and CSRF keys, which take over a minute later. Those before verify for as long as a session can last. */
  rotateSecrets(): Promise<void>;
  /** What verifies, as a JWK Set; HMAC keys are no part of it. Caches may keep it for five minutes. */
  jwks(): PublicJwks;
}

/** The keys of these sessions. `ready` resolves once the store is open; `changed` is called after a change. */
export function createSessionKeys(handle: NativeSessions, ready: () => Promise<void>, changed: () => void): SessionKeys {
  const change = async (call: () => Promise<Changed>): Promise<string> => {
    await ready();
    const { failure, kid } = await call();
    if (failure !== undefined) throw fromFailure(failure);
    changed();
    return kid ?? '';
  };
  return {
    get keys() {
      return translated(() => handle.keyEntries()) as RingKey[];
    },
    publish: () => change(() => handle.publishKey(Date.now())),
    rotate: () => change(() => handle.rotateKey(Date.now())),
    async retire(kid, options = {}) {
      checkOptions(options, 'retire()', ['within']);
      const name = kidOf(kid);
      const within = options.within === undefined ? undefined : parseDuration(options.within, 'within');
      await change(() => handle.retireKey(name, within, Date.now()));
    },
    async revoke(kid) {
      const name = kidOf(kid);
      await change(() => handle.takeKeyOut(name, Date.now()));
    },
    async rotateSecrets() {
      await change(() => handle.rotateSecrets(Date.now()));
    },
    jwks: () => ({ keys: translated(() => handle.jwks(Date.now())).map((jwk) => JSON.parse(jwk) as PublicJwk) }),
  };
}

/** The kid of the store's key that signs, as far as there is one. */
export function signingKidOf(handle: NativeSessions): string | undefined {
  try {
    return handle.keyEntries().find(({ state }) => state === 'active')?.kid;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw new KeyturnError('ERR_INTERNAL', 'the addon threw no error', { cause: error });
  }
}

interface Changed {
  readonly failure?: NativeFailure;
  readonly kid?: string;
}

function kidOf(kid: unknown): string {
  return requiredString(kid, 'kid', 'sessions.keys.keys[0].kid');
}

import { KeyturnError } from '../errors.js';
import type { NativeKey } from '../native.js';
import { translated } from '../native-error.js';

/** The algorithms a key can be bound to (RFC 7518, section 3.1; RFC 8037). */
export const ALGORITHMS = [
  'EdDSA',
  'ES256',
  'ES384',
  'ES512',
  'HS256',
  'HS384',
  'HS512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/**
 * The name of an algorithm; `Ed25519` (RFC 9864) is taken as another name of `EdDSA`.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` unless the value is such a name.
 */
export function checkedAlgorithm(value: unknown, option: string): Algorithm {
  const wanted = value === 'Ed25519' ? 'EdDSA' : value;
  const found = ALGORITHMS.find((name) => name === wanted);
  if (found !== undefined) return found;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be one of ${ALGORITHMS.join(', ')}`, { claim: option });
}

/** A public key as a JSON Web Key (RFC 7517). */
export interface PublicJwk {
  readonly kty: string;
  readonly alg?: string;
  readonly kid?: string;
  readonly use?: string;
  readonly [member: string]: unknown;
}

/**
 * A key, parsed and judged once and bound to one algorithm. It is a handle: the secret stays in the addon, is wiped when the
 * last handle is collected, and shows in no log.
 */
export class Key {
  readonly #native: NativeKey;

  /** Use `importKey` or `generateKey`. */
  constructor(native: NativeKey) {
    this.#native = native;
    NATIVE.set(this, native);
  }

  get alg(): Algorithm {
    return this.#native.algorithm as Algorithm;
  }

  get kid(): string | undefined {
    return this.#native.kid ?? undefined;
  }

  /** Whether it can sign; a public key can only verify. */
  get canSign(): boolean {
    return this.#native.canSign;
  }

  /** The public half. @throws KeyturnError `ERR_KEY_INVALID` for an HMAC key, which has none. */
  publicJwk(): PublicJwk {
    return JSON.parse(translated(() => this.#native.publicJwk())) as PublicJwk;
  }

  /**
   * The SHA-256 thumbprint in base64url (RFC 7638).
   *
   * @throws KeyturnError `ERR_KEY_INVALID` for an HMAC key: it would be a hash of the bare secret.
   */
  thumbprint(): string {
    return translated(() => this.#native.thumbprint());
  }

  /** What a log may show. */
  toJSON(): { readonly alg: Algorithm; readonly kid: string | undefined } {
    return { alg: this.alg, kid: this.kid };
  }
}

const NATIVE = new WeakMap<Key, NativeKey>();

/** The addon's handle of a key; `undefined` for anything that is not one. */
export function nativeKeyOf(key: unknown): NativeKey | undefined {
  return key instanceof Key ? NATIVE.get(key) : undefined;
}

import { KeyturnError } from '../errors.js';
import { native, type NativeEncryptionKey, type NativeKey } from '../native.js';
import { translated } from '../native-error.js';
import { isKeyManagement, KEY_MANAGEMENT_ALGORITHMS, type KeyManagementAlgorithm } from './encryption.js';

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

/**
 * The name of a signature or key management algorithm.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` unless the value is such a name.
 */
export function checkedKeyAlgorithm(value: unknown, option: string): KeyAlgorithm {
  if (isKeyManagement(value)) return value;
  if (value === 'Ed25519' || ALGORITHMS.some((name) => name === value)) return checkedAlgorithm(value, option);
  const message = `${option} must be one of ${ALGORITHMS.join(', ')}, or for encryption one of ${KEY_MANAGEMENT_ALGORITHMS.join(', ')}`;
  throw new KeyturnError('ERR_OPTION_INVALID', message, { claim: option });
}

/** A public key as a JSON Web Key (RFC 7517). */
export interface PublicJwk {
  readonly kty: string;
  readonly alg?: string;
  readonly kid?: string;
  readonly use?: string;
  readonly [member: string]: unknown;
}

/** What a key can be for: it signs, or it encrypts. */
export type KeyAlgorithm = Algorithm | KeyManagementAlgorithm;

/** A key that encrypts and decrypts. */
export type EncryptionKey = Key<KeyManagementAlgorithm>;

/**
 * A key, parsed and judged once and bound to one algorithm. It is a handle: the secret stays in the addon, is wiped when the
 * last handle is collected, and shows in no log. `Key` alone is one that signs or verifies; {@link EncryptionKey} is of the same
 * class, and the compiler tells the two apart.
 */
export class Key<A extends KeyAlgorithm = Algorithm> {
  readonly #native: NativeKey | NativeEncryptionKey;

  /** Use `importKey` or `generateKey`. */
  constructor(handle: NativeKey | NativeEncryptionKey) {
    this.#native = handle;
    NATIVE.set(this, handle);
  }

  get alg(): A {
    return this.#native.algorithm as A;
  }

  get kid(): string | undefined {
    return this.#native.kid ?? undefined;
  }

  /** Whether it can sign; a public key can only verify, and one for encryption neither. */
  get canSign(): boolean {
    return isEncryption(this.#native) ? false : this.#native.canSign;
  }

  /** Whether it can encrypt; every key for encryption can, unless its `key_ops` leave it out. */
  get canEncrypt(): boolean {
    return isEncryption(this.#native) && this.#native.canEncrypt;
  }

  /** Whether it can decrypt; a public key can only encrypt. */
  get canDecrypt(): boolean {
    return isEncryption(this.#native) && this.#native.canDecrypt;
  }

  /** The public half. @throws KeyturnError `ERR_KEY_INVALID` for a symmetric key, which has none. */
  publicJwk(): PublicJwk {
    return JSON.parse(translated(() => this.#native.publicJwk())) as PublicJwk;
  }

  /**
   * The SHA-256 thumbprint in base64url (RFC 7638).
   *
   * @throws KeyturnError `ERR_KEY_INVALID` for a symmetric key: it would be a hash of the bare secret.
   */
  thumbprint(): string {
    return translated(() => this.#native.thumbprint());
  }

  /** What a log may show. */
  toJSON(): { readonly alg: A; readonly kid: string | undefined } {
    return { alg: this.alg, kid: this.kid };
  }
}

const NATIVE = new WeakMap<Key<KeyAlgorithm>, NativeKey | NativeEncryptionKey>();

/**
 * The addon's handle of a key that signs or verifies; `undefined` for anything that is no key.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for a key for encryption.
 */
export function nativeKeyOf(key: unknown): NativeKey | undefined {
  const handle = handleOf(key);
  if (handle === undefined || !isEncryption(handle)) return handle;
  throw wrongPurpose(`this key is for ${handle.algorithm}, which encrypts: use it with encryptJwe() and decryptJwe(), and sign with a key for ${ALGORITHMS.join(', ')}`);
}

/**
 * The addon's handle of a key that encrypts or decrypts; `undefined` for anything that is no key.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for a key for signatures.
 */
export function nativeEncryptionKeyOf(key: unknown): NativeEncryptionKey | undefined {
  const handle = handleOf(key);
  if (handle === undefined || isEncryption(handle)) return handle;
  throw wrongPurpose(`this key is for ${handle.algorithm}, which signs: encrypt with a key for ${KEY_MANAGEMENT_ALGORITHMS.join(', ')}`);
}

function handleOf(key: unknown): NativeKey | NativeEncryptionKey | undefined {
  return key instanceof Key ? NATIVE.get(key as Key<KeyAlgorithm>) : undefined;
}

function isEncryption(handle: NativeKey | NativeEncryptionKey): handle is NativeEncryptionKey {
  return handle instanceof native.NativeEncryptionKey;
}

function wrongPurpose(message: string): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', message, { claim: 'key' });
}

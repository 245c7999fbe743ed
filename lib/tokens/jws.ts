import { types } from 'node:util';

import { currentTime } from '../clock.js';
import { KeyturnError } from '../errors.js';
import { type Algorithm, checkedAlgorithm, type Key } from '../keys/key.js';
import { beginFetching } from '../keys/remote/follow.js';
import type { KeyRing } from '../keys/ring.js';
import { keySourceOf, signingKeysOf, type VerifyingKeys } from '../keys/source.js';
import { native } from '../native.js';
import { fromNumber, translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { isWellFormed, stringList } from '../options/strings.js';
import { type HeaderMembers, headerText } from './header.js';

export interface SignJwsOptions {
  /** Further members of the header. Without it the header holds `alg` and the key's `kid`. */
  readonly header?: HeaderMembers | undefined;
}

export interface VerifyJwsOptions {
  /** Narrows what the keys' own algorithms allow. */
  readonly algorithms?: readonly Algorithm[] | undefined;
}

/** A JWS whose signature is good. */
export interface VerifiedJws {
  /** An object of the caller's own. */
  readonly header: Readonly<Record<string, unknown>>;
  /** May be empty. */
  readonly payload: Buffer;
}

/**
 * A compact JWS (RFC 7515) over any bytes; text is signed as UTF-8. Nothing is added to the payload: for claims that expire
 * use `createSigner`.
 *
 * @param payload At most 512 KiB.
 * @throws KeyturnError `ERR_CLAIMS_INVALID` for another payload, `ERR_KEY_INVALID` for a public key, `ERR_OPTION_INVALID`
 * for a header that contradicts the key or would decide how the JWS is verified.
 */
export function signJws(payload: string | Uint8Array, key: Key | KeyRing, options: Readonly<SignJwsOptions> = {}): string {
  checkOptions(options, 'signJws()', ['header']);
  const { set } = signingKeysOf(key);
  const bytes = bytesOf(payload);
  const header = headerText(options.header);
  return translated(() => native.signJws(bytes, set, header, currentTime()));
}

/**
 * Verifies a compact JWS as strictly as `createVerifier` does, but has no opinion on the payload: not what it is, nor whether
 * it is still good. What it means is for the caller to judge.
 *
 * @param jws At most 1 MiB.
 * @throws KeyturnError with the code that says why it is refused.
 */
export function verifyJws(jws: string, key: VerifyingKeys, options: Readonly<VerifyJwsOptions> = {}): VerifiedJws {
  checkOptions(options, 'verifyJws()', ['algorithms']);
  const { set, remote } = keySourceOf(key);
  const algorithms = stringList(options.algorithms, 'algorithms').map((name) => checkedAlgorithm(name, 'algorithms'));
  if (typeof jws !== 'string') throw new KeyturnError('ERR_TOKEN_MALFORMED', 'The JWS must be a string.');
  const verify = (): VerifiedJws => {
    const { error, header, payload } = native.verifyJws(jws, set, algorithms, Date.now());
    if (error === undefined && header !== undefined && payload !== undefined) {
      return { header: JSON.parse(header) as Record<string, unknown>, payload };
    }
    throw fromNumber(error ?? NaN);
  };
  return remote === undefined ? verify() : beginFetching(remote, verify);
}

/** A copy, so that nobody changes the bytes while they are signed. */
function bytesOf(payload: unknown): Buffer {
  if (typeof payload === 'string' && isWellFormed(payload)) return Buffer.from(payload);
  // Not instanceof: test runners give every file a Uint8Array of its own.
  if (types.isUint8Array(payload)) return Buffer.from(payload);
  throw new KeyturnError('ERR_CLAIMS_INVALID', 'A payload must be a string of whole characters, a Buffer or a Uint8Array.');
}

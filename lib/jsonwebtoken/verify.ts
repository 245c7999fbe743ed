import type { KeyObject } from 'node:crypto';

import { claimsFault } from './claim-checks.js';
import { type Decoded, objectOf, takeApart } from './compact.js';
import { JsonWebTokenError, type NotBeforeError, type TokenExpiredError } from './errors.js';
import { verificationKeys } from './key-cache.js';
import type { KeyHandle } from './key-handle.js';
import { checkKeyType } from './key-type.js';
import { openKnown, rememberHeader } from './known-header.js';
import { hasValidSignature } from './signature.js';
import type { GetPublicKeyOrSecret, Jwt, JwtPayload, PublicKey, Secret, VerifyOptions } from './types.js';
import { settingsFault, type VerifySettings } from './verify-settings.js';

export type VerifyErrors = JsonWebTokenError | NotBeforeError | TokenExpiredError;
export type VerifyCallback<T = Jwt | JwtPayload | string> = (error: VerifyErrors | null, decoded?: T) => void;

/**
 * The payload of a token whose signature, times and other claims are as asked for.
 *
 * With a callback, that is called in place of returning or throwing: at once, unless the key comes from a function. A public
 * key in any dress, and an empty secret, are refused as HMAC secrets.
 *
 * @throws TokenExpiredError, NotBeforeError or JsonWebTokenError; SyntaxError for a payload that is not JSON, and Error for a
 * key that does not fit its algorithm.
 */
export function verify(token: string, secretOrPublicKey: PublicKey | Secret, options: VerifyOptions & { complete: true }): Jwt;
export function verify(token: string, secretOrPublicKey: PublicKey | Secret, options?: VerifyOptions & { complete?: false }): JwtPayload | string;
export function verify(token: string, secretOrPublicKey: PublicKey | Secret, options?: VerifyOptions): Jwt | JwtPayload | string;
export function verify(token: string, secretOrPublicKey: GetPublicKeyOrSecret | PublicKey | Secret, callback?: VerifyCallback<JwtPayload | string>): void;
export function verify(
  token: string,
  secretOrPublicKey: GetPublicKeyOrSecret | PublicKey | Secret,
  options: VerifyOptions & { complete: true },
  callback?: VerifyCallback<Jwt>,
): void;
export function verify(
  token: string,
  secretOrPublicKey: GetPublicKeyOrSecret | PublicKey | Secret,
  options?: VerifyOptions & { complete?: false },
  callback?: VerifyCallback<JwtPayload | string>,
): void;
export function verify(
  token: string,
  secretOrPublicKey: GetPublicKeyOrSecret | PublicKey | Secret,
  options?: VerifyOptions,
  callback?: VerifyCallback,
): void;
export function verify(token: unknown, secretOrPublicKey: unknown, options?: unknown, callback?: unknown): unknown {
  const optionsAreCallback = typeof options === 'function' && !callback;
  const settings: VerifySettings = { ...(optionsAreCallback ? undefined : (options as object | undefined)) };
  const done = ((optionsAreCallback ? options : callback) || returnOrThrow) as Done;

  const fault = settingsFault(settings);
  if (fault !== undefined) return done(fault);
  const now = (settings.clockTimestamp || Math.floor(Date.now() / 1000)) as number;

  const claims = openKnown(token, secretOrPublicKey, settings);
  if (claims !== undefined) {
    const refused = claimsFault(claims, settings, now);
    return refused === undefined ? done(null, claims) : done(refused);
  }

  const [malformed, decoded] = decodedOrFault(token);
  if (decoded === null) return done(malformed);
  const judge = (material: unknown): unknown => {
    const refused = keyOrSignatureFault(token as string, decoded, material, settings) ?? claimsFault(decoded.payload, settings, now);
    if (refused !== undefined) return done(refused);
    const { header, payload, signature } = decoded;
    return done(null, settings.complete === true ? { header, payload, signature } : payload);
  };
  if (typeof secretOrPublicKey !== 'function') return judge(secretOrPublicKey);
  if (done === returnOrThrow) {
    return done(new JsonWebTokenError('verify must be called asynchronous if secret or public key is provided as a callback'));
  }
  return (secretOrPublicKey as Resolver)(decoded.header, (error, material) => {
    if (error) return done(new JsonWebTokenError('error in secret or public key callback: ' + (error as Error).message));
    return judge(material);
  });
}

type Done = (error: unknown, decoded?: unknown) => unknown;
type Resolver = (header: unknown, callback: (error: unknown, material?: unknown) => unknown) => unknown;

function returnOrThrow(error: unknown, decoded?: unknown): unknown {
  if (error) throw error as Error;
  return decoded;
}

function decodedOrFault(token: unknown): readonly [fault: unknown, decoded: Decoded | null] {
  if (!token) return [new JsonWebTokenError('jwt must be provided'), null];
  if (typeof token !== 'string') return [new JsonWebTokenError('jwt must be a string'), null];
  if (token.split('.', 4).length !== 3) return [new JsonWebTokenError('jwt malformed'), null];
  try {
    const decoded = takeApart(token, {});
    if (decoded === null) return [new JsonWebTokenError('invalid token'), null];
    return [undefined, { ...decoded, payload: objectOf(decoded.payload) }];
  } catch (error) {
    return [error, null];
  }
}

function keyOrSignatureFault(token: string, decoded: Decoded, material: unknown, options: VerifySettings): unknown {
  const isSigned = decoded.signature !== '';
  if (!isSigned && material) return new JsonWebTokenError('jwt signature is required');
  if (isSigned && !material) return new JsonWebTokenError('secret or public key must be provided');
  if (!isSigned && !options.algorithms) {
    return new JsonWebTokenError('please specify "none" in "algorithms" to verify unsigned tokens');
  }
  let handle: KeyHandle | undefined;
  if (material !== null && material !== undefined) {
    try {
      handle = verificationKeys.handle(material);
    } catch {
      return new JsonWebTokenError('secretOrPublicKey is not valid key material');
    }
  }
  // Without a handle it is null or undefined, and reading a property of it fails as it always has.
  const key = (handle === undefined ? material : handle.object) as KeyObject;
  const header = decoded.header as { readonly alg: string };
  return algorithmFault(header, key, handle, options) ?? signatureFault(token, header, handle);
}

function algorithmFault(header: { readonly alg: string }, key: KeyObject, handle: KeyHandle | undefined, options: VerifySettings): unknown {
  // Kept for the next call of a resolver's callback.
  options.algorithms ||= algorithmsFor(key);
  if ((options as { algorithms: string[] }).algorithms.indexOf(header.alg) === -1) return new JsonWebTokenError('invalid algorithm');
  if (header.alg.startsWith('HS')) {
    if (key.type !== 'secret') return new JsonWebTokenError(`secretOrPublicKey must be a symmetric key when using ${header.alg}`);
    const refusal = handle?.refusal ?? null;
    if (refusal !== null) return new JsonWebTokenError(`secretOrPublicKey cannot be the secret for ${header.alg}: ${refusal}`);
  } else if (/^(?:RS|PS|ES)/.test(header.alg) && key.type !== 'public') {
    return new JsonWebTokenError(`secretOrPublicKey must be an asymmetric key when using ${header.alg}`);
  }
  if (options.allowInvalidAsymmetricKeyTypes) return undefined;
  try {
    checkKeyType(header.alg, handle?.object);
    return undefined;
  } catch (error) {
    return error;
  }
}

function signatureFault(token: string, header: { readonly alg: string }, handle: KeyHandle | undefined): unknown {
  try {
    if (!hasValidSignature(token, header.alg, handle)) return new JsonWebTokenError('invalid signature');
  } catch (error) {
    return error;
  }
  // An unsigned token can come this far with an empty secret; what is remembered is that of an HMAC.
  if (handle?.object.type === 'secret' && header.alg.startsWith('HS')) rememberHeader(token, header);
  return undefined;
}

/** What a key's type allows, where the caller does not say. */
function algorithmsFor(key: KeyObject): string[] {
  if (key.type === 'secret') return ['HS256', 'HS384', 'HS512'];
  if (key.asymmetricKeyType === 'ec') return ['ES256', 'ES384', 'ES512'];
  return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
}

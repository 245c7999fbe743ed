import type { KeyObject } from 'node:crypto';

import { addedClaims } from './added-claims.js';
import { JsonWebTokenError } from './errors.js';
import { signingKeys } from './key-cache.js';
import type { KeyHandle } from './key-handle.js';
import { checkKeyType } from './key-type.js';
import { checkPayload, checkSignOptions } from './sign-checks.js';
import { type Header, seal } from './signature.js';
import { addNames, addTimes, type Claims } from './signed-claims.js';
import type { PrivateKey, Secret, SignCallback, SignOptions } from './types.js';

/**
 * A token over a payload. Without options it is signed with HS256 and has `iat`, and no `exp`.
 *
 * With a callback, that is called in place of returning or throwing: at once with what is wrong with the arguments, on the
 * next tick with the token. A public key in any dress, and an empty secret, are refused as HMAC secrets.
 *
 * @throws Error that says which argument or option is wrong.
 */
export function sign(payload: string | Buffer | object, secretOrPrivateKey: Secret | PrivateKey, options?: SignOptions): string;
export function sign(payload: string | Buffer | object, secretOrPrivateKey: null, options?: SignOptions & { algorithm: 'none' }): string;
export function sign(payload: string | Buffer | object, secretOrPrivateKey: Secret | PrivateKey, callback: SignCallback): void;
export function sign(payload: string | Buffer | object, secretOrPrivateKey: Secret | PrivateKey, options: SignOptions, callback: SignCallback): void;
export function sign(
  payload: string | Buffer | object,
  secretOrPrivateKey: null,
  options: SignOptions & { algorithm: 'none' },
  callback: SignCallback,
): void;
export function sign(payload: unknown, secretOrPrivateKey: unknown, optionsOrCallback?: unknown, maybeCallback?: unknown): unknown {
  const optionsAreCallback = typeof optionsOrCallback === 'function';
  const options = ((optionsAreCallback ? undefined : optionsOrCallback) || {}) as SignOptions;
  const callback = (optionsAreCallback ? optionsOrCallback : maybeCallback) as Callback | undefined;
  const failure = (error: unknown): unknown => {
    if (callback) return callback(error);
    throw error as Error;
  };

  const isObject = typeof payload === 'object' && !Buffer.isBuffer(payload);
  const ownHeader: Header = { alg: options.algorithm || 'HS256', typ: isObject ? 'JWT' : undefined, kid: options.keyid };
  const header = options.header === undefined ? ownHeader : { ...ownHeader, ...options.header };
  const [unusable, handle] = keyOrFault(secretOrPrivateKey, options);
  const keyOrArgument = unusable ?? keyFault(header, handle, secretOrPrivateKey as KeyObject, options) ?? argumentFault(payload, isObject, options);
  if (keyOrArgument !== undefined) return failure(keyOrArgument);
  let isApart: boolean;
  try {
    isApart = isObject && checkPayload(payload, options);
  } catch (error) {
    return failure(error);
  }
  // Both here and not later, so that a member that throws when it is read does so before the options are judged.
  const text = isApart && !callback && !options.mutatePayload ? jsonOf(payload) : undefined;
  const claims = text !== undefined || !isObject || options.mutatePayload ? payload : copyOf(payload as object);
  const fault = (text === undefined ? presetFault(claims, options) : undefined) ?? optionsFault(header.alg, handle, options);
  if (fault !== undefined) return failure(fault);

  if (text !== undefined) {
    const added = addedClaims(options);
    if (typeof added !== 'string') throw added;
    return checkedLength(seal(header, header === ownHeader, { text, added }, handle, options.encoding || 'utf8'), header.alg, options);
  }
  if (isObject) {
    const timeFault = addTimes(claims as Claims, options);
    if (timeFault !== undefined) return failure(timeFault);
    // With a callback the token follows all the same, as it does from the package that this one stands for.
    addNames(claims as Claims, options, failure);
  }
  const token = (): string => checkedLength(seal(header, header === ownHeader, { claims }, handle, options.encoding || 'utf8'), header.alg, options);
  if (typeof callback !== 'function') return token();
  signLater(claims, header.alg, handle, token, callback);
  return undefined;
}

type Callback = (error: unknown, token?: string) => unknown;

function keyOrFault(material: unknown, options: SignOptions): readonly [fault: Error | undefined, handle: KeyHandle | undefined] {
  if (!material && options.algorithm !== 'none') return [new Error('secretOrPrivateKey must have a value'), undefined];
  if (material === null || material === undefined) return [undefined, undefined];
  try {
    return [undefined, signingKeys.handle(material)];
  } catch {
    return [new Error('secretOrPrivateKey is not valid key material'), undefined];
  }
}

function keyFault(header: Header, handle: KeyHandle | undefined, nothing: KeyObject, options: SignOptions): Error | undefined {
  // Without a handle it is null or undefined, and reading a property of it fails as it always has.
  const key = handle === undefined ? nothing : handle.object;
  if (header.alg.startsWith('HS')) {
    if (key.type !== 'secret') return new Error(`secretOrPrivateKey must be a symmetric key when using ${header.alg}`);
    const refusal = handle?.refusal ?? null;
    return refusal === null ? undefined : new JsonWebTokenError(`secretOrPrivateKey cannot be the secret for ${header.alg}: ${refusal}`);
  }
  if (!/^(?:RS|PS|ES)/.test(header.alg)) return undefined;
  if (key.type !== 'private') return new Error(`secretOrPrivateKey must be an asymmetric key when using ${header.alg}`);
  const isShort = (key.asymmetricKeyDetails?.modulusLength ?? Infinity) < 2048;
  return isShort && !options.allowInsecureKeySizes && !header.alg.startsWith('ES') ? tooShort(header.alg) : undefined;
}

const OPTIONS_OF_OBJECTS = ['expiresIn', 'notBefore', 'noTimestamp', 'audience', 'issuer', 'subject', 'jwtid'] as const;

function argumentFault(payload: unknown, isObject: boolean, options: SignOptions): Error | undefined {
  if (payload === undefined) return new Error('payload is required');
  if (isObject) return undefined;
  const misplaced = OPTIONS_OF_OBJECTS.filter((name) => options[name] !== undefined);
  return misplaced.length === 0 ? undefined : new Error(`invalid ${misplaced.join(',')} option for ${typeof payload} payload`);
}

/** The JSON text of claims; `undefined` where it cannot be made, which is for later to say. */
function jsonOf(claims: unknown): string | undefined {
  try {
    return JSON.stringify(claims);
  } catch {
    return undefined;
  }
}

/** Not a spread: V8 takes ten times as long to add members to what that makes. */
function copyOf(payload: object): object {
  return Object.assign({}, payload);
}

function optionsFault(alg: string, handle: KeyHandle | undefined, options: SignOptions): unknown {
  try {
    checkSignOptions(options);
    if (!options.allowInvalidAsymmetricKeyTypes) checkKeyType(alg, handle?.object);
    return undefined;
  } catch (error) {
    return error;
  }
}

function presetFault(payload: unknown, options: SignOptions): Error | undefined {
  const { exp, nbf } = payload as Claims;
  if (exp !== undefined && options.expiresIn !== undefined) {
    return new Error('Bad "options.expiresIn" option the payload already has an "exp" property.');
  }
  if (nbf !== undefined && options.notBefore !== undefined) {
    return new Error('Bad "options.notBefore" option the payload already has an "nbf" property.');
  }
  return undefined;
}

/** An RSA signature of 2048 bits alone has more characters than that. */
function checkedLength(token: string, alg: string, options: SignOptions): string {
  if (token.length < 256 && !options.allowInsecureKeySizes && /^(?:RS|PS)/.test(alg)) throw tooShort(alg);
  return token;
}

function tooShort(alg: string): Error {
  return new Error(`secretOrPrivateKey has a minimum key size of 2048 bits for ${alg}`);
}

function signLater(payload: unknown, alg: string, handle: KeyHandle | undefined, token: () => string, callback: Callback): void {
  if (handle === undefined && /^hs/i.test(alg)) throw new TypeError('secret must be a string or buffer or a KeyObject');
  if (payload && typeof payload !== 'object' && !(payload as { readonly length?: number }).length) {
    throw new TypeError(`Unexpected data type (${typeof payload})`);
  }
  process.nextTick(() => {
    let isSigned = false;
    try {
      const signed = token();
      isSigned = true;
      // What the callback throws on a token is lost, as it always was: a program may rely on living on.
      callback(null, signed);
    } catch (error) {
      if (!isSigned) callback(error);
    }
  });
}

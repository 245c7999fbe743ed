import { currentTime } from '../clock.js';
import { KeyturnError } from '../errors.js';
import { inPool } from '../inbox.js';
import type { Key } from '../keys/key.js';
import type { KeyRing } from '../keys/ring.js';
import { signingKeysOf } from '../keys/source.js';
import { native, type NativePooledSigner } from '../native.js';
import { fromNumber, translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { optionalString, stringList } from '../options/strings.js';
import { type HeaderMembers, headerText } from './header.js';
import { tokenEncrypter, type TokenEncryption } from './nested.js';

export interface SignerOptions {
  /** A key that can sign, or a ring, whose active key signs. */
  readonly key: Key | KeyRing;
  /** `iss` of every token. */
  readonly issuer?: string | undefined;
  /** `aud` of every token. */
  readonly audience?: string | readonly string[] | undefined;
  /** How long tokens live. Default `'5m'`; `false` signs without `exp`. */
  readonly expiresIn?: Duration | false | undefined;
  /** From when they are valid, counted from now. */
  readonly notBefore?: Duration | undefined;
  /** `typ` of the header. Default `'JWT'`. */
  readonly typ?: string | undefined;
  /** Further members of the header. */
  readonly header?: HeaderMembers | undefined;
  /** Encrypts each signed token, so that only the holder of this key can read it (RFC 7519, section 5.2). */
  readonly encrypt?: Readonly<TokenEncryption> | undefined;
}

/** What one call adds. */
export interface SignOptions {
  readonly subject?: string | undefined;
  readonly jti?: string | undefined;
  /** In place of the signer's own. */
  readonly expiresIn?: Duration | undefined;
}

/** Signs claims. */
export interface Signer {
  /**
   * A compact JWS over the claims. Registered claims among them are signed as given.
   *
   * @throws KeyturnError `ERR_CLAIMS_INVALID` if they contradict an option, or could not be verified again.
   */
  (claims: Readonly<Record<string, unknown>>, options?: Readonly<SignOptions>): string;
  /**
   * The same as a promise. RSA and ES512 signatures, which take long, are made on a pool of threads while the event loop goes
   * on; others take microseconds and are made at once. Claims and time are those of the call, whatever happens to them later.
   *
   * Rejects with `ERR_POOL_FULL`, beside what the call throws, when 4096 signatures wait.
   */
  async(claims: Readonly<Record<string, unknown>>, options?: Readonly<SignOptions>): Promise<string>;
}

/** Resolves every option once; the signer that is returned does little. */
export function createSigner(options: Readonly<SignerOptions>): Signer {
  checkOptions(options, 'createSigner()', ['key', 'issuer', 'audience', 'expiresIn', 'notBefore', 'typ', 'header', 'encrypt']);
  const keys = signingKeysOf(options.key);
  const { expiresIn, notBefore } = options;
  const resolved = {
    issuer: optionalString(options.issuer, 'issuer'),
    audiences: stringList(options.audience, 'audience'),
    expiresIn: expiresIn === false ? undefined : lifetime(expiresIn === undefined ? '5m' : expiresIn),
    expiryIsDefault: expiresIn === undefined,
    notBefore: notBefore === undefined ? undefined : parseDuration(notBefore, 'notBefore'),
    typ: optionalString(options.typ, 'typ'),
    header: headerText(options.header),
  };
  const encrypt = options.encrypt === undefined ? undefined : tokenEncrypter(options.encrypt);
  const signRaw = translated(() => native.createSigner(keys.set, defined(resolved)));
  // Most signers never need it.
  let pooled: NativePooledSigner | undefined;

  function sign(claims: Readonly<Record<string, unknown>>, call?: Readonly<SignOptions>): string {
    const text = jsonText(claims);
    // Each argument costs the addon a look, also one that is undefined.
    if (call === undefined) return finished(signRaw(text, currentTime()));
    const { subject, jti, expiresIn } = callOptions(call);
    return finished(signRaw(text, currentTime(), subject, jti, expiresIn));
  }

  async function signInPool(claims: Readonly<Record<string, unknown>>, call?: Readonly<SignOptions>): Promise<string> {
    if (!keys.isSlow()) return sign(claims, call);
    const text = jsonText(claims);
    const { subject, jti, expiresIn } = callOptions(call);
    const signer = (pooled ??= translated(() => native.NativePooledSigner.create(keys.set, defined(resolved))));
    return finished(await inPool((inbox, ticket) => signer.sign(inbox, ticket, text, currentTime(), subject, jti, expiresIn)));
  }

  function finished(answer: string | number): string {
    const signed = token(answer);
    return encrypt === undefined ? signed : encrypt(signed);
  }

  return Object.assign(sign, { async: signInPool });
}

interface CallOptions {
  readonly subject?: string | undefined;
  readonly jti?: string | undefined;
  /** In milliseconds. */
  readonly expiresIn?: number | undefined;
}

const NOTHING: CallOptions = {};

function callOptions(call: Readonly<SignOptions> | undefined): CallOptions {
  if (call === undefined) return NOTHING;
  checkOptions(call, "the signer's second argument", ['subject', 'jti', 'expiresIn']);
  return {
    subject: optionalString(call.subject, 'subject'),
    jti: optionalString(call.jti, 'jti'),
    expiresIn: call.expiresIn === undefined ? undefined : lifetime(call.expiresIn),
  };
}

/** The token, or the failure that came in its place. */
function token(answer: string | number): string {
  if (typeof answer === 'string') return answer;
  throw fromNumber(answer);
}

/** The claims' JSON text; empty for what has none, which the addon refuses. */
function jsonText(claims: unknown): string {
  try {
    const text: unknown = JSON.stringify(claims);
    return typeof text === 'string' ? text : '';
  } catch (cause) {
    throw new KeyturnError('ERR_CLAIMS_INVALID', 'The claims cannot be signed: they must be plain data.', { cause });
  }
}

/** Tokens carry whole seconds: a life below one would be over before it began. */
function lifetime(value: Duration): number {
  const ms = parseDuration(value, 'expiresIn');
  if (ms >= 1000) return ms;
  throw new KeyturnError('ERR_OPTION_INVALID', 'expiresIn must be one second or more; false signs without expiry', {
    claim: 'expiresIn',
  });
}

/** Without the members that are undefined, which the addon's optional members do not take. */
function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

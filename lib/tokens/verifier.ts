import type { Claims } from '../claims.js';
import { KeyturnError } from '../errors.js';
import { inPool } from '../inbox.js';
import { type Algorithm, checkedAlgorithm } from '../keys/key.js';
import { followRemote } from '../keys/remote/follow.js';
import { keySourceOf, type VerifyingKeys } from '../keys/source.js';
import { native, type NativePooledVerifier } from '../native.js';
import { fromNumber, translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { optionalString, stringList } from '../options/strings.js';
import { nativeRevocationOf, type Revocation } from '../revocation/revocation.js';
import { cachedVerify, cacheEntries, cacheStatistics, type RawVerify, type TokenCacheOptions, type TokenCacheStatistics } from './cache.js';
import { decryptFirst, tokenDecrypter, type TokenDecryption } from './nested.js';

export interface VerifierOptions {
  /**
   * One key or several, a set, a ring or a remote set; a token names its key by `kid`, or is tried against each key of its
   * algorithm. At most 32. What a ring or a remote set changes holds from the next verification on.
   */
  readonly key: VerifyingKeys;
  /** Narrows what the keys' own algorithms allow. */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** Who may have issued the token; of a list, one of them. */
  readonly issuer?: string | readonly string[] | undefined;
  /** For whom it may be; of a list, one of them. Without it a token that has an `aud` is refused (RFC 7519, section 4.1.3). */
  readonly audience?: string | readonly string[] | undefined;
  /** About whom it must be. */
  readonly subject?: string | undefined;
  /** `typ` of the header, compared as a media type. */
  readonly typ?: string | undefined;
  /** How far clocks may differ. Default 0. */
  readonly clockTolerance?: Duration | undefined;
  /** How long ago it may have been issued (`iat`). */
  readonly maxAge?: Duration | undefined;
  /** Claims that must be there. Default `['exp']`; `[]` accepts tokens that never expire. */
  readonly required?: readonly string[] | undefined;
  /**
   * Refuses revoked tokens, and those that live longer than a day: `sessions.revocation`. It goes by what is known here, however
   * long ago the store was last read; `onStale` is for `sessions.verify` and the guards.
   */
  readonly revocation?: Revocation | undefined;
  /** Opens tokens that were encrypted after they were signed; one that is merely signed is then refused. */
  readonly decrypt?: Readonly<TokenDecryption> | undefined;
  /** The longest token that is looked at, encrypted or not. Default 8192. */
  readonly maxTokenBytes?: number | undefined;
  /**
   * Remembers verified tokens of up to 8 KiB: `true` for 10,000 of them. Times and revocation are judged on every call all
   * the same. Default `false`.
   */
  readonly cache?: boolean | Readonly<TokenCacheOptions> | undefined;
}

/** Verifies tokens. */
export interface Verifier {
  /**
   * The claims of a good token: an object of the caller's own. With `cache` an object that callers share, deeply frozen.
   *
   * @throws KeyturnError with the code that says why it is not.
   */
  (token: string): Readonly<Claims>;
  /**
   * The same as a promise. Where one of the keys is for ES384 or ES512, which take long, tokens are verified on a pool of
   * threads while the event loop goes on, and so is what is encrypted where one of those that decrypt is for RSA-OAEP; elsewhere
   * at once. The time is that of the call, or that at which it was decrypted.
   *
   * Rejects with `ERR_POOL_FULL`, beside what the call throws, when 4096 of them wait.
   */
  async(token: string): Promise<Readonly<Claims>>;
  /** The counters of the cache, as they are now; `undefined` without one. */
  readonly cache: TokenCacheStatistics | undefined;
}

const NAMES = [
  'key', 'algorithms', 'issuer', 'audience', 'subject', 'typ', 'clockTolerance', 'maxAge', 'required', 'revocation',
  'decrypt', 'maxTokenBytes', 'cache',
] as const satisfies readonly (keyof VerifierOptions)[];

const MAX_TOKEN_BYTES = 1024 * 1024;

/** Resolves every option once; the verifier that is returned does little. */
export function createVerifier(options: Readonly<VerifierOptions>): Verifier {
  checkOptions(options, 'createVerifier()', NAMES);
  const required = options.required === undefined ? ['exp'] : requiredClaims(options.required);
  const named = required.filter((name) => name !== 'exp');
  const subject = optionalString(options.subject, 'subject');
  const typ = optionalString(options.typ, 'typ');
  const revocation = options.revocation === undefined ? undefined : nativeRevocationOf(options.revocation);
  const entries = cacheEntries(options.cache);
  const resolved = {
    algorithms: stringList(options.algorithms, 'algorithms').map((name) => checkedAlgorithm(name, 'algorithms')),
    issuers: stringList(options.issuer, 'issuer'),
    audiences: stringList(options.audience, 'audience'),
    ...(subject === undefined ? {} : { subject }),
    ...(typ === undefined ? {} : { typ }),
    tolerance: options.clockTolerance === undefined ? 0 : parseDuration(options.clockTolerance, 'clockTolerance'),
    ...(options.maxAge === undefined ? {} : { maxAge: parseDuration(options.maxAge, 'maxAge') }),
    requireExp: required.includes('exp'),
    required: named,
    maxTokenBytes: maxTokenBytes(options.maxTokenBytes),
    ...(entries === undefined ? {} : { cacheEntries: entries }),
  };
  const { set, remote, isSlow } = keySourceOf(options.key);
  const decrypt = options.decrypt === undefined ? undefined : tokenDecrypter(options.decrypt, resolved.maxTokenBytes);
  const verifyRaw: RawVerify = translated(() => native.createVerifier(set, resolved, revocation));
  // Most verifiers never need it.
  let pooled: NativePooledVerifier | undefined;
  const verify = entries === undefined ? freshVerify(verifyRaw, named) : cachedVerify(verifyRaw, named);

  async function verifyInPool(token: string): Promise<Readonly<Claims>> {
    // What is no string is refused by the other face, and what a cache holds is answered by it sooner than by a thread.
    if (typeof token !== 'string' || entries !== undefined || !isSlow()) return verify(token);
    const verifier = (pooled ??= translated(() => native.NativePooledVerifier.create(set, resolved, revocation)));
    return claimsOf(await inPool((inbox, ticket) => verifier.verify(inbox, ticket, token, Date.now())), named);
  }

  const faces = { now: verify, later: verifyInPool };
  const followed = remote === undefined ? faces : followRemote(remote, faces);
  const { now, later } = decrypt === undefined ? followed : decryptFirst(decrypt, followed);
  return Object.defineProperty(Object.assign(now, { async: later }), 'cache', {
    get: () => (entries === undefined ? undefined : cacheStatistics(verifyRaw, entries)),
    enumerable: true,
  }) as Verifier;
}

function freshVerify(raw: RawVerify, required: readonly string[]): (token: string) => Readonly<Claims> {
  return (token) => claimsOf(raw(token, Date.now()), required);
}

function claimsOf(payload: string | number, required: readonly string[]): Readonly<Claims> {
  if (typeof payload === 'string') return JSON.parse(payload) as Claims;
  throw fromNumber(payload, required);
}

function requiredClaims(value: unknown): string[] {
  return Array.isArray(value) && value.length === 0 ? [] : stringList(value, 'required');
}

function maxTokenBytes(value: unknown): number {
  if (value === undefined) return 8192;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 64 && value <= MAX_TOKEN_BYTES) return value;
  throw new KeyturnError('ERR_OPTION_INVALID', `maxTokenBytes must be a whole number from 64 to ${String(MAX_TOKEN_BYTES)}`, {
    claim: 'maxTokenBytes',
  });
}

import type { Claims } from '../claims.js';
import { KeyturnError } from '../errors.js';
import { fromNumber } from '../native-error.js';
import { checkOptions } from '../options/checks.js';

export interface TokenCacheOptions {
  /** How many tokens are remembered. Default 10,000; takes 1 to 1,000,000. */
  readonly maxEntries?: number | undefined;
}

/** What a verifier's cache has done so far: numbers of tokens. */
export interface TokenCacheStatistics {
  /** Found in the cache, also those refused because they have expired or been revoked since. */
  readonly hits: number;
  /** Not found, and so verified in full. */
  readonly misses: number;
  /** Left out again because the cache was full. */
  readonly evictions: number;
  /** Remembered now. */
  readonly size: number;
  /** The most that are remembered. */
  readonly maxEntries: number;
}

/** The addon's side; `src/token_cache.rs` says what each form of the call means. */
export type RawVerify = (token?: string | number, now?: number) => string | number;

const DEFAULT_ENTRIES = 10_000;
const MAX_ENTRIES = 1_000_000;

/** How many tokens the option asks to remember; `undefined` for no cache. */
export function cacheEntries(option: unknown): number | undefined {
  if (option === undefined || option === false) return undefined;
  if (option === true) return DEFAULT_ENTRIES;
  if (typeof option !== 'object' || option === null) throw wrong('cache must be true, false or { maxEntries }', 'cache');
  checkOptions(option, 'cache', ['maxEntries']);
  const { maxEntries = DEFAULT_ENTRIES } = option as { readonly maxEntries?: unknown };
  if (typeof maxEntries === 'number' && Number.isInteger(maxEntries) && maxEntries >= 1 && maxEntries <= MAX_ENTRIES) return maxEntries;
  throw wrong(`cache.maxEntries must be a whole number from 1 to ${String(MAX_ENTRIES)}`, 'cache.maxEntries');
}

/** Verifies with the cache of a raw verifier. The claims are frozen through and through, since callers share them. */
export function cachedVerify(raw: RawVerify, required: readonly string[]): (token: string) => Readonly<Claims> {
  /** By the addon's slots. Every slot that the addon answers with has been filled by {@link remember}. */
  const claims: Readonly<Claims>[] = [];

  function verify(token: string): Readonly<Claims> {
    const answer = raw(token, Date.now());
    if (typeof answer === 'string') return remember(answer);
    const known = answer < 0 ? claims[~answer] : undefined;
    if (known !== undefined) return known;
    throw fromNumber(answer, required);
  }

  function remember(payload: string): Readonly<Claims> {
    const made = deepFreeze(JSON.parse(payload) as Claims);
    // Last, and nothing can fail after it: a slot never stands for claims that are not there.
    const slot = ~Number(raw());
    if (slot < 0) return made;
    claims[slot] = made;
    // Slots are filled in order, so slot 0 is also the first one after the addon forgot everything.
    if (slot === 0) claims.length = Number(raw(3));
    return made;
  }

  return verify;
}

/** The counters of a raw verifier's cache. */
export function cacheStatistics(raw: RawVerify, maxEntries: number): TokenCacheStatistics {
  const [hits, misses, evictions, size] = [raw(0), raw(1), raw(2), raw(3)].map(Number) as [number, number, number, number];
  return { hits, misses, evictions, size, maxEntries };
}

/** Nothing but plain data, nested no deeper than the addon lets pass. */
function deepFreeze<T extends object>(data: T): T {
  for (const member of Object.values(data)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member as object);
  }
  return Object.freeze(data);
}

function wrong(message: string, claim: string): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', message, { claim });
}

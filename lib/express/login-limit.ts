import type { Limiter, LimiterOptions } from '../limiter.js';
import type { Rate } from './rate.js';

/** Attempts from one address on all accounts together, as a multiple of those on one account. */
const ADDRESS_FACTOR = 10;
/** Beyond this the limiter's microseconds run out in a window of one second. */
const MAX_LIMIT = 1_000_000;
const MAX_KEYS = 65_536;
const MAX_ACCOUNT_LENGTH = 256;

/**
 * Counts attempts to sign in, before any password is looked at. By account **and** address, so that nobody can lock another
 * out by failing in his name; and by address alone, ten times wider, so that one address cannot try one password on everybody.
 */
export class LoginLimit {
  readonly #pairs: Limiter;
  readonly #addresses: Limiter;

  constructor(createLimiter: (options: LimiterOptions) => Limiter, { limit, windowMs }: Rate) {
    this.#pairs = createLimiter({ limit, windowMs, maxKeys: MAX_KEYS });
    this.#addresses = createLimiter({ limit: Math.min(limit * ADDRESS_FACTOR, MAX_LIMIT), windowMs, maxKeys: MAX_KEYS });
  }

  /** 0 if the attempt may go on, otherwise the milliseconds to wait. */
  take(address: string, account: string, now: number): number {
    const wait = this.#pairs.take(`${address} ${normalized(account)}`, now);
    return wait > 0 ? wait : this.#addresses.take(address, now);
  }
}

/** Spellings that an application may look up as one account share their attempts. */
function normalized(account: string): string {
  return account.slice(0, MAX_ACCOUNT_LENGTH).normalize('NFKC').trim().toLowerCase();
}

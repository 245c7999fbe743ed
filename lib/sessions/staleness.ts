import { KeyturnError } from '../errors.js';
import type { EventHub } from '../events.js';
import type { NativeSessions } from '../native.js';
import { type Duration, parseDuration } from '../options/duration.js';

/** What becomes of requests while others may have revoked what is still accepted here. */
export type OnStale = 'allow' | 'reject';

export interface StalenessOptions {
  /**
   * How long verification goes on as if nothing were wrong while the store is out of reach, from 1 s on. Default `'30s'`: long
   * enough for a restart or a failover.
   */
  readonly maxStaleness?: Duration | undefined;
  /**
   * Beyond it: `'allow'` goes on, with the event `store_down` (no refresh works meanwhile, so a stolen token lasts one access life
   * at most); `'reject'` answers 503. Default `'allow'`. A guard may say otherwise for its route.
   */
  readonly onStale?: OnStale | undefined;
}

export const STALENESS_OPTIONS = ['maxStaleness', 'onStale'] as const satisfies readonly (keyof StalenessOptions)[];

export interface ResolvedStaleness {
  readonly maxMs: number;
  readonly onStale: OnStale;
}

/** @throws KeyturnError `ERR_OPTION_INVALID` */
export function resolveStaleness({ maxStaleness = '30s', onStale }: StalenessOptions): ResolvedStaleness {
  const maxMs = parseDuration(maxStaleness, 'maxStaleness');
  if (maxMs < 1000) throw new KeyturnError('ERR_OPTION_INVALID', 'maxStaleness takes 1 second or more', { claim: 'maxStaleness' });
  return { maxMs, onStale: parseOnStale(onStale) ?? 'allow' };
}

/** @throws KeyturnError `ERR_OPTION_INVALID` unless it is one of the two words, or is left out. */
export function parseOnStale(onStale: unknown): OnStale | undefined {
  if (onStale === undefined || onStale === 'allow' || onStale === 'reject') return onStale;
  throw new KeyturnError('ERR_OPTION_INVALID', "onStale must be 'allow' or 'reject'", { claim: 'onStale' });
}

/** Asks from time to time how far the revocations of this process can lie behind, and says so once it is too far. */
export class Staleness {
  readonly #native: NativeSessions;
  readonly #events: EventHub;
  readonly #settings: ResolvedStaleness;
  #timer: NodeJS.Timeout | undefined;
  #isStale = false;
  #isStopped = false;

  constructor(handle: NativeSessions, events: EventHub, settings: ResolvedStaleness) {
    this.#native = handle;
    this.#events = events;
    this.#settings = settings;
  }

  /** Whether the revocations may lie further behind than `maxStaleness`, as of the last look. */
  get isStale(): boolean {
    return this.#isStale;
  }

  get onStale(): OnStale {
    return this.#settings.onStale;
  }

  /** @throws KeyturnError `ERR_STORE_UNAVAILABLE`, reason `stale`, while stale and to be rejected. */
  check(onStale: OnStale = this.#settings.onStale): void {
    if (!this.#isStale || onStale === 'allow') return;
    throw new KeyturnError('ERR_STORE_UNAVAILABLE', 'the revocations of this process may be out of date', {
      reason: 'stale',
      retryAfter: 5,
    });
  }

  start(): void {
    if (this.#isStopped) return;
    this.#timer ??= setInterval(() => {
      this.#look();
    }, Math.min(5000, Math.floor(this.#settings.maxMs / 3)));
    this.#timer.unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = Date.now();
    const staleMs = this.#native.staleness(now);
    const isStale = staleMs > this.#settings.maxMs;
    if (isStale && !this.#isStale) {
      this.#events.emit({ type: 'store_down', time: now, reason: 'stale' });
      const consequence = this.#settings.onStale === 'allow' ? 'tokens are accepted all the same' : 'no token is accepted';
      process.emitWarning(
        `the store has been out of reach for ${String(Math.round(staleMs / 1000))} s, so revocations may be missing; ${consequence}`,
        { type: 'KeyturnWarning', code: 'KEYTURN_REVOCATIONS_STALE' },
      );
    }
    this.#isStale = isStale;
  }
}

import type { RemoteSettings } from './options.js';

/** However short-lived an answer says it is, it serves this long: otherwise each verification would fetch. */
const SHORTEST_AGE_MS = 30_000;

/** The first pause after a failure; each further one doubles it. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * When to fetch, decided from the times of what happened. It holds no timer: it is asked, by `Date.now()`. A clock that was set
 * back makes everything due rather than nothing.
 */
export class Timetable {
  readonly #settings: RemoteSettings;
  #loadedAt: number | undefined;
  #freshUntil = -Infinity;
  #failedAt: number | undefined;
  #failures = 0;
  #askedAt: number | undefined;

  constructor(settings: RemoteSettings) {
    this.#settings = settings;
  }

  get loadedAt(): number | undefined {
    return this.#loadedAt;
  }

  get freshUntil(): number | undefined {
    return this.#loadedAt === undefined ? undefined : this.#freshUntil;
  }

  /** When the keys are not used any more, whatever happens. */
  get usableUntil(): number | undefined {
    return this.#loadedAt === undefined ? undefined : this.#freshUntil + this.#settings.staleIfError;
  }

  /** Until when keys that come now are fresh, and until when they are used; `maxAge` is what the answer said. */
  ends(now: number, maxAge: number | undefined): { readonly freshUntil: number; readonly usableUntil: number } {
    const most = this.#settings.maxAge;
    const freshUntil = now + Math.min(Math.max(maxAge ?? most, SHORTEST_AGE_MS), most);
    return { freshUntil, usableUntil: freshUntil + this.#settings.staleIfError };
  }

  loaded(now: number, freshUntil: number): void {
    this.#loadedAt = now;
    this.#freshUntil = freshUntil;
    this.#failures = 0;
    this.#failedAt = undefined;
  }

  failed(now: number): void {
    this.#failures += 1;
    this.#failedAt = now;
  }

  /** Whether nobody needs to wait for other keys than there are: these are fresh, or waiting did not help before. */
  isServing(now: number): boolean {
    return now < this.#freshUntil || this.#failures > 0;
  }

  /** Whether new keys should be on their way. */
  isDue(now: number): boolean {
    if (this.#loadedAt === undefined || now < this.#loadedAt) return true;
    const age = this.#freshUntil - this.#loadedAt;
    return now >= this.#freshUntil - Math.min(this.#settings.refreshAhead, age / 2);
  }

  /** For how long nothing is tried after a failure, in milliseconds. */
  pause(now: number): number {
    if (this.#failedAt === undefined || now < this.#failedAt) return 0;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_PAUSE_MS);
    return Math.max(0, this.#failedAt + pause - now);
  }

  /** Whether an unknown `kid` is a reason to fetch; if so, it is none again for the cool-down. */
  takeUnknownKid(now: number): boolean {
    if (this.pause(now) > 0) return false;
    const since = this.#askedAt === undefined ? Infinity : now - this.#askedAt;
    if (since >= 0 && since < this.#settings.cooldown) return false;
    this.#askedAt = now;
    return true;
  }
}

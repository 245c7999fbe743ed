import { currentTime } from '../../clock.js';
import { KeyturnError } from '../../errors.js';
import { native, type NativeKeySet } from '../../native.js';
import { translated } from '../../native-error.js';
import { Key } from '../key.js';
import { type KeySet, type PublicJwks, publicJwks } from '../set.js';
import { registerSource, type RemoteSource } from '../source.js';
import { download } from './download.js';
import { type RemoteKeySetOptions, type RemoteSettings, resolveRemoteOptions } from './options.js';
import { Timetable } from './timetable.js';
import { shownUrl } from './url.js';

export type { RemoteKeySetOptions } from './options.js';

/** How a remote key set is doing. Times in Unix milliseconds. */
export interface RemoteKeySetStats {
  /** How many keys verify now. */
  readonly keys: number;
  /** How many of the last answer's could not be used. */
  readonly skipped: number;
  /** How many requests were begun. */
  readonly requests: number;
  /** How many of them failed. */
  readonly failures: number;
  readonly loadedAt: number | undefined;
  /** When new keys should be there. */
  readonly freshUntil: number | undefined;
  /** When the keys are not used any more if no new ones come. */
  readonly usableUntil: number | undefined;
  /** Why the last request failed; `undefined` if it did not. */
  readonly failure: string | undefined;
}

/** Keys that another server publishes. */
export interface RemoteKeySet extends KeySet {
  /**
   * Resolves as soon as there are keys to verify with; fetches them if there are none.
   *
   * @throws KeyturnError `ERR_KEY_SET_UNAVAILABLE`.
   */
  ready(): Promise<void>;
  /**
   * Fetches now, or waits for the request that is under way.
   *
   * @throws KeyturnError `ERR_KEY_SET_UNAVAILABLE`; the keys from before stay in use for their time.
   */
  refresh(): Promise<void>;
  stats(): RemoteKeySetStats;
}

/**
 * The keys at a URL (RFC 7517, section 5), for `createVerifier`. Nothing is fetched before `ready()` or the first verification.
 *
 * `verify.async()` waits for keys where that can help. `verify()` cannot wait: before the first load it throws `ERR_NOT_READY`,
 * for an unknown `kid` `ERR_KEY_UNKNOWN`, and begins to fetch behind either; `await remote.ready()` at start-up.
 *
 * @throws KeyturnError `ERR_OPTION_UNKNOWN` or `ERR_OPTION_INVALID`, saying what to write instead.
 */
export function createRemoteKeySet(url: string | URL, options: Readonly<RemoteKeySetOptions> = {}): RemoteKeySet {
  return new FetchedKeySet(resolveRemoteOptions(url, options));
}

class FetchedKeySet implements RemoteKeySet {
  readonly #settings: RemoteSettings;
  readonly #times: Timetable;
  readonly #set: NativeKeySet = native.NativeKeySet.unloaded();
  #underWay: Promise<void> | undefined;
  #requests = 0;
  #failures = 0;
  #skipped = 0;
  #failure: KeyturnError | undefined;

  constructor(settings: RemoteSettings) {
    this.#settings = settings;
    this.#times = new Timetable(settings);
    registerSource(this, this.#set, this.#source());
  }

  get keys(): readonly Key[] {
    return this.#set.keys(currentTime()).map((key) => new Key(key));
  }

  jwks(): PublicJwks {
    return publicJwks(this.#set, currentTime());
  }

  async ready(): Promise<void> {
    if (!this.#set.isLoaded(currentTime())) await this.refresh();
  }

  refresh(): Promise<void> {
    this.#underWay ??= this.#fetch().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  stats(): RemoteKeySetStats {
    const { loadedAt, freshUntil, usableUntil } = this.#times;
    return {
      keys: this.#set.keys(currentTime()).length,
      skipped: this.#skipped,
      requests: this.#requests,
      failures: this.#failures,
      loadedAt,
      freshUntil,
      usableUntil,
      failure: this.#failure?.message,
    };
  }

  async #fetch(): Promise<void> {
    this.#requests += 1;
    try {
      const { text, maxAge } = await download(this.#settings);
      const now = currentTime();
      const { freshUntil, usableUntil } = this.#times.ends(now, maxAge);
      // The keys first: a text that holds none changes no time.
      this.#skipped = this.#take(text, now, usableUntil);
      this.#times.loaded(now, freshUntil);
      this.#failure = undefined;
    } catch (error) {
      this.#failures += 1;
      this.#times.failed(Date.now());
      this.#failure = asUnavailable(error);
      throw this.#failure;
    }
  }

  #take(text: string, now: number, usableUntil: number): number {
    const { algorithms, maxKeys, url } = this.#settings;
    try {
      return translated(() => this.#set.load(text, algorithms, maxKeys, now, usableUntil)).skipped;
    } catch (error) {
      if (!(error instanceof KeyturnError)) throw error;
      throw new KeyturnError('ERR_KEY_SET_UNAVAILABLE', `The key set at ${shownUrl(url)} could not be used: ${error.message}.`, { cause: error });
    }
  }

  #source(): RemoteSource {
    return {
      touch: () => {
        this.#touch(currentTime());
      },
      arrive: () => this.#arrive(),
      explain: (error) => this.#explain(error),
      learn: (error) => this.#learn(error),
    };
  }

  #touch(now: number): void {
    if (this.#times.isDue(now) && this.#times.pause(now) === 0) this.#refreshBehind();
  }

  /** Whether a token failed for want of keys: of that one, or of all of them. */
  #wantsKeys(error: unknown, now: number): boolean {
    return isAboutKeys(error) || this.#isEmpty(error, now);
  }

  #isEmpty(error: unknown, now: number): boolean {
    return error instanceof KeyturnError && error.code === 'ERR_NOT_READY' && !this.#set.isLoaded(now);
  }

  async #arrive(): Promise<boolean> {
    const now = currentTime();
    this.#touch(now);
    const areThere = this.#set.isLoaded(now);
    if (areThere && this.#times.isServing(now)) return false;
    if (this.#underWay === undefined) {
      if (areThere) return false;
      throw this.#withoutKeys(now);
    }
    try {
      await this.#underWay;
      return true;
    } catch (error) {
      // Keys that are overdue still serve if no new ones can be had.
      if (this.#set.isLoaded(currentTime())) return false;
      throw error;
    }
  }

  #explain(error: unknown): unknown {
    const now = currentTime();
    if (this.#wantsKeys(error, now) && this.#underWay === undefined && this.#times.takeUnknownKid(now)) this.#refreshBehind();
    return this.#isEmpty(error, now) ? this.#notReady(now) : error;
  }

  async #learn(error: unknown): Promise<boolean> {
    const now = currentTime();
    if (!this.#wantsKeys(error, now)) return false;
    if (this.#underWay === undefined && !this.#times.takeUnknownKid(now)) return false;
    return this.refresh().then(() => true, () => false);
  }

  #refreshBehind(): void {
    // stats() tells of a failure, and so does the next one who waits; here nobody does.
    this.refresh().catch(() => undefined);
  }

  #notReady(now: number): KeyturnError {
    if (this.#times.loadedAt !== undefined) return this.#withoutKeys(now);
    const message = 'The key set has not been loaded yet; await its ready() at start-up, or verify.async().';
    return new KeyturnError('ERR_NOT_READY', message, { retryAfter: this.#retryAfter(now), cause: this.#failure });
  }

  #withoutKeys(now: number): KeyturnError {
    const message = this.#failure?.message ?? 'The keys are too old to be used, and new ones are on their way.';
    return new KeyturnError('ERR_KEY_SET_UNAVAILABLE', message, { retryAfter: this.#retryAfter(now), cause: this.#failure });
  }

  /** In seconds. */
  #retryAfter(now: number): number {
    return Math.max(1, Math.ceil(this.#times.pause(now) / 1000));
  }
}

/** Whether other keys could make the token a good one. */
function isAboutKeys(error: unknown): boolean {
  return error instanceof KeyturnError && (error.code === 'ERR_KEY_UNKNOWN' || error.code === 'ERR_ALGORITHM_NOT_ALLOWED');
}

function asUnavailable(error: unknown): KeyturnError {
  if (error instanceof KeyturnError && error.code === 'ERR_KEY_SET_UNAVAILABLE') return error;
  return new KeyturnError('ERR_KEY_SET_UNAVAILABLE', 'The key set could not be fetched.', { cause: error });
}

import { KeyturnError } from '../errors.js';
import { STATUS_OF } from '../http/status.js';
import type { Sessions } from '../sessions/sessions.js';

const MAX_WAIT_MS = 5_000;

/**
 * Holds requests back until the revocation index is loaded: before that nothing can be verified. All requests wait on one
 * promise, so the first of them sets the end of the wait.
 */
export class Readiness {
  readonly #sessions: Sessions;
  readonly #maxWaitMs: number;
  #isReady = false;
  #pending: Promise<void> | undefined;

  constructor(sessions: Sessions, maxWaitMs = MAX_WAIT_MS) {
    this.#sessions = sessions;
    this.#maxWaitMs = maxWaitMs;
  }

  /** Lets the hot path go on without a promise. Once true, always true. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** @throws KeyturnError (rejects) the store's error, or `ERR_NOT_READY` after 5 seconds; the next call asks again. */
  async wait(): Promise<void> {
    if (this.#isReady) return;
    this.#pending ??= this.#ask().finally(() => {
      this.#pending = undefined;
    });
    await this.#pending;
  }

  async #ask(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new KeyturnError('ERR_NOT_READY', 'the sessions are not loaded yet'));
      }, this.#maxWaitMs);
    });
    try {
      await Promise.race([this.#sessions.ready(), late]);
      this.#isReady = true;
    } catch (error) {
      throw error instanceof KeyturnError && STATUS_OF[error.code] === 503
        ? error
        : new KeyturnError('ERR_NOT_READY', 'the sessions cannot be loaded', { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

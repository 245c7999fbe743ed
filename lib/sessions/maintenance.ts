import type { NativeSessions } from '../native.js';

const PURGE_EVERY_MS = 60_000;

/**
 * Stores activity in batches, forgets expired revocations, and once a minute lets the store delete what is past use. Every
 * five seconds, or ten times in an idle limit that is shorter than that. The timer keeps no process alive.
 */
export class Maintenance {
  readonly #native: NativeSessions;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> | undefined;
  #purgedAt = 0;
  #isNearlyFull = false;

  constructor(handle: NativeSessions, idleMs: number) {
    this.#native = handle;
    this.#everyMs = Math.max(100, Math.min(5000, Math.floor(idleMs / 10)));
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      // One at a time: a slow store gets no second batch on top of the first.
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined;
      });
    }, this.#everyMs);
    this.#timer.unref();
  }

  /** Stops the timer and lets a batch under way settle. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** A failed batch stays noted and goes with the next one, so there is nothing to report here. */
  async #run(): Promise<void> {
    const now = Date.now();
    const purge = Math.abs(now - this.#purgedAt) >= PURGE_EVERY_MS;
    if (purge) this.#purgedAt = now;
    await this.#native.maintain(purge, now);
    this.#warnIfNearlyFull();
  }

  /** At its bound the revocation index refuses every verification, so an operator has to hear of it before. */
  #warnIfNearlyFull(): void {
    const { revocations, revocationsNearlyFull } = this.#native.gauges();
    if (revocationsNearlyFull && !this.#isNearlyFull) {
      process.emitWarning(
        `the revocation index holds ${String(revocations)} entries, four fifths of its bound; when it is full nothing can be verified`,
        { type: 'KeyturnWarning', code: 'KEYTURN_REVOCATIONS_NEARLY_FULL' },
      );
    }
    this.#isNearlyFull = revocationsNearlyFull;
  }
}

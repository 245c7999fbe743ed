import { setImmediate } from 'node:timers/promises';

import type { NativeSessions } from '../native.js';
import type { ClockWatch } from './clock-watch.js';

const PURGE_EVERY_MS = 60_000;

/** A round over ten million revocations takes about 50 ms of this thread, in steps of less than one. */
const SWEEP_EVERY_MS = 15_000;

/** A wall clock that has moved this much against the steady one since the last turn was set, and may be set again. */
const CLOCK_SET_MS = 30_000;

/** For how long of the steady clock one that was set is then left alone before it is believed. */
const CLOCK_SETTLES_MS = 1_800_000;

/** What a turn may forget; the numbers are the addon's. */
const FORGET = { nothing: 0, here: 1, everywhere: 2 } as const;

/**
 * Stores activity in batches, forgets expired revocations, and once a minute lets the store delete what is past use. Every
 * five seconds, or ten times in an idle limit that is shorter than that. At each turn the clock is compared with the store's. The timer keeps no process alive.
 */
export class Maintenance {
  readonly #native: NativeSessions;
  readonly #clock: ClockWatch;
  readonly #everyMs: number;
  readonly #done: () => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> | undefined;
  #purgedAt = 0;
  #sweptAt = 0;
  #isStopped = false;
  #isNearlyFull = false;
  #isUnreadable = false;
  #dropped = 0;
  #isDropping = false;
  #clockOffset = Date.now() - performance.now();
  #clockSetAt: number | undefined;

  /** @param done is called after each turn. */
  constructor(handle: NativeSessions, idleMs: number, clock: ClockWatch, done: () => void = () => undefined) {
    this.#native = handle;
    this.#clock = clock;
    this.#done = done;
    this.#everyMs = Math.max(100, Math.min(5000, Math.floor(idleMs / 10)));
  }

  start(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
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
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** A failed batch stays noted and goes with the next one, so there is nothing to report here. */
  async #run(): Promise<void> {
    const now = Date.now();
    // What the turn stores depends on whose clock is right.
    if (this.#wasClockSet(now)) await this.#clock.compare();
    const forget = this.#forget(now);
    await this.#native.maintain(forget, now);
    if (forget !== FORGET.nothing) await this.#sweep(now);
    await this.#clock.compare();
    this.#warnIfNearlyFull();
    this.#warnIfUnreadable();
    this.#warnIfDropped();
    this.#done();
  }

  /** Finishes the round that `maintain` has made a step of, with the event loop running between one step and the next. */
  async #sweep(now: number): Promise<void> {
    if (Math.abs(now - this.#sweptAt) < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    while (!this.#isStopped && !this.#native.expire(now)) await setImmediate();
  }

  #wasClockSet(now: number): boolean {
    const steady = performance.now();
    const offset = now - steady;
    const wasSet = !(Math.abs(offset - this.#clockOffset) < CLOCK_SET_MS);
    this.#clockOffset = offset;
    if (wasSet) this.#clockSetAt = steady;
    return wasSet;
  }

  /** What is forgotten is gone, so nothing is for a while after the clock was set: it may have been wrong, and be set back. */
  #forget(now: number): number {
    if (this.#clockSetAt !== undefined && performance.now() - this.#clockSetAt < CLOCK_SETTLES_MS) return FORGET.nothing;
    this.#clockSetAt = undefined;
    if (Math.abs(now - this.#purgedAt) < PURGE_EVERY_MS) return FORGET.here;
    this.#purgedAt = now;
    return FORGET.everywhere;
  }

  /** Sooner or later the others sign with keys that are not known here. */
  #warnIfUnreadable(): void {
    const { keysUnreadable } = this.#native.gauges();
    if (keysUnreadable && !this.#isUnreadable) {
      process.emitWarning(
        'another process has stored keys that this one cannot read; start it with the same masterKey, and the one before as previous',
        { type: 'KeyturnWarning', code: 'KEYTURN_KEYS_UNREADABLE' },
      );
    }
    this.#isUnreadable = keysUnreadable;
  }

  /** Once for each time that the store is away for so long: what is not kept ends with this process. */
  #warnIfDropped(): void {
    const { waitingDropped } = this.#native.gauges();
    const isDropping = waitingDropped > this.#dropped;
    if (isDropping && !this.#isDropping) {
      process.emitWarning(
        'the store has been away for so long that ends and revocations are no longer kept for it: they failed, and hold in this process only, until it ends; repeat them once the store is back',
        { type: 'KeyturnWarning', code: 'KEYTURN_REVOCATIONS_DROPPED' },
      );
    }
    this.#dropped = waitingDropped;
    this.#isDropping = isDropping;
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

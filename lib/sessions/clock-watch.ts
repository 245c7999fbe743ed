import type { NativeSessions } from '../native.js';

/**
 * Compares this host's clock with the store's, where the store has one, and tells the operator when they part: from a second on
 * it warns; from 30 seconds on, no session starts, no refresh is judged and nothing is forgotten here until the clock is right.
 */
export class ClockWatch {
  readonly #native: NativeSessions;
  #state = 'right';
  #hasClock = true;

  constructor(handle: NativeSessions) {
    this.#native = handle;
  }

  /** A store that does not answer is noticed by others; the clock is compared at the next turn. */
  async compare(): Promise<void> {
    if (!this.#hasClock) return;
    const asked = Date.now();
    const { time, failure } = await this.#native.storeTime();
    if (failure !== undefined) return;
    this.#hasClock = time !== undefined;
    if (time === undefined) return;
    const { offBy, state } = this.#native.compareClock(time, asked, Date.now());
    if (state !== this.#state && state !== 'right') warn(offBy, state);
    this.#state = state;
  }
}

function warn(offBy: number, state: string): void {
  const consequence = state === 'wrong' ? '; until it is set, no sign-in and no refresh works here and nothing expired is deleted' : '';
  process.emitWarning(`this host's clock is ${String(offBy)} ms off the store's${consequence}`, {
    type: 'KeyturnWarning',
    code: 'KEYTURN_CLOCK_OFF',
  });
}

import { thrownText } from './thrown.js';

/** What can happen. The names are fixed; later releases add to them and change none. */
export const EVENT_TYPES = [
  'login_ok',
  'login_failed',
  'refresh_rotated',
  'refresh_replayed',
  'refresh_reuse',
  'refresh_contention',
  'context_mismatch',
  'session_expired',
  'logout',
  'revoked',
  'token_rejected',
  'rate_limited',
  'key_rotated',
  'store_down',
  'store_rollback_healed',
  'generation_ahead',
] as const;

export type AuthEventType = (typeof EVENT_TYPES)[number];

/** One event. It carries no secret: no token, no password, no whole address. */
export interface AuthEvent {
  readonly type: AuthEventType;
  /** Unix milliseconds. */
  readonly time: number;
  readonly subject?: string | undefined;
  readonly session?: string | undefined;
  /** The client's address, cut to /24 (IPv4) or /56 (IPv6). */
  readonly address?: string | undefined;
  /** The error code or reason that belongs to it. */
  readonly reason?: string | undefined;
}

export type AuthEventListener = (event: AuthEvent) => void;

/**
 * Hands events to listeners and counts them. A listener that throws loses only its own call: the error goes to
 * `process.emitWarning`, and the request that caused the event goes on.
 */
export class EventHub {
  readonly #listeners = new Map<AuthEventType, Set<AuthEventListener>>();
  readonly #counts = new Map<AuthEventType, number>(EVENT_TYPES.map((type) => [type, 0]));

  /** Adds a listener and returns the function that removes it. */
  on(type: AuthEventType, listener: AuthEventListener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  emit(event: AuthEvent): void {
    this.#counts.set(event.type, (this.#counts.get(event.type) ?? 0) + 1);
    for (const listener of this.#listeners.get(event.type) ?? []) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(`a listener of '${event.type}' threw: ${thrownText(error)}`, 'KeyturnWarning');
      }
    }
  }

  /** How often each event has happened since the start, every type listed. */
  counts(): ReadonlyMap<AuthEventType, number> {
    return this.#counts;
  }
}

import type { ServerResponse } from 'node:http';

import type { RequestHandler } from 'express';
import { type Auth, type AuthEvent, type AuthEventType, KeyturnError } from 'keyturn';

const SHOWN = [
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
  'store_down',
  'store_rollback_healed',
  'generation_ahead',
] as const satisfies readonly AuthEventType[];

const MAX_STREAMS = 64;
/** Events kept for a page that is loaded, or comes back after a break; the oldest goes first. */
const MAX_KEPT = 50;
/** What a client that does not read may hold up before it is cut off. */
const MAX_BACKLOG_BYTES = 64 * 1024;
/** Keeps proxies from closing a quiet stream, and finds clients that are gone. */
const HEARTBEAT_MS = 15_000;

/** An event as the page is shown it. */
interface ShownEvent {
  readonly type: AuthEventType;
  readonly time: number;
  readonly subject: string | undefined;
  /** The end of the id: enough to tell sessions apart, of no use to anybody else. */
  readonly session: string | undefined;
  readonly reason: string | undefined;
}

/**
 * What keyturn reports, live, as server-sent events. Anybody may watch, so that a visitor sees his own failed logins: for a
 * demo that is the point, so what is sent holds no address, no whole id and, as all events, no token. An application would put it
 * behind a guard.
 */
export class EventFeed {
  readonly #streams = new Set<ServerResponse>();
  readonly #kept: { readonly id: number; readonly text: string }[] = [];
  readonly #unsubscribe: readonly (() => void)[];
  readonly #heartbeat: NodeJS.Timeout;
  #lastId = 0;

  constructor(auth: Pick<Auth, 'on'>) {
    this.#unsubscribe = SHOWN.map((type) => auth.on(type, (event) => this.#publish(event)));
    this.#heartbeat = setInterval(() => this.#send(': still here\n\n'), HEARTBEAT_MS).unref();
  }

  /** Answers `GET /events`. With `Last-Event-ID`, which browsers send after a break, what has been missed comes first. */
  handler(): RequestHandler {
    return (req, res) => {
      // Another site's page could not read the stream, but it could use up the places.
      if (!['same-origin', 'none', undefined].includes(req.get('sec-fetch-site'))) throw new KeyturnError('ERR_CSRF', 'other sites may not watch');
      if (this.#streams.size >= MAX_STREAMS) throw new KeyturnError('ERR_POOL_FULL', 'too many are watching');
      res.writeHead(200, { 'Cache-Control': 'no-store', 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
      const seen = Number(req.get('last-event-id') ?? 0);
      const missed = this.#kept.filter(({ id }) => !(id <= seen)).map(({ text }) => text);
      res.write(`retry: 2000\n\n${missed.join('')}`);
      this.#streams.add(res);
      res.once('close', () => this.#streams.delete(res));
    };
  }

  /** Ends every stream and listens no more. */
  close(): void {
    clearInterval(this.#heartbeat);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const stream of this.#streams) stream.end();
  }

  #publish(event: AuthEvent): void {
    // Times as ids grow across restarts too, so a page that comes back after one is not shown less than it missed.
    this.#lastId = Math.max(this.#lastId + 1, event.time);
    const text = `id: ${String(this.#lastId)}\ndata: ${JSON.stringify(shown(event))}\n\n`;
    this.#kept.push({ id: this.#lastId, text });
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    this.#send(text);
  }

  #send(text: string): void {
    for (const stream of this.#streams) {
      stream.write(text);
      if (stream.writableLength > MAX_BACKLOG_BYTES) stream.destroy();
    }
  }
}

function shown({ type, time, subject, session, reason }: AuthEvent): ShownEvent {
  return { type, time, subject, session: session?.slice(-6), reason };
}

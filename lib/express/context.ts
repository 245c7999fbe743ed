import type { IncomingMessage } from 'node:http';

import type { AuthEventType } from '../events.js';
import type { ActivityMode } from '../http/activity.js';
import type { ClientAddressReader } from '../http/client-address.js';
import { addressPrefixOf } from '../http/ip.js';
import type { OriginCheck } from '../http/origin.js';
import type { RefreshCookie } from '../http/refresh-cookie.js';
import type { Limiter } from '../limiter.js';
import type { SessionInternals } from '../sessions/internals.js';
import type { Sessions } from '../sessions/sessions.js';
import type { LoginLimit } from './login-limit.js';
import type { Readiness } from './readiness.js';

/** What the handlers of one `createAuth` share. Made once, never changed. */
export interface AuthContext {
  readonly sessions: Sessions;
  readonly internals: SessionInternals;
  readonly readiness: Readiness;
  /** Whether the session is kept in a cookie; otherwise it is the Bearer token, which no other site can make a browser send. */
  readonly usesCookie: boolean;
  readonly cookie: RefreshCookie;
  readonly isOriginAllowed: OriginCheck;
  readonly clientAddress: ClientAddressReader;
  /** Which requests count as their user's activity. */
  readonly activity: ActivityMode;
  /** What the application binds sessions to; `undefined` if it does not. */
  readonly contextOf: (req: IncomingMessage) => string | undefined;
  readonly loginLimit: LoginLimit;
  /** By session id. */
  readonly refreshLimiter: Limiter;
}

/** What an event says beside its type, time and address. */
export interface EventFacts {
  readonly subject?: string | undefined;
  readonly session?: string | undefined;
  readonly reason?: string | undefined;
}

/** Emits an event that a request has caused, with the prefix of its client's address. */
export function emitFor(context: AuthContext, req: IncomingMessage, type: AuthEventType, facts: EventFacts = {}): void {
  const address = addressPrefixOf(context.clientAddress(req));
  context.internals.events.emit({ type, time: Date.now(), address, ...facts });
}

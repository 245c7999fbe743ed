import type { IncomingMessage } from 'node:http';

import { KeyturnError } from '../errors.js';
import { readBearer } from '../http/bearer.js';
import type { CookieRead } from '../http/cookies.js';
import { type AuthContext, emitFor } from './context.js';

/** A refresh token whose tag is good, or an access token in its place, which says nothing yet of its session's state. */
export interface CookieSession {
  readonly refreshToken: string;
  readonly sid: string;
}

/** The first step of every route that acts with cookies. @throws KeyturnError `ERR_CSRF`, reason `origin`. */
export function requireOrigin(context: AuthContext, req: IncomingMessage): void {
  if (!context.usesCookie || context.isOriginAllowed(req)) return;
  emitFor(context, req, 'token_rejected', { reason: 'ERR_CSRF' });
  throw new KeyturnError('ERR_CSRF', 'requests from other origins are refused', { reason: 'origin' });
}

/**
 * The refresh cookie of a request, or its Bearer token where there are no cookies: `none`, `bad` (a junk value, a forged tag, two cookies of the name) or the session that it
 * names. Waits for readiness when there is a cookie; reads no store, but for a token under a key that is
 * not known here.
 */
export async function readSession(context: AuthContext, req: IncomingMessage): Promise<CookieSession | 'none' | 'bad'> {
  const presented = context.usesCookie ? context.cookie.read(req) : bearerOf(req);
  if (presented.kind === 'none') return 'none';
  if (presented.kind === 'refused') return 'bad';
  await context.readiness.wait();
  if (context.internals.namesUnknownKey(presented.value)) await context.internals.learnKeys();
  const sid = context.internals.sessionOf(presented.value);
  return sid === undefined ? 'bad' : { refreshToken: presented.value, sid };
}

/** The access token in the place of the cookie. */
function bearerOf(req: IncomingMessage): CookieRead {
  try {
    const value = readBearer(req);
    return value === undefined ? { kind: 'none' } : { kind: 'one', value };
  } catch {
    return { kind: 'refused' };
  }
}

/**
 * The token in the header must be the HMAC of the session; the readable cookie is never consulted, since whoever can plant
 * cookies could plant both. @throws KeyturnError `ERR_CSRF`, reason `token`.
 */
export function requireCsrfToken(context: AuthContext, req: IncomingMessage, sid: string): void {
  if (!context.usesCookie) return;
  const presented = context.cookie.readCsrf(req);
  if (presented !== undefined && context.internals.csrfMatches(sid, presented)) return;
  emitFor(context, req, 'token_rejected', { session: sid, reason: 'ERR_CSRF' });
  throw new KeyturnError('ERR_CSRF', 'the XSRF token is missing or not that of this session', { reason: 'token' });
}

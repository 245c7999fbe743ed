import type { IncomingMessage, ServerResponse } from 'node:http';

import { KeyturnError } from '../../errors.js';
import { reportedActivity } from '../../http/activity.js';
import { readBearer } from '../../http/bearer.js';
import { addressPrefixOf } from '../../http/ip.js';
import { sendNothing } from '../../http/responses.js';
import { STATUS_OF } from '../../http/status.js';
import { type AuthContext, emitFor } from '../context.js';
import { readSession, requireCsrfToken, requireOrigin } from '../cookie-checks.js';
import { sendGrant } from './grant.js';
import type { Route } from './route.js';

/**
 * `POST /refresh`: 200 with the next pair; 204 without a cookie, so that a visitor's first page shows no error; 401 and both
 * cookies cleared when the session is over. Answers 503 and `ERR_PAIRING` leave the cookies: the session is as it was.
 */
export function refreshRoute(context: AuthContext): Route {
  return { judgedBy: 'other', handle: (req, res) => refresh(context, req, res) };
}

async function refresh(context: AuthContext, req: IncomingMessage, res: ServerResponse): Promise<void> {
  requireOrigin(context, req);
  const session = await readSession(context, req);
  if (session === 'none') {
    sendNothing(res);
    return;
  }
  if (session === 'bad') {
    context.cookie.clear(res);
    emitFor(context, req, 'token_rejected', { reason: 'ERR_REFRESH_INVALID' });
    throw new KeyturnError('ERR_REFRESH_INVALID', 'the refresh token is not valid');
  }
  requireCsrfToken(context, req, session.sid);
  limit(context, req, session.sid);
  try {
    const pair = await context.sessions.refresh(session.refreshToken, {
      activity: reportedActivity(req),
      accessToken: accessTokenOf(req),
      context: context.contextOf(req),
      address: addressPrefixOf(context.clientAddress(req)),
    });
    sendGrant(context, res, 200, pair);
  } catch (error) {
    if (isOver(error)) context.cookie.clear(res);
    throw error;
  }
}

/** What `refresh.pairing` may ask for; a header that holds no token is as good as none. */
function accessTokenOf(req: IncomingMessage): string | undefined {
  try {
    return readBearer(req);
  } catch {
    return undefined;
  }
}

/** Whether nothing can be refreshed with this cookie any more. What did not come with the right access token may still do so. */
function isOver(error: unknown): boolean {
  return error instanceof KeyturnError && STATUS_OF[error.code] === 401 && error.code !== 'ERR_PAIRING';
}

function limit(context: AuthContext, req: IncomingMessage, sid: string): void {
  const waitMs = context.refreshLimiter.take(sid, Date.now());
  if (waitMs <= 0) return;
  emitFor(context, req, 'rate_limited', { session: sid, reason: 'refresh' });
  throw new KeyturnError('ERR_RATE_LIMITED', 'too many refreshes of one session; try again later', { retryAfter: waitMs / 1000 });
}

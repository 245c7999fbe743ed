import type { IncomingMessage, ServerResponse } from 'node:http';

import { sendNothing } from '../../http/responses.js';
import { type AuthContext, emitFor } from '../context.js';
import { type CookieSession, readSession, requireCsrfToken, requireOrigin } from '../cookie-checks.js';
import type { Route } from './route.js';

/** Ends what a refresh token stands for; resolves with the subject if there was anything to end. */
type End = (refreshToken: string, req: IncomingMessage) => Promise<string | undefined>;

/** `POST /logout`: ends this session. 204 also when there was nothing to end; the cookies are cleared even if the store is down. */
export function logoutRoute(context: AuthContext): Route {
  return route(context, (refreshToken) => context.internals.endByRefreshToken(refreshToken, 'logout'));
}

/** `POST /logout-all`: the same for every session of the user. */
export function logoutAllRoute(context: AuthContext): Route {
  return route(context, (refreshToken, req) => context.internals.endAllByRefreshToken(refreshToken, 'logout', context.contextOf(req)));
}

function route(context: AuthContext, end: End): Route {
  return { judgedBy: 'other', handle: (req, res) => logout(context, end, req, res) };
}

async function logout(context: AuthContext, end: End, req: IncomingMessage, res: ServerResponse): Promise<void> {
  requireOrigin(context, req);
  const session = await readOrClear(context, req, res);
  if (typeof session !== 'string') {
    requireCsrfToken(context, req, session.sid);
    context.cookie.clear(res);
    const subject = await end(session.refreshToken, req);
    if (subject !== undefined) emitFor(context, req, 'logout', { subject, session: session.sid, reason: 'logout' });
  } else {
    context.cookie.clear(res);
  }
  sendNothing(res);
}

/** While the store is down nothing can be checked or ended, but this browser can forget the session. */
async function readOrClear(context: AuthContext, req: IncomingMessage, res: ServerResponse): Promise<CookieSession | 'none' | 'bad'> {
  try {
    return await readSession(context, req);
  } catch (error) {
    context.cookie.clear(res);
    throw error;
  }
}

import type { ServerResponse } from 'node:http';

import { sendJson } from '../../http/responses.js';
import type { Session, TokenPair } from '../../sessions/types.js';
import type { AuthContext } from '../context.js';

/** The body of a login or refresh. Times are Unix milliseconds, `expiresIn` is seconds; `now` lets a client find its clock's error. */
export interface GrantBody {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly now: number;
  readonly session: Pick<Session, 'id' | 'startedAt' | 'idleEndsAt' | 'absoluteEndsAt'>;
}

/** Hands out a token pair: the refresh token in its cookie and nowhere else, the access token in the body. */
export function sendGrant(context: AuthContext, res: ServerResponse, status: number, pair: TokenPair): void {
  if (res.headersSent || res.destroyed) return;
  const now = Date.now();
  const { id, startedAt, idleEndsAt, absoluteEndsAt } = pair.session;
  const { accessToken, expiresIn, refreshToken } = pair;
  context.cookie.grant(res, { refreshToken, csrfToken: context.internals.csrfToken(id), absoluteEndsAt }, now);
  const body: GrantBody = { accessToken, expiresIn, now, session: { id, startedAt, idleEndsAt, absoluteEndsAt } };
  sendJson(res, status, body);
}

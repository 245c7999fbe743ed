import type { IncomingMessage, ServerResponse } from 'node:http';

import { KeyturnError, type KeyturnErrorCode } from '../../errors.js';
import { type JsonObject, readJsonBody, type RequestWithBody } from '../../http/body.js';
import { deviceLabel } from '../../http/device-label.js';
import { limiterKeyOf } from '../../http/ip.js';
import type { StartOptions, TokenPair } from '../../sessions/types.js';
import { type AuthContext, emitFor } from '../context.js';
import { readSession, requireOrigin } from '../cookie-checks.js';
import { sendGrant } from './grant.js';

/** A request whose body is one JSON object. */
export interface SignInRequest extends IncomingMessage {
  body: JsonObject;
}

/** Who has proved to be whom, as the application tells it. */
export interface AuthenticatedUser {
  /** Becomes `sub`. */
  readonly subject: string;
  readonly roles?: readonly string[] | undefined;
  readonly permissions?: readonly string[] | undefined;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** Default: a label made from User-Agent, such as `Firefox on Linux`. */
  readonly device?: string | undefined;
}

/** What login and registration, which are alike but for these, do with a request. */
export interface SignIn {
  readonly status: 200 | 201;
  /** What `null` from {@link identify} is answered with, the same for every reason. */
  readonly refusal: { readonly code: KeyturnErrorCode; readonly message: string };
  readonly identify: (req: SignInRequest) => Promise<AuthenticatedUser | null> | AuthenticatedUser | null;
  /** What the limiter counts an attempt under, besides the address. */
  readonly accountOf: (body: JsonObject) => string;
}

/**
 * Origin and type (which keep other sites from signing a visitor in under their own name), then the limit, and only then the
 * application's own check, which costs a password hash. A session whose refresh cookie came along is ended: a cookie that was
 * there before never becomes that of the new user.
 */
export async function signIn(context: AuthContext, how: SignIn, req: RequestWithBody, res: ServerResponse): Promise<void> {
  requireOrigin(context, req);
  req.body = await readJsonBody(req);
  const request = req as SignInRequest;
  limit(context, request, how.accountOf(request.body));
  await context.readiness.wait();
  const user = await how.identify(request);
  if (user === null) {
    emitFor(context, req, 'login_failed', { reason: how.refusal.code });
    throw new KeyturnError(how.refusal.code, how.refusal.message);
  }
  const { subject, roles, permissions, claims, device = deviceLabel(req.headers['user-agent']) } = checked(user);
  await endPrevious(context, req);
  const pair = await start(context, req, { subject, roles, permissions, claims, device, context: context.contextOf(req) });
  emitFor(context, req, 'login_ok', { subject, session: pair.session.id });
  sendGrant(context, res, how.status, pair);
}

async function start(context: AuthContext, req: IncomingMessage, options: StartOptions): Promise<TokenPair> {
  try {
    return await context.sessions.start(options);
  } catch (error) {
    if (error instanceof KeyturnError && error.code === 'ERR_SESSION_LIMIT') {
      emitFor(context, req, 'login_failed', { subject: options.subject, reason: error.code });
    }
    throw error;
  }
}

function limit(context: AuthContext, req: SignInRequest, account: string): void {
  const waitMs = context.loginLimit.take(limiterKeyOf(context.clientAddress(req)), account, Date.now());
  if (waitMs <= 0) return;
  emitFor(context, req, 'rate_limited', { reason: 'login' });
  throw new KeyturnError('ERR_RATE_LIMITED', 'too many attempts; try again later', { retryAfter: waitMs / 1000 });
}

/** A forgotten `return` or a row of a database must not become a session. */
function checked(user: unknown): AuthenticatedUser {
  if (typeof user === 'object' && user !== null && 'subject' in user && typeof user.subject === 'string') return user as AuthenticatedUser;
  throw new KeyturnError('ERR_OPTION_INVALID', 'authenticate and register must return { subject, roles?, permissions?, claims? } or null');
}

async function endPrevious(context: AuthContext, req: IncomingMessage): Promise<void> {
  const previous = context.usesCookie ? await readSession(context, req) : 'none';
  if (typeof previous === 'string') return;
  const subject = await context.internals.endByRefreshToken(previous.refreshToken, 'login');
  if (subject !== undefined) emitFor(context, req, 'logout', { subject, session: previous.sid, reason: 'login' });
}

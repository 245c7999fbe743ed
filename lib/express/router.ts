import type { IncomingMessage, ServerResponse } from 'node:http';

import { KeyturnError } from '../errors.js';
import type { JsonObject } from '../http/body.js';
import { sendError, sendNothing } from '../http/responses.js';
import { checkFunction, checkOptions } from '../options/checks.js';
import { answerError } from './answer.js';
import type { AuthContext } from './context.js';
import { requireMethod } from './method.js';
import { refuseRequest } from './misuse.js';
import type { TerminalHandler } from './request.js';
import type { RequestVerifier } from './request-verifier.js';
import { csrfRoute } from './routes/csrf.js';
import { loginRoute } from './routes/login.js';
import { logoutAllRoute, logoutRoute } from './routes/logout.js';
import { refreshRoute } from './routes/refresh.js';
import { registerRoute } from './routes/register.js';
import type { Route } from './routes/route.js';
import { endSessionRoute, listSessionsRoute } from './routes/sessions.js';
import type { AuthenticatedUser, SignInRequest } from './routes/sign-in.js';

/** What the application decides: who is who. */
export interface RouterOptions {
  /**
   * Checks the credentials in `req.body` and returns whose they are, or `null`. Take as long for an unknown user as for a wrong
   * password: `verifyPassword(null, password)` does. A throw is answered 500, a `KeyturnError` with its own status.
   */
  authenticate(req: SignInRequest): Promise<AuthenticatedUser | null> | AuthenticatedUser | null;
  /** Creates the user in `req.body` and returns him, signed in; `null` is 409. Without it there is no `POST /register`. */
  register?(req: SignInRequest): Promise<AuthenticatedUser | null> | AuthenticatedUser | null;
  /** The account that an attempt is for, as the login limit counts it. Default: `username`, else `email`. */
  account?(body: JsonObject): string | undefined;
}

type Methods = Readonly<Record<string, Route>>;

/**
 * Makes the router: `POST /login`, `/refresh`, `/logout`, `/logout-all` and, if given, `/register`; `GET /csrf`, `GET /sessions`,
 * `DELETE /sessions/:id`. Paths compare exactly, without the query. What it does not know goes to `next()`, or is 404 without one.
 */
export function createRouter(context: AuthContext, verifier: RequestVerifier, options: RouterOptions): TerminalHandler {
  refuseRequest('router', [options]);
  checkOptions(options, 'router()', ['authenticate', 'register', 'account']);
  const routes = routesOf(context, verifier, options);
  const sessionById: Methods = { DELETE: endSessionRoute(context, verifier) };

  return function keyturnRouter(req, res, next) {
    const path = pathOf(req);
    const parameter = /^\/sessions\/([^/]+)$/.exec(path)?.[1];
    const methods = parameter === undefined ? routes.get(path) : sessionById;
    if (methods === undefined) {
      if (next !== undefined) next();
      else sendError(res, new KeyturnError('ERR_ROUTE_UNKNOWN', 'there is nothing here'));
      return;
    }
    dispatch(context, methods, req, res, parameter ?? '');
  };
}

function routesOf(context: AuthContext, verifier: RequestVerifier, options: RouterOptions): ReadonlyMap<string, Methods> {
  const example = 'async (req) => ({ subject: user.id })';
  checkFunction(options, 'authenticate', example);
  if (options.register !== undefined) checkFunction(options, 'register', example);
  if (options.account !== undefined) checkFunction(options, 'account', '(body) => body.email');
  const accountOf = (body: JsonObject): string => (options.account === undefined ? usualAccount(body) : options.account(body)) ?? '';
  const routes = new Map<string, Methods>([
    ['/login', { POST: loginRoute(context, { identify: (req) => options.authenticate(req), accountOf }) }],
    ['/refresh', { POST: refreshRoute(context) }],
    ['/logout', { POST: logoutRoute(context) }],
    ['/logout-all', { POST: logoutAllRoute(context) }],
    ['/sessions', readable(listSessionsRoute(context, verifier))],
    ['/csrf', readable(csrfRoute(context))],
  ]);
  if (options.register !== undefined) {
    routes.set('/register', { POST: registerRoute(context, { identify: (req) => options.register?.(req) ?? null, accountOf }) });
  }
  return routes;
}

function dispatch(context: AuthContext, methods: Methods, req: IncomingMessage, res: ServerResponse, parameter: string): void {
  const allowed = [...Object.keys(methods), 'OPTIONS'];
  const method = req.method ?? '';
  if (method === 'OPTIONS') {
    res.setHeader('Allow', allowed.join(', '));
    sendNothing(res);
    return;
  }
  const route = Object.hasOwn(methods, method) ? methods[method] : undefined;
  const handled = async (): Promise<void> => {
    requireMethod(req, res, allowed);
    await route?.handle(req, res, parameter);
  };
  handled().catch((error: unknown) => {
    answerError(context, req, res, error, route?.judgedBy);
  });
}

/** Node leaves the body of an answer to HEAD out. */
function readable(route: Route): Methods {
  return { GET: route, HEAD: route };
}

function pathOf(req: IncomingMessage): string {
  const url = req.url ?? '';
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function usualAccount(body: JsonObject): string | undefined {
  for (const name of ['username', 'email']) {
    const value = body[name];
    if (typeof value === 'string') return value;
  }
  return undefined;
}

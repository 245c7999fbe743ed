import type { IncomingMessage } from 'node:http';

import { KeyturnError } from '../errors.js';
import { type AuthEventListener, type AuthEventType, EVENT_TYPES } from '../events.js';
import { type ActivityMode, parseActivityMode } from '../http/activity.js';
import { createClientAddress, type TrustProxy } from '../http/client-address.js';
import { createOriginCheck } from '../http/origin.js';
import { type CsrfOptions, NoRefreshCookie, RefreshCookie, type RefreshCookieOptions } from '../http/refresh-cookie.js';
import { checkFunction, checkOptions, nearestName } from '../options/checks.js';
import { internalsOf } from '../sessions/internals.js';
import type { Sessions } from '../sessions/sessions.js';
import type { AuthContext } from './context.js';
import { createCsrf } from './csrf.js';
import { createGuards, type Guards } from './guards.js';
import { createJwks } from './jwks.js';
import { LoginLimit } from './login-limit.js';
import { createMetrics } from './metrics.js';
import { parseRate, type Rate, type RateOption } from './rate.js';
import { Readiness } from './readiness.js';
import type { Handler, TerminalHandler } from './request.js';
import { RequestVerifier } from './request-verifier.js';
import { createRouter, type RouterOptions } from './router.js';

/** The options that concern HTTP. */
export interface HttpOptions {
  readonly cookie?: RefreshCookieOptions | undefined;
  readonly csrf?: CsrfOptions | undefined;
  /** Exact origins of pages on other hosts that may use the cookie routes, for instance `['https://app.example.com']`. */
  readonly origins?: readonly string[] | undefined;
  /** Attempts to log in, by account and address. Default `'10/1m'`; ten times that by address alone. */
  readonly loginLimit?: RateOption | undefined;
  /**
   * What counts as a user's activity: `'requests'` (default), every request with a good access token that is not marked
   * `X-Keyturn-Background: 1`; `'reported'`, only what clients report in `X-Keyturn-Activity`. Refreshes count by their report alone.
   */
  readonly activity?: ActivityMode | undefined;
  /** Which proxies to believe about a client's address. Default `false`. */
  readonly trustProxy?: TrustProxy | undefined;
  /**
   * What `refresh.binding` binds a session to, read from each login and refresh: for instance a cookie of your own that names
   * the device, or the family of the browser. Needed with `refresh.binding`, and an error without.
   */
  readonly context?: ((req: IncomingMessage) => string) | undefined;
}

export const HTTP_OPTIONS = [
  'cookie', 'csrf', 'origins', 'loginLimit', 'activity', 'trustProxy', 'context',
] as const satisfies readonly (keyof HttpOptions)[];

/** Sessions for HTTP: a router that signs users in and out, and guards for the application's own routes. */
export interface Auth extends Guards {
  readonly sessions: Sessions;
  /** The routes for sign-in and its upkeep, to be mounted under a path of your choice. */
  readonly router: (options: RouterOptions) => TerminalHandler;
  /** Protects your own routes that act with cookies. */
  readonly csrf: () => Handler;
  /** Publishes the signing keys. */
  readonly jwks: () => TerminalHandler;
  /** Answers Prometheus. */
  readonly metrics: () => TerminalHandler;
  /** Adds a listener and returns the function that removes it. */
  readonly on: (event: AuthEventType, listener: AuthEventListener) => () => void;
  /** Closes the sessions and their store. */
  readonly close: () => Promise<void>;
}

/** Refreshes of one session: far more than tabs that wake up together, few enough that a client in a loop is stopped. */
const REFRESH_LIMIT = { limit: 600, windowMs: 60_000, maxKeys: 65_536 } as const;

interface HttpSettings extends Pick<AuthContext, 'cookie' | 'isOriginAllowed' | 'clientAddress' | 'activity' | 'contextOf'> {
  readonly loginRate: Rate;
}

/** Judges the options alone, so that a mistake shows before a store is opened. @throws KeyturnError naming the option and the fix. */
export function parseHttpOptions({
  cookie = {}, csrf = {}, origins, loginLimit = '10/1m', activity, trustProxy, context,
}: HttpOptions): HttpSettings {
  checkOptions(cookie, 'cookie', ['name', 'lifetime']);
  checkOptions(csrf, 'csrf', ['cookie', 'header']);
  if (context !== undefined) checkFunction({ context }, 'context', "(req) => req.headers['user-agent'] ?? ''");
  return {
    cookie: new RefreshCookie(cookie, csrf),
    isOriginAllowed: createOriginCheck(origins),
    clientAddress: createClientAddress(trustProxy),
    activity: parseActivityMode(activity),
    contextOf: (req) => context?.(req),
    loginRate: parseRate(loginLimit, 'loginLimit'),
  };
}

/** Puts HTTP before sessions. */
export function assembleAuth(sessions: Sessions, { loginRate, ...settings }: HttpSettings): Auth {
  const internals = internalsOf(sessions);
  const usesCookie = internals.strategy === 'rotation';
  const context: AuthContext = {
    ...settings,
    cookie: usesCookie ? settings.cookie : new NoRefreshCookie(),
    usesCookie,
    sessions,
    internals,
    readiness: new Readiness(sessions),
    loginLimit: new LoginLimit((options) => internals.createLimiter(options), loginRate),
    refreshLimiter: internals.createLimiter(REFRESH_LIMIT),
  };
  const verifier = new RequestVerifier(context);
  return {
    sessions,
    ...createGuards(context, verifier),
    router: (options) => createRouter(context, verifier, options),
    csrf: (...args: readonly unknown[]) => createCsrf(context, ...args),
    jwks: (...args: readonly unknown[]) => createJwks(context, ...args),
    metrics: (...args: readonly unknown[]) => createMetrics(context, ...args),
    on(event, listener) {
      checkEvent(event);
      checkFunction({ listener }, 'listener', `auth.on('${event}', (event) => ...)`);
      return internals.events.on(event, listener);
    },
    close: () => sessions.close(),
  };
}

function checkEvent(event: unknown): void {
  const types: readonly string[] = EVENT_TYPES;
  const name = String(event);
  if (types.includes(name)) return;
  const nearest = nearestName(name, types);
  const hint = nearest === undefined ? `the events are ${types.join(', ')}` : `did you mean '${nearest}'?`;
  throw new KeyturnError('ERR_OPTION_INVALID', `there is no event '${name.slice(0, 64)}'; ${hint}`, { claim: 'event' });
}

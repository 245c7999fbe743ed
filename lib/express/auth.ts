import { KeyturnError } from '../errors.js';
import { checkOptions } from '../options/checks.js';
import { createSessions, SESSIONS_OPTIONS, type SessionsOptions, type Strategy } from '../sessions/create.js';
import { assembleAuth, type Auth, HTTP_OPTIONS, type HttpOptions, parseHttpOptions } from './assemble-auth.js';

/** Everything that `createSessions` takes, and what concerns HTTP. */
export interface AuthOptions extends SessionsOptions, HttpOptions {}

/**
 * Makes sessions and what an Express application needs of them. Returns at once: handlers wait until the store is loaded, for at
 * most five seconds, and answer 503 otherwise.
 *
 * @throws KeyturnError `ERR_OPTION_UNKNOWN` or `ERR_OPTION_INVALID`, saying what to write instead.
 */
export function createAuth(options: AuthOptions): Auth {
  checkOptions(options, 'createAuth()', [...SESSIONS_OPTIONS, ...HTTP_OPTIONS]);
  const { cookie, csrf, origins, loginLimit, activity, trustProxy, context, ...sessionsOptions } = options;
  const settings = parseHttpOptions({ cookie, csrf, origins, loginLimit, activity, trustProxy, context });
  checkCookies(sessionsOptions.strategy, { cookie, csrf, origins });
  checkBinding(sessionsOptions.refresh?.binding, context);
  return assembleAuth(createSessions(sessionsOptions), settings);
}

/** What would have no effect was not meant so. */
function checkCookies(strategy: Strategy | undefined, options: Readonly<Record<string, unknown>>): void {
  if (strategy === undefined || strategy === 'rotation') return;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    throw new KeyturnError('ERR_OPTION_INVALID', `${name} is for the strategy 'rotation': '${strategy}' sets no cookie`, { claim: name });
  }
}

/** One without the other would bind nothing, or refuse every sign-in. */
function checkBinding(binding: unknown, context: unknown): void {
  if ((binding === undefined) === (context === undefined)) return;
  const missing = binding === undefined ? "refresh: { binding: 'reject' }" : "context: (req) => req.headers['user-agent'] ?? ''";
  throw new KeyturnError('ERR_OPTION_INVALID', `context and refresh.binding need each other: add ${missing}`, { claim: 'context' });
}

import type { IncomingMessage } from 'node:http';

import { KeyturnError } from '../errors.js';
import { checkOptions } from '../options/checks.js';
import { type OnStale, parseOnStale } from '../sessions/staleness.js';
import type { AccessClaims } from '../sessions/types.js';
import { answerError } from './answer.js';
import type { AuthContext } from './context.js';
import { refuseArguments, refuseRequest } from './misuse.js';
import type { Handler } from './request.js';
import type { RequestVerifier } from './request-verifier.js';

export interface GuardOptions {
  /**
   * What becomes of a request with a good token while the revocations may lie more than `maxStaleness` behind. Default: as
   * `createAuth({ onStale })` says.
   */
  readonly onStale?: OnStale | undefined;
}

/** The guards of one `createAuth`. Each answers a refusal itself, by RFC 6750 and in JSON, and calls `next()` otherwise. */
export interface Guards {
  /** Lets through who presents a good access token: `req.auth` holds its claims. Otherwise 401. */
  readonly requireAuth: (options?: Readonly<GuardOptions>) => Handler;
  /** As `requireAuth`, but a request without a token passes, without `req.auth`. A bad token is 401 all the same. */
  readonly optionalAuth: (options?: Readonly<GuardOptions>) => Handler;
  /** Lets through who has at least one of these roles; otherwise 403. Names compare exactly. Implies `requireAuth`. */
  readonly requireRole: (...roles: readonly string[]) => Handler;
  /** Lets through who has all of these permissions; otherwise 403. Names compare exactly. Implies `requireAuth`. */
  readonly requirePermission: (...permissions: readonly string[]) => Handler;
}

export function createGuards(context: AuthContext, verifier: RequestVerifier): Guards {
  const guard = (admit: (req: IncomingMessage) => unknown, handlerName: string, onStale?: OnStale): Handler => {
    const handler: Handler = (req, res, next) => {
      const judge = (): void => {
        try {
          // A request without a token has nothing that could have been revoked.
          if (admit(req) !== undefined) context.internals.checkStaleness(onStale);
        } catch (error) {
          const learning = verifier.learn(req, error);
          if (learning === undefined) answerError(context, req, res, error, 'bearer');
          else void learning.then(judge);
          return;
        }
        next();
      };
      if (context.readiness.isReady) {
        judge();
        return;
      }
      context.readiness.wait().then(judge, (error: unknown) => {
        answerError(context, req, res, error, 'bearer');
      });
    };
    // Stack traces and Express's own debug output show this name.
    return Object.defineProperty(handler, 'name', { value: handlerName });
  };

  const holding = (claim: 'roles' | 'permissions', isEnough: (held: ReadonlySet<string>) => boolean) => {
    return (req: IncomingMessage): Readonly<AccessClaims> => {
      const claims = verifier.requireClaimsOf(req);
      if (isEnough(namesIn(claims, claim))) return claims;
      throw new KeyturnError('ERR_ACCESS_DENIED', `your ${claim} do not cover this`);
    };
  };

  return {
    requireAuth(...args: readonly unknown[]) {
      const onStale = onStaleOf('requireAuth', args, "; for a role write auth.requireRole('admin')");
      return guard((req) => verifier.requireClaimsOf(req), 'requireAuth', onStale);
    },
    optionalAuth(...args: readonly unknown[]) {
      const onStale = onStaleOf('optionalAuth', args);
      return guard((req) => verifier.claimsOf(req), 'optionalAuth', onStale);
    },
    requireRole(...roles) {
      checkNames('requireRole', roles);
      return guard(holding('roles', (held) => roles.some((role) => held.has(role))), 'requireRole');
    },
    requirePermission(...permissions) {
      checkNames('requirePermission', permissions);
      return guard(holding('permissions', (held) => permissions.every((permission) => held.has(permission))), 'requirePermission');
    },
  };
}

/** The one option of a guard that takes no names. */
function onStaleOf(factory: string, args: readonly unknown[], hint = ''): OnStale | undefined {
  refuseRequest(factory, args);
  const [options, ...rest] = args;
  if (options === undefined && rest.length === 0) return undefined;
  if (rest.length > 0 || typeof options !== 'object') refuseArguments(factory, args, hint);
  checkOptions(options, `${factory}()`, ['onStale']);
  return parseOnStale((options as GuardOptions).onStale);
}

/** The names in a claim that is an own array of strings; of anything else, none. A string is no list of one. */
function namesIn(claims: Readonly<AccessClaims>, claim: 'roles' | 'permissions'): ReadonlySet<string> {
  const names: unknown = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  return new Set(Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []);
}

function checkNames(factory: string, names: readonly unknown[]): void {
  refuseRequest(factory, names);
  if (names.length === 0) {
    const hint = 'for any signed-in user write auth.requireAuth()';
    throw new KeyturnError('ERR_OPTION_INVALID', `auth.${factory}() needs at least one name; ${hint}`);
  }
  for (const name of names) {
    if (typeof name === 'string' && name !== '') continue;
    const hint = Array.isArray(name) ? `; write auth.${factory}(${name.map((entry) => JSON.stringify(entry)).join(', ')})` : '';
    throw new KeyturnError('ERR_OPTION_INVALID', `auth.${factory}() takes names, each a string that is not empty${hint}`);
  }
}

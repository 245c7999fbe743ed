import { KeyturnError } from '../errors.js';
import type { NativeFailure, NativeRefresh, NativeSession, NativeSessions, PairAnswer } from '../native.js';
import { codeOf, fromFailure, fromNumber } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import type { OnRefresh, RefreshedClaims, RefreshingSession } from './refresh-options.js';
import { carriedParts } from './sign-in.js';
import type { Session } from './types.js';

/** How often the application is asked anew because what it was told has changed while it decided. */
const MOST_ATTEMPTS = 3;


/**
 * A refresh at which the application is asked: judged, put to the application, and then judged again in the step that stores
 * what it said. Between the steps nothing is held, in no store and on no thread.
 *
 * @param refused Told of a refusal once the session has been ended, before this throws.
 * @throws KeyturnError `ERR_REFRESH_REFUSED`; `ERR_STORE_UNAVAILABLE` with reason `onRefresh` if the application failed.
 */
export async function refreshIfAllowed(
  store: NativeSessions,
  onRefresh: OnRefresh,
  request: Readonly<NativeRefresh>,
  refused: (session: NativeSession) => void,
): Promise<PairAnswer> {
  const started = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    const readAt = Date.now();
    const { session, carried, failure } = await store.checkRefresh(since(request, started, readAt), readAt);
    if (failure !== undefined || session === undefined || carried === undefined) return failure === undefined ? {} : { failure };
    const claims = await decisionOf(onRefresh, refreshing(session, carried));
    const now = Date.now();
    if (claims === null) {
      await end(store, request.token, now);
      refused(session);
      throw new KeyturnError('ERR_REFRESH_REFUSED', 'The refresh was refused.');
    }
    const decision = { ...carriedParts(claims ?? {}), insteadOf: carried, readAt };
    const answer = await store.refresh({ ...since(request, started, now), decision }, now);
    if (attempt === MOST_ATTEMPTS || !isOutdated(answer.failure)) return answer;
  }
}

/** The request at a later time: the last input is longer ago by then. */
function since(request: Readonly<NativeRefresh>, started: number, now: number): NativeRefresh {
  const { report } = request;
  return report === undefined ? request : { ...request, report: report + Math.max(0, now - started) };
}

function refreshing(native: NativeSession, carried: string): RefreshingSession {
  const { roles, permissions, ...claims } = JSON.parse(`{${carried}}`) as Record<string, unknown>;
  return {
    ...sessionOf(native),
    roles: roles as readonly string[] | undefined,
    permissions: permissions as readonly string[] | undefined,
    claims,
  };
}

/** A session as the application sees it. */
export function sessionOf({ id, subject, device, startedAt, lastActivityAt, idleEndsAt, absoluteEndsAt }: NativeSession): Session {
  return { id, subject, device, startedAt, lastActivityAt, idleEndsAt, absoluteEndsAt };
}

/** What the application decided, checked; its failure is one that passes. */
async function decisionOf(onRefresh: OnRefresh, session: RefreshingSession): Promise<RefreshedClaims | null | undefined> {
  try {
    const decision: unknown = await onRefresh(session);
    if (decision === null || decision === undefined) return decision;
    checkOptions(decision, 'the answer of refresh.onRefresh', ['roles', 'permissions', 'claims']);
    carriedParts(decision);
    return decision;
  } catch (cause) {
    throw new KeyturnError('ERR_STORE_UNAVAILABLE', `refresh.onRefresh failed: ${String(cause)}`, {
      reason: 'onRefresh',
      retryAfter: 1,
      cause,
    });
  }
}

/** Somebody else may have ended it while the application decided: then it is over all the same. */
async function end(store: NativeSessions, token: string, now: number): Promise<void> {
  const { failure } = await store.endByRefreshToken(token, 'refused', now);
  if (failure !== undefined) throw fromFailure(failure);
}

function isOutdated(failure: NativeFailure | undefined): boolean {
  return failure !== undefined
    && codeOf(failure.error) === 'ERR_STORE_UNAVAILABLE'
    && fromNumber(failure.error).reason === 'outdated';
}

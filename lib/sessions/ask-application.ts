import { KeyturnError } from '../errors.js';
import type { NativeFailure, NativeRefresh, NativeRenewal, NativeSession, NativeSessions, PairAnswer } from '../native.js';
import { codeOf, fromFailure, fromNumber } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { thrownText } from '../thrown.js';
import type { OnRefresh, RefreshedClaims, RefreshingSession } from './refresh-options.js';
import { carriedParts, contextOf } from './sign-in.js';
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
    const arrived = Date.now();
    const { session, carried, readAt, failure } = await store.checkRefresh(since(request, started, arrived), arrived);
    if (session === undefined || carried === undefined || readAt === undefined) return failure === undefined ? {} : { failure };
    const claims = await decisionOf(onRefresh, refreshing(session, carried));
    const now = Date.now();
    if (claims === null) return refuse(store, request.token, session, refused);
    const decision = { ...carriedParts(claims ?? {}), insteadOf: carried, arrived, readAt };
    const answer = await store.refresh({ ...since(request, started, now), decision }, now);
    if (attempt === MOST_ATTEMPTS || !isOutdated(answer.failure)) return answer;
  }
}

/**
 * A renewal at which the application is asked, like a refresh: what the caller says goes before what `onRefresh` says.
 *
 * @param refused Told of a refusal once the session has been ended, before this throws.
 * @throws KeyturnError as {@link refreshIfAllowed}.
 */
export async function renewIfAllowed(
  store: NativeSessions,
  onRefresh: OnRefresh,
  renewal: Readonly<NativeRenewal>,
  refused: (session: NativeSession) => void,
): Promise<PairAnswer> {
  const { token, context } = renewal;
  const { session, carried, readAt, failure } = await store.checkRenewal({ token, ...contextOf(context) }, Date.now());
  if (session === undefined || carried === undefined || readAt === undefined) return failure === undefined ? {} : { failure };
  const claims = await decisionOf(onRefresh, refreshing(session, carried));
  if (claims === null) return refuse(store, token, session, refused);
  return store.renew({ ...carriedParts(claims ?? {}), ...renewal, readAt }, Date.now());
}

async function refuse(
  store: NativeSessions,
  token: string,
  session: NativeSession,
  refused: (session: NativeSession) => void,
): Promise<never> {
  const { failure } = await store.endByRefreshToken(token, 'refused', Date.now());
  if (failure !== undefined) throw fromFailure(failure);
  refused(session);
  throw new KeyturnError('ERR_REFRESH_REFUSED', 'The refresh was refused.');
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
    throw new KeyturnError('ERR_STORE_UNAVAILABLE', `refresh.onRefresh failed: ${thrownText(cause)}`, {
      reason: 'onRefresh',
      retryAfter: 1,
      cause,
    });
  }
}

function isOutdated(failure: NativeFailure | undefined): boolean {
  return failure !== undefined
    && codeOf(failure.error) === 'ERR_STORE_UNAVAILABLE'
    && fromNumber(failure.error).reason === 'outdated';
}

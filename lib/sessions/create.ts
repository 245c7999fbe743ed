import { KeyturnError } from '../errors.js';
import { EventHub } from '../events.js';
import type { Limiter } from '../limiter.js';
import {
  native,
  type NativeFailure,
  type NativePair,
  type NativeRefresh,
  type NativeRenewal,
  type NativeSession,
  type NativeSessions,
  type PairAnswer,
} from '../native.js';
import { fromFailure, fromNumber, translated } from '../native-error.js';
import { registerNativeSessions } from '../native-sessions.js';
import { checkOptions } from '../options/checks.js';
import { optionalString, requiredString } from '../options/strings.js';
import { createRevocation, type Revocation } from '../revocation/revocation.js';
import { refreshIfAllowed, renewIfAllowed, sessionOf } from './ask-application.js';
import { ClockWatch } from './clock-watch.js';
import { registerInternals, type SessionInternals } from './internals.js';
import { createSessionKeys, type SessionKeys, signingKidOf } from './keys.js';
import { lateEventOf } from './late-events.js';
import { Maintenance } from './maintenance.js';
import { useMasterKey } from './master-key.js';
import { type ResolvedOptions, resolveOptions, type SessionsOptions, type Strategy } from './options.js';
import { eventOf, eventsOf, outcomeOf, renewalEventsOf } from './refresh-events.js';
import type { OnRefresh } from './refresh-options.js';
import { refreshRequest, requireToken } from './refresh-request.js';
import { createRefresher, type Refresher } from './refresher.js';
import type { Sessions } from './sessions.js';
import { carriedParts, contextOf, signIn } from './sign-in.js';
import { Staleness } from './staleness.js';
import type { AccessClaims, RefreshedPair, RefreshOptions, RenewOptions, Session, StartOptions, TokenPair } from './types.js';
import { refuseUnsealedKeys, warnOfUnsealedKeys } from './unsealed-keys.js';

export { SESSIONS_OPTIONS, type SessionsOptions, type StoredKeyOptions, type Strategy } from './options.js';

/**
 * Sessions over a store. Returns at once and opens the store in the background; every promise waits for that by itself, and
 * `ready()` tells when it is done.
 *
 * @throws KeyturnError `ERR_OPTION_UNKNOWN` or `ERR_OPTION_INVALID`, saying what to write instead.
 */
export function createSessions(options: Readonly<SessionsOptions>): Sessions {
  const resolved = resolveOptions(options);
  const { settings, keys, timetable, masterKey } = resolved;
  const isUnsealed = keys === undefined && masterKey === undefined;
  if (isUnsealed) refuseUnsealedKeys(settings.store);
  const handle = translated(() => native.NativeSessions.create(settings, keys, timetable));
  const unlock = useMasterKey(handle, masterKey);
  const opened = (): void => {
    if (isUnsealed) warnOfUnsealedKeys(settings.store);
  };
  return new NodeSessions(handle, resolved, { unlock, opened });
}

/** What is done before the store is opened, and after. */
interface Opening {
  readonly unlock: () => Promise<void>;
  readonly opened: () => void;
}

class NodeSessions implements Sessions {
  readonly keys: SessionKeys;
  readonly revocation: Revocation;
  readonly #native: NativeSessions;
  readonly #verifyRaw: (accessToken: string, now: number) => string | number;
  readonly #refreshPlain: Refresher;
  readonly #events = new EventHub();
  readonly #maintenance: Maintenance;
  readonly #clock: ClockWatch;
  readonly #staleness: Staleness;
  readonly #strategy: Strategy;
  readonly #onRefresh: OnRefresh | undefined;
  readonly #hooks: Opening;
  #opening: Promise<void> | undefined;
  #isOpen = false;
  #signingKid: string | undefined;

  constructor(handle: NativeSessions, { settings: { strategy, idle }, onRefresh, staleness }: ResolvedOptions, hooks: Opening) {
    this.#native = handle;
    this.#strategy = strategy;
    this.#onRefresh = onRefresh;
    this.#hooks = hooks;
    this.#verifyRaw = native.createSessionVerifier(handle);
    this.#refreshPlain = createRefresher(handle);
    this.#clock = new ClockWatch(handle);
    const noticeKeys = (): void => {
      this.#noticeKeys();
    };
    this.#maintenance = new Maintenance(handle, idle, this.#clock, () => {
      noticeKeys();
      this.#tellWhatWasStoredLate();
    });
    this.#staleness = new Staleness(handle, this.#events, staleness);
    this.keys = createSessionKeys(handle, () => this.ready(), noticeKeys);
    this.revocation = createRevocation(handle, this.#events, () => this.ready());
    registerNativeSessions(this, handle);
    registerInternals(this, this.#internals(strategy));
    // Whoever asks for ready() is told of a failure; nobody has to ask.
    this.ready().catch(() => undefined);
  }

  ready(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      // The next one to ask tries again: a store that was locked may be free by then.
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<void> {
    await this.#hooks.unlock();
    const { failure } = await this.#native.open(Date.now());
    if (failure !== undefined) throw fromFailure(failure);
    this.#signingKid = signingKidOf(this.#native);
    await this.#clock.compare();
    this.#maintenance.start();
    this.#staleness.start();
    this.#hooks.opened();
    this.#isOpen = true;
  }

  /** Another key signs: by the schedule, or because somebody said so, here or in another process. */
  #noticeKeys(): void {
    const kid = signingKidOf(this.#native);
    if (kid === this.#signingKid || kid === undefined) return;
    this.#signingKid = kid;
    this.#events.emit({ type: 'key_rotated', time: Date.now(), reason: kid });
  }

  /** Ends that failed when they were asked for, and have come to be stored since. */
  #tellWhatWasStoredLate(): void {
    const time = Date.now();
    for (const late of this.#native.takeStoredLate()) this.#events.emit({ ...lateEventOf(late), time });
  }

  async start(options: Readonly<StartOptions>): Promise<TokenPair> {
    const request = signIn(options);
    await this.ready();
    this.#refuseWithoutStore();
    const now = Date.now();
    const { pair, failure } = await this.#native.start(request, now);
    const started = this.#unless(failure, pair);
    const { subject } = started.session;
    for (const { id, reason } of started.ended ?? []) this.#events.emit({ type: 'revoked', time: now, subject, session: id, reason });
    return tokenPair(started, now);
  }

  // Nothing is awaited that is there already: each await would cost as much as the rest of this method.
  async refresh(refreshToken: string, options: Readonly<RefreshOptions> = {}): Promise<RefreshedPair> {
    const request = refreshRequest(refreshToken, options);
    const { origin: address } = request;
    if (!this.#isOpen) await this.ready();
    this.#refuseWithoutStore();
    let now = Date.now();
    let answer = this.#refresh(request, now);
    if ('then' in answer) {
      answer = await answer;
      now = Date.now();
    }
    const granted = this.#unless(answer.failure, answer.pair, address);
    const session = sessionOf(granted.session);
    const { subject, id } = session;
    for (const { type, reason } of eventsOf(granted)) this.#events.emit({ type, time: now, subject, session: id, address, reason });
    const { accessToken, refreshToken: successor } = granted;
    return { accessToken, refreshToken: successor, expiresIn: secondsLeft(granted, now), session, outcome: outcomeOf(granted) };
  }

  /**
   * Where sessions are stored, no token is issued without the store. `'renewal'` asks none, and would go on for sessions that
   * others have ended.
   */
  #refuseWithoutStore(): void {
    if (this.#strategy === 'renewal') this.#staleness.check('reject');
  }

  #refresh(request: NativeRefresh, now: number): PairAnswer | Promise<PairAnswer> {
    if (this.#onRefresh === undefined) return this.#refreshPlain(request, now);
    return refreshIfAllowed(this.#native, this.#onRefresh, request, this.#refused(request.origin));
  }

  #renew(renewal: NativeRenewal, now: number): Promise<PairAnswer> {
    if (this.#onRefresh === undefined) return this.#native.renew(renewal, now);
    return renewIfAllowed(this.#native, this.#onRefresh, renewal, this.#refused());
  }

  /** What tells of a session that the application has refused. */
  #refused(address?: string): (session: NativeSession) => void {
    return ({ id, subject }) => {
      this.#events.emit({ type: 'revoked', time: Date.now(), subject, session: id, address, reason: 'refused' });
    };
  }

  async renew(refreshToken: string, options: Readonly<RenewOptions> = {}): Promise<TokenPair> {
    checkOptions(options, 'renew()', ['roles', 'permissions', 'claims', 'authenticated', 'context']);
    const authenticated = flag(options.authenticated, 'authenticated');
    const change = { ...carriedParts(options), authenticated, ...contextOf(options.context) };
    requireToken(refreshToken);
    await this.ready();
    this.#refuseWithoutStore();
    if (this.#native.namesUnknownKey(refreshToken)) await this.#native.learnKeys(Date.now());
    const now = Date.now();
    const { pair, failure } = await this.#renew({ token: refreshToken, ...change }, now);
    const renewed = this.#unless(failure, pair);
    const { subject, id } = renewed.session;
    for (const { type, reason } of renewalEventsOf(renewed)) this.#events.emit({ type, time: now, subject, session: id, reason });
    return tokenPair(renewed, now);
  }

  async list(subject: string): Promise<readonly Session[]> {
    const name = requiredString(subject, 'subject', 'claims.sub');
    await this.ready();
    const { sessions, failure } = await this.#native.list(name, Date.now());
    return this.#unless(failure, sessions).map(sessionOf);
  }

  async end(sid: string, options: Readonly<{ subject?: string }> = {}): Promise<void> {
    checkOptions(options, 'end()', ['subject']);
    const id = requiredString(sid, 'sid', 'claims.sid');
    const owner = optionalString(options.subject, 'subject');
    await this.ready();
    const { failure, subject } = await this.#native.end(id, owner, Date.now());
    if (failure !== undefined) throw fromFailure(failure);
    this.#events.emit({ type: 'revoked', time: Date.now(), subject, session: sid, reason: 'session' });
  }

  async endAll(subject: string, options: Readonly<{ except?: string }> = {}): Promise<number> {
    const name = requiredString(subject, 'subject', 'claims.sub');
    checkOptions(options, 'endAll()', ['except']);
    const except = optionalString(options.except, 'except');
    await this.ready();
    const { ended, failure } = await this.#native.endAll(name, except, Date.now());
    const count = this.#unless(failure, ended).length;
    this.#events.emit({ type: 'revoked', time: Date.now(), subject, reason: 'subject' });
    return count;
  }

  verify(accessToken: string): Readonly<AccessClaims> {
    const claims = this.#verify(accessToken);
    this.#staleness.check();
    return claims;
  }

  /** As of the revocations that are known here, however old. */
  #verify(accessToken: string): Readonly<AccessClaims> {
    const payload = this.#verifyRaw(accessToken, Date.now());
    if (typeof payload === 'string') return JSON.parse(payload) as AccessClaims;
    throw fromNumber(payload);
  }

  async close(): Promise<void> {
    this.#staleness.stop();
    await this.#maintenance.stop();
    const { failure } = await this.#native.close(Date.now());
    if (failure !== undefined) throw fromFailure(failure);
  }

  /** Turns a failure into its error and its event; else gives the value, which then is there. */
  #unless<T>(failure: NativeFailure | undefined, value: T | undefined, address?: string): T {
    if (failure === undefined && value !== undefined) return value;
    const error = failure === undefined ? new KeyturnError('ERR_INTERNAL', 'The addon gave no answer.') : fromFailure(failure);
    const type = eventOf(error);
    if (type !== undefined) {
      this.#events.emit({ type, time: Date.now(), subject: failure?.subject, session: failure?.sid, address, reason: error.reason });
    }
    throw error;
  }

  #internals(strategy: Strategy): SessionInternals {
    const handle = this.#native;
    const settled = (failure: NativeFailure | undefined, subject: string | undefined): string | undefined => {
      if (failure !== undefined) throw fromFailure(failure);
      return subject;
    };
    return {
      events: this.#events,
      strategy,
      verify: (accessToken) => this.#verify(accessToken),
      checkStaleness: (onStale) => {
        this.#staleness.check(onStale);
      },
      sessionOf: (token) => handle.sessionOf(token, Date.now()) ?? undefined,
      namesUnknownKey: (token) => handle.namesUnknownKey(token),
      learnKeys: async () => {
        await handle.learnKeys(Date.now());
      },
      csrfToken: (sid) => translated(() => handle.csrfToken(sid, Date.now())),
      csrfMatches: (sid, presented) => translated(() => handle.csrfMatches(sid, presented)),
      recordActivity: (claims, agoMs) => {
        handle.noteActivity(claims.sid, Date.now() - agoMs);
      },
      async endByRefreshToken(token, reason) {
        const { failure, subject } = await handle.endByRefreshToken(token, reason, Date.now());
        return settled(failure, subject);
      },
      async endAllByRefreshToken(token, _reason, context) {
        const { failure, subject } = await handle.endAllByRefreshToken(token, context, Date.now());
        return settled(failure, subject);
      },
      jwks: () => this.keys.jwks(),
      gauges: () => {
        const { revocations, activityDropped, waiting, waitingDropped } = handle.gauges();
        return new Map([
          ['keyturn_revocations', revocations],
          ['keyturn_revocations_waiting', waiting],
          ['keyturn_revocations_dropped_total', waitingDropped],
          ['keyturn_activity_dropped_total', activityDropped],
        ]);
      },
      createLimiter({ limit, windowMs, maxKeys }): Limiter {
        const limiter = translated(() => native.NativeLimiter.create(limit, windowMs, maxKeys));
        return { take: (key, now) => limiter.take(key, now) };
      },
    };
  }
}

function flag(value: unknown, option: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be true or false`, { claim: option });
}

function tokenPair(pair: NativePair, now: number): TokenPair {
  return {
    accessToken: pair.accessToken,
    refreshToken: pair.refreshToken,
    expiresIn: secondsLeft(pair, now),
    session: sessionOf(pair.session),
  };
}

function secondsLeft({ expiresAt }: NativePair, now: number): number {
  return Math.max(0, Math.floor(expiresAt / 1000) - Math.floor(now / 1000));
}

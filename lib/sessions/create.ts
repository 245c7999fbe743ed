import { KeyturnError } from '../errors.js';
import { EventHub } from '../events.js';
import type { Limiter } from '../limiter.js';
import { native, type NativeFailure, type NativePair, type NativeSessions } from '../native.js';
import { fromFailure, fromNumber, translated } from '../native-error.js';
import { registerNativeSessions } from '../native-sessions.js';
import { checkOptions } from '../options/checks.js';
import { optionalString, requiredString } from '../options/strings.js';
import { createRevocation, type Revocation } from '../revocation/revocation.js';
import { registerInternals, type SessionInternals } from './internals.js';
import { createSessionKeys, type SessionKeys, signingKidOf } from './keys.js';
import { Maintenance } from './maintenance.js';
import { useMasterKey } from './master-key.js';
import { resolveOptions, type SessionsOptions } from './options.js';
import type { Sessions } from './sessions.js';
import { signIn } from './sign-in.js';
import type { AccessClaims, RefreshedPair, RefreshOptions, Session, StartOptions, TokenPair } from './types.js';
import { refuseUnsealedKeys, warnOfUnsealedKeys } from './unsealed-keys.js';

export { SESSIONS_OPTIONS, type SessionsOptions, type StoredKeyOptions } from './options.js';

/**
 * Sessions over a store. Returns at once and opens the store in the background; every promise waits for that by itself, and
 * `ready()` tells when it is done.
 *
 * @throws KeyturnError `ERR_OPTION_UNKNOWN` or `ERR_OPTION_INVALID`, saying what to write instead.
 */
export function createSessions(options: Readonly<SessionsOptions>): Sessions {
  const { settings, keys, timetable, masterKey } = resolveOptions(options);
  const isUnsealed = keys === undefined && masterKey === undefined;
  if (isUnsealed) refuseUnsealedKeys(settings.store);
  const handle = translated(() => native.NativeSessions.create(settings, keys, timetable));
  const unlock = useMasterKey(handle, masterKey);
  const opened = (): void => {
    if (isUnsealed) warnOfUnsealedKeys(settings.store);
  };
  return new NodeSessions(handle, settings.idle, { unlock, opened });
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
  readonly #events = new EventHub();
  readonly #maintenance: Maintenance;
  readonly #hooks: Opening;
  #opening: Promise<void> | undefined;
  #signingKid: string | undefined;

  constructor(handle: NativeSessions, idleMs: number, hooks: Opening) {
    this.#native = handle;
    this.#hooks = hooks;
    this.#verifyRaw = native.createSessionVerifier(handle);
    const noticeKeys = (): void => {
      this.#noticeKeys();
    };
    this.#maintenance = new Maintenance(handle, idleMs, noticeKeys);
    this.keys = createSessionKeys(handle, () => this.ready(), noticeKeys);
    this.revocation = createRevocation(handle, this.#events, () => this.ready());
    registerNativeSessions(this, handle);
    registerInternals(this, this.#internals());
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
    this.#maintenance.start();
    this.#hooks.opened();
  }

  /** Another key signs: by the schedule, or because somebody said so, here or in another process. */
  #noticeKeys(): void {
    const kid = signingKidOf(this.#native);
    if (kid === this.#signingKid || kid === undefined) return;
    this.#signingKid = kid;
    this.#events.emit({ type: 'key_rotated', time: Date.now(), reason: kid });
  }

  async start(options: Readonly<StartOptions>): Promise<TokenPair> {
    const request = signIn(options);
    await this.ready();
    const now = Date.now();
    const { pair, failure } = await this.#native.start(request, now);
    return tokenPair(this.#unless(failure, pair), now);
  }

  async refresh(refreshToken: string, options: Readonly<RefreshOptions> = {}): Promise<RefreshedPair> {
    checkOptions(options, 'refresh()', ['activity']);
    const report = activityReport(options.activity);
    if (typeof refreshToken !== 'string') throw new KeyturnError('ERR_REFRESH_INVALID', 'The refresh token is not valid.');
    await this.ready();
    const now = Date.now();
    const { pair, failure } = await this.#native.refresh(refreshToken, report, now);
    const granted = this.#unless(failure, pair);
    const outcome = (granted.outcome ?? 'rotated') as RefreshedPair['outcome'];
    const type = ({ rotated: 'refresh_rotated', replayed: 'refresh_replayed', healed: 'store_rollback_healed' } as const)[outcome];
    this.#events.emit({ type, time: now, subject: granted.session.subject, session: granted.session.id });
    return { ...tokenPair(granted, now), outcome };
  }

  async list(subject: string): Promise<readonly Session[]> {
    const name = requiredString(subject, 'subject', 'claims.sub');
    await this.ready();
    const { sessions, failure } = await this.#native.list(name, Date.now());
    return this.#unless(failure, sessions).map(session);
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
    const payload = this.#verifyRaw(accessToken, Date.now());
    if (typeof payload === 'string') return JSON.parse(payload) as AccessClaims;
    throw fromNumber(payload);
  }

  async close(): Promise<void> {
    await this.#maintenance.stop();
    const { failure } = await this.#native.close(Date.now());
    if (failure !== undefined) throw fromFailure(failure);
  }

  /** Turns a failure into its error and its event; else gives the value, which then is there. */
  #unless<T>(failure: NativeFailure | undefined, value: T | undefined): T {
    if (failure === undefined && value !== undefined) return value;
    const error = failure === undefined ? new KeyturnError('ERR_INTERNAL', 'The addon gave no answer.') : fromFailure(failure);
    const type = eventOf(error);
    if (type !== undefined) {
      this.#events.emit({ type, time: Date.now(), subject: failure?.subject, session: failure?.sid, reason: error.reason });
    }
    throw error;
  }

  #internals(): SessionInternals {
    const handle = this.#native;
    const settled = (failure: NativeFailure | undefined, subject: string | undefined): string | undefined => {
      if (failure !== undefined) throw fromFailure(failure);
      return subject;
    };
    return {
      events: this.#events,
      sessionOf: (token) => handle.sessionOf(token) ?? undefined,
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
      async endAllByRefreshToken(token) {
        const { failure, subject } = await handle.endAllByRefreshToken(token, Date.now());
        return settled(failure, subject);
      },
      jwks: () => this.keys.jwks(),
      gauges: () => {
        const { revocations, activityDropped } = handle.gauges();
        return new Map([
          ['keyturn_revocations', revocations],
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

function tokenPair(pair: NativePair, now: number): TokenPair {
  return {
    accessToken: pair.accessToken,
    refreshToken: pair.refreshToken,
    expiresIn: Math.max(0, Math.floor(pair.expiresAt / 1000) - Math.floor(now / 1000)),
    session: session(pair.session),
  };
}

function session({ device, ...rest }: NativePair['session']): Session {
  return { ...rest, device };
}

function activityReport(activity: unknown): number | undefined {
  if (activity === undefined) return undefined;
  if (typeof activity === 'number' && activity >= 0) return activity;
  throw new KeyturnError('ERR_OPTION_INVALID', 'activity must be the milliseconds since the last input', { claim: 'activity' });
}

function eventOf({ code, reason }: KeyturnError): 'refresh_reuse' | 'session_expired' | 'generation_ahead' | undefined {
  if (code === 'ERR_REFRESH_REUSED') return 'refresh_reuse';
  if (code === 'ERR_SESSION_EXPIRED') return 'session_expired';
  return reason === 'rollback' ? 'generation_ahead' : undefined;
}

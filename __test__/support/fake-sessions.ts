import { randomBytes } from 'node:crypto';

import { KeyturnError } from '../../dist/errors.js';
import { EventHub } from '../../dist/events.js';
import type { Limiter, LimiterOptions } from '../../dist/limiter.js';
import type { Revocation } from '../../dist/revocation/revocation.js';
import { registerInternals, type SessionInternals } from '../../dist/sessions/internals.js';
import type { SessionKeys } from '../../dist/sessions/keys.js';
import type { Sessions } from '../../dist/sessions/sessions.js';
import type { AccessClaims, RefreshedPair, RefreshOptions, Session, StartOptions, TokenPair } from '../../dist/sessions/types.js';

const ACCESS_MS = 300_000;
const IDLE_MS = 3_600_000;
const ABSOLUTE_MS = 86_400_000;
const GRACE_MS = 10_000;

interface Entry {
  readonly sid: string;
  readonly options: StartOptions;
  readonly startedAt: number;
  generation: number;
  rotatedAt: number;
  lastActivityAt: number;
  ended?: string;
}

/** Sessions in a Map, without cryptography: enough to test what HTTP makes of them, and nothing about sessions themselves. */
export class FakeSessions implements Sessions {
  readonly events = new EventHub();
  readonly activity: number[] = [];
  readonly limiters: LimiterOptions[] = [];
  readonly reports: (number | undefined)[] = [];
  /** While set, everything that needs the store fails. */
  isDown = false;
  isClosed = false;
  /** Whether revocations may be missing. */
  isStale = false;
  verifications = 0;
  #readiness: Promise<void> = Promise.resolve();
  readonly #entries = new Map<string, Entry>();
  readonly #access = new Map<string, AccessClaims>();

  constructor() {
    registerInternals(this, this.#internals());
  }

  /** What reading the keys once more does. */
  learning: () => Promise<void> | void = () => undefined;

  get keys(): SessionKeys {
    throw new Error('the HTTP layer leaves the keys alone');
  }

  get revocation(): Revocation {
    throw new Error('the HTTP layer revokes through end() and endAll() alone');
  }

  ready(): Promise<void> {
    return this.#readiness;
  }

  /** What `ready()` answers from now on. */
  set readiness(readiness: Promise<void>) {
    readiness.catch(() => undefined);
    this.#readiness = readiness;
  }

  async start(options: StartOptions): Promise<TokenPair> {
    this.#reach();
    const now = Date.now();
    const sid = randomBytes(16).toString('base64url');
    const entry: Entry = { sid, options, startedAt: now, generation: 0, rotatedAt: now, lastActivityAt: now };
    this.#entries.set(sid, entry);
    return this.#pair(entry);
  }

  async refresh(refreshToken: string, { activity }: RefreshOptions = {}): Promise<RefreshedPair> {
    this.#reach();
    this.reports.push(activity);
    const { sid, generation } = parts(refreshToken);
    const entry = this.#entries.get(sid);
    if (entry === undefined) throw new KeyturnError('ERR_REFRESH_INVALID', 'unknown');
    if (entry.ended !== undefined) throw new KeyturnError('ERR_SESSION_REVOKED', 'the session was ended', { reason: entry.ended });
    const now = Date.now();
    if (now > entry.lastActivityAt + IDLE_MS) throw new KeyturnError('ERR_SESSION_EXPIRED', 'the session expired', { reason: 'idle' });
    if (activity !== undefined) entry.lastActivityAt = now - activity;
    if (generation === entry.generation) {
      entry.generation += 1;
      entry.rotatedAt = now;
      return { ...this.#pair(entry), outcome: 'rotated' };
    }
    if (generation === entry.generation - 1 && now - entry.rotatedAt <= GRACE_MS) return { ...this.#pair(entry), outcome: 'replayed' };
    entry.ended = 'reuse';
    throw new KeyturnError('ERR_REFRESH_REUSED', 'the refresh token was used before', { reason: 'reuse' });
  }

  renew(): Promise<TokenPair> {
    throw new Error('the HTTP layer renews nothing');
  }

  async list(subject: string): Promise<readonly Session[]> {
    this.#reach();
    return this.#live(subject).map((entry) => view(entry));
  }

  async end(sid: string, { subject }: Readonly<{ subject?: string }> = {}): Promise<void> {
    this.#reach();
    const entry = this.#entries.get(sid);
    if (entry === undefined || entry.ended !== undefined || (subject !== undefined && entry.options.subject !== subject)) {
      throw new KeyturnError('ERR_SESSION_UNKNOWN', 'there is no such session');
    }
    entry.ended = 'logout';
  }

  async endAll(subject: string): Promise<number> {
    this.#reach();
    const live = this.#live(subject);
    for (const entry of live) entry.ended = 'logout';
    return live.length;
  }

  verify(accessToken: string): Readonly<AccessClaims> {
    this.verifications += 1;
    const claims = this.#access.get(accessToken);
    if (claims === undefined) throw new KeyturnError('ERR_SIGNATURE_INVALID', 'the signature does not match');
    if (claims.exp * 1000 <= Date.now()) throw new KeyturnError('ERR_TOKEN_EXPIRED', 'the token expired');
    if (this.#entries.get(claims.sid)?.ended !== undefined) throw new KeyturnError('ERR_TOKEN_REVOKED', 'the token was revoked');
    return claims;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** An access token with these claims, of a session of its own. */
  async tokenWith(claims: Readonly<Record<string, unknown>>): Promise<string> {
    const { accessToken, session } = await this.start({ subject: 'someone' });
    const issued = this.#access.get(accessToken);
    this.#access.set(accessToken, { ...issued, ...claims, sid: session.id } as AccessClaims);
    return accessToken;
  }

  endedReason(sid: string): string | undefined {
    return this.#entries.get(sid)?.ended;
  }

  #live(subject: string): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.ended === undefined && entry.options.subject === subject);
  }

  #reach(): void {
    if (this.isDown) throw new KeyturnError('ERR_STORE_UNAVAILABLE', 'cannot open /srv/secret/path.db', { retryAfter: 2 });
  }

  #pair(entry: Entry): TokenPair {
    const accessToken = `fake.${entry.sid}.${randomBytes(6).toString('hex')}`;
    const { subject, roles, permissions, claims } = entry.options;
    const iat = Math.floor(Date.now() / 1000);
    this.#access.set(accessToken, {
      ...claims,
      iss: 'fake',
      aud: 'fake',
      sub: subject,
      sid: entry.sid,
      jti: accessToken.slice(-12),
      iat,
      exp: iat + ACCESS_MS / 1000,
      auth_time: Math.floor(entry.startedAt / 1000),
      ...(roles === undefined ? {} : { roles }),
      ...(permissions === undefined ? {} : { permissions }),
    });
    return {
      accessToken,
      refreshToken: `kt1_${entry.sid}.${String(entry.generation)}.good`,
      expiresIn: ACCESS_MS / 1000,
      session: view(entry),
    };
  }

  #internals(): SessionInternals {
    const endAs = (refreshToken: string, reason: string): string | undefined => {
      this.#reach();
      const entry = this.#entries.get(parts(refreshToken).sid);
      if (entry === undefined || entry.ended !== undefined) return undefined;
      entry.ended = reason;
      return entry.options.subject;
    };
    return {
      events: this.events,
      strategy: 'rotation',
      verify: (token) => this.verify(token),
      checkStaleness: (onStale = 'allow') => {
        if (this.isStale && onStale === 'reject') throw new KeyturnError('ERR_STORE_UNAVAILABLE', 'stale', { reason: 'stale' });
      },
      sessionOf: (token) => (/^kt1_[\w-]{22}\.\d+\.good$/.test(token) ? parts(token).sid : undefined),
      namesUnknownKey: () => false,
      learnKeys: async () => {
        await this.learning();
      },
      csrfToken: (sid) => `csrf-${sid}`,
      csrfMatches: (sid, presented) => presented === `csrf-${sid}`,
      recordActivity: (_claims, agoMs) => {
        this.activity.push(agoMs);
      },
      endByRefreshToken: async (token, reason) => endAs(token, reason),
      endAllByRefreshToken: async (token, reason) => {
        const subject = endAs(token, reason);
        if (subject !== undefined) await this.endAll(subject);
        return subject;
      },
      jwks: () => ({ keys: [{ kty: 'OKP', crv: 'Ed25519', kid: 'fake', x: 'AA' }] }),
      gauges: () => new Map([['keyturn_sessions_live', this.#entries.size]]),
      createLimiter: (options) => {
        this.limiters.push(options);
        return new FakeLimiter(options);
      },
    };
  }
}

/** The generic cell rate algorithm over a Map. */
class FakeLimiter implements Limiter {
  readonly #arrivals = new Map<string, number>();
  readonly #interval: number;
  readonly #burst: number;

  constructor({ limit, windowMs }: LimiterOptions) {
    this.#interval = windowMs / limit;
    this.#burst = windowMs;
  }

  take(key: string, now: number): number {
    const next = Math.max(this.#arrivals.get(key) ?? 0, now) + this.#interval;
    if (next - now > this.#burst) return next - now - this.#burst;
    this.#arrivals.set(key, next);
    return 0;
  }
}

function parts(refreshToken: string): { readonly sid: string; readonly generation: number } {
  const [sid = '', generation = ''] = refreshToken.slice(4).split('.');
  return { sid, generation: Number(generation) };
}

function view(entry: Entry): Session {
  const { sid, options, startedAt, lastActivityAt } = entry;
  return {
    id: sid,
    subject: options.subject,
    device: options.device,
    startedAt,
    lastActivityAt,
    idleEndsAt: lastActivityAt + IDLE_MS,
    absoluteEndsAt: startedAt + ABSOLUTE_MS,
  };
}

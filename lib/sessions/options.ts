import cluster from 'node:cluster';

import { KeyturnError } from '../errors.js';
import { type Algorithm, checkedAlgorithm, type Key } from '../keys/key.js';
import type { KeyRing } from '../keys/ring.js';
import { isKeys, sessionKeysOf } from '../keys/source.js';
import type { NativeKeySet, NativeTimetable } from '../native.js';
import { checkOptions } from '../options/checks.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { oneOf, requiredString } from '../options/strings.js';
import type { MasterKeyOption } from './master-key.js';
import { type MaxSessions, resolveMaxSessions } from './max-sessions.js';
import { type OnRefresh, type RefreshSettings, type ResolvedRefreshSettings, resolveRefresh } from './refresh-options.js';
import { type ResolvedStaleness, resolveStaleness, STALENESS_OPTIONS, type StalenessOptions } from './staleness.js';

/** Options of `createSessions`. Every default has its reason in `docs/defaults.md`. */
export interface SessionsOptions extends StalenessOptions {
  /**
   * `memory:` (private), `memory:NAME` (shared by threads), `sqlite:PATH`, or for several hosts Redis:
   * `redis://USER:PASSWORD@HOST:PORT/DB`, `redis+sentinel://HOST,HOST/MASTER`, `redis+cluster://HOST,HOST`; `rediss` is TLS.
   * Behind a `?` Redis takes `ca` (a file of authorities), `db` (Sentinel), `prefix`, `sentinel-user`, `sentinel-password`, `wait`.
   */
  readonly store: string;
  /** `iss` of the access tokens: who you are. */
  readonly issuer: string;
  /** `aud` of the access tokens: for whom they are. */
  readonly audience: string;
  /**
   * Keys for the access tokens: the first that can sign signs, all of them verify; or a ring of this process; or how the ring
   * in the store, which all processes share, rotates. Default: an Ed25519 key in the store, made by whichever process comes first.
   */
  readonly keys?: readonly Key[] | KeyRing | StoredKeyOptions | undefined;
  /**
   * Seals the keys in the store. Default: they lie open there, and whoever can read the store can sign tokens. A string is taken
   * as it is, so `process.env.KEYTURN_MASTER_KEY` may be given.
   */
  readonly masterKey?: MasterKeyOption | undefined;
  /**
   * What is exchanged for the next access token: `'rotation'` (default), a refresh token that works once; `'jti-exchange'`, the
   * expired access token; `'renewal'`, the access token near its end, and nothing is remembered. `docs/design.md` says what each
   * gives up.
   */
  readonly strategy?: Strategy | undefined;
  readonly access?: Readonly<{
    /** The life of an access token, 1 s to 24 h. Default `'5m'`. */
    ttl?: Duration | undefined;
  }>;
  readonly refresh?: Readonly<RefreshSettings> | undefined;
  /** How long a session may rest. Default `'1h'`, or `absolute` if that is shorter. */
  readonly idle?: Duration | undefined;
  /** How long a session lasts at most, counted from sign-in. Default `'24h'`. */
  readonly absolute?: Duration | undefined;
  /** How many sessions a user may have at once. Without it there is no limit. */
  readonly maxSessions?: MaxSessions | undefined;
}

/** How the signing keys in the store rotate. Every default has its reason in `docs/defaults.md`. */
export interface StoredKeyOptions {
  /** The algorithm of the keys that are made from now on. Default `'EdDSA'`. */
  readonly alg?: Algorithm | undefined;
  /**
   * How long a key signs before the next one does. The refresh and CSRF keys follow, but sign for at least as long as `absolute`.
   * Default: until `sessions.keys.rotate()`.
   */
  readonly rotateEvery?: Duration | undefined;
  /** How long the next key stands in the JWKS before it signs, at least 301 seconds. Default `'1h'`; 10 seconds for HMAC. */
  readonly publishFor?: Duration | undefined;
}

/** How sessions are kept alive. */
export type Strategy = 'rotation' | 'jti-exchange' | 'renewal';

export const SESSIONS_OPTIONS = [
  'store', 'issuer', 'audience', 'keys', 'masterKey', 'strategy', 'access', 'refresh', 'idle', 'absolute', 'maxSessions', ...STALENESS_OPTIONS,
] as const satisfies readonly (keyof SessionsOptions)[];

/** The options as the addon takes them, spans in milliseconds. */
export interface ResolvedOptions {
  readonly settings: {
    readonly strategy: Strategy;
    readonly store: string;
    readonly issuer: string;
    readonly audience: string;
    readonly accessTtl: number;
    readonly idle: number;
    readonly absolute: number;
    readonly maxSessions?: { readonly count: number; readonly when: string };
  } & ResolvedRefreshSettings;
  readonly onRefresh: OnRefresh | undefined;
  readonly keys: NativeKeySet | undefined;
  readonly timetable: NativeTimetable | undefined;
  readonly masterKey: MasterKeyOption | undefined;
  readonly staleness: ResolvedStaleness;
}

const DEFAULT_IDLE_MS = 3_600_000;

/** @throws KeyturnError `ERR_OPTION_UNKNOWN` or `ERR_OPTION_INVALID`, saying what to write instead. */
export function resolveOptions(options: Readonly<SessionsOptions>): ResolvedOptions {
  checkOptions(options, 'createSessions()', SESSIONS_OPTIONS);
  const { access = {}, refresh = {}, keys, maxSessions } = options;
  checkOptions(access, 'access', ['ttl']);
  const store = requiredString(options.store, 'store', "'sqlite:./data/keyturn.db'");
  if (cluster.isWorker && store.startsWith('memory:')) {
    throw new KeyturnError(
      'ERR_OPTION_INVALID',
      "a cluster worker cannot use 'memory:': every worker would have sessions of its own. Use 'sqlite:PATH' or 'redis://HOST'",
      { claim: 'store' },
    );
  }
  const absolute = parseDuration(options.absolute ?? '24h', 'absolute');
  return {
    settings: {
      strategy: oneOf(options.strategy ?? 'rotation', 'strategy', ['rotation', 'jti-exchange', 'renewal']),
      store,
      issuer: requiredString(options.issuer, 'issuer', "'https://app.example.com'"),
      audience: requiredString(options.audience, 'audience', "'app'"),
      accessTtl: parseDuration(access.ttl ?? '5m', 'access.ttl'),
      ...resolveRefresh(refresh),
      // A default must not contradict what was asked for.
      idle: options.idle === undefined ? Math.min(DEFAULT_IDLE_MS, absolute) : parseDuration(options.idle, 'idle'),
      absolute,
      ...(maxSessions === undefined ? {} : { maxSessions: resolveMaxSessions(maxSessions) }),
    },
    onRefresh: refresh.onRefresh,
    ...resolveKeys(keys),
    masterKey: options.masterKey,
    staleness: resolveStaleness(options),
  };
}

function resolveKeys(keys: SessionsOptions['keys']): Pick<ResolvedOptions, 'keys' | 'timetable'> {
  if (keys === undefined) return { keys: undefined, timetable: undefined };
  if (isKeys(keys) || !isPlain(keys)) return { keys: sessionKeysOf(keys), timetable: undefined };
  return { keys: undefined, timetable: timetableOf(keys as StoredKeyOptions) };
}

/** A key of another library is an object too, and must not be taken for options that say nothing. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function timetableOf(options: Readonly<StoredKeyOptions>): NativeTimetable {
  checkOptions(options, 'keys', ['alg', 'rotateEvery', 'publishFor']);
  const algorithm = options.alg === undefined ? 'EdDSA' : checkedAlgorithm(options.alg, 'keys.alg');
  const publishFor = options.publishFor ?? (algorithm.startsWith('HS') ? '10s' : '1h');
  return {
    algorithm,
    publishFor: parseDuration(publishFor, 'keys.publishFor'),
    ...(options.rotateEvery === undefined ? {} : { rotateEvery: parseDuration(options.rotateEvery, 'keys.rotateEvery') }),
  };
}

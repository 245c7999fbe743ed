import cluster from 'node:cluster';

import { KeyturnError } from '../errors.js';
import type { Key } from '../keys/key.js';
import type { KeyRing } from '../keys/ring.js';
import { sessionKeysOf } from '../keys/source.js';
import type { NativeKeySet } from '../native.js';
import { checkOptions } from '../options/checks.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { oneOf, requiredString } from '../options/strings.js';
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
   * Keys for the access tokens: the first that can sign signs, all of them verify; or a ring. Without it an Ed25519 key is made
   * in the store, by whichever process comes first.
   */
  readonly keys?: readonly Key[] | KeyRing | undefined;
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

/** How sessions are kept alive. */
export type Strategy = 'rotation' | 'jti-exchange' | 'renewal';

export const SESSIONS_OPTIONS = [
  'store', 'issuer', 'audience', 'keys', 'strategy', 'access', 'refresh', 'idle', 'absolute', 'maxSessions', ...STALENESS_OPTIONS,
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
    keys: keys === undefined ? undefined : sessionKeysOf(keys),
    staleness: resolveStaleness(options),
  };
}

import { KeyturnError } from '../../errors.js';
import { checkFunction, checkOptions } from '../../options/checks.js';
import { type Duration, parseDuration } from '../../options/duration.js';
import { stringList } from '../../options/strings.js';
import type { Algorithm } from '../key.js';
import { algorithmNames } from '../set.js';
import { checkedUrl } from './url.js';

/** Options of `createRemoteKeySet`. Every default has its reason in `docs/defaults.md`. */
export interface RemoteKeySetOptions {
  /**
   * The algorithms that are meant; keys for others are passed over. A key that names none gets the first of these that fits it,
   * or the usual one. HMAC is refused: a secret that is published is none.
   */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** Hosts that may be asked, as in a URL (`'id.example.com'`, `'localhost:8080'`). Default: the one of the URL. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** How long one request may take, its body included: 100 ms to 60 s. Default `'5s'`. */
  readonly timeout?: Duration | undefined;
  /** How long after a request for an unknown `kid` no other one is made for that reason: 1 s to 1 h. Default `'30s'`. */
  readonly cooldown?: Duration | undefined;
  /** How old keys may get: 1 s to 24 h. The answer's `Cache-Control: max-age` may say less, down to 30 s. Default `'10m'`. */
  readonly maxAge?: Duration | undefined;
  /** How long before that new ones are fetched in the background, at most half of it. Default `'1m'`. */
  readonly refreshAhead?: Duration | undefined;
  /** How long past that they are used when new ones cannot be had: 0 to 24 h. Default `'1h'`. */
  readonly staleIfError?: Duration | undefined;
  /** The longest answer, in bytes: 256 to 1 MiB. Default 65536. */
  readonly maxBytes?: number | undefined;
  /** The most usable keys: 1 to 32. Default 32. */
  readonly maxKeys?: number | undefined;
  /** Headers of the request, for instance `authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** In place of the global `fetch`, for a proxy or other certificates. */
  readonly fetch?: typeof fetch | undefined;
}

/** The options with every default, spans in milliseconds. */
export interface RemoteSettings {
  readonly url: URL;
  readonly algorithms: Algorithm[];
  readonly timeout: number;
  readonly cooldown: number;
  readonly maxAge: number;
  readonly refreshAhead: number;
  readonly staleIfError: number;
  readonly maxBytes: number;
  readonly maxKeys: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch | undefined;
}

const NAMES = [
  'algorithms', 'allowedHosts', 'timeout', 'cooldown', 'maxAge', 'refreshAhead', 'staleIfError', 'maxBytes', 'maxKeys', 'headers',
  'fetch',
] as const satisfies readonly (keyof RemoteKeySetOptions)[];

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** @throws KeyturnError `ERR_OPTION_UNKNOWN` or `ERR_OPTION_INVALID`, saying what to write instead. */
export function resolveRemoteOptions(url: unknown, options: Readonly<RemoteKeySetOptions>): RemoteSettings {
  checkOptions(options, "createRemoteKeySet()'s second argument", NAMES);
  if (options.fetch !== undefined) checkFunction(options, 'fetch', 'globalThis.fetch');
  const maxAge = span(options.maxAge ?? '10m', 'maxAge', SECOND, 24 * HOUR);
  return {
    url: checkedUrl(url, options.allowedHosts === undefined ? undefined : stringList(options.allowedHosts, 'allowedHosts')),
    algorithms: asymmetric(algorithmNames(options.algorithms)),
    timeout: span(options.timeout ?? '5s', 'timeout', 100, 60 * SECOND),
    cooldown: span(options.cooldown ?? '30s', 'cooldown', SECOND, HOUR),
    maxAge,
    // A default must not contradict what was asked for.
    refreshAhead: options.refreshAhead === undefined ? Math.min(60 * SECOND, maxAge / 2) : span(options.refreshAhead, 'refreshAhead', 0, maxAge / 2),
    staleIfError: span(options.staleIfError ?? '1h', 'staleIfError', 0, 24 * HOUR),
    maxBytes: count(options.maxBytes ?? 65_536, 'maxBytes', 256, 1024 * 1024),
    maxKeys: count(options.maxKeys ?? 32, 'maxKeys', 1, 32),
    headers: headers(options.headers),
    fetch: options.fetch,
  };
}

function asymmetric(algorithms: Algorithm[]): Algorithm[] {
  if (!algorithms.some((name) => name.startsWith('HS'))) return algorithms;
  throw new KeyturnError('ERR_OPTION_INVALID', 'algorithms must not name HMAC: a secret that is fetched from a URL is none', {
    claim: 'algorithms',
  });
}

function span(value: unknown, option: string, least: number, most: number): number {
  const ms = parseDuration(value, option);
  if (ms >= least && ms <= most) return ms;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be from ${shown(least)} to ${shown(most)}`, { claim: option });
}

function shown(ms: number): string {
  return ms % SECOND === 0 ? `${String(ms / SECOND)} seconds` : `${String(ms)} ms`;
}

function count(value: unknown, option: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be a whole number from ${String(least)} to ${String(most)}`, { claim: option });
}

function headers(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  try {
    // The platform's own check of names and values, and a copy that nobody changes later.
    if (typeof value === 'object' && value !== null) return Object.fromEntries(new Headers(value as Record<string, string>).entries());
  } catch (cause) {
    throw new KeyturnError('ERR_OPTION_INVALID', "headers must be an object such as { authorization: 'Bearer ...' }", { claim: 'headers', cause });
  }
  throw new KeyturnError('ERR_OPTION_INVALID', "headers must be an object such as { authorization: 'Bearer ...' }", { claim: 'headers' });
}

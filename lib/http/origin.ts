import type { IncomingMessage } from 'node:http';

import { KeyturnError } from '../errors.js';

/** Whether a request may act with the cookies it carries, as far as its origin tells. */
export type OriginCheck = (req: IncomingMessage) => boolean;

const MAX_ORIGIN_LENGTH = 512;
const HOST = /^[A-Za-z0-9._\-[\]:]{1,261}$/;

/**
 * Makes the first of the CSRF checks, from what browsers say of themselves and scripts cannot change:
 *
 * - an `Origin` listed in `origins` passes: the application trusts that page by name;
 * - otherwise `Sec-Fetch-Site`, if present, must be `same-origin` (`same-site` covers sibling hosts and other ports);
 * - without it (browsers before 2023, plain http), the host of `Origin` must equal `Host`; `null` never does;
 * - neither header: not a browser, which passes this step and no other.
 *
 * @param origins Exact origins of pages on other hosts, for instance `https://app.example.com`.
 * @throws KeyturnError `ERR_OPTION_INVALID` for anything that is not exactly an http(s) origin: a path, a trailing slash, a
 *   wildcard, a default port, upper case.
 */
export function createOriginCheck(origins: readonly string[] = []): OriginCheck {
  const listed = parseOrigins(origins);
  return function isOriginAllowed(req) {
    const { origin, host } = req.headers;
    if (origin !== undefined && listed.has(origin)) return true;
    const site = req.headers['sec-fetch-site'];
    if (site !== undefined) return site === 'same-origin';
    return origin === undefined || isSameHost(origin, host);
  };
}

function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !HOST.test(host)) return false;
  const url = parseOrigin(origin);
  if (url === undefined) return false;
  // Reading Host with the origin's scheme makes `example.com:443` and `https://example.com` the same host.
  const own = parseOrigin(`${url.protocol}//${host.toLowerCase()}`, 'port may be the default');
  return own !== undefined && own.host === url.host;
}

function parseOrigins(origins: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(origins)) {
    throw invalid("origins must be an array of origins, for instance ['https://app.example.com']");
  }
  for (const origin of origins as readonly unknown[]) {
    if (typeof origin === 'string' && parseOrigin(origin) !== undefined) continue;
    throw invalid(`origins: ${JSON.stringify(origin)} is not an exact origin; write scheme and host only, for instance ${example(origin)}`);
  }
  return new Set(origins);
}

/** `undefined` unless the text is an http(s) origin in the form in which browsers send it. */
function parseOrigin(text: string, leniency?: 'port may be the default'): URL | undefined {
  if (text.length > MAX_ORIGIN_LENGTH || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (leniency === undefined && url.origin !== text) return undefined;
  if (url.hostname.includes('*')) return undefined;
  return url;
}

function example(origin: unknown): string {
  const fixed = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin).origin : 'null';
  return fixed === 'null' || fixed.includes('*') ? "'https://app.example.com'" : `'${fixed}'`;
}

function invalid(message: string): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', message, { claim: 'origins' });
}

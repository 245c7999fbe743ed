import { KeyturnError } from '../../errors.js';

/**
 * The address of a key set. Whoever can change what it answers can sign, so it is `https:`; plain `http:` only reaches this
 * machine.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID`.
 */
export function checkedUrl(value: unknown, allowedHosts: readonly string[] | undefined): URL {
  const url = parse(value);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw refused('the URL of a key set must begin with https:// (http:// only for localhost)');
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('the URL of a key set must hold no user name and password; give them in headers');
  }
  if (allowedHosts !== undefined && !allowedHosts.some((host) => isHost(url, host))) {
    throw refused(`the host ${url.host} is not among allowedHosts`);
  }
  url.hash = '';
  return url;
}

/** The address as it may stand in a message: a query can hold secrets. */
export function shownUrl(url: URL): string {
  return url.origin + url.pathname;
}

function parse(value: unknown): URL {
  try {
    if (typeof value === 'string' || value instanceof URL) return new URL(value);
  } catch (cause) {
    throw refused('a key set has a URL such as https://id.example.com/.well-known/jwks.json', cause);
  }
  throw refused('a key set has a URL such as https://id.example.com/.well-known/jwks.json');
}

/** Whether the allowed host is the URL's. Without a port it allows the port that goes with the scheme. */
function isHost(url: URL, allowed: string): boolean {
  try {
    return new URL(`${url.protocol}//${allowed}/`).host === url.host;
  } catch {
    throw new KeyturnError('ERR_OPTION_INVALID', "allowedHosts must hold hosts such as 'id.example.com' or 'localhost:8080'", {
      claim: 'allowedHosts',
    });
  }
}

function isLoopback(hostname: string): boolean {
  // The URL parser has written every form of an address in one way by now.
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function refused(message: string, cause?: unknown): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', message, { claim: 'url', cause });
}

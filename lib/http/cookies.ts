import { KeyturnError } from '../errors.js';

/** What a Cookie header says about one name. `refused` is for a header that no honest browser sends. */
export type CookieRead =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly value: string }
  | { readonly kind: 'refused' };

/** A cookie to be set. It always carries `Secure`, `SameSite=Strict` and `Path=/`, and never a `Domain`. */
export interface CookieToSet {
  readonly name: string;
  readonly value: string;
  /** Whether scripts are kept from reading it. */
  readonly httpOnly: boolean;
  /** Whole seconds, 0 to delete the cookie; `undefined` for one that ends with the browser. */
  readonly maxAge?: number | undefined;
}

const MAX_HEADER_LENGTH = 16 * 1024;
const MAX_PAIRS = 256;

const NONE: CookieRead = { kind: 'none' };
const REFUSED: CookieRead = { kind: 'refused' };

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 6265, section 4.1.1: no control, space, `"`, `,`, `;` or backslash. */
const COOKIE_OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/**
 * Looks one cookie up in a Cookie header (RFC 6265, section 5.4), byte by byte: names compare exactly, only SP and HTAB
 * are trimmed (never U+2000, never NBSP), nothing is percent-decoded or unquoted, and `$Version` is a name like others.
 *
 * A name that occurs twice is refused: one of the two was put there by somebody else (a sibling host, plain http), and
 * no rule says which. So are a header over 16 KB and one of more than 256 pairs. Cost: one pass, no allocation but the value.
 */
export function readCookie(header: string | undefined, name: string): CookieRead {
  if (header === undefined) return NONE;
  if (header.length > MAX_HEADER_LENGTH) return REFUSED;
  let found: string | undefined;
  let start = 0;
  for (let pairs = 0; start <= header.length; pairs += 1) {
    if (pairs === MAX_PAIRS) return REFUSED;
    const semicolon = header.indexOf(';', start);
    const end = semicolon === -1 ? header.length : semicolon;
    const equals = header.indexOf('=', start);
    if (equals !== -1 && equals < end && trimmed(header, start, equals) === name) {
      if (found !== undefined) return REFUSED;
      found = trimmed(header, equals + 1, end);
    }
    start = end + 1;
  }
  return found === undefined ? NONE : { kind: 'one', value: found };
}

/**
 * Writes a Set-Cookie value.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for a name or value that could end the pair or the header (CR, LF, NUL, `;`,
 *   `,`, space, quotes, anything outside ASCII) and for a `maxAge` that is no whole number of seconds.
 */
export function formatSetCookie(cookie: CookieToSet): string {
  checkCookieName(cookie.name, 'name');
  if (!COOKIE_OCTETS.test(cookie.value)) {
    throw new KeyturnError('ERR_OPTION_INVALID', `the value of cookie '${cookie.name}' holds a character that cookies cannot carry`);
  }
  let text = `${cookie.name}=${cookie.value}; Path=/; Secure; SameSite=Strict`;
  if (cookie.httpOnly) text += '; HttpOnly';
  if (cookie.maxAge !== undefined) {
    if (!Number.isSafeInteger(cookie.maxAge) || cookie.maxAge < 0) {
      throw new KeyturnError('ERR_OPTION_INVALID', `maxAge of cookie '${cookie.name}' must be a whole number of seconds`);
    }
    text += `; Max-Age=${String(cookie.maxAge)}`;
    if (cookie.maxAge === 0) text += '; Expires=Thu, 01 Jan 1970 00:00:00 GMT';
  }
  return text;
}

/** @throws KeyturnError `ERR_OPTION_INVALID`, naming `option`, for anything but 1 to 128 token characters (RFC 9110, 5.6.2). */
export function checkCookieName(name: unknown, option: string): asserts name is string {
  if (typeof name === 'string' && name.length <= 128 && TOKEN.test(name)) return;
  throw new KeyturnError(
    'ERR_OPTION_INVALID',
    `${option} must be a cookie name of letters, digits and !#$%&'*+-.^_\`|~ (1 to 128 characters)`,
    { claim: option },
  );
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

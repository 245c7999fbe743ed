import type { IncomingMessage, ServerResponse } from 'node:http';

import { KeyturnError } from '../errors.js';
import { checkCookieName, type CookieRead, type CookieToSet, formatSetCookie, readCookie } from './cookies.js';

/** How the refresh cookie is named and how long the browser keeps it. */
export interface RefreshCookieOptions {
  /**
   * Default `__Host-Http-keyturn`. Must begin with `__Host-`, the prefix with which browsers keep sibling hosts and plain
   * http from planting the cookie. Two applications on one host (ports do not separate cookies) need different names.
   */
  readonly name?: string | undefined;
  /** `absolute` (default): until the session's absolute end. `browser`: until the browser is closed. */
  readonly lifetime?: 'absolute' | 'browser' | undefined;
}

/** The names by which the browser gets and returns the XSRF token. The defaults are Angular's. */
export interface CsrfOptions {
  /** The readable cookie. Default `XSRF-TOKEN`. */
  readonly cookie?: string | undefined;
  /** The request header. Default `X-XSRF-TOKEN`. */
  readonly header?: string | undefined;
}

/** What is set when a session starts or rotates. */
export interface CookieGrant {
  readonly refreshToken: string;
  readonly csrfToken: string;
  /** Unix milliseconds. */
  readonly absoluteEndsAt: number;
}

/**
 * The two cookies of a browser session: the refresh token, which no script can read, and the XSRF token, which scripts of
 * the same origin must read and send back in a header. Both are `Secure; SameSite=Strict; Path=/` without a Domain.
 */
export class RefreshCookie {
  readonly #name: string;
  readonly #keep: boolean;
  readonly #csrfCookie: string;
  readonly #csrfHeader: string;

  /** @throws KeyturnError `ERR_OPTION_INVALID` for a name without the prefix or with characters that cannot be sent. */
  constructor(cookie: RefreshCookieOptions = {}, csrf: CsrfOptions = {}) {
    const { name = '__Host-Http-keyturn', lifetime = 'absolute' } = cookie;
    const { cookie: csrfCookie = 'XSRF-TOKEN', header: csrfHeader = 'X-XSRF-TOKEN' } = csrf;
    checkCookieName(name, 'cookie.name');
    checkCookieName(csrfCookie, 'csrf.cookie');
    checkCookieName(csrfHeader, 'csrf.header');
    if (!name.startsWith('__Host-')) {
      throw invalid('cookie.name', `cookie.name must begin with '__Host-', for instance '__Host-Http-${name}'`);
    }
    // The prefix rules demand HttpOnly for `__Http-` and `__Host-Http-`, which this cookie must not have.
    if (/^__(?:host-)?http-/i.test(csrfCookie)) {
      throw invalid('csrf.cookie', "csrf.cookie must be readable by scripts, so it cannot carry an 'Http-' prefix; '__Host-' is fine");
    }
    if (name.toLowerCase() === csrfCookie.toLowerCase()) {
      throw invalid('csrf.cookie', 'csrf.cookie and cookie.name must differ');
    }
    // Checked at run time too, for callers without the compiler.
    if (!['absolute', 'browser'].includes(lifetime)) {
      throw invalid('cookie.lifetime', "cookie.lifetime must be 'absolute' or 'browser'");
    }
    this.#name = name;
    this.#keep = lifetime === 'absolute';
    this.#csrfCookie = csrfCookie;
    this.#csrfHeader = csrfHeader.toLowerCase();
  }

  /** The refresh token that came with the request, as sent. */
  read(req: IncomingMessage): CookieRead {
    return readCookie(req.headers.cookie, this.#name);
  }

  /** The XSRF token from the request header; a header sent twice counts as none. */
  readCsrf(req: IncomingMessage): string | undefined {
    const value = req.headers[this.#csrfHeader];
    return typeof value === 'string' ? value : undefined;
  }

  /** Sets both cookies, beside whatever cookies the application sets. */
  grant(res: ServerResponse, { refreshToken, csrfToken, absoluteEndsAt }: CookieGrant, now: number): void {
    const maxAge = this.#keep ? Math.max(0, Math.ceil((absoluteEndsAt - now) / 1000)) : undefined;
    append(res, { name: this.#name, value: refreshToken, httpOnly: true, maxAge });
    append(res, { name: this.#csrfCookie, value: csrfToken, httpOnly: false, maxAge });
  }

  /** Sets the XSRF cookie alone, until the browser is closed: without reading the store its session's end is not known. */
  grantCsrf(res: ServerResponse, csrfToken: string): void {
    append(res, { name: this.#csrfCookie, value: csrfToken, httpOnly: false });
  }

  /** Deletes both cookies. */
  clear(res: ServerResponse): void {
    append(res, { name: this.#name, value: '', httpOnly: true, maxAge: 0 });
    append(res, { name: this.#csrfCookie, value: '', httpOnly: false, maxAge: 0 });
  }
}

/** In the place of {@link RefreshCookie} where nothing is kept in cookies: there never is one, and none is set. */
export class NoRefreshCookie extends RefreshCookie {
  override read(): CookieRead {
    return { kind: 'none' };
  }

  override grant(): void {
    // The access token in the body is all there is.
  }

  override grantCsrf(): void {
    // Without a cookie there is nothing to forge.
  }

  override clear(): void {
    // As above.
  }
}

function append(res: ServerResponse, cookie: CookieToSet): void {
  res.appendHeader('Set-Cookie', formatSetCookie(cookie));
}

function invalid(option: string, message: string): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', message, { claim: option });
}

import type { IncomingMessage } from 'node:http';

import type { JwtPayload } from '../jsonwebtoken/index.js';

declare global {
  // The name under which Express's own types take additions. It is declared so that it exists without those types, too.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- a place for others to add to
    interface Request {}
  }
}

/** A request whose `auth` holds the payload of the token, if there was one. */
export type Request<T = JwtPayload> = ExpressRequest & { auth?: T | undefined };

/** @deprecated Use {@link Request}. */
export type ExpressJwtRequest<T = JwtPayload> = ExpressRequest & { auth: T };

/** @deprecated Use {@link Request}. */
export type ExpressJwtRequestUnrequired<T = JwtPayload> = ExpressRequest & { auth?: T | undefined };

/** What continues with the next handler, or with the error handler. */
export type Next = (error?: Parsed) => void;

/** What a parser made of untyped text; as in Express's own types, nothing is checked about it. */
type Parsed = ReturnType<typeof JSON.parse>;

/**
 * A request as Express 4 and 5 hand it to middleware. It is written down here so that these types need no other package;
 * Express's own `Request` and this one can be used in place of each other.
 */
export interface ExpressRequest extends IncomingMessage, Express.Request {
  /** The media types that the client accepts, best first. */
  accepted: { value: string; quality: number; type: string; subtype: string }[];
  /** The application that handles it. */
  app: Parsed;
  /** Where the router that handles it is mounted. */
  readonly baseUrl: string;
  /** The body, once a parser has read it. */
  body: Parsed;
  /** The cookies, once a parser has read them. */
  cookies: Parsed;
  /** Whether the client's copy is still good. */
  readonly fresh: boolean;
  /** The host with its port. */
  readonly host: string;
  /** The host without its port. */
  readonly hostname: string;
  /** The address of the client. */
  readonly ip: string | undefined;
  /** The addresses of the client and of the proxies on the way. */
  readonly ips: string[];
  method: string;
  /** What continues with the next handler. */
  next?: Parsed;
  /** The target as it was sent, before any router cut it. */
  originalUrl: string;
  /** The values of the route's parameters. */
  params: Parsed;
  /** The path of `url`. */
  readonly path: string;
  /** `http` or `https`. */
  readonly protocol: string;
  /** The query string's values. */
  query: Parsed;
  /** The response to it. */
  res?: Parsed;
  /** The route that handles it. */
  route: Parsed;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** The signed cookies, once a parser has read them. */
  signedCookies: Parsed;
  /** Whether the client's copy is no longer good. */
  readonly stale: boolean;
  /** The labels before the domain, the last one first. */
  readonly subdomains: string[];
  url: string;
  /** Whether a script sent it, by the header `X-Requested-With`. */
  readonly xhr: boolean;

  /** The best of the media types, or false; without an argument all that the client accepts. */
  accepts: Negotiation;
  /** The best of the character sets, or false. */
  acceptsCharsets: Negotiation;
  /** The best of the encodings, or false. */
  acceptsEncodings: Negotiation;
  /** The best of the languages, or false. */
  acceptsLanguages: Negotiation;
  /** A header, by its name in any case. */
  get: HeaderReader;
  /** A header, by its name in any case. */
  header: HeaderReader;
  /** The body's type, if it is one of these. */
  is(type: string | string[]): string | false | null;
  /** The ranges that the client asks for: -1 if none can be met, -2 if the header is malformed. */
  range(size: number, options?: { combine?: boolean }): Parsed;
}

interface Negotiation {
  (): string[];
  (type: string[]): string | false;
  (...type: string[]): string | false;
}

interface HeaderReader {
  (name: 'set-cookie'): string[] | undefined;
  (name: string): string | undefined;
}

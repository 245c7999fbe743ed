import type { ExpressRequest } from './request.js';
import { UnauthorizedError } from './unauthorized-error.js';

const FORMAT = { message: 'Format is Authorization: Bearer [token]' };

/** The Bearer token of a request, or that it goes on without one. */
export type Credentials = { readonly token: string | undefined } | 'pass';

/**
 * The Bearer token of the Authorization header (RFC 6750, section 2.1), if there is one. A header of another scheme lets
 * the request pass where no credentials are required.
 *
 * @throws UnauthorizedError `credentials_bad_format` unless the header is two words with one space between, and
 *   `credentials_bad_scheme` unless the first is Bearer, if credentials are required.
 */
export function readCredentials(req: ExpressRequest, required: boolean): Credentials {
  const header = authorizationOf(req);
  if (!header) return { token: undefined };
  const [scheme, token, ...more] = header.split(' ');
  if (scheme === undefined || token === undefined || more.length > 0) throw new UnauthorizedError('credentials_bad_format', FORMAT);
  if (/^bearer$/i.test(scheme)) return { token };
  if (required) throw new UnauthorizedError('credentials_bad_scheme', FORMAT);
  return 'pass';
}

/** Node writes header names in lower case; stand-ins for a request and adapters for other servers may not. */
function authorizationOf(req: { readonly headers?: Readonly<Record<string, unknown>> | null }): string | undefined {
  const headers = req.headers ?? {};
  return headers['Authorization' in headers ? 'Authorization' : 'authorization'] as string | undefined;
}

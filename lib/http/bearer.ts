import type { IncomingMessage } from 'node:http';

import { KeyturnError } from '../errors.js';

/** Far above every `maxTokenBytes` in use; it only keeps the pattern below from walking megabytes. */
const MAX_HEADER_LENGTH = 64 * 1024;

/** RFC 9110, section 11.1: the scheme is a token, compared without case. */
const SCHEME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/;
/** RFC 6750, section 2.1. */
const CREDENTIALS = /^ +([A-Za-z0-9\-._~+/]+=*)$/;

/**
 * The access token of a request: the one Bearer credential of its Authorization header (RFC 6750, section 2.1), or
 * `undefined` when there is none, or one of another scheme. Tokens in the query or the body are never looked at.
 *
 * @throws KeyturnError `ERR_TOKEN_MALFORMED` when the header is there but is not exactly one Bearer token, or was sent more
 *   than once; `ERR_TOKEN_TOO_LARGE` for a header over 64 KB.
 */
export function readBearer(req: IncomingMessage): string | undefined {
  const header = req.headers.authorization;
  if (header === undefined) return undefined;
  if (header.length > MAX_HEADER_LENGTH) throw new KeyturnError('ERR_TOKEN_TOO_LARGE', 'the Authorization header is too large');
  // Node keeps the first of several and drops the rest; a proxy before it may have judged the last.
  if (isRepeated(req.rawHeaders)) throw new KeyturnError('ERR_TOKEN_MALFORMED', 'the Authorization header was sent more than once');
  if (header === '') return undefined;
  const scheme = SCHEME.exec(header)?.[0];
  if (scheme === undefined) throw malformed();
  if (scheme.toLowerCase() !== 'bearer') return undefined;
  const token = CREDENTIALS.exec(header.slice(scheme.length))?.[1];
  if (token === undefined) throw malformed();
  return token;
}

function isRepeated(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 13 && name.toLowerCase() === 'authorization') count += 1;
  }
  return count > 1;
}

function malformed(): KeyturnError {
  return new KeyturnError('ERR_TOKEN_MALFORMED', 'the Authorization header must be "Bearer" and one token');
}

import { KeyturnError } from '../errors.js';

/** A token taken apart. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
  /** In base64url, as it stands in the token. */
  readonly signature: string;
}

const MAX_BYTES = 1024 * 1024;

/**
 * Takes a token apart and checks nothing: neither signature, nor expiry, nor who it is from. For logs and debuggers; what it
 * returns was written by whoever sent the token.
 *
 * @throws KeyturnError `ERR_TOKEN_MALFORMED`, or `ERR_TOKEN_TOO_LARGE` above 1 MiB.
 */
export function dangerouslyDecode(token: string): DecodedToken {
  if (typeof token !== 'string') throw malformed();
  if (token.length > MAX_BYTES) throw new KeyturnError('ERR_TOKEN_TOO_LARGE', 'The token is longer than 1 MiB.');
  const [header, payload, signature, ...more] = token.split('.', 4);
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) throw malformed();
  const decodedHeader = parse(header);
  if (typeof decodedHeader !== 'object' || decodedHeader === null || Array.isArray(decodedHeader)) throw malformed();
  return { header: decodedHeader as Record<string, unknown>, payload: parse(payload), signature };
}

function parse(segment: string): unknown {
  try {
    return JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause?: unknown): KeyturnError {
  return new KeyturnError('ERR_TOKEN_MALFORMED', 'The token is not a well-formed compact JWS.', { cause });
}

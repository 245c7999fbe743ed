import { objectOf, takeApart } from './compact.js';
import type { DecodeOptions, Jwt, JwtPayload } from './types.js';

/**
 * The payload of a token of which nothing is checked, or `null` if it is none. With `complete` also header and signature.
 *
 * @throws SyntaxError if the payload must be JSON, by its header or by `json`, and is not.
 */
export function decode(token: string, options: DecodeOptions & { complete: true }): Jwt | null;
export function decode(token: string, options: DecodeOptions & { json: true }): JwtPayload | null;
export function decode(token: string, options?: DecodeOptions): JwtPayload | string | null;
export function decode(token: unknown, options?: unknown): unknown {
  const asked = (options || {}) as DecodeOptions;
  const decoded = takeApart(token, asked);
  if (decoded === null) return null;
  const payload = objectOf(decoded.payload);
  return asked.complete === true ? { header: decoded.header, payload, signature: decoded.signature } : payload;
}

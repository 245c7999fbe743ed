import type { IncomingMessage, ServerResponse } from 'node:http';

import { KeyturnError } from '../errors.js';

/** @throws KeyturnError `ERR_METHOD_NOT_ALLOWED`, with the Allow header set (RFC 9110, section 15.5.6). */
export function requireMethod(req: IncomingMessage, res: ServerResponse, allowed: readonly string[]): void {
  if (allowed.includes(req.method ?? '')) return;
  res.setHeader('Allow', allowed.join(', '));
  throw new KeyturnError('ERR_METHOD_NOT_ALLOWED', `use ${allowed.join(' or ')}`);
}

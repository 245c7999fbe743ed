import type { IncomingMessage, ServerResponse } from 'node:http';

import { KeyturnError, type KeyturnErrorCode } from '../errors.js';
import { type JudgedBy, sendError } from '../http/responses.js';
import { STATUS_OF } from '../http/status.js';
import { type AuthContext, emitFor } from './context.js';

const STORE_CODES: ReadonlySet<KeyturnErrorCode> = new Set([
  'ERR_STORE_UNAVAILABLE',
  'ERR_STORE_CORRUPT',
  'ERR_STORE_VERSION',
  'ERR_STORE_CLOSED',
  'ERR_MASTER_KEY',
]);

/**
 * Answers a request whose handling failed. What the client is not told goes to the operator: a store out of reach as event
 * `store_down`, an unforeseen error as a process warning.
 */
export function answerError(
  context: AuthContext,
  req: IncomingMessage,
  res: ServerResponse,
  error: unknown,
  judgedBy: JudgedBy = 'other',
): void {
  const code = error instanceof KeyturnError ? error.code : 'ERR_INTERNAL';
  if (STORE_CODES.has(code)) {
    if (!isOfApplication(error)) emitFor(context, req, 'store_down', { reason: code });
    warnOfStore(error);
  }
  if (STATUS_OF[code] === 500) process.emitWarning(`a request was answered 500: ${String(error)}`, 'KeyturnWarning');
  sendError(res, error, judgedBy);
}

/** `refresh.onRefresh` failed: the answer is that of a store that is out of service, but it is not. */
function isOfApplication(error: unknown): boolean {
  return error instanceof KeyturnError && error.reason === 'onRefresh';
}

const WARN_EVERY_MS = 60_000;
let warnedAt = -Infinity;

/** Tells the operator what the client is not told, once a minute: every request fails alike while a store is down. */
function warnOfStore(error: unknown): void {
  const now = performance.now();
  if (now - warnedAt < WARN_EVERY_MS) return;
  warnedAt = now;
  process.emitWarning(`${isOfApplication(error) ? 'a refresh' : 'the session store'} failed: ${String(error)}`, { type: 'KeyturnWarning', code: 'KEYTURN_STORE_DOWN' });
}

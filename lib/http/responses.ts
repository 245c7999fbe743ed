import type { ServerResponse } from 'node:http';

import type { KeyturnError } from '../errors.js';
import { publicErrorOf } from './public-error.js';
import { STATUS_OF } from './status.js';

/** What the request was judged by: its Bearer token, or something else (a cookie, a password, its form). */
export type JudgedBy = 'bearer' | 'other';

/** Answers with a JSON body, which no cache keeps unless told to. Does nothing when an answer is already on its way. */
export function sendJson(res: ServerResponse, status: number, body: unknown, cacheControl = 'no-store'): void {
  if (res.headersSent || res.destroyed) return;
  const text = JSON.stringify(body);
  res.statusCode = status;
  res.setHeader('Cache-Control', cacheControl);
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}

/** 204, which no cache keeps. */
export function sendNothing(res: ServerResponse): void {
  if (res.headersSent || res.destroyed) return;
  res.statusCode = 204;
  res.setHeader('Cache-Control', 'no-store');
  res.end();
}

/**
 * Answers with an error: its status, `{ error: { code, message, reason? } }`, `Retry-After` where there is one, and the
 * challenge of RFC 6750, section 3. Errors from 500 on are stripped of their message first ({@link publicErrorOf}).
 */
export function sendError(res: ServerResponse, error: unknown, judgedBy: JudgedBy = 'other'): void {
  if (res.headersSent || res.destroyed) return;
  const shown = publicErrorOf(error);
  const status = STATUS_OF[shown.code];
  const challenge = challengeFor(shown, status, judgedBy);
  if (challenge !== undefined) res.setHeader('WWW-Authenticate', challenge);
  if (shown.retryAfter !== undefined) res.setHeader('Retry-After', String(Math.max(1, Math.ceil(shown.retryAfter))));
  const { code, message, reason } = shown;
  sendJson(res, status, { error: { code, message, reason } });
}

/**
 * The value of WWW-Authenticate, for 401 and for a 403 that better rights would avoid. Without a token there is no error code
 * in it (RFC 6750, section 3.1): whoever only knocked is not told what is behind the door.
 */
function challengeFor(error: KeyturnError, status: number, judgedBy: JudgedBy): string | undefined {
  if (error.code === 'ERR_ACCESS_DENIED') return `Bearer error="insufficient_scope", error_description="${quotable(error.message)}"`;
  if (status !== 401) return undefined;
  if (judgedBy === 'other' || error.code === 'ERR_TOKEN_MISSING') return 'Bearer';
  return `Bearer error="invalid_token", error_description="${quotable(error.message)}"`;
}

/** RFC 6750, section 3: %x20-21 / %x23-5B / %x5D-7E. Messages may quote what a client sent. */
function quotable(text: string): string {
  return text
    .slice(0, 200)
    .replaceAll(/["\\]/g, "'")
    .replaceAll(/[^\x20-\x7e]/g, '?');
}

import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { KeyturnError, type KeyturnErrorCode } from 'keyturn';

/** The codes that the demo's own routes answer with; what keyturn refuses, it answers itself. */
const STATUS_OF: Partial<Readonly<Record<KeyturnErrorCode, number>>> = {
  ERR_BODY_INVALID: 400,
  ERR_BODY_TOO_LARGE: 413,
  ERR_BODY_TYPE: 415,
  ERR_CSRF: 403,
  ERR_POOL_FULL: 503,
};

/** What Express's body parser refuses, by its status. Its messages quote the body; these do not. */
const REFUSALS: ReadonlyMap<unknown, KeyturnError> = new Map([
  [400, new KeyturnError('ERR_BODY_INVALID', 'the body is not valid JSON')],
  [413, new KeyturnError('ERR_BODY_TOO_LARGE', 'the body is too large')],
  [415, new KeyturnError('ERR_BODY_TYPE', 'send the body as application/json in UTF-8')],
]);

/** The end of the chain: nobody knew the address. */
export const answerUnknown: RequestHandler = (_req, res) => {
  answer(res, 404, 'ERR_ROUTE_UNKNOWN', 'there is nothing at this address');
};

/** Whatever a route or its middleware throws becomes a coded answer; the reason for a 500 is told to the operator alone. */
export const answerFailure: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) {
    next(error);
    return;
  }
  const refusal = error instanceof KeyturnError ? error : REFUSALS.get(statusIn(error));
  const status = refusal === undefined ? undefined : STATUS_OF[refusal.code];
  if (refusal !== undefined && status !== undefined) {
    answer(res, status, refusal.code, refusal.message);
    return;
  }
  console.error(`keyturn demo: a request was answered 500: ${String(error)}`);
  answer(res, 500, 'ERR_INTERNAL', 'internal error');
};

function statusIn(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
}

function answer(res: Response, status: number, code: KeyturnErrorCode, message: string): void {
  res.status(status).set('Cache-Control', 'no-store').json({ error: { code, message } });
}

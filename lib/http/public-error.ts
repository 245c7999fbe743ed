import { KeyturnError } from '../errors.js';
import { STATUS_OF } from './status.js';

/** Seconds after which a client may try again when the error itself does not say. */
const RETRY_AFTER = 5;

/**
 * The error that a client is shown for one that happened. Below 500 it is the error itself. A 503 keeps its code, and gets a
 * message that says nothing of files and hosts; everything else is `ERR_INTERNAL`, whatever it was.
 */
export function publicErrorOf(error: unknown): KeyturnError {
  if (!(error instanceof KeyturnError)) return new KeyturnError('ERR_INTERNAL', 'internal error');
  const status = STATUS_OF[error.code];
  if (status < 500) return error;
  if (status !== 503) return new KeyturnError('ERR_INTERNAL', 'internal error');
  return new KeyturnError(error.code, 'sessions are out of service at the moment; try again', {
    retryAfter: error.retryAfter ?? RETRY_AFTER,
  });
}

import { KeyturnError } from './errors.js';
import { native } from './native.js';
import { fromFailure } from './native-error.js';
import { isWellFormed } from './options/strings.js';

/**
 * An argon2id hash in PHC form with a random salt (RFC 9106; 19 MiB, two passes, one lane: about 20 ms). Runs on a bounded
 * pool, off the event loop.
 *
 * @param password 1 to 1024 bytes of UTF-8.
 * @throws KeyturnError `ERR_PASSWORD_INVALID`; `ERR_POOL_FULL` when 256 others wait.
 */
export async function hashPassword(password: string): Promise<string> {
  if (!isWellFormed(text(password))) throw invalid('a password takes whole characters, no half of a surrogate pair');
  const { hash, failure } = await native.hashPassword(password);
  if (failure !== undefined) throw fromFailure(failure);
  return hash ?? '';
}

/**
 * Whether `password` is the one that was hashed. With `null` for a user that does not exist the answer is `false` and takes
 * as long as for one that does.
 *
 * @throws KeyturnError `ERR_PASSWORD_INVALID` if the hash is no argon2 hash or asks for unreasonable work; `ERR_POOL_FULL`.
 */
export async function verifyPassword(hash: string | null, password: string): Promise<boolean> {
  // Nobody has half a character in a password; the empty one matches nothing and takes as long.
  const acceptable = isWellFormed(text(password)) ? password : '';
  const { matches, failure } = await native.verifyPassword(storedHash(hash), acceptable);
  if (failure !== undefined) throw fromFailure(failure);
  return matches === true;
}

function text(password: unknown): string {
  if (typeof password === 'string') return password;
  throw invalid('a password must be a string');
}

function storedHash(hash: unknown): string | undefined {
  if (hash === null || hash === undefined || typeof hash === 'string') return hash ?? undefined;
  throw invalid('a stored hash must be a string, or null for a user that does not exist');
}

function invalid(message: string): KeyturnError {
  return new KeyturnError('ERR_PASSWORD_INVALID', message);
}

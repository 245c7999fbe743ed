import { KeyturnError, type KeyturnErrorCode } from './errors.js';
import { native, type NativeFailure } from './native.js';

/** Every failure that crosses from the addon, as the class that users see. See `src/error.rs` for the number's layout. */
export function fromNumber(number: number, required: readonly string[] = []): KeyturnError {
  const row = CODES[number & 0xff];
  const claim = claimName((number >>> 8) & 0xff, required);
  const reason = native.reasonText(number >>> 16) ?? undefined;
  return new KeyturnError(
    (row?.code ?? 'ERR_INTERNAL') as KeyturnErrorCode,
    describe(row?.message ?? 'An unknown error crossed from the addon.', claim, reason),
    { claim, reason },
  );
}

/** The code alone of a failure that crosses from the addon. */
export function codeOf(number: number): KeyturnErrorCode {
  return (CODES[number & 0xff]?.code ?? 'ERR_INTERNAL') as KeyturnErrorCode;
}

/** A failed answer of the store or the session manager. */
export function fromFailure(failure: NativeFailure): KeyturnError {
  const error = fromNumber(failure.error);
  if (failure.detail === undefined) return error;
  return new KeyturnError(error.code, `${error.message} ${failure.detail}`, {
    claim: error.claim,
    reason: error.reason,
    retryAfter: error.code === 'ERR_STORE_UNAVAILABLE' ? 1 : undefined,
  });
}

/** Runs a call that throws the addon's coded errors, and throws ours instead. */
export function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const code = error instanceof Error ? (error as Error & { readonly code?: unknown }).code : undefined;
    if (typeof code === 'string' && CODES.some((row) => row.code === code)) {
      throw new KeyturnError(code as KeyturnErrorCode, (error as Error).message, { cause: error });
    }
    throw error;
  }
}

const CODES = native.codes();
const CLAIMS = native.claimNames();

function claimName(number: number, required: readonly string[]): string | undefined {
  if (number === 0) return undefined;
  return number >= 128 ? required[number - 128] : CLAIMS[number - 1];
}

function describe(message: string, claim: string | undefined, reason: string | undefined): string {
  const about = [claim, reason].filter((part) => part !== undefined).join(', ');
  return about === '' ? message : `${message.replace(/\.$/, '')}: ${about}.`;
}

import { JsonWebTokenError } from './errors.js';

/** The options of verify() as they come from any caller: only what is checked is known of them. */
export interface VerifySettings {
  algorithms?: unknown;
  readonly allowInvalidAsymmetricKeyTypes?: unknown;
  readonly audience?: unknown;
  readonly clockTimestamp?: unknown;
  readonly clockTolerance?: unknown;
  readonly complete?: unknown;
  readonly ignoreExpiration?: unknown;
  readonly ignoreNotBefore?: unknown;
  readonly issuer?: unknown;
  readonly jwtid?: unknown;
  readonly maxAge?: unknown;
  readonly nonce?: unknown;
  readonly subject?: unknown;
}

/** The three options whose kind is checked before the token is looked at. */
export function settingsFault(options: VerifySettings): Error | undefined {
  const { allowInvalidAsymmetricKeyTypes: lax, clockTimestamp, nonce } = options;
  if (clockTimestamp && typeof clockTimestamp !== 'number') return new JsonWebTokenError('clockTimestamp must be a number');
  if (nonce !== undefined && (typeof nonce !== 'string' || nonce.trim() === '')) {
    return new JsonWebTokenError('nonce must be a non-empty string');
  }
  return lax === undefined || typeof lax === 'boolean' ? undefined : new JsonWebTokenError('allowInvalidAsymmetricKeyTypes must be a boolean');
}

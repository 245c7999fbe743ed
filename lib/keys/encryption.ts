import { KeyturnError } from '../errors.js';

/** How a JWE's content encryption key reaches the recipient: `alg` (RFC 7518, section 4.1; RFC 8037, section 3.2). */
export const KEY_MANAGEMENT_ALGORITHMS = [
  'A128GCMKW', 'A128KW', 'A256GCMKW', 'A256KW', 'dir', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW', 'RSA-OAEP', 'RSA-OAEP-256',
] as const;
export type KeyManagementAlgorithm = (typeof KEY_MANAGEMENT_ALGORITHMS)[number];

/** What encrypts a JWE's plaintext: `enc` (RFC 7518, section 5.1). */
export const CONTENT_ENCRYPTIONS = ['A128CBC-HS256', 'A128GCM', 'A256CBC-HS512', 'A256GCM'] as const;
export type ContentEncryption = (typeof CONTENT_ENCRYPTIONS)[number];

/** The curves on which keys are agreed (RFC 7518, section 6.2.1.1; RFC 8037, section 2). */
export const CURVES = ['P-256', 'P-384', 'P-521', 'X25519'] as const;
export type Curve = (typeof CURVES)[number];

/** Whether the name is that of a key management algorithm. */
export function isKeyManagement(alg: unknown): alg is KeyManagementAlgorithm {
  return KEY_MANAGEMENT_ALGORITHMS.some((name) => name === alg);
}

/** @throws KeyturnError `ERR_OPTION_INVALID` unless the value is one of the names. */
export function checkedName<T extends string>(value: unknown, option: string, names: readonly T[]): T {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be one of ${names.join(', ')}`, { claim: option });
}

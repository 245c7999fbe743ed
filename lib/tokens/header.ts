import { KeyturnError } from '../errors.js';

/**
 * Further members of a protected header, as plain data. Not `alg`, `crit` or `b64`, nor a key or a link to one (`jwk`, `jku`,
 * `x5c`, `x5u`). A `kid` must be the key's own; a key without one takes it.
 */
export type HeaderMembers = Readonly<Record<string, unknown>>;

/**
 * The members' JSON text, for the addon to judge.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` unless the value is an object, or `undefined`.
 */
export function headerText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  try {
    const text: unknown = typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : undefined;
    if (typeof text === 'string') return text;
  } catch (cause) {
    throw refused(cause);
  }
  throw refused();
}

function refused(cause?: unknown): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', "header must be an object of plain JSON data, for instance { cty: 'text/plain' }", {
    claim: 'header',
    cause,
  });
}

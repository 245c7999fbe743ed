import { KeyturnError } from '../errors.js';
import { asList } from './list.js';

/**
 * A string as it is. One that holds half of a surrogate pair is refused: it has no UTF-8 form, and would cross into the addon
 * as another string, with U+FFFD in that place.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` unless the value is such a string and not empty, or `undefined`.
 */
export function optionalString(value: unknown, option: string): string | undefined {
  if (value === undefined || isText(value)) return value;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be a string of whole characters that is not empty`, { claim: option });
}

/** @throws KeyturnError `ERR_OPTION_INVALID` unless the value is a string that is not empty. */
export function requiredString(value: unknown, option: string, example: string): string {
  const text = optionalString(value, option);
  if (text !== undefined) return text;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} is needed, for instance ${example}`, { claim: option });
}

/**
 * One string or a list of them, as a list of one's own; `undefined` is the empty list. A list that is empty where one was
 * given, or that holds anything but strings, would check nothing and is refused.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID`.
 */
export function stringList(value: unknown, option: string): string[] {
  if (value === undefined) return [];
  const list = asList(value, option);
  if (list.length > 0 && list.every(isText)) return list as string[];
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be a string or a list of strings, none of them empty`, {
    claim: option,
  });
}

/** A list of names as a member of that name; none if it was left out. @throws KeyturnError `ERR_OPTION_INVALID`. */
export function optionalNames<N extends string>(value: unknown, name: N): { [K in N]?: string[] } {
  if (value === undefined) return {};
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return { [name]: [...(value)] } as { [K in N]?: string[] };
  }
  throw new KeyturnError('ERR_OPTION_INVALID', `${name} must be a list of strings`, { claim: name });
}

/** Whether the string holds whole characters only: no half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && isWellFormed(value);
}

/** One of the names that an option takes. @throws KeyturnError `ERR_OPTION_INVALID`, listing them. */
export function oneOf<N extends string>(value: unknown, option: string, names: readonly N[]): N {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be ${names.map((name) => `'${name}'`).join(' or ')}`, { claim: option });
}

import { KeyturnError } from '../errors.js';

/** @throws KeyturnError `ERR_OPTION_INVALID` unless the value is a string that is not empty, or `undefined`. */
export function optionalString(value: unknown, option: string): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be a string that is not empty`, { claim: option });
}

/** @throws KeyturnError `ERR_OPTION_INVALID` unless the value is a string that is not empty. */
export function requiredString(value: unknown, option: string, example: string): string {
  const text = optionalString(value, option);
  if (text !== undefined) return text;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} is needed, for instance ${example}`, { claim: option });
}

/**
 * One string or a list of them, as a list; `undefined` is the empty list. A list that is empty where one was given, or that
 * holds anything but strings, would check nothing and is refused.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID`.
 */
export function stringList(value: unknown, option: string): string[] {
  if (value === undefined) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((item) => typeof item === 'string' && item !== '')) return list as string[];
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be a string or a list of strings, none of them empty`, {
    claim: option,
  });
}

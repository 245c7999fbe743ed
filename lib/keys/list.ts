import { KeyturnError } from '../errors.js';
import type { NativeKey } from '../native.js';
import { type Key, nativeKeyOf } from './key.js';

/**
 * The addon's handles of one key or of a list of them.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for anything else; how many there may be is for the addon to say.
 */
export function nativeKeysOf(key: Key | readonly Key[]): NativeKey[] {
  // Array.from() makes undefined of a hole, which map() would pass over.
  const list: readonly unknown[] = Array.isArray(key) ? Array.from(key) : [key];
  return list.map((one) => {
    const handle = nativeKeyOf(one);
    if (handle !== undefined) return handle;
    throw new KeyturnError('ERR_OPTION_INVALID', 'key must be a Key from importKey() or generateKey(), or a list of them', {
      claim: 'key',
    });
  });
}

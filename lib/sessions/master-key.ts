import { KeyturnError } from '../errors.js';
import type { NativeSessions } from '../native.js';
import { translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';

/** 32 random bytes, or their text: 64 hexadecimal digits, or 43 characters of base64url without padding. */
export type MasterKey = string | Uint8Array;

/** The master key, and while it is being changed the one before it: what that one sealed is sealed again under the current one. */
export interface MasterKeys {
  readonly current: MasterKey;
  readonly previous?: MasterKey | undefined;
}

/** The master key itself, or what fetches it whenever the store is opened. */
export type MasterKeyOption = MasterKey | MasterKeys | (() => MasterKey | MasterKeys | Promise<MasterKey | MasterKeys>);

/**
 * Gives sessions their master key: at once if it is here, else with the function that is returned.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for anything but 32 bytes.
 */
export function useMasterKey(handle: NativeSessions, option: MasterKeyOption | undefined): () => Promise<void> {
  const nothing = (): Promise<void> => Promise.resolve();
  if (option === undefined) return nothing;
  if (typeof option !== 'function') {
    give(handle, option);
    return nothing;
  }
  return async () => {
    give(handle, await fetched(option));
  };
}

async function fetched(fetch: () => unknown): Promise<unknown> {
  try {
    return await fetch();
  } catch (cause) {
    throw new KeyturnError('ERR_MASTER_KEY', 'masterKey() threw, so the keys in the store cannot be opened', { reason: 'missing', cause });
  }
}

function give(handle: NativeSessions, value: unknown): void {
  const { current, previous } = pair(value);
  translated(() => {
    handle.useMasterKey(current, previous);
  });
}

function pair(value: unknown): MasterKeys {
  if (isMasterKey(value)) return { current: value };
  if (typeof value !== 'object' || value === null) throw invalid();
  checkOptions(value, 'masterKey', ['current', 'previous']);
  const { current, previous } = value as Partial<Record<keyof MasterKeys, unknown>>;
  if (!isMasterKey(current) || !(previous === undefined || isMasterKey(previous))) throw invalid();
  return { current, previous };
}

function isMasterKey(value: unknown): value is MasterKey {
  return typeof value === 'string' || value instanceof Uint8Array;
}

function invalid(): KeyturnError {
  const forms = 'a string, a Uint8Array, { current, previous }, or a function that gives one of these';
  return new KeyturnError('ERR_OPTION_INVALID', `masterKey takes 32 bytes as ${forms}`, { claim: 'masterKey' });
}

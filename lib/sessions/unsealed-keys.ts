import { KeyturnError } from '../errors.js';

let isWarned = false;

/**
 * For sessions whose signing keys would lie readable in the store.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID` for a store on the network in production: more people and backups see it than a file.
 */
export function refuseUnsealedKeys(store: string): void {
  if (!isOnTheNetwork(store) || process.env['NODE_ENV'] !== 'production') return;
  const why = 'whoever can read it could sign tokens. Give createSessions() a masterKey, or keys of your own';
  throw new KeyturnError('ERR_OPTION_INVALID', `the signing keys would be kept unsealed in ${place(store)}: ${why}`, { claim: 'masterKey' });
}

/** Says once per process that signing keys lie readable in the store: then whatever protects the store is all that protects them. */
export function warnOfUnsealedKeys(store: string): void {
  if (isWarned || store.startsWith('memory:')) return;
  isWarned = true;
  const instead = isOnTheNetwork(store) ? 'keys of your own' : 'keep the mode of the file at 0600';
  process.emitWarning(
    `the signing keys are kept unsealed in ${place(store)}: whoever can read it can sign tokens. ` +
      `Give createSessions() a masterKey, or ${instead}`,
    { type: 'KeyturnWarning', code: 'KEYTURN_UNSEALED_KEYS' },
  );
}

function isOnTheNetwork(store: string): boolean {
  return /^rediss?[:+]/.test(store);
}

/** What may be shown of a store's URL, which can hold a password. */
function place(store: string): string {
  return isOnTheNetwork(store) ? 'Redis' : store.slice('sqlite:'.length);
}

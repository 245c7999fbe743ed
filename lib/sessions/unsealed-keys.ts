let isWarned = false;

/**
 * Says once per process that signing keys lie readable in the store's file. Sealing them is not there yet; until then the
 * file's mode is what protects them.
 */
export function warnOfUnsealedKeys(store: string): void {
  if (isWarned || !store.startsWith('sqlite:')) return;
  isWarned = true;
  process.emitWarning(
    `the signing keys are kept unsealed in ${store.slice('sqlite:'.length)}: whoever can read the file can sign tokens. ` +
      'Keep its mode at 0600, or give createSessions() keys of your own',
    { type: 'KeyturnWarning', code: 'KEYTURN_UNSEALED_KEYS' },
  );
}

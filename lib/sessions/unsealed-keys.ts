let isWarned = false;

/** Says once per process that signing keys lie readable in the store's file: then the file's mode is what protects them. */
export function warnOfUnsealedKeys(store: string): void {
  if (isWarned || !store.startsWith('sqlite:')) return;
  isWarned = true;
  process.emitWarning(
    `the signing keys are kept unsealed in ${store.slice('sqlite:'.length)}: whoever can read the file can sign tokens. ` +
      'Give createSessions() a masterKey, or keep the mode of the file at 0600',
    { type: 'KeyturnWarning', code: 'KEYTURN_UNSEALED_KEYS' },
  );
}

import { KeyturnError, type KeyturnErrorCode } from 'keyturn';

import { variablesIn } from './environment.js';

/** What to do about a store that cannot be used. */
const REMEDIES: Partial<Readonly<Record<KeyturnErrorCode, string>>> = {
  ERR_MASTER_KEY: 'Set KEYTURN_MASTER_KEY to the key that sealed this store, or KEYTURN_STORE to another file.',
  ERR_STORE_CORRUPT: 'Set KEYTURN_STORE to another file, or move this one away.',
  ERR_STORE_UNAVAILABLE: 'Set KEYTURN_STORE to a file in a folder that this user may write to and no other program keeps locked.',
  ERR_STORE_VERSION: 'Start the newer version that wrote it, or set KEYTURN_STORE to another file.',
};

/** Why the demo cannot run, in one line: the code, what is wrong, and what to do. Never a stack trace. */
export function describeStartFailure(error: unknown): string {
  const { code, message } = read(error);
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  return oneLine([`${code}: ${sentence}`, remedyFor(error, code, message)].join(' ').trim());
}

function remedyFor(error: unknown, code: string, message: string): string {
  if (code === 'EADDRINUSE') return 'Stop the program that listens there, or set PORT to another port (0 picks a free one).';
  if (code === 'EACCES') return 'Set PORT to 1024 or above.';
  if (!(error instanceof KeyturnError)) return '';
  if (error.code !== 'ERR_OPTION_INVALID') return REMEDIES[error.code] ?? '';
  const variables = variablesIn(message);
  return variables.length === 0 ? '' : `Change ${variables.join(' or ')}.`;
}

function read(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: 'ERR_INTERNAL', message: String(error) };
  const code: unknown = 'code' in error ? error.code : undefined;
  return { code: typeof code === 'string' ? code : 'ERR_INTERNAL', message: error.message };
}

/** A path may hold anything. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[^\x20-\x7e]/g, '?');
}

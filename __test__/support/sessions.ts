import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { createSessions, type KeyturnError, type KeyturnErrorCode, type Sessions, type SessionsOptions } from 'keyturn';

export const ISSUER = 'https://app.test';
export const AUDIENCE = 'app';
/** What seals the keys of a store, where that is not the subject of the test. */
export const MASTER_KEY = '5a'.repeat(32);

/** A folder that goes away with the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-test-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Sessions that close with the test. */
export function openSessions(t: TestContext, options: Partial<SessionsOptions> = {}): Sessions {
  const sessions = createSessions({ store: 'memory:', issuer: ISSUER, audience: AUDIENCE, ...options });
  t.after(() => sessions.close());
  return sessions;
}

/** For assert.throws and assert.rejects: an error of ours with this code, and this reason if one is given. */
export function coded(code: KeyturnErrorCode, reason?: string): (error: unknown) => true {
  return (error) => {
    const { name, code: found, reason: why, message } = error as KeyturnError;
    if (name === 'KeyturnError' && found === code && (reason === undefined || why === reason)) return true;
    throw new Error(`expected ${code} ${reason ?? ''}, got ${found} ${why ?? ''}: ${message}`, { cause: error });
  };
}

/** Both stores, by name; the second one's file lies in a folder of the test's own. */
export const STORES: readonly { readonly name: string; readonly url: (t: TestContext) => string }[] = [
  { name: 'memory', url: () => 'memory:' },
  { name: 'SQLite', url: (t) => `sqlite:${join(temporaryFolder(t), 'keyturn.db')}` },
];

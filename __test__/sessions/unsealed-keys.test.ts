import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';

import { STORES } from '../support/sessions.js';

const SCRIPT = `
  const { createSessions, generateKey } = require('keyturn');
  const keys = process.argv[2] === 'own' ? [generateKey('EdDSA')] : undefined;
  process.on('warning', ({ name, code, message }) => console.log(name, code, message));
  for (let n = 0; n < 2; n += 1) {
    createSessions({ store: process.argv[1], issuer: 'i', audience: 'a', ...(keys && { keys }) }).ready().catch(() => {});
  }`;

function warnings(store: string, keys: string): string[] {
  const output = execFileSync(process.execPath, ['--no-warnings', '-e', SCRIPT, store, keys], { encoding: 'utf8' });
  return output.split('\n').filter((line) => line !== '');
}

describe('signing keys in an SQLite file', () => {
  it('are warned of once in a process', (t) => {
    const lines = warnings(STORES[1]?.url(t) ?? '', 'none');
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^KeyturnWarning KEYTURN_UNSEALED_KEYS .*0600/);
  });

  it('are refused in Redis in production, without a word of its URL', () => {
    const script = `
      const { createSessions, generateKey } = require('keyturn');
      const options = { store: 'redis://user:secret@localhost', issuer: 'i', audience: 'a' };
      for (const more of [{}, { masterKey: Buffer.alloc(32) }, { keys: [generateKey('EdDSA')] }]) {
        try { createSessions({ ...options, ...more }).close().catch(() => {}); console.log('made'); } catch (error) { console.log(error.message); }
      }`;
    const env = { ...process.env, NODE_ENV: 'production' };
    const lines = execFileSync(process.execPath, ['--no-warnings', '-e', script], { encoding: 'utf8', env }).trim().split('\n');
    assert.match(lines[0] ?? '', /^the signing keys would be kept unsealed in Redis: .*masterKey/);
    assert.ok(!lines.join().includes('secret'));
    for (const line of lines.slice(1)) assert.doesNotMatch(line, /unsealed/);
  });

  it('are not warned of when there are none', (t) => {
    assert.deepEqual(warnings('memory:', 'none'), []);
    assert.deepEqual(warnings(STORES[1]?.url(t) ?? '', 'own'), []);
    assert.deepEqual(warnings('sqlite:/dev/null/keyturn.db', 'none'), [], 'nor when the store could not be opened');
  });
});

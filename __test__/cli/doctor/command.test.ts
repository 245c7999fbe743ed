import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, truncateSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

import { createSessions } from 'keyturn';

import { type Ended, keyturn } from '../../support/command-line.js';
import { AUDIENCE, ISSUER, MASTER_KEY, openSessions, temporaryFolder } from '../../support/sessions.js';

const isWindows = process.platform === 'win32';

describe('keyturn doctor', () => {
  it('finds nothing wrong with a store, in use or not, and says how full it is', async (t) => {
    const file = join(temporaryFolder(t), 'key turn.db');
    const sessions = createSessions({ store: `sqlite:${file}`, issuer: ISSUER, audience: AUDIENCE, masterKey: MASTER_KEY });
    const { session } = await sessions.start({ subject: 'alice' });
    await sessions.start({ subject: 'bob' });
    await sessions.end(session.id);
    assertFine(await doctor(file));
    await sessions.close();

    const { code, stdout } = await doctor(file);
    assertFine({ code, stdout, stderr: '' });
    assert.match(stdout, /^ok +sessions +1 live session, 1 ended$/m);
    assert.match(stdout, /^ok +revocations +1 revocation \(session 1\)/m);
    assert.match(stdout, /^ok +integrity +/m);
    assert.match(stdout, /^ok +keys +sealed; whether .* KEYTURN_MASTER_KEY set: csrf, refresh, signing$/m);
    assert.match(stdout, /^0 problems, \d+ warnings?$/m);
  });

  it('takes the store URL too', async (t) => {
    const file = await closedStore(t);
    assertFine(await doctor(`sqlite:${file}`));
  });

  it('changes nothing and makes nothing', async (t) => {
    const file = await closedStore(t);
    const folder = join(file, '..');
    const [before, names] = [readFileSync(file), readdirSync(folder)];
    const { mtimeMs } = statSync(file);
    assertFine(await doctor(file));
    assert.deepEqual(readdirSync(folder), names);
    assert.deepEqual(readFileSync(file), before);
    assert.equal(statSync(file).mtimeMs, mtimeMs);
  });

  it('reads a file while a process works with it as fast as it can, and disturbs nobody', async (t) => {
    const file = join(temporaryFolder(t), 'keyturn.db');
    const load = fork(join(__dirname, '../../support/load-process.js'), [`sqlite:${file}`], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    t.after(() => load.kill('SIGKILL'));
    let steps = 0;
    load.on('message', () => (steps += 1));
    while (steps < 100) await once(load, 'message');
    for (let round = 0; round < 8; round += 1) {
      const before = steps;
      assertFine(await doctor(file, { KEYTURN_MASTER_KEY: MASTER_KEY }));
      assert.ok(steps > before, 'the process went on meanwhile');
    }
    load.kill('SIGKILL');
    await once(load, 'close');
    // What it left behind is read with its log, of which not even the index is changed.
    const left = ['', '-wal', '-shm'].map((suffix) => readFileSync(`${file}${suffix}`));
    assertFine(await doctor(file));
    assert.deepEqual(['', '-wal', '-shm'].map((suffix) => readFileSync(`${file}${suffix}`)), left);
    const sessions = openSessions(t, { store: `sqlite:${file}`, masterKey: MASTER_KEY });
    await sessions.ready();
  });

  it('reads a file that a process opens and closes all the while', async (t) => {
    const file = await closedStore(t);
    const opener = fork(join(__dirname, '../../support/opening-process.js'), [`sqlite:${file}`], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    t.after(() => opener.kill('SIGKILL'));
    await once(opener, 'message');
    for (let round = 0; round < 10; round += 1) assertFine(await doctor(file));
    assert.equal(opener.exitCode, null, 'it never failed');
    // Before its folder is deleted, in which it would go on making files.
    opener.kill('SIGKILL');
    await once(opener, 'exit');
  });

  it('tries the master key of the environment, and prints no key', async (t) => {
    const file = await closedStore(t, MASTER_KEY);
    const opened = await doctor(file, { KEYTURN_MASTER_KEY: MASTER_KEY });
    assertFine(opened);
    assert.match(opened.stdout, /^ok +keys +sealed, and KEYTURN_MASTER_KEY opens them/m);

    const other = 'a5'.repeat(32);
    const wrong = await doctor(file, { KEYTURN_MASTER_KEY: other });
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /^problem +keys +sealed by another master key/m);

    const malformed = await doctor(file, { KEYTURN_MASTER_KEY: `${MASTER_KEY}\n` });
    assert.equal(malformed.code, 1);
    assert.match(malformed.stdout, /^problem +keys +KEYTURN_MASTER_KEY is no master key/m);
    for (const { stdout, stderr } of [opened, wrong, malformed]) {
      for (const secret of [MASTER_KEY, other]) assert.ok(!`${stdout}${stderr}`.includes(secret.slice(0, 16)));
    }
  });

  it('warns of keys that are not sealed, and prints none of them', async (t) => {
    const file = await closedStore(t);
    const { code, stdout } = await doctor(file, {}, '--json');
    assert.equal(code, 0);
    assert.match(stdout, /not sealed, so who reads the file can sign tokens/);
    const secrets = [...readFileSync(file, 'latin1').matchAll(/"secret":"([0-9a-f]{32,})"/g)].map(([, secret = '']) => secret);
    assert.ok(secrets.length >= 3);
    for (const secret of secrets) assert.ok(!stdout.includes(secret.slice(0, 16)));
    assert.ok(!stdout.includes('alice'), 'nobody is named');
  });

  it('answers machines in JSON', async (t) => {
    const file = await closedStore(t);
    const { code, stdout, stderr } = await doctor(file, {}, '--json');
    assert.deepEqual([code, stderr], [0, '']);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual(Object.keys(report), ['keyturn', 'file', 'examinedAt', 'exitCode', 'examined', 'findings', 'facts']);
    const facts = report['facts'] as { readonly bytes: number; readonly sessions: { readonly live: number }; readonly database: { readonly damage: unknown } };
    assert.equal(facts.bytes, statSync(file).size);
    assert.equal(facts.sessions.live, 1);
    assert.deepEqual(facts.database.damage, []);
    const checks = (report['findings'] as readonly { readonly check: string }[]).map(({ check }) => check);
    for (const check of ['access', 'clock', 'database', 'disk', 'file-system', 'integrity', 'keys', 'log', 'revocations', 'sessions', 'version']) {
      assert.ok(checks.includes(check), check);
    }
  });

  it('finds damage', async (t) => {
    const file = await closedStore(t);
    truncateSync(file, 3 * 4096);
    const { code, stdout } = await doctor(file);
    assert.equal(code, 1);
    assert.match(stdout, /^problem +(database|integrity) .* -> .*restore a backup/m);
  });

  it('finds files that are no store', async (t) => {
    const folder = temporaryFolder(t);
    const [empty, text] = [join(folder, 'empty.db'), join(folder, 'notes.txt')];
    writeFileSync(empty, '');
    writeFileSync(text, 'shopping list\n'.repeat(100));
    for (const [file, message] of [[empty, /the file is empty/], [text, /not a database/]] as const) {
      const { code, stdout } = await doctor(file);
      assert.equal(code, 1);
      assert.match(stdout, message);
    }
  });

  it('finds a log that was left behind', async (t) => {
    const folder = temporaryFolder(t);
    const sessions = openSessions(t, { store: `sqlite:${join(folder, 'live.db')}`, masterKey: MASTER_KEY });
    await sessions.start({ subject: 'alice' });
    for (const suffix of ['', '-wal']) copyFileSync(join(folder, `live.db${suffix}`), join(folder, `copy.db${suffix}`));
    const { code, stdout } = await doctor(join(folder, 'copy.db'));
    assert.equal(code, 2);
    assert.match(stdout, /^problem +log +copy\.db-wal holds .* but its index \(-shm\) is missing/m);
    assert.match(stdout, /^The file could not be examined\. 1 problem/m);
  });

  it('finds permissions that let others in', { skip: isWindows }, async (t) => {
    const file = await closedStore(t);
    chmodSync(file, 0o644);
    const { code, stdout } = await doctor(file);
    assert.equal(code, 0);
    assert.match(stdout, /^warning +permissions +mode 0644 of keyturn\.db/m);
  });

  it('ends with 2 if there is nothing to examine, and makes nothing', async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'folder'));
    for (const [name, message] of [['missing.db', /there is no such file/], ['folder', /is a folder/], ['a\u001b[2Jb', /a\?\[2Jb cannot be looked at/]] as const) {
      const { code, stdout, stderr } = await doctor(join(folder, name));
      assert.deepEqual([code, stdout], [2, ''], name);
      assert.match(stderr, message);
    }
    assert.deepEqual(readdirSync(folder), ['folder']);
  });

  it('says of a Redis that it checks files, and does not repeat the password', async () => {
    for (const url of ['redis://app:hunter2@localhost:6379/0', 'rediss+cluster://app:hunter2@a,b', 'REDIS://:hunter2@a']) {
      const { code, stdout, stderr } = await doctor(url);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /doctor checks the files of SQLite stores, and 'redis/i);
      assert.ok(!stderr.includes('hunter2'));
    }
    for (const url of ['memory:', 'sqlite:', 'sqlite://relative']) assert.equal((await doctor(url)).code, 2, url);
  });

  it('goes through a link to the file', { skip: isWindows }, async (t) => {
    const file = await closedStore(t);
    const moved = join(temporaryFolder(t), 'elsewhere.db');
    renameSync(file, moved);
    symlinkSync(moved, file);
    const { stdout } = await doctor(file);
    assert.ok(stdout.includes(moved));
  });
});

async function doctor(file: string, environment: Readonly<Record<string, string>> = {}, ...options: readonly string[]): Promise<Ended> {
  return keyturn(['doctor', ...options, file], environment);
}

/** Warnings there may be: of where the tests' temporary folder lies. */
function assertFine({ code, stdout, stderr }: Ended): void {
  assert.equal(stderr, '');
  assert.equal(code, 0, stdout);
}

/** The path of a store with one session that nobody has open. */
async function closedStore(t: TestContext, masterKey?: string): Promise<string> {
  const file = join(temporaryFolder(t), 'keyturn.db');
  const sessions = createSessions({ store: `sqlite:${file}`, issuer: ISSUER, audience: AUDIENCE, masterKey });
  await sessions.start({ subject: 'alice' });
  await sessions.close();
  return file;
}

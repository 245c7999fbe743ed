import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

import { createSessions, type MasterKeyOption, type Sessions } from 'keyturn';

import { AUDIENCE, coded, ISSUER, openSessions, temporaryFolder } from '../support/sessions.js';

const KEY = randomBytes(32);

/** A file in a folder of its own, and its URL. */
function storeFile(t: TestContext): { readonly path: string; readonly store: string } {
  const path = join(temporaryFolder(t), 'keyturn.db');
  return { path, store: `sqlite:${path}` };
}

async function reopened(t: TestContext, store: string, masterKey: MasterKeyOption): Promise<Sessions> {
  const sessions = openSessions(t, { store, masterKey });
  await sessions.ready();
  return sessions;
}

describe('a master key', () => {
  it('seals the keys in the store, so that the file shows none', async (t) => {
    const { path, store } = storeFile(t);
    const sessions = await reopened(t, store, KEY);
    await sessions.start({ subject: 'alice' });
    await sessions.keys.rotate();
    const file = Buffer.concat([readFileSync(path), readFileSync(`${path}-wal`)]).toString('latin1');
    const documents = [...file.matchAll(/\{"format":1,"master":"[0-9a-f]{32}","keys":\[(.*?)\],"revoked"/g)];
    assert.ok(documents.length > 0, 'the documents are found in the file');
    // A nonce, 32 bytes of secret and a tag: nothing is shorter, as it would be without the seal.
    for (const [, secret] of file.matchAll(/"secret":"([0-9a-f]*)"/g)) assert.equal(secret?.length, 2 * (12 + 32 + 16));
  });

  it('is taken as bytes, as text in either form, from a function, and from a function that waits', async (t) => {
    const { store } = storeFile(t);
    const first = await reopened(t, store, KEY);
    const { accessToken } = await first.start({ subject: 'alice' });
    await first.close();
    const forms: readonly MasterKeyOption[] = [
      KEY.toString('hex'),
      KEY.toString('hex').toUpperCase(),
      KEY.toString('base64url'),
      new Uint8Array(KEY),
      { current: KEY },
      { current: KEY, previous: undefined },
      () => KEY,
      async () => ({ current: KEY.toString('hex') }),
    ];
    for (const form of forms) {
      const sessions = await reopened(t, store, form);
      assert.equal(sessions.verify(accessToken).sub, 'alice');
      await sessions.close();
    }
  });

  it('that is not 32 bytes is refused at once and not repeated', () => {
    const texts = ['', 'secret', KEY.toString('base64'), KEY.toString('hex').slice(1), `${KEY.toString('hex')}\n`, 'z'.repeat(64)];
    const values: readonly unknown[] = [...texts, Buffer.alloc(31), Buffer.alloc(33), null, 5, [], { current: 5 }, { previous: KEY }];
    for (const masterKey of values) {
      const create = (): unknown => createSessions({ store: 'memory:', issuer: ISSUER, audience: AUDIENCE, masterKey: masterKey as string });
      assert.throws(create, coded('ERR_OPTION_INVALID'));
      assert.throws(create, /masterKey/);
    }
    const secret = KEY.toString('hex').slice(2);
    const create = (): unknown => createSessions({ store: 'memory:', issuer: ISSUER, audience: AUDIENCE, masterKey: secret });
    assert.throws(create, (error: Error) => !error.message.includes(secret));
    const unknown = { current: KEY, old: KEY } as never;
    assert.throws(() => createSessions({ store: 'memory:', issuer: ISSUER, audience: AUDIENCE, masterKey: unknown }), coded('ERR_OPTION_UNKNOWN'));
  });

  it('that is wrong or missing is an error, and makes no new keys', async (t) => {
    const { store } = storeFile(t);
    const first = await reopened(t, store, KEY);
    const { refreshToken } = await first.start({ subject: 'alice' });
    await first.close();
    const wrong: readonly (readonly [MasterKeyOption | undefined, string])[] = [
      [undefined, 'missing'],
      [randomBytes(32), 'wrong'],
      [{ current: randomBytes(32), previous: randomBytes(32) }, 'wrong'],
    ];
    for (const [masterKey, reason] of wrong) {
      const sessions = createSessions({ store, issuer: ISSUER, audience: AUDIENCE, masterKey });
      await assert.rejects(sessions.ready(), coded('ERR_MASTER_KEY', reason));
      await assert.rejects(sessions.start({ subject: 'alice' }), coded('ERR_MASTER_KEY', reason));
      await sessions.close();
    }
    const sessions = await reopened(t, store, KEY);
    assert.equal((await sessions.refresh(refreshToken)).outcome, 'rotated');
  });

  it('of a function that fails or gives nonsense is an error until it gives the key', async (t) => {
    let answer: () => Buffer = () => {
      throw new Error('the vault is closed');
    };
    const sessions = openSessions(t, { masterKey: () => answer() });
    await assert.rejects(sessions.ready(), coded('ERR_MASTER_KEY', 'missing'));
    answer = () => Buffer.alloc(5);
    await assert.rejects(sessions.ready(), coded('ERR_OPTION_INVALID'));
    answer = () => KEY;
    await sessions.ready();
  });

  it('is changed with the one before it, after which that one opens nothing', async (t) => {
    const { store } = storeFile(t);
    const next = randomBytes(32);
    const first = await reopened(t, store, KEY);
    const { accessToken, refreshToken } = await first.start({ subject: 'alice' });
    await first.close();
    const both = await reopened(t, store, { current: next, previous: KEY });
    assert.equal(both.verify(accessToken).sub, 'alice');
    await both.close();
    const old = createSessions({ store, issuer: ISSUER, audience: AUDIENCE, masterKey: KEY });
    await assert.rejects(old.ready(), coded('ERR_MASTER_KEY', 'wrong'));
    await old.close();
    const alone = await reopened(t, store, next);
    assert.equal((await alone.refresh(refreshToken)).outcome, 'rotated');
  });

  it('seals what has lain open before', async (t) => {
    const { path, store } = storeFile(t);
    const open = openSessions(t, { store });
    const { accessToken } = await open.start({ subject: 'alice' });
    const file = readFileSync(path, 'latin1') + readFileSync(`${path}-wal`, 'latin1');
    const secrets = [...file.matchAll(/"secret":"([0-9a-f]{64})"/g)].map(([, secret]) => secret ?? '');
    assert.ok(new Set(secrets).size >= 3);
    await open.close();
    const sealed = await reopened(t, store, KEY);
    assert.equal(sealed.verify(accessToken).sub, 'alice');
    for (const name of [path, `${path}-wal`]) {
      const bytes = readFileSync(name, 'latin1');
      assert.ok(!secrets.some((secret) => bytes.includes(secret)), name);
    }
  });

  it('is not warned of', (t) => {
    const script = `
      process.on('warning', ({ code }) => console.log(code));
      require('keyturn').createSessions({ store: process.argv[1], issuer: 'i', audience: 'a', masterKey: Buffer.alloc(32, 1) }).ready()`;
    const output = execFileSync(process.execPath, ['--no-warnings', '-e', script, storeFile(t).store], { encoding: 'utf8' });
    assert.equal(output, '');
  });
});

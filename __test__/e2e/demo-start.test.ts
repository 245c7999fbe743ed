import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { Demo, type Exit, startDemo, type Variables } from '../support/demo.js';
import { accepts, freePort } from '../support/ports.js';
import { serve } from '../support/server.js';
import { makeTree } from '../support/tree.js';

/** Asserts that the demo refuses to start: exit code 1, and one line with a code, the facts and what to do. */
async function assertRefused(t: TestContext, variables: Variables, line: RegExp): Promise<Exit> {
  const exit = await new Demo(t, variables).exited;
  assert.equal(exit.code, 1);
  assert.match(exit.stderr, /^keyturn demo: [^\n]+\n$/, 'one line, and no stack trace');
  assert.match(exit.stderr, line);
  return exit;
}

test('both passwords are printed once, before the port opens, and nothing before names the users', async (t) => {
  const demo = await startDemo(t);
  const lines = demo.stdout.trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /^alice: \S{12,}$/);
  assert.match(lines[1] ?? '', /^bob: \S{12,}$/);
  assert.match(lines[2] ?? '', /^Listening on /);
  assert.notEqual(demo.passwordOf('alice'), demo.passwordOf('bob'));
});

const VARIABLES: readonly (readonly [name: string, value: string, line: RegExp])[] = [
  ['PORT', 'http', /ERR_OPTION_INVALID: PORT must be a number from 0 to 65535/],
  ['PORT', '65536', /ERR_OPTION_INVALID: PORT must be/],
  ['PORT', '', /ERR_OPTION_INVALID: PORT must be/],
  ['KEYTURN_ACCESS_TTL', 'soon', /ERR_OPTION_INVALID: KEYTURN_ACCESS_TTL must be a duration such as 15m/],
  ['KEYTURN_ACCESS_TTL', '0', /ERR_OPTION_INVALID: .*access\.ttl.* Change KEYTURN_ACCESS_TTL\./],
  ['KEYTURN_IDLE', '-1', /ERR_OPTION_INVALID: KEYTURN_IDLE must be a duration/],
  ['KEYTURN_IDLE', '30d', /ERR_OPTION_INVALID: .*idle.* Change KEYTURN_ABSOLUTE or KEYTURN_IDLE\./],
  ['KEYTURN_ABSOLUTE', '1w', /ERR_OPTION_INVALID: KEYTURN_ABSOLUTE must be a duration/],
  ['KEYTURN_GRACE', '1h', /ERR_OPTION_INVALID: .*refresh\.grace.* Change KEYTURN_GRACE\./],
  ['KEYTURN_LOGIN_LIMIT', '5', /ERR_OPTION_INVALID: loginLimit must be a rate .* Change KEYTURN_LOGIN_LIMIT\./],
  ['KEYTURN_STORE', 'mysql://localhost', /ERR_OPTION_INVALID: .*'sqlite:PATH'.* Change KEYTURN_STORE\./],
  ['KEYTURN_MASTER_KEY', '00'.repeat(31), /ERR_OPTION_INVALID: masterKey takes 32 bytes: .* Change KEYTURN_MASTER_KEY\./],
  ['KEYTURN_MASTER_KEY', '', /ERR_OPTION_INVALID: masterKey takes 32 bytes: .* Change KEYTURN_MASTER_KEY\./],
  ['KEYTURN_MASTER_KEY_PREVIOUS', '00'.repeat(32), /ERR_OPTION_INVALID: .* but KEYTURN_MASTER_KEY is not/],
];

for (const [name, value, line] of VARIABLES) {
  test(`${name}=${value.slice(0, 20)} is refused in one line that says what to change`, async (t) => {
    await assertRefused(t, { [name]: value }, line);
  });
}

test('a master key is not repeated in the message', async (t) => {
  const secret = randomBytes(31).toString('hex');
  const { stderr } = await assertRefused(t, { KEYTURN_MASTER_KEY: secret }, /KEYTURN_MASTER_KEY/);
  assert.ok(!stderr.includes(secret));
});

test('a file that is no database is refused and left as it is', async (t) => {
  const path = join(makeTree(t, {}), 'notes.db');
  const notes = randomBytes(8192);
  writeFileSync(path, notes);
  await assertRefused(t, { KEYTURN_STORE: `sqlite:${path}` }, /ERR_STORE_CORRUPT: .*notes\.db.* move this one away/);
  assert.deepEqual(readFileSync(path), notes);
});

test('a folder in which nothing can be written is refused', async (t) => {
  const root = makeTree(t, { file: 'not a folder' });
  const remedy = /ERR_STORE_UNAVAILABLE: .* Set KEYTURN_STORE to a file in a folder that this user may write to/;
  await assertRefused(t, { KEYTURN_STORE: `sqlite:${root}/file/keyturn.db` }, remedy);
  await assertRefused(t, { KEYTURN_STORE: `sqlite:${root}` }, remedy);
  // Even root cannot write there.
  if (existsSync('/proc/self')) await assertRefused(t, { KEYTURN_STORE: 'sqlite:/proc/keyturn.db' }, remedy);
});

test('a port that is taken is refused, and who has it keeps his passwords', async (t) => {
  const store = `sqlite:${join(makeTree(t, {}), 'keyturn.db')}`;
  const first = await startDemo(t, { KEYTURN_STORE: store });
  const PORT = String(first.server.port);
  await assertRefused(t, { KEYTURN_STORE: store, PORT }, new RegExp(`EADDRINUSE: port ${PORT} is in use\\. .* set PORT`));
  assert.equal((await first.logInAs('alice')).status, 200);
});

test('a port that some other program has is refused as well', async (t) => {
  const { port } = await serve(t, (_req, res) => res.end());
  await assertRefused(t, { PORT: String(port) }, /EADDRINUSE/);
});

test('the port is closed until the passwords are printed', async (t) => {
  const port = await freePort();
  const demo = new Demo(t, { PORT: String(port) });
  const listening = demo.listening();
  while (!(await accepts(port))) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(demo.stdout, /^alice: \S+\nbob: \S+\n/);
  await listening;
});

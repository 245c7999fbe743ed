import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { signedIn } from '../support/auth-server.js';
import { accepts, freePort } from '../support/ports.js';
import { sanitizer } from '../support/sanitizer.js';
import { codeOf, TestServer } from '../support/server.js';
import { makeTree } from '../support/tree.js';

const SERVER = join(__dirname, '../../examples/quickstart/server.mjs');

test('the quickstart has at most 12 lines', () => {
  assert.ok(readFileSync(SERVER, 'utf8').trimEnd().split('\n').length <= 12);
});

test('the quickstart logs in, protects its route and logs out', async (t) => {
  const server = await startQuickstart(t);
  assert.equal(await codeOf(await server.get('/api/me')), 'ERR_TOKEN_MISSING');
  const wrong = await server.post('/auth/login', { username: 'alice', password: 'wrong' });
  assert.deepEqual([wrong.status, await codeOf(wrong)], [401, 'ERR_LOGIN_FAILED']);

  const alice = await signedIn(await server.post('/auth/login', { username: 'alice', password: 'wonderland' }));
  const me = await server.get('/api/me', alice.bearer);
  assert.equal(((await me.json()) as { sub: string }).sub, 'alice');
  assert.equal((await server.post('/auth/refresh', undefined, alice.headers)).status, 200);
  assert.equal((await server.post('/auth/logout', undefined, alice.headers)).status, 204);
  assert.equal(await codeOf(await server.get('/api/me', alice.bearer)), 'ERR_TOKEN_REVOKED');
});

/** Runs the file as it is, in an empty folder. */
async function startQuickstart(t: TestContext): Promise<TestServer> {
  const port = await freePort();
  const env = { ...sanitizer, PATH: process.env['PATH'], PORT: String(port) };
  const child = spawn(process.execPath, [SERVER], { cwd: makeTree(t, {}), env, stdio: ['ignore', 'inherit', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  while (!(await accepts(port))) {
    assert.equal(child.exitCode, null, 'the quickstart ended');
    await sleep(20);
  }
  return new TestServer(port);
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { signedIn } from '../support/auth-server.js';
import { Demo, type Exit, sqliteStore, startDemo } from '../support/demo.js';
import { codeOf, type ErrorBody } from '../support/server.js';

test('after kill -9 what was revoked stays revoked, and who was logged in still is', async (t) => {
  const store = { KEYTURN_STORE: sqliteStore(t) };
  const killed = await startDemo(t, store);
  const [gone, stays] = [await killed.logIn('alice'), await killed.logIn('bob')];
  const rotated = await signedIn(await killed.server.post('/auth/refresh', undefined, stays.headers));
  assert.equal((await killed.server.post('/auth/logout', undefined, gone.headers)).status, 204);
  assert.equal((await killed.end('SIGKILL')).signal, 'SIGKILL');

  const { server } = await startDemo(t, store);
  const access = await server.get('/api/me', gone.bearer);
  assert.deepEqual([access.status, await codeOf(access)], [401, 'ERR_TOKEN_REVOKED']);
  const refresh = await server.post('/auth/refresh', undefined, gone.headers);
  const { error } = (await refresh.json()) as ErrorBody;
  assert.deepEqual([refresh.status, error.code, error.reason], [401, 'ERR_SESSION_REVOKED', 'logout']);

  assert.equal((await server.get('/api/me', rotated.bearer)).status, 200);
  assert.equal((await server.post('/auth/refresh', undefined, rotated.headers)).status, 200);
});

test('with a master key the keys are sealed, and the next start needs the same one', async (t) => {
  const store = { KEYTURN_STORE: sqliteStore(t) };
  const [key, next] = [randomBytes(32).toString('hex'), randomBytes(32).toString('base64url')];
  const first = await startDemo(t, { ...store, KEYTURN_MASTER_KEY: key });
  const session = await first.logIn('alice');
  const { stderr } = await first.end('SIGTERM');
  assert.ok(!stderr.includes('unsealed') && !stderr.includes(key));
  for (const wrong of [{}, { KEYTURN_MASTER_KEY: next }] as const) {
    const exit = await new Demo(t, { ...store, ...wrong }).exited;
    assert.equal(exit.code, 1);
    assert.match(exit.stderr, /^keyturn demo: ERR_MASTER_KEY: .* Set KEYTURN_MASTER_KEY to the key that sealed this store/);
  }
  const second = await startDemo(t, { ...store, KEYTURN_MASTER_KEY: next, KEYTURN_MASTER_KEY_PREVIOUS: key });
  assert.equal((await second.server.get('/api/me', session.bearer)).status, 200);
  assert.equal((await second.server.post('/auth/refresh', undefined, session.headers)).status, 200);
  await second.end('SIGTERM');
  const third = await startDemo(t, { ...store, KEYTURN_MASTER_KEY: next });
  assert.equal((await third.server.get('/api/me', session.bearer)).status, 200);
});

test('passwords are new at each start', async (t) => {
  const store = { KEYTURN_STORE: sqliteStore(t) };
  const first = await startDemo(t, store);
  const old = first.passwordOf('alice');
  await first.end('SIGTERM');
  const second = await startDemo(t, store);
  assert.notEqual(second.passwordOf('alice'), old);
  const refused = await second.server.post('/auth/login', { username: 'alice', password: old });
  assert.deepEqual([refused.status, await codeOf(refused)], [401, 'ERR_LOGIN_FAILED']);
  assert.equal((await second.logInAs('alice')).status, 200);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends the streams, the server and the store, and the exit code is 0`, async (t) => {
    const demo = await startDemo(t, { KEYTURN_STORE: sqliteStore(t) });
    await demo.logIn();
    const stream = await demo.server.get('/events');
    const ended = stream.text();
    assertClean(await demo.end(signal));
    assert.match(await ended, /"type":"login_ok"/);
  });
}

test('a second Ctrl-C means the same as the first', async (t) => {
  const demo = await startDemo(t, { KEYTURN_STORE: sqliteStore(t) });
  void demo.end('SIGINT');
  assertClean(await demo.end('SIGINT'));
});

/** Warnings may have been printed, but nothing that went wrong. */
function assertClean({ code, stderr }: Exit): void {
  const wrong = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('keyturn demo: warning '));
  assert.deepEqual([code, wrong], [0, []]);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type SignedIn, signedIn } from '../support/auth-server.js';
import { type Demo, sqliteStore, startDemo } from '../support/demo.js';
import { codeOf, cookiesOf } from '../support/server.js';

/** A shell under which no file grows beyond 150 KB: to the store the disk is full after some refreshes. */
const SMALL_DISK = ['/bin/sh', '-c', 'ulimit -f 300; exec "$0" "$@"'];

test('when the store fails the demo stays up, lets nobody in by it and loses nothing', { skip: process.platform === 'win32' }, async (t) => {
  const store = { KEYTURN_STORE: sqliteStore(t) };
  const demo = await startDemo(t, store, SMALL_DISK);
  const { server } = demo;
  const bob = await demo.logIn('bob');
  const alice = await refreshUntilRefused(demo, await demo.logIn('alice'));

  const refused = await server.post('/auth/refresh', undefined, alice.headers);
  assert.deepEqual([refused.status, await codeOf(refused)], [503, 'ERR_STORE_UNAVAILABLE']);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.deepEqual(refused.headers.getSetCookie(), [], 'the session may go on later');
  assert.equal((await demo.logInAs('bob')).status, 503);
  assert.equal((await server.get('/api/me', alice.bearer)).status, 200, 'verification needs no store');
  assert.match(await (await server.get('/metrics')).text(), /^keyturn_events_total\{type="store_down"\} [1-9]/m);

  const logout = await server.post('/auth/logout', undefined, bob.headers);
  assert.equal(logout.status, 503);
  assert.equal(cookiesOf(logout).get('__Host-Http-keyturn')?.value, '');

  await demo.end('SIGKILL');
  const mended = await startDemo(t, store);
  assert.equal((await mended.server.post('/auth/refresh', undefined, alice.headers)).status, 200);
});

/** The session as it was granted last. */
async function refreshUntilRefused({ server }: Demo, user: SignedIn): Promise<SignedIn> {
  let last = user;
  for (let count = 0; count < 500; count += 1) {
    const response = await server.post('/auth/refresh', undefined, last.headers);
    if (response.status !== 200) return last;
    last = await signedIn(response);
  }
  throw new Error('the disk never got full');
}

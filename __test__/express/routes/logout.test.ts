import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyturnError } from '../../../dist/errors.js';
import type { AuthEvent } from '../../../dist/events.js';
import { logIn, serveAuth, signedIn } from '../../support/auth-server.js';
import { cookiesOf } from '../../support/server.js';

function areCleared(response: Response): boolean {
  const cookies = cookiesOf(response);
  return ['__Host-Http-keyturn', 'XSRF-TOKEN'].every((name) => cookies.get(name)?.attributes.includes('Max-Age=0') === true);
}

for (const path of ['/logout', '/logout-all']) {
  describe(`POST ${path}`, () => {
    it('ends the session, clears the cookies and emits logout', async (t) => {
      const { auth, sessions, server } = await serveAuth(t);
      const events: AuthEvent[] = [];
      auth.on('logout', (event) => events.push(event));
      const user = await logIn(server);
      const response = await server.post(path, undefined, user.headers);
      assert.equal(response.status, 204);
      assert.ok(areCleared(response));
      assert.equal(sessions.endedReason(user.sid), 'logout');
      assert.throws(() => sessions.verify(user.accessToken), { code: 'ERR_TOKEN_REVOKED' });
      assert.deepEqual(events.map(({ subject, session, address }) => ({ subject, session, address })), [{ subject: 'alice', session: user.sid, address: '127.0.0.0/24' }]);
    });

    it('takes a refresh token of any generation, without calling it reuse', async (t) => {
      const { auth, sessions, server } = await serveAuth(t);
      const reuse: AuthEvent[] = [];
      auth.on('refresh_reuse', (event) => reuse.push(event));
      const first = await logIn(server);
      const second = await signedIn(await server.post('/refresh', undefined, first.headers));
      await server.post('/refresh', undefined, second.headers);
      assert.equal((await server.post(path, undefined, first.headers)).status, 204);
      assert.equal(sessions.endedReason(first.sid), 'logout');
      assert.equal(reuse.length, 0);
    });

    it('answers 204 when there is nothing to end, and emits nothing', async (t) => {
      const { auth, server } = await serveAuth(t);
      const user = await logIn(server);
      await server.post(path, undefined, user.headers);
      const events: AuthEvent[] = [];
      auth.on('logout', (event) => events.push(event));
      for (const headers of [{}, { cookie: '__Host-Http-keyturn=junk' }, { cookie: '__Host-Http-keyturn=a; __Host-Http-keyturn=b' }, user.headers]) {
        const response = await server.post(path, undefined, headers);
        assert.equal(response.status, 204);
        assert.ok(areCleared(response));
      }
      assert.equal(events.length, 0);
    });

    it('answers 403 to a wrong XSRF token or origin, and ends nothing', async (t) => {
      const { sessions, server } = await serveAuth(t);
      const user = await logIn(server);
      const { cookie = '' } = user.headers;
      for (const headers of [{ cookie }, { cookie, 'x-xsrf-token': 'wrong' }, { ...user.headers, 'sec-fetch-site': 'same-site' }, { ...user.headers, origin: 'https://evil.example' }]) {
        const response = await server.post(path, undefined, headers);
        assert.equal(response.status, 403);
        assert.equal(response.headers.getSetCookie().length, 0);
      }
      assert.equal(sessions.endedReason(user.sid), undefined);
    });

    it('answers 503 when the store is down, and still clears the cookies', async (t) => {
      const { sessions, server } = await serveAuth(t);
      const user = await logIn(server);
      sessions.isDown = true;
      const response = await server.post(path, undefined, user.headers);
      assert.equal(response.status, 503);
      assert.ok(areCleared(response));
      assert.notEqual(response.headers.get('retry-after'), null);
    });

    it('does so too when the store was never there', async (t) => {
      const { sessions, server } = await serveAuth(t);
      sessions.readiness = Promise.reject(new KeyturnError('ERR_STORE_UNAVAILABLE', 'x'));
      const response = await server.post(path, undefined, { cookie: '__Host-Http-keyturn=any' });
      assert.equal(response.status, 503);
      assert.ok(areCleared(response));
    });
  });
}

describe('POST /logout and POST /logout-all', () => {
  it('differ in what becomes of the other sessions', async (t) => {
    const { sessions, server } = await serveAuth(t);
    const [first, second, third] = [await logIn(server), await logIn(server), await logIn(server)];
    await server.post('/logout', undefined, first.headers);
    assert.deepEqual([second, third].map(({ sid }) => sessions.endedReason(sid)), [undefined, undefined]);
    await server.post('/logout-all', undefined, second.headers);
    assert.deepEqual([second, third].map(({ sid }) => sessions.endedReason(sid)), ['logout', 'logout']);
  });
});
